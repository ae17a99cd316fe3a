"""When PostHog checks an alert. Pure.

Source: PostHog's products/alerts/backend/calendar.py and quiet hours in posthog/tasks/alerts, 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

STEPS = {"real_time": timedelta(minutes=2), "every_15_minutes": timedelta(minutes=15), "hourly": timedelta(hours=1)}
"""How long after the last check the next one is, by the interval of an alert that is checked by day and night."""

_HOURS = {"daily": 1, "weekly": 3, "monthly": 4}
"""The hour of the other checks: of the next day, of Monday, of the first of the month."""


def next_check(alert: Mapping[str, Any]) -> datetime | None:
    """Return when PostHog checks an alert next, as PostHog answers it; None where it does not know."""
    due = alert.get("next_check_at")
    return datetime.fromisoformat(due) if due else None


@dataclass(frozen=True)
class Schedule:
    """When an alert is checked."""

    interval: str
    zone: ZoneInfo
    """The project's timezone."""
    skip_weekend: bool = False
    blocked: tuple[tuple[time, time], ...] = ()
    """Times of the day without checks, each from its start until just before its end, which may be the next day's."""
    at: time | None = None
    """The time of day of the check, in place of PostHog's hour; None: PostHog's."""

    @classmethod
    def of(cls, alert: Mapping[str, Any], zone: ZoneInfo) -> Schedule:
        """Return the schedule of an alert in canonical form."""
        windows = (alert.get("schedule_restriction") or {}).get("blocked_windows") or ()
        ends = tuple((time.fromisoformat(each["start"]), time.fromisoformat(each["end"])) for each in windows)
        start = alert.get("schedule_start_time")
        return cls(
            alert.get("calculation_interval") or "daily",
            zone,
            bool(alert.get("skip_weekend")),
            ends,
            time.fromisoformat(start) if start else None,
        )

    def times(self, start: datetime, end: datetime, known: datetime | None = None) -> Iterator[datetime]:
        """Yield the moments of the checks from ``start`` until just before ``end``, in UTC.

        ``known`` is the moment of another check, such as the next one: those before it were at the same minute. Without
        one the first check is at the start, as that of a new alert, or at the first full hour where it is by the day.
        """
        moment = self._first(start, known)
        while moment < end:
            if self.skip_weekend and moment.astimezone(self.zone).isoweekday() >= 6:
                moment = self._following(moment)
            elif self._is_blocked(moment):
                moment = self._unblocked(moment)
            else:
                yield moment
                moment = self._following(moment)

    def _first(self, start: datetime, known: datetime | None) -> datetime:
        step = STEPS.get(self.interval)
        if step is None:
            minute = known.astimezone(self.zone).time() if known else time()
            before = datetime.combine(start.astimezone(self.zone).date() - timedelta(days=1), minute, self.zone)
            moment = self._following(before)
            while moment < start:
                moment = self._following(moment)
            return moment
        return start + (known - start) % step if known else start

    def _following(self, moment: datetime) -> datetime:
        step = STEPS.get(self.interval)
        if step is not None:
            return self._unblocked(moment + step)
        local = moment.astimezone(self.zone)
        clock = self.at or local.time().replace(hour=_HOURS[self.interval])
        return self._unblocked(datetime.combine(_next_day(self.interval, local.date()), clock, self.zone))

    def _is_blocked(self, moment: datetime) -> bool:
        clock = moment.astimezone(self.zone).time().replace(second=0, microsecond=0)
        return any(
            start <= clock < end if start < end else clock >= start or clock < end for start, end in self.blocked
        )

    def _unblocked(self, moment: datetime) -> datetime:
        """Return the first minute from this moment on that is not blocked; windows leave some time of every day."""
        moment = moment.astimezone(UTC)
        if self.blocked:
            moment = moment.replace(second=0, microsecond=0)
        while self._is_blocked(moment):
            moment += timedelta(minutes=1)
        return moment


def _next_day(interval: str, day: date) -> date:
    if interval == "monthly":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 - day.weekday() if interval == "weekly" else 1)
