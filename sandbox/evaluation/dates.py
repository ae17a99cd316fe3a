"""Points in time as filters and person properties spell them, in nanoseconds since 1970.

Integers, because Python's datetime ends with the year 9999 and microseconds, and PostHog's does not.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from sandbox.evaluation.values import number, text

_SECOND = 1_000_000_000
_BEGINNING = -(10**6) * 366 * 86_400 * _SECOND  # before everything anybody can write down
_RELATIVE = re.compile(r"-?([0-9]+)([hdwmy])", re.ASCII)
_ABSOLUTE = re.compile(
    r"(\d{1,4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?"
    r"(?P<offset>[Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Clock:
    """What "now" is, and in which zone a project reads dates that name none."""

    now: datetime
    zone: tzinfo = UTC


def filter_instant(value: Any, clock: Clock) -> int | None:
    """The instant a filter names: `-7d`, RFC 3339, or a date (time) in the project's zone; None when it names none.

    `N` below 10,000 of `h d w m y`, its sign ignored: always back from now, by the project's wall clock;
    months and years by the calendar. Source: parse_date_string_in_tz in PostHog's rust/feature-flags.
    """
    if not isinstance(value, str):
        return None
    relative = _RELATIVE.fullmatch(value)
    return _back(int(relative[1]), relative[2], clock) if relative else _absolute(value, clock)


def property_instant(value: Any, clock: Clock) -> int | None:
    """The instant a person's property holds: as a filter's, or seconds since 1970 as a number or its text."""
    if isinstance(value, bool) or value is None or isinstance(value, (list, dict)):
        return None
    seconds = number(value)
    if seconds is None:
        return filter_instant(text(value), clock)
    if seconds != seconds or abs(seconds) > 8e12:
        return None
    return round(seconds * _SECOND)


def _back(count: int, unit: str, clock: Clock) -> int | None:
    if count >= 10_000:
        return None
    wall = clock.now.astimezone(clock.zone).replace(tzinfo=None)
    if unit in "hdw":
        hours = count * {"h": 1, "d": 24, "w": 168}[unit]
        return _in_zone(wall - timedelta(hours=hours), clock.zone)
    year, month, day = wall.year, wall.month, wall.day
    # One step at a time: the day shrinks on the way, so that two months before 31 March is 28 January.
    for _ in range(count):
        year, month = (year - 1, month) if unit == "y" else (year, month - 1) if month > 1 else (year - 1, 12)
        if year < 1:
            return _BEGINNING
        day = min(day, calendar.monthrange(year, month)[1])
    return _in_zone(wall.replace(year=year, month=month, day=day), clock.zone)


def _absolute(value: str, clock: Clock) -> int | None:
    match = _ABSOLUTE.fullmatch(value)
    if match is None or (match["offset"] and match[6] is None):
        return None  # an offset needs a full time before it
    year, month, day, hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6))
    try:
        naive = datetime(year, month, day, hour, minute, second)
        instant = _with_offset(naive, match["offset"]) if match["offset"] else _in_zone(naive, clock.zone)
    except (ValueError, OverflowError):  # no such day, or an offset that leads out of the calendar
        return None
    return None if instant is None else instant + int((match[7] or "").ljust(9, "0")[:9])


def _with_offset(naive: datetime, offset: str) -> int:
    if offset in "Zz":
        return _instant(naive.replace(tzinfo=UTC))
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    return _instant(naive.replace(tzinfo=timezone(-ahead if offset[0] == "-" else ahead)))


def _in_zone(naive: datetime, zone: tzinfo) -> int | None:
    """The earliest instant at which the zone's clocks show this; None when they skip it (spring forward)."""
    local = naive.replace(tzinfo=zone, fold=0)
    back = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return _instant(local) if back == naive else None


def _instant(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds * 1_000
