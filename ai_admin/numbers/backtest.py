"""Alerts over past values: when each would have fired. Asks PostHog once for the whole period, and reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ai_admin.numbers.alerting import Line, Outcome, Past, Rule, outcome
from ai_admin.numbers.period import Period
from ai_admin.numbers.schedule import Schedule
from providers.posthog.client import Client

Json = Mapping[str, Any]

DECIDES = (
    "condition", "threshold", "config", "calculation_interval", "skip_weekend", "schedule_restriction",
    "schedule_start_time", "detector_config", "forecast_config",
)  # fmt: skip
"""The fields of an alert on which it depends when it fires."""

_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
}
_BEFORE = 4
"""Intervals before the period that the first check may look at."""

_NO_TIMES = frozenset(
    {"BoldNumber", "ActionsPie", "ActionsDonut", "ActionsBarValue", "ActionsTable", "WorldMap", "CalendarHeatmap"}
)
_SUMS = (None, "total", "sum")
"""The math whose values of shorter intervals add up."""

_OTHER_KINDS = {
    "HogQLQuery": "it watches SQL, whose period is part of its text: its past can't be asked for",
    "FunnelsQuery": "it watches a funnel, whose past would be a query for each check",
}


class NotTold(Exception):
    """It is not known when an alert would have fired. Its text says why."""


@dataclass(frozen=True)
class Watch:
    """An alert, and what it watches."""

    alert: Json
    """In canonical form."""
    query: Any
    """The query of its insight, as PostHog takes it."""

    def same(self, other: Watch) -> bool:
        """Return whether it fires whenever the other one does."""
        mine, theirs = ([each.alert.get(name) or None for name in DECIDES] for each in (self, other))
        return mine == theirs and self.query == other.query


@dataclass(frozen=True)
class Told:
    """What an alert would have done, with the values that it would have seen."""

    outcome: Outcome
    past: Past
    zone: ZoneInfo


class Backtest:
    """Back-tests alerts of a project over a period; what several of them watch is asked for once."""

    def __init__(self, client: Client, period: Period) -> None:
        """``client``: the project. Its key needs the scope ``query:read``."""
        self._client = client
        self.period = period
        self._answers: dict[str, Json] = {}

    def of(self, watch: Watch, known: datetime | None = None) -> Told:
        """Return what an alert would have done in the period.

        Args:
            watch: the alert.
            known: a moment at which PostHog checks it, such as the next one; None where it has none yet.

        Raises ApiError, and NotTold where its past can't be asked for in one or two queries.
        """
        source = _source(watch)
        interval = source.get("interval") or "day"
        rule = Rule.of(watch.alert, interval)
        finer = _finer(source, interval) if rule.ongoing else ""
        past, zone = self._past(source, interval, interval)
        if finer:
            parts, _ = self._past(source, finer, interval)
            past = Past(past.starts, past.lines, past.broken_down, parts)
        times = Schedule.of(watch.alert, zone).times(self.period.start, self.period.end, known)
        try:
            return Told(outcome(rule, past, times), past, zone)
        except ValueError as problem:
            raise NotTold(str(problem)) from None

    def _past(self, source: Json, interval: str, longest: str) -> tuple[Past, ZoneInfo]:
        start = self.period.start - _BEFORE * _LENGTHS[longest]
        dates = {"date_from": start.isoformat(), "date_to": self.period.end.isoformat(), "explicitDate": True}
        kept = {name: value for name, value in source.items() if name != "compareFilter"}
        answer = self._answer({**kept, "interval": interval, "dateRange": dates})
        zone = ZoneInfo(str(answer.get("timezone") or "UTC"))
        broken = _is_broken_down(source)
        lines = [_line(each, place, broken) for place, each in enumerate(answer["results"])]
        days = max((each["days"] for each in answer["results"]), key=len, default=())
        return Past(_starts(days, interval, zone), lines, broken, step=_LENGTHS[interval]), zone

    def _answer(self, query: Json) -> Json:
        name = json.dumps(query, sort_keys=True)
        if name not in self._answers:
            path = self._client.project_path("query")
            body = {"query": query, "refresh": "blocking"}
            self._answers[name] = self._client.request("POST", path, body, repeatable=True)
        return self._answers[name]


def fired(told: Told) -> str:
    """Return how often an alert would have fired, in words."""
    number = len(told.outcome.firings)
    return "1 time" if number == 1 else f"{number:,} times"


def compared(before: Told | None, after: Told, days: int) -> str:
    """Return in a sentence how often an alert would have fired, and how often so far (None: there was none)."""
    over = f"over the last {days} days it would have fired {fired(after)}"
    if before is None:
        return over
    return f"{over}, as before" if fired(before) == fired(after) else f"{over} instead of {fired(before)}"


def _source(watch: Watch) -> Json:
    """Return the TrendsQuery that an alert watches. Raises NotTold where its past can't be asked for at once."""
    node = watch.query if isinstance(watch.query, Mapping) else {}
    source: Json = node["source"] if isinstance(node.get("source"), Mapping) else node
    settings = source.get("trendsFilter") or {}
    if watch.alert.get("detector_config") or watch.alert.get("forecast_config"):
        raise NotTold("PostHog's anomaly detection decides when it fires, and not a bound")
    if source.get("kind") != "TrendsQuery":
        raise NotTold(_OTHER_KINDS.get(str(source.get("kind")), "alerts can't watch its insight"))
    if settings.get("display") in _NO_TIMES:
        raise NotTold("its insight is one number over a period that ends at each check: its past would be a query each")
    if settings.get("display") == "ActionsLineGraphCumulative" or (settings.get("smoothingIntervals") or 1) > 1:
        raise NotTold("its insight adds up or smooths the intervals that are asked for: of more it is another")
    if (source.get("interval") or "day") not in _LENGTHS:
        raise NotTold(f"its insight has intervals that alerts don't know: {source.get('interval')}")
    return source


def _finer(source: Json, interval: str) -> str:
    """Return the interval whose values make up those of one that is not over. Raises NotTold where none do."""
    settings = source.get("trendsFilter") or {}
    formulas = any(settings.get(name) for name in ("formula", "formulas", "formulaNodes"))
    if formulas or any(each.get("math") not in _SUMS for each in source.get("series") or ()) or interval == "minute":
        raise NotTold("it looks at an interval that is not over, whose value is no sum: nobody knows what it was then")
    return "minute" if interval == "hour" else "hour"


def _is_broken_down(source: Json) -> bool:
    """Return whether a check looks at every value of a breakdown, whose type is `event` where it isn't said."""
    given = source.get("breakdownFilter") or {}
    return bool((given.get("breakdown") and given.get("breakdown_type", "event")) or given.get("breakdowns"))


def _line(result: Json, place: int, broken_down: bool) -> Line:
    value: Any = [(result.get("action") or {}).get("order"), result.get("breakdown_value")] if broken_down else place
    values: Sequence[float | None] = result["data"]
    return Line(str(result.get("label")), values, json.dumps(value))


def _starts(days: Sequence[str], interval: str, zone: ZoneInfo) -> list[datetime]:
    """Return when intervals begin, in UTC. PostHog writes the local time, which an hour may have twice."""
    found = [datetime.fromisoformat(each) for each in days]
    known = [(each if each.tzinfo else each.replace(tzinfo=zone)).astimezone(UTC) for each in found]
    if interval in ("minute", "hour"):
        return [known[0] + n * _LENGTHS[interval] for n in range(len(known))]
    return known
