"""Recurring dates, the part of iCalendar's RRULE that PostHog's subscriptions use (RFC 5545, 3.3.10)."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FURTHEST = 9000  # year; nothing recurs for ever


@dataclass(frozen=True)
class Rule:
    """When something recurs: every `interval` days, weeks, months or years from `start` on.

    `weekdays` (names) restricts the days of a period; of those, `position` picks one (1 the first, -1 the last). A day
    that a month doesn't have is left out, not moved.
    """

    frequency: str  # daily, weekly, monthly or yearly
    start: datetime
    interval: int = 1
    weekdays: tuple[str, ...] = ()
    position: int | None = None
    count: int | None = None
    until: datetime | None = None

    def after(self, moment: datetime) -> datetime | None:
        """The first date strictly after a moment; None when the recurrence is over."""
        for number, date in enumerate(self._dates()):
            if (self.count is not None and number >= self.count) or (self.until is not None and date > self.until):
                return None
            if date > moment:
                return date
        return None

    def _dates(self) -> Iterator[datetime]:
        """All dates, ascending."""
        wanted = {WEEKDAYS.index(name) for name in self.weekdays}
        period = 0
        while (days := self._period(period * self.interval)) is not None:
            period += 1
            if wanted:
                days = [day for day in days if day.weekday() in wanted]
                if self.position is not None:
                    index = self.position - 1 if self.position > 0 else self.position
                    days = [days[index]] if -len(days) <= index < len(days) else []
            else:
                days = [day for day in days if self._is_own(day)]
            yield from (day for day in days if day >= self.start)

    def _is_own(self, day: datetime) -> bool:
        """Whether a day is the one of its period that the start says, when no weekday is named."""
        if self.frequency == "weekly":
            return day.weekday() == self.start.weekday()
        if self.frequency == "monthly":
            return day.day == self.start.day
        return self.frequency == "daily" or (day.month, day.day) == (self.start.month, self.start.day)

    def _period(self, offset: int) -> list[datetime] | None:
        """The days of the period that many periods after the start's; None past the end of time."""
        start = self.start
        if self.frequency == "daily":
            return None if start.year + offset // 366 > FURTHEST else [start + timedelta(days=offset)]
        if self.frequency == "weekly":
            if start.year + offset // 53 > FURTHEST:
                return None
            monday = start - timedelta(days=start.weekday()) + timedelta(weeks=offset)
            return [monday + timedelta(days=day) for day in range(7)]
        months = start.month - 1 + offset if self.frequency == "monthly" else offset * 12
        year, month = start.year + months // 12, months % 12 + 1
        if year > FURTHEST:
            return None
        span = range(month, month + 1) if self.frequency == "monthly" else range(1, 13)
        return [
            start.replace(year=year, month=each, day=day)
            for each in span
            for day in range(1, calendar.monthrange(year, each)[1] + 1)
        ]
