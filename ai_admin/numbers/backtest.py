"""Alerts over past values: when each would have fired. Reads only.

For trends over time PostHog is asked once for the whole period, for other queries once for each check, as of the time
of the check.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from ai_admin.numbers import asking
from ai_admin.numbers.alerting import Check, Line, Outcome, Past, Rule, concluded, outcome
from ai_admin.numbers.answers import answer, is_broken_down
from ai_admin.numbers.asof import Calendar, asked_at, in_time, looks_at_present
from ai_admin.numbers.period import Period
from ai_admin.numbers.schedule import Schedule
from providers.posthog.client import Client
from providers.posthog.errors import ApiError

Json = Mapping[str, Any]

DECIDES = (
    "condition", "threshold", "config", "calculation_interval", "skip_weekend", "schedule_restriction",
    "schedule_start_time", "detector_config", "forecast_config",
)  # fmt: skip
"""The fields of an alert that decide when it fires, if it is switched on."""

_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
}
_BEFORE = 4
"""Intervals before the period that the first check may look at."""

_SUMS = (None, "total", "sum")
"""The math whose values for shorter intervals can be added up."""

DAYS = 30
"""How far a back-test looks back if nobody says how far, and that of a plan."""

FEW = 5
"""The most checks for which queries are made without being asked to: those of a weekly alert in a month."""

_CALENDAR = "SELECT toStartOfWeek(toDate('2026-01-07'))"
"""Asks for the project's timezone, which is beside every answer, and for the day on which its weeks begin."""

_FIRST = "SELECT min(timestamp) FROM events"
"""ClickHouse answers 1970 where there are none."""


class NotTold(Exception):
    """It is not known when an alert would have fired. Its text says why."""


@dataclass(frozen=True)
class Watch:
    """An alert, and the query that it watches."""

    alert: Json
    """In canonical form."""
    query: Any
    """The query of its insight, as PostHog takes it."""
    next_check: datetime | None = None
    """When PostHog checks it next: those before it are at the same minute. None where it has none yet."""

    @property
    def is_on(self) -> bool:
        """Whether it is checked at all."""
        return self.alert.get("enabled") is not False

    def same(self, other: Watch) -> bool:
        """Return whether it fires whenever the other one does."""
        mine, theirs = ([each.alert.get(name) or None for name in DECIDES] for each in (self, other))
        return mine == theirs and self.query == other.query


@dataclass(frozen=True)
class Asked:
    """What is asked of PostHog for the back-test of an alert."""

    watch: Watch
    source: Json
    rule: Rule
    checks: Sequence[tuple[datetime, Json]] | None
    """When each check is, with its query; None where the values of all are asked for at once."""
    earlier: int = 0
    """Checks of the period before those, which are not asked for."""

    def __str__(self) -> str:
        """Return which checks take a query each, in words."""
        number = len(self.checks or ())
        return f"its last {number} of {number + self.earlier} checks" if self.earlier else "its checks"


@dataclass(frozen=True)
class Told:
    """What an alert would have done, with the values that it would have seen."""

    outcome: Outcome
    earlier: int = 0
    """Checks of the period before those in the outcome, which were not asked for."""
    later: int = 0
    """Checks after those in the outcome, where the back-test ended before they were asked for."""

    @classmethod
    def of(cls, asked: Asked, checks: Sequence[Check]) -> Told:
        """Return what is told by checks, which may be only the first ones."""
        later = 0 if asked.checks is None else len(asked.checks) - len(checks)
        return cls(Outcome.of(asked.rule, checks), asked.earlier, later)


class Backtest:
    """Back-tests alerts of a project over a period; a query that several of them watch is asked once."""

    def __init__(self, client: Client, period: Period) -> None:
        """``client``: the project. Its key needs the scope ``query:read``."""
        self._client = client
        self.period = period
        self._answers: dict[str, Json] = {}

    def of(self, watch: Watch, last: int | None = None) -> Told:
        """Return what an alert would have done in the period.

        Args:
            watch: the alert.
            last: how many checks are asked for where each takes a query: the last ones. None: only where they are few.

        Raises ApiError, and NotTold where it is not known.
        """
        asked = self.asked(watch, last)
        return Told.of(asked, list(self.checks(asked)))

    def asked(self, watch: Watch, last: int | None = None) -> Asked:
        """Return what is going to be asked for :meth:`of`, with the same arguments and errors.

        Where each check takes a query, this asks for the project's timezone.
        """
        source = _source(watch)
        rule = Rule.of(watch.alert, source.get("interval") or "day")
        if _at_once(source, source.get("interval") or "day", rule):
            return Asked(watch, source, rule, None)
        about = len(self._times(watch, ZoneInfo("UTC")))
        if last is None and about > FEW:
            raise NotTold(f"it takes a query for each of about {about} checks: see ai-admin backtest")
        times = self._times(watch, self._calendar.zone)
        chosen = times if last is None else times[-last:]
        try:
            checks = [(moment, asked_at(source, rule.condition, moment, self._calendar)) for moment in chosen]
        except ValueError as problem:
            raise NotTold(str(problem)) from None
        return Asked(watch, source, rule, checks, len(times) - len(chosen))

    def queries(self, asked: Asked) -> set[str]:
        """Return the queries that an alert's checks take, as texts, which several alerts may share."""
        return {_name(query) for _, query in asked.checks or ()}

    def left(self, queries: AbstractSet[str]) -> int:
        """Return how many of these queries are not answered yet."""
        return len(queries - self._answers.keys())

    def least(self, queries: int) -> float:
        """Return how many seconds this number of queries takes at least, by PostHog's limits."""
        return self._client.least(self._client.project_path("query"), queries)

    def checks(self, asked: Asked) -> Iterator[Check]:
        """Yield what each check finds. Raises ApiError, and NotTold where it is not known.

        Nothing is below a bound before the project's first event, which is asked for where the first check finds that.
        """
        checks, early = self._found(asked), 0
        for each in checks:
            if not self._is_early(asked, each):
                yield each
                yield from checks
                return
            early += 1
            yield Check(each.at, None, early=True)
        if early:
            raise NotTold("all its checks look at time before the project's first event")

    def _is_early(self, asked: Asked, check: Check) -> bool:
        """Return whether a check finds too little as it looks at time before the project's first event."""
        rule, length = asked.rule, timedelta(0)
        if not check.breach or rule.lower is None or (check.value or 0) >= rule.lower:
            return False
        if asked.source["kind"] == "TrendsQuery":
            length = _LENGTHS[asked.source.get("interval") or "day"]
        return check.at < self._first_event + length * (1 + (not rule.ongoing) + (rule.condition != "absolute_value"))

    def _found(self, asked: Asked) -> Iterator[Check]:
        if asked.checks is None:
            yield from self._whole(asked)
            return
        config = asked.watch.alert.get("config") or {}
        for moment, query in asked.checks:
            yield self._check(moment, query, config, asked.rule)

    def _whole(self, asked: Asked) -> Sequence[Check]:
        interval = asked.source.get("interval") or "day"
        past, zone = self._past(asked.source, interval, interval)
        if asked.rule.ongoing:
            parts, _ = self._past(asked.source, "minute" if interval == "hour" else "hour", interval)
            past = Past(past.starts, past.lines, past.broken_down, parts)
        try:
            return outcome(asked.rule, past, self._times(asked.watch, zone)).checks
        except ValueError as problem:
            raise NotTold(str(problem)) from None

    def _times(self, watch: Watch, zone: ZoneInfo) -> list[datetime]:
        return list(Schedule.of(watch.alert, zone).times(self.period.start, self.period.end, watch.next_check))

    def _check(self, moment: datetime, query: Json, config: Json, rule: Rule) -> Check:
        response = self._answer(query)
        try:
            seen = answer(query, config, rule, response)
        except ValueError as problem:
            return Check(moment, None, error=str(problem))
        values = [(each.label, rule.compared(each.now, each.before)) for each in seen.found]
        return concluded(rule, moment, values, seen.several)

    @cached_property
    def _calendar(self) -> Calendar:
        response = self._answer({"kind": "HogQLQuery", "query": _CALENDAR})
        return Calendar(_zone(response), str(response["results"][0][0]).startswith("2026-01-05"))

    @cached_property
    def _first_event(self) -> datetime:
        """When the project's first event was; long ago where it has none, since that is no reason for none to come."""
        response = self._answer({"kind": "HogQLQuery", "query": _FIRST}, now=True)
        found = response["results"][0][0]
        first = datetime.fromisoformat(found) if found else datetime(1970, 1, 1)
        return first if first.tzinfo else first.replace(tzinfo=_zone(response))

    def _past(self, source: Json, interval: str, longest: str) -> tuple[Past, ZoneInfo]:
        start = self.period.start - _BEFORE * _LENGTHS[longest]
        dates = {"date_from": start.isoformat(), "date_to": self.period.end.isoformat(), "explicitDate": True}
        kept = {name: value for name, value in source.items() if name != "compareFilter"}
        response = self._answer({**kept, "interval": interval, "dateRange": dates}, now=True)
        zone, broken = _zone(response), is_broken_down(source)
        lines = [_line(each, place, broken) for place, each in enumerate(response["results"])]
        days = max((each["days"] for each in response["results"]), key=len, default=())
        return Past(_starts(days, interval, zone), lines, broken, step=_LENGTHS[interval]), zone

    def _answer(self, query: Json, now: bool = False) -> Json:
        """Return PostHog's answer. Raises ApiError; NotTold where it refuses the query, and would answer others."""
        name = _name(query)
        if name not in self._answers:
            try:
                self._answers[name] = asking.answer(self._client, query, now=now)
            except ApiError as problem:
                if problem.status != 400:
                    raise
                raise NotTold(f"PostHog refuses its query: {problem}") from None
        return self._answers[name]


def fired(told: Told) -> str:
    """Return how often an alert would have fired, in words."""
    number = len(told.outcome.firings)
    return "1 time" if number == 1 else f"{number:,} times"


def compared(before: Told | None, after: Told, days: int) -> str:
    """Return in a sentence how often and at how many checks an alert would have fired, and how that was so far.

    PostHog sends a message at each check that fires: an alert that never stops firing fires once. For a new alert
    (None) also its bounds, which no other line of a plan has.
    """
    found, checks = after.outcome, after.outcome.size
    over = f"over the last {days} days it would have fired {fired(after)}"
    at = f"at {found.messages:,} of {checks:,} checks"
    if before is None:
        return f"{over}, {at} ({found.rule})"
    was, every = before.outcome.messages, before.outcome.size
    of = f" of {every:,}" if every != checks else ""
    times = "" if fired(before) == fired(after) else f" instead of {fired(before)}"
    part = "" if was == found.messages and not of else f" instead of {was:,}{of}"
    return f"{over}{times}, {at}{part}" if times or part else f"{over}, {at}, as before"


def _source(watch: Watch) -> Json:
    """Return the query that an alert watches. Raises NotTold where its past can't be asked for."""
    node = watch.query if isinstance(watch.query, Mapping) else {}
    source: Json = node["source"] if isinstance(node.get("source"), Mapping) else node
    if watch.alert.get("detector_config") or watch.alert.get("forecast_config"):
        raise NotTold("PostHog's anomaly detection decides when it fires, and not a bound")
    if source.get("kind") not in ("TrendsQuery", "FunnelsQuery", "HogQLQuery"):
        raise NotTold("alerts can't watch its insight")
    if source["kind"] == "TrendsQuery" and (source.get("interval") or "day") not in _LENGTHS:
        raise NotTold(f"its insight has intervals that alerts don't know: {source.get('interval')}")
    if source["kind"] != "HogQLQuery" and looks_at_present(source):
        raise NotTold("a filter or an expression of its insight looks at the present: now(), or a relative date")
    return source


def _at_once(source: Json, interval: str, rule: Rule) -> bool:
    """Return whether the values of a period are those that each check in it saw."""
    settings = source.get("trendsFilter") or {}
    if source["kind"] != "TrendsQuery" or not in_time(source):
        return False
    if settings.get("display") == "ActionsLineGraphCumulative" or (settings.get("smoothingIntervals") or 1) > 1:
        return False  # of more intervals than a check asks for it is another
    formulas = any(settings.get(name) for name in ("formula", "formulas", "formulaNodes"))
    sums = not formulas and all(each.get("math") in _SUMS for each in source.get("series") or ())
    return not rule.ongoing or (sums and interval != "minute")


def _name(query: Json) -> str:
    return json.dumps(query, sort_keys=True)


def _zone(response: Json) -> ZoneInfo:
    return ZoneInfo(str(response.get("timezone") or "UTC"))


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
