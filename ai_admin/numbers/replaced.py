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
_SHORTER = ("h", "M", "s")
"""The units of how long ago that are shorter than a day."""
_WHOLE = {"hour": "hdwmqy", "day": "hdwmqy", "week": "wq", "month": "my", "quarter": "q", "year": "y"}
"""By interval the units of how long ago that mean it whole, or begin where PostHog begins to count."""


def replaced(start: str | None, end: str | None, now: datetime) -> dict[str, str]:
    """Return the ``date_from`` and ``date_to`` that replace those of dashboards and insights.

    Args:
        start: a date as a dashboard's file has it, or None.
        end: likewise. A day is all of it: by itself PostHog ends what counts by the hour with the day's midnight.
        now: the present, in UTC.

    Raises ValueError with a line for the user where there is no such date, or no such period.
    """
    dates = {name: _written(text) for name, text in (("date_from", start), ("date_to", end)) if text}
    first, last = dates.get("date_from", "all"), dates.get("date_to", "-0s")
    if (day := _DAY.fullmatch(last)) and not day[4]:
        dates["date_to"] = last = f"{last}T23:59:59"
    begins, ends = _meant(first, now), _meant(last, now)
    if first == "all":
        return dates
    if begins - now > _APART:
        raise ValueError(f"a period begins before now: {start} is still to come")
    # A date is by the project's clocks, one with an offset by its own, and how long ago is by all: those of two sorts
    # compare as far as any clocks may be apart. A day so long ago is all of it as the end.
    apart = timedelta() if _sort(first) == _sort(last) else _APART
    apart += timedelta(days=1) if _unit(last) not in ("", *_SHORTER) else timedelta()
    if begins - ends > apart:
        raise ValueError(f"a period begins before it ends: {start} is not before {end or 'now'}")
    return dates


def coarse(query: Any, dates: Mapping[str, str]) -> str:
    """Return what a query counts whole, although its period does not begin or end with one: ``hours``, ``days``,
    ``weeks`` and so on, or nothing.

    Args:
        query: a query's source. SQL counts what it says itself.
        dates: the period, as :func:`replaced` gives it.
    """
    if not isinstance(query, Mapping) or query.get("kind") in (None, "HogQLQuery", "EventsQuery"):
        return ""
    interval = (query.get("retentionFilter") or {}).get("period") or query.get("interval") or "day"
    interval = str(interval).lower()
    if interval not in _WHOLE:  # of seconds and minutes
        return ""
    start, end = dates.get("date_from", "all"), dates.get("date_to", "")
    if start != "all" and not _begins(start, interval):
        # What is minutes ago begins with its day, also by the hour.
        return "days" if interval == "hour" and _unit(start) else f"{interval}s"
    if end and not _ends(end, interval):
        return "hours" if interval == "hour" else "days"
    return ""


def _begins(text: str, interval: str) -> bool:
    """Return whether a date is where an interval begins. Which day weeks begin with, is the project's: none is."""
    if unit := _unit(text):
        return unit in _WHOLE[interval]
    moment = datetime.fromisoformat(text)
    return interval in ("hour", "day", "month") and _UTC.start_of(moment, interval) == moment


def _ends(text: str, interval: str) -> bool:
    """Return whether PostHog ends what counts by an interval at a date: at a time by the hour, else with the day."""
    if unit := _unit(text):
        return unit not in _SHORTER or (unit, interval) == ("h", "hour")
    moment = datetime.fromisoformat(text)
    return interval == "hour" or _UTC.end_of(moment, "day") - moment < timedelta(minutes=1)


def _unit(text: str) -> str:
    """Return the unit of how long ago something is; empty for a date."""
    return "" if _DAY.fullmatch(text) else text.lstrip("-0123456789")[:1]


def _sort(text: str) -> str:
    """Return by which clocks a moment is."""
    if not _DAY.fullmatch(text):
        return "all"
    return "the project's" if datetime.fromisoformat(text).tzinfo is None else "its own"


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
