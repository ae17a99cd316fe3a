"""FunnelCorrelationQuery: what those who convert do, or are, more often than those who don't.

Source: PostHog's hogql_queries/insights/funnels/funnel_correlation_query_runner.py. HogQL answers what each actor did
and is; `funnels.py` says how far the actor got. Traps: only what lies after the first step counts, and before the last
one or, without it, within the window; an event's time is cut to the second; a person's properties are those of today.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.query.asked import Asked, both
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.funnels import Funnel
from sandbox.query.hogql import literal
from sandbox.storage.store import Data

PRIOR = 1  # added to every number, so that none is divided by zero
# What fewer actors have is left out: fewer than so many, and than this share of all.
FEWEST, SMALLEST = 25, 0.02
SKEWED = 10  # times more successes than failures, or the other way round
MOST = 10  # of each direction
RAREST = 3  # actors with a value of an event's property
EVERY = "$all"
AUTOCAPTURE = "$autocapture"


class Stay(NamedTuple):
    """When an actor was in the funnel (seconds, both ends left out), and whether it got to the end."""

    start: float
    end: float
    converted: bool


@dataclass(frozen=True)
class Counts:
    """How many actors converted and how many did not."""

    success: int
    failure: int


Named = tuple[str, str, bool]  # what it is, whose, and whether the actor converted


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    source = asked.part("source")
    node: Data = source.get("source") or {}
    if not node.get("series"):
        return {"results": {"events": [], "skewed": False}}
    if source.get("funnelStepBreakdown") is not None:
        raise NotComputedError("the correlation of one value of a breakdown")
    if (node.get("funnelsFilter") or {}).get("funnelAggregateByHogQL"):
        raise NotComputedError("the correlation of funnels that count by an expression")
    correlation = Correlation(asked, Funnel(asked.of(node)))
    total = _counted(("", actor, stay.converted) for actor, stays in correlation.stays.items() for stay in stays)
    totals = total.get("", Counts(0, 0))
    listed = _counted(correlation.named())
    if not totals.success or not totals.failure:
        return {"results": {"events": [], "skewed": True}}
    ratio = totals.success / totals.failure
    rarest = RAREST if correlation.kind == "event_with_properties" else 0
    return {
        "results": {"events": _ranked(listed, totals, rarest), "skewed": not 1 / SKEWED <= ratio <= SKEWED},
        "columns": ["name", "success_count", "failure_count"],
        "types": [["name", "String"], ["success_count", "UInt64"], ["failure_count", "UInt64"]],
        "hasMore": False,
    }


class Correlation:
    """A query of correlation: who was in the funnel when, and what is looked for."""

    def __init__(self, asked: Asked, funnel: Funnel) -> None:
        self.asked, self.funnel = asked, funnel
        self.kind = str(asked.node.get("funnelCorrelationType") or "events")
        self.stays: dict[str, list[Stay]] = defaultdict(list)
        for journey, times in funnel.ways():
            if self._is_chosen(len(times)):
                self.stays[journey.actor].append(self._stay(times))

    def _is_chosen(self, steps: int) -> bool:
        """Whether the source looks at actors that took so many steps; at all of them, unless it says otherwise."""
        source = self.asked.part("source")
        if source.get("funnelCustomSteps"):
            return steps in source["funnelCustomSteps"]
        step = int(1 if source.get("funnelStep") is None else source["funnelStep"])
        return steps >= step if step >= 0 else steps == -step - 1

    def _stay(self, times: tuple[float, ...]) -> Stay:
        if len(times) == len(self.funnel.series):
            return Stay(times[0], times[-1], True)
        return Stay(times[0], self.funnel.window_end(times[0]), False)

    def named(self) -> Iterator[Named]:
        """What each actor did or is, by the kind of the query. Raises QueryError."""
        if self.kind == "properties":
            return self._properties()
        if self.kind == "event_with_properties":
            return self._event_properties()
        return self._events()

    # Events -------------------------------------------------------------------------------------------------

    def _events(self) -> Iterator[Named]:
        excluded = self.asked.node.get("funnelCorrelationExcludeEventNames") or []
        return self._during(f"event NOT IN {literal(excluded)}" if excluded else "", "event", "event")

    def _event_properties(self) -> Iterator[Named]:
        names = self.asked.node.get("funnelCorrelationEventNames")
        if not names:
            raise QueryError("Event Property Correlation expects atleast one event name to run correlation on")
        if AUTOCAPTURE in names:
            raise NotComputedError("the correlation of elements, which are not kept")
        excluded = self.asked.node.get("funnelCorrelationEventExcludePropertyNames") or []
        name = "concat(event, '::', property.1, '::', property.2)"
        listed = "arrayJoin(JSONExtractKeysAndValues(properties, 'String'))"
        if excluded:
            name = f"if(property.1 IN {literal(excluded)}, NULL, {name})"
        return self._during(f"event IN {literal(names)}", name, f"event, {listed} AS property")

    def _during(self, which: str, name: str, columns: str) -> Iterator[Named]:
        """What actors did while they were in the funnel; names that are null are left out."""
        steps = self._step_names()
        range_ = self.funnel.asked.range
        rows = self.asked.rows(
            "SELECT actor, name, arraySort(groupArray(at)) FROM {named} WHERE name IS NOT NULL GROUP BY actor, name",
            named=f"SELECT actor, at, {name} AS name FROM {{happened}}",
            happened=f"SELECT {self.funnel.actor} AS actor, toUnixTimestamp(timestamp) AS at, {columns}"
            " FROM events WHERE {where}",
            where=both(
                f"at >= {int(range_.start.timestamp())} AND at < {int(range_.end.timestamp())}",
                f"event NOT IN {literal(steps)}" if steps else "",
                which,
            ),
        )
        for actor, named, moments in rows:
            for stay in self.stays.get(actor, ()):
                if bisect_right(moments, stay.start) < bisect_left(moments, stay.end):
                    yield named, actor, stay.converted

    def _step_names(self) -> list[str]:
        """The events that are steps, those of actions included."""
        found: set[str] = set()
        for series in self.funnel.series:
            kind = series.get("kind") or "EventsNode"
            if kind == "ActionsNode":
                found |= self.asked.tables.action_events(series["id"])
            elif kind != "EventsNode":
                raise NotComputedError(f"the correlation of steps of the kind {kind}")
            elif series.get("event") is not None:
                found.add(str(series["event"]))
        return sorted(found)

    # Properties ---------------------------------------------------------------------------------------------

    def _properties(self) -> Iterator[Named]:
        names = self.asked.node.get("funnelCorrelationNames")
        if not names:
            raise QueryError("Property Correlation expects atleast one Property to run correlation on")
        excluded = self.asked.node.get("funnelCorrelationExcludeNames") or []
        texts = ", ".join(f"JSONExtractString(properties, {literal(name)})" for name in names)
        pairs = f"arrayZip({literal(names)}, [{texts}])"
        if EVERY in names:
            pairs = "JSONExtractKeysAndValues(properties, 'String')"
        index = self.funnel.asked.group
        source = "toString(id), {pairs} FROM persons"
        if index is not None:
            source = f"key, {{pairs}} FROM groups WHERE index = {index}"
        known = dict(self.asked.rows(f"SELECT {source}", pairs=pairs))
        # A group that nothing is known of has each property, empty; such a person is left out.
        unknown = [(name, "") for name in names] if index is not None and EVERY not in names else []
        for actor, stays in self.stays.items():
            for key, value in known.get(actor, unknown):
                if key not in excluded:
                    yield from ((f"{key}::{value}", actor, stay.converted) for stay in stays)


def _counted(named: Iterable[Named]) -> dict[str, Counts]:
    """How many different actors there are to each name."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for name, actor, converted in named:
        found[name][0 if converted else 1].add(actor)
    return {name: Counts(len(success), len(failure)) for name, (success, failure) in found.items()}


def _ranked(listed: dict[str, Counts], totals: Counts, rarest: int) -> list[Data]:
    """Those that go with success, the strongest first, then those that go with failure."""
    least = max(rarest, min(FEWEST, SMALLEST * (totals.success + totals.failure)))
    ratios = {
        name: odds_ratio(counts, totals)
        for name, counts in sorted(listed.items())
        if counts.success + counts.failure >= least
    }
    success = sorted((name for name, ratio in ratios.items() if ratio > 1), key=lambda name: -ratios[name])
    failure = sorted((name for name, ratio in ratios.items() if ratio <= 1), key=lambda name: ratios[name])
    return [_shown(name, listed[name], ratios[name]) for name in success[:MOST] + failure[:MOST]]


def odds_ratio(counts: Counts, totals: Counts) -> float:
    """The odds of success of those who have something, as a multiple of the odds of those who haven't."""
    having = (counts.success + PRIOR) * (totals.failure - counts.failure + PRIOR)
    return having / ((totals.success - counts.success + PRIOR) * (counts.failure + PRIOR))


def _shown(name: str, counts: Counts, ratio: float) -> Data:
    return {
        "event": {"event": name, "properties": {}, "elements": []},
        "success_count": counts.success,
        "failure_count": counts.failure,
        "odds_ratio": ratio,
        "correlation_type": "success" if ratio > 1 else "failure",
    }
