"""Periods, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_BACK = re.compile(r"-(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Period:
    """A period from a time until just before another one, both in UTC."""

    start: datetime
    end: datetime
    now: datetime | None = None
    """When it was asked for; None: at its end."""

    @classmethod
    def of(cls, start: str, end: str, now: datetime) -> Period:
        """Return the period between two moments as people write them: ``now``, ``-24h``, ``-7d``, ``-2w``, or ISO 8601.

        A moment without an offset is in UTC; a day is its midnight. What is still to come of a period is left out.
        Raises ValueError with a line for the user.
        """
        begins, ends = _moment(start, now), _moment(end, now)
        if begins >= ends:
            raise ValueError(f"a period begins before it ends: {start} is not before {end}")
        if begins >= now:
            raise ValueError(f"a period begins before now: {start} is still to come")
        return cls(begins, min(ends, now), now)

    @property
    def today(self) -> datetime:
        """The midnight in UTC before its end."""
        return (self.end - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def is_over(self) -> bool:
        """Whether it ended before it was asked for."""
        return self.now is not None and self.end < self.now

    def __str__(self) -> str:
        return f"{self.start:%d %b %Y %H:%M} to {self.end:%d %b %Y %H:%M} UTC"


def _moment(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    back = _BACK.fullmatch(text)
    try:
        if back:
            return now - int(back[1]) * _UNITS[back[2]]
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(f'write now, -24h, -7d, 2026-11-27 or 2026-11-27T09:30 instead of "{text}"') from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """Return a moment as SQL's ``toDateTime(…, 'UTC')`` takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
