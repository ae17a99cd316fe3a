"""The period that replaces those of dashboards and insights, as people write it in PostHog's words. Pure.

Source: PostHog's posthog/utils.py (relative_date_parse) and hogql_queries/utils/query_date_range.py, 2026-11. What
PostHog can't read is the present to it, and a range that ends before it starts has no data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ai_admin.numbers.asof import Calendar, meant

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(.*)")
_UTC = Calendar(ZoneInfo("UTC"), monday=True)
_APART = timedelta(hours=14)
"""How far a project's clocks may be from UTC."""


def replaced(start: str | None, end: str | None, now: datetime) -> dict[str, str]:
    """Return the ``date_from`` and ``date_to`` that replace those of dashboards and insights.

    Args:
        start: a date as a dashboard's file has it, or None.
        end: likewise. A day is all of it: by itself PostHog ends what counts by the hour with the day's midnight.
        now: the present, in UTC.

    Raises ValueError with a line for the user where there is no such date, or no such period.
    """
    dates = {name: _written(text) for name, text in (("date_from", start), ("date_to", end)) if text}
    if re.fullmatch(r"[\d-]{10}", dates.get("date_to", "")):
        dates["date_to"] += "T23:59:59"
    if not start or start == "all":
        return dates
    begins, ends = (_meant(dates.get(name) or "-0s", now) for name in ("date_from", "date_to"))
    if begins - now > _APART:
        raise ValueError(f"a period begins before now: {start} is still to come")
    # A date is by the project's clocks, and how long ago is by all: these compare as far as any clocks may be apart.
    apart = timedelta() if bool(_DAY.fullmatch(start)) == bool(_DAY.fullmatch(end or "")) else _APART
    if begins - ends > apart:
        raise ValueError(f"a period begins before it ends: {start} is not before {end or 'now'}")
    return dates


def coarse(query: Any, dates: Mapping[str, str]) -> str:
    """Return what a query counts whole, although its period does not end with one: ``hours``, ``days``, or nothing.

    Args:
        query: a query's source. SQL counts what it says itself.
        dates: the period, as :func:`replaced` gives it.
    """
    if not isinstance(query, Mapping) or query.get("kind") in (None, "HogQLQuery", "EventsQuery"):
        return ""
    interval = (query.get("retentionFilter") or {}).get("period") or query.get("interval") or "day"
    if str(interval).lower() in ("second", "minute"):
        return ""
    by_hour, clocks = str(interval).lower() == "hour", [_clock(name, text) for name, text in dates.items()]
    if by_hour:
        return "hours" if any(clock[3:] not in ("", "00", "59") for clock in clocks) else ""
    return "days" if any(clock and clock != "00:00" for clock in clocks) else ""


def _clock(name: str, text: str) -> str:
    """Return the hour and minute that a date has, as far as it does not mean a whole day."""
    found = _DAY.fullmatch(text)
    if found is None:  # PostHog begins at an hour that is so long ago, and ends with the day
        return "00:30" if name == "date_to" and re.fullmatch(r"-?\d*[hMs]", text) else ""
    return "" if text.endswith("T23:59:59") else found[4][1:6]


def _meant(text: str, now: datetime) -> datetime:
    try:
        return meant(text, now, _UTC)[0]
    except (ValueError, OverflowError):
        raise ValueError(f'there is no time as long ago as "{text}"') from None


def _written(text: str) -> str:
    found = _DAY.fullmatch(text)
    if found is None:
        return text
    year, month, day, clock = found.groups()
    padded = f"{year}-{month:0>2}-{day:0>2}{clock}"
    try:
        datetime.fromisoformat(padded).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'there is no date "{text}": write one such as 2026-11-27 or 2026-11-27T09:30') from None
    return padded
