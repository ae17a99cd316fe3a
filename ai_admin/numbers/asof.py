"""A query as an alert's check would have asked it at a past moment. Pure.

Source: PostHog's posthog/utils.py (relative_date_parse), hogql_queries/utils/query_date_range.py and
products/alerts/backend/evaluation, 2026-11.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ai_admin.definitions.sql import moved

Json = Mapping[str, Any]

NO_TIMES = frozenset(
    {"BoldNumber", "ActionsPie", "ActionsDonut", "ActionsBarValue", "ActionsTable", "WorldMap", "CalendarHeatmap"}
)
"""What trends are shown as where they are one number of a period, and no values in time."""

_RELATIVE = re.compile(r"-?(?P<number>\d+)?(?P<unit>[hdwmqysM])(?P<position>Start|End)?")
_LENGTHS = {
    "s": timedelta(seconds=1),
    "M": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "q": timedelta(weeks=13),
}
_MONTHS = {"m": 1, "y": 12}
_SHORT = ("second", "minute", "hour")
_BACK = {"absolute_value": 2}
"""How many intervals before the present one a check of trends in time asks for; else one more."""
_UNITS = {"day": "d", "week": "w", "month": "m"}
"""The unit of those; else it is hours."""


@dataclass(frozen=True)
class Calendar:
    """The days and weeks of a project."""

    zone: ZoneInfo
    monday: bool
    """Whether weeks begin on Monday; else on Sunday."""

    def start_of(self, moment: datetime, interval: str) -> datetime:
        """Return the start of the interval that a local moment is in."""
        if interval in _SHORT:
            return moment.replace(microsecond=0, second=0, minute=0 if interval == "hour" else moment.minute)
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if interval == "week":
            return day - timedelta(days=(day.weekday() + (0 if self.monday else 1)) % 7)
        return day.replace(day=1) if interval == "month" else day

    def end_of(self, moment: datetime, interval: str) -> datetime:
        """Return the last microsecond of the interval that a local moment is in."""
        start = self.start_of(moment, interval)
        if interval == "month":
            return (start + timedelta(days=31)).replace(day=1) - timedelta(microseconds=1)
        return start + timedelta(microseconds=-1, **{f"{interval}s": 1})


def in_time(source: Json) -> bool:
    """Return whether the values of trends are a series over time."""
    return (source.get("trendsFilter") or {}).get("display") not in NO_TIMES


def looks_at_present(source: Any) -> bool:
    """Return whether filters or expressions in a query look at the present, whenever the query is asked."""
    if isinstance(source, Mapping):
        dated = str(source.get("operator")).startswith("is_date_") and _RELATIVE.fullmatch(str(source.get("value")))
        return bool(dated) or any(map(looks_at_present, source.values()))
    if isinstance(source, list):
        return any(map(looks_at_present, source))
    return isinstance(source, str) and moved.looks_at_present(source)


def asked_at(source: Json, condition: str, moment: datetime, calendar: Calendar) -> Json:
    """Return a query that gives at any time what a check's query gave at a moment.

    Args:
        source: an insight's TrendsQuery, FunnelsQuery or HogQLQuery.
        condition: that of the alert.
        moment: when the check is.
        calendar: that of the project.

    Raises ValueError with a reason for people where there is none.
    """
    if source["kind"] == "HogQLQuery":
        return _sql(source, moment)
    kept = {name: value for name, value in source.items() if name != "compareFilter"}
    dates, interval = source.get("dateRange") or {}, str(source.get("interval") or "day")
    if source["kind"] == "TrendsQuery" and in_time(source):
        dates = {"date_from": f"-{_BACK.get(condition, 3)}{_UNITS.get(interval, 'h')}"}
    elif source["kind"] == "TrendsQuery":
        interval = "day"
    return {**kept, "dateRange": _dates(dates, interval, moment.astimezone(calendar.zone), calendar)}


def _sql(source: Json, moment: datetime) -> Json:
    dates = (source.get("filters") or {}).get("dateRange") or {}
    if any(_RELATIVE.fullmatch(str(dates.get(name))) for name in ("date_from", "date_to")):
        raise ValueError("the period of its SQL is in `filters`: write it into the SQL, with now()")
    try:
        return {**source, "query": moved.moved(str(source["query"]), moment)}
    except moved.NotMovedError as problem:
        raise ValueError(str(problem)) from None


def _dates(given: Json, interval: str, now: datetime, calendar: Calendar) -> Json:
    """Return a range of dates with fixed ends, of which the later one is not after ``now``."""
    exact = bool(given.get("explicitDate"))
    start, unit = calendar.start_of(now, "day") - timedelta(days=7), ""
    if given.get("date_from"):
        start, unit = meant(str(given["date_from"]), now, calendar)
    if unit and not exact and interval not in ("minute", "second"):
        start = calendar.start_of(start, "hour" if unit == "h" else "day")
    if not exact and not (unit and (interval in _SHORT or (interval == "day" and unit == "h"))):
        start = calendar.start_of(start, interval)
    end, unit = meant(str(given.get("date_to") or "-0s"), now, calendar)
    if not exact and interval not in _SHORT:
        end = calendar.end_of(end, "day")
    elif not exact and unit:
        end = calendar.end_of(end, interval)
    first = "all" if given.get("date_from") == "all" else start.isoformat()
    # As moments: in the second of two hours of one name the present is later than the first one's end.
    last = min(end, now, key=datetime.timestamp)
    return {"date_from": first, "date_to": last.isoformat(), "explicitDate": True}


def meant(text: str, now: datetime, calendar: Calendar) -> tuple[datetime, str]:
    """Return the local moment that a date means, and the unit of a relative one.

    Args:
        text: as PostHog has it: ``-7d``, ``-1mStart``, ISO 8601, or ``all``, which is the present here.
        now: the present, by the project's clocks.
        calendar: that of the project.

    Raises ValueError with a reason for people where it is none of these.
    """
    found = _RELATIVE.fullmatch(text)
    if not found:
        if text == "all":
            return now, ""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f'the date "{text}" of its insight can\'t be told for another moment') from None
        return (moment.astimezone(now.tzinfo) if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)), ""
    unit, number = found["unit"], int(found["number"] or 0)
    moment = _months_before(now, number * _MONTHS[unit]) if unit in _MONTHS else now - number * _LENGTHS[unit]
    return (_positioned(moment, unit, found["position"], calendar) if found["position"] else moment), unit


def _positioned(moment: datetime, unit: str, position: str, calendar: Calendar) -> datetime:
    """Return the start or the end of the hour, day, week, month or year that a moment is in; of a year, its month's."""
    interval = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "month"}.get(unit)
    if interval is None:
        return moment
    if position == "End":
        return calendar.end_of(moment, interval)
    start = calendar.start_of(moment, interval)
    return start.replace(month=1) if unit == "y" else start


def _months_before(moment: datetime, months: int) -> datetime:
    """Return a moment so many months before, on the month's last day where it has none of that number."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
