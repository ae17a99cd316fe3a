"""FunnelsQuery: how many actors get from step to step, how long it takes them, or how that changes.

Source: PostHog's hogql_queries/insights/funnels. HogQL answers each actor's events in order; how far an actor gets is
counted by `conversion.py`, as PostHog counts it in a program of its own. Trap: funnels know `breakdown` and no
`breakdowns`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from sandbox.query import breakdowns, conversion, labels
from sandbox.query.asked import Asked, both
from sandbox.query.breakdowns import Breakdown
from sandbox.query.conversion import FunnelEvent, Rules
from sandbox.query.dates import instant
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import bracketed, expression
from sandbox.query.math import scaled
from sandbox.storage.store import Data

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}
OTHER = "Other"


@dataclass(frozen=True)
class Journey:
    """One actor's events, and the value of the breakdown that it counts under."""

    value: str
    events: Iterable[FunnelEvent]


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    funnel = Funnel(asked)
    shapes: dict[str, Callable[[], Any]] = {"time_to_convert": funnel.durations, "trends": funnel.trends}
    shape: Callable[[], Any] = shapes.get(funnel.viz, funnel.steps)
    return {"results": shape(), "resolved_date_range": asked.range.resolved}


class Funnel:
    """A funnel query."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.filter = asked, asked.part("funnelsFilter")
        self.series: list[Data] = asked.node["series"]
        if len(self.series) < 2:
            raise QueryError("Funnels require at least two steps.", "funnels_require_at_least_two_steps")
        self.viz = str(self.filter.get("funnelVizType") or "steps")
        self.order = str(self.filter.get("funnelOrderType") or "ordered")
        self.exclusions: list[Data] = self.filter.get("exclusions") or []
        self.breakdowns = breakdowns.single(asked)
        self._check()
        self.attribution = str(self.filter.get("breakdownAttributionType") or "first_touch")
        at_step = self.attribution == "step" and bool(self.breakdowns)
        window = int(self.filter.get("funnelWindowInterval") or 14)
        window *= SECONDS[str(self.filter.get("funnelWindowIntervalUnit") or "day")]
        value_at = int(self.filter.get("breakdownAttributionValue") or 0) if at_step else None
        self.rules = Rules(len(self.series), window, self.order == "strict", value_at)

    def _check(self) -> None:
        if any(each.get("optionalInFunnel") for each in self.series):
            raise NotComputedError("funnels with optional steps")
        if any((each.get("math") or "total") != "total" for each in self.series):
            raise NotComputedError("funnels of first times")
        if breakdowns.cohorts(self.asked):
            raise NotComputedError("funnels broken down by cohorts")
        if any(each.bins for each in self.breakdowns):
            raise NotComputedError("funnels broken down by bins")
        if self.filter.get("hideIncompleteConversionWindowPeriods"):
            raise NotComputedError("funnels without incomplete periods")
        last = len(self.series) - 1
        start, end = self.between
        if not 0 <= start < end <= last:
            raise QueryError("The funnel's range of steps is invalid.", "funnel_step_range_invalid")
        for each in self.exclusions:
            first, to = int(each["funnelFromStep"]), int(each["funnelToStep"])
            partial = self.order == "unordered" and (first, to) != (0, last)
            if not 0 <= first < to <= last or partial:
                raise QueryError("Exclusion event range is invalid.", "funnel_exclusions_invalid")
            named = {(series.get("event"), series.get("id")) for series in self.series[first : to + 1]}
            if (each.get("event"), each.get("id")) in named:
                raise QueryError("Exclusion steps cannot contain an event that's part of funnel steps.",
                                 "funnel_exclusions_invalid")  # fmt: skip

    @property
    def between(self) -> tuple[int, int]:
        """From which step (from 0) to which conversions are looked at, but for steps themselves."""
        start, end = self.filter.get("funnelFromStep"), self.filter.get("funnelToStep")
        return int(start or 0), len(self.series) - 1 if end is None else int(end)

    # Events -------------------------------------------------------------------------------------------------

    def rows(self) -> list[list[Any]]:
        """Each actor with its events: when, what steps, the breakdown's value, the interval.

        Raises: QueryError.
        """
        asked = self.asked
        conditions = [(index, asked.series(each) or "true") for index, each in enumerate(self.series, 1)]
        for each in self.exclusions:
            condition = asked.series(each) or "true"
            numbers = range(int(each["funnelFromStep"]) + 2, int(each["funnelToStep"]) + 2)
            conditions += [(-number, condition) for number in numbers]
        marks = [f"if({{matches_{place}}}, {number}, 0)" for place, (number, _) in enumerate(conditions)]
        any_step = "" if self.order == "strict" else " OR ".join(bracketed(each) for _, each in conditions)
        value = self.breakdowns[0].text() if self.breakdowns else "''"
        return asked.rows(
            "SELECT actor, arraySort(groupArray({event})) FROM {happened} GROUP BY actor",
            event=f"tuple(toFloat(at), arrayFilter(step -> step != 0, steps), value, {self._bucket})",
            happened=f"SELECT {self.actor} AS actor, timestamp AS at, [{', '.join(marks)}] AS steps,"
            f" {{value}} AS value FROM {asked.events} WHERE {{where}}",
            value=value,
            where=both(asked.range.condition(), any_step, asked.filters, f"ifNull(toString({self.actor}), '') != ''"),
            **{f"matches_{place}": condition for place, (_, condition) in enumerate(conditions)},
        )

    @property
    def _bucket(self) -> str:
        return self.asked.range.bucket("at") if self.viz == "trends" else "''"

    @property
    def actor(self) -> str:
        """Who an event is counted for, as HogQL."""
        if self.filter.get("funnelAggregateByHogQL"):
            return expression(str(self.filter["funnelAggregateByHogQL"]))
        return self.asked.actor

    def journeys(self) -> Iterable[Journey]:
        """Every actor's journey, once for each value that it counts under."""
        for _, rows in self.rows():
            # One after the other: a journey is mostly over before its events are.
            events = (FunnelEvent(at, tuple(steps), value, bucket) for at, steps, value, bucket in rows)
            if not self.breakdowns:
                yield Journey("", events)
                continue
            listed = list(events)
            for value in self._values(listed):
                own = [each for each in listed if each.value == value] if self._each else listed
                yield Journey(value, own)

    @property
    def _each(self) -> bool:
        return self.attribution == "all_events"

    def _values(self, events: list[FunnelEvent]) -> list[str]:
        """The values of the breakdown that an actor counts under, by the attribution."""
        named = [each.value for each in events if each.value]
        if self.attribution == "first_touch":
            return named[:1] or [""]
        if self.attribution == "last_touch":
            return named[-1:] or [""]
        at = self.rules.value_at
        if at is None:
            return sorted({each.value for each in events})
        if self.order == "unordered" and at != 0:
            raise QueryError("Unordered funnels take the breakdown's value of the first step only.")
        matching = {each.value for each in events if at + 1 in each.steps or self.order == "unordered"}
        return sorted(matching)

    def _times(self, journey: Journey) -> tuple[float, ...] | None:
        if self.order == "unordered":
            return conversion.unordered(journey.events, self.rules, journey.value)
        return conversion.ordered(journey.events, self.rules, journey.value)

    def conversions(self) -> dict[str, list[tuple[float, ...]]]:
        """The times of the steps that each actor took, by the breakdown's value."""
        found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
        for journey in self.journeys():
            if times := self._times(journey):
                found[journey.value].append(times)
        return found

    def _limited(self, found: dict[str, list[tuple[float, ...]]]) -> dict[str, list[tuple[float, ...]]]:
        """The values that convert most, the others together."""
        counts = {value: _counts(each, len(self.series)) for value, each in found.items()}
        ranked = sorted(found, key=lambda value: (*(-count for count in reversed(counts[value])), value))
        limit = breakdowns.limit(self.asked, "")
        kept = {value: found[value] for value in ranked[:limit]}
        rest = [times for value in ranked[limit:] for times in found[value]]
        return {**kept, OTHER: rest} if rest else kept

    # Shapes -------------------------------------------------------------------------------------------------

    def steps(self) -> list[Any]:
        """The steps, or a list of them for each value of the breakdown."""
        found = self.conversions()
        if not self.breakdowns:
            return self._steps(found[""]) if found else []
        return [
            [
                {**step, "breakdown": self._shown(value), "breakdown_value": self._shown(value)}
                for step in self._steps(each)
            ]
            for value, each in self._limited(found).items()
        ]

    def _shown(self, value: str) -> Any:
        listed: Breakdown = self.breakdowns[0]
        return [value] if listed.kind in ("event", "person", "hogql", "session") else value

    def _steps(self, times: list[tuple[float, ...]]) -> list[Data]:
        counts = _counts(times, len(self.series))
        return [self._step(index, count, times) for index, count in enumerate(counts)]

    def _step(self, index: int, count: int, times: list[tuple[float, ...]]) -> Data:
        series = self.series[index]
        kind = {"ActionsNode": "actions", "GroupNode": "group"}.get(str(series.get("kind")), "events")
        name = labels.event_of(self.asked, series)
        taken = [each[index] - each[index - 1] for each in times if len(each) > index] if index else []
        if self.order == "unordered":
            name, identifier = f"Completed {index + 1} step{'s' if index else ''}", None
        else:
            identifier = series.get("id") if kind == "actions" else name
        return {
            "action_id": identifier,
            "name": name or "All events",
            "custom_name": series.get("custom_name"),
            "order": index,
            "people": [],
            "count": scaled(count, self.asked.sample),
            "type": kind,
            "average_conversion_time": mean(taken) if taken else None,
            "median_conversion_time": median(taken) if taken else None,
        }

    def durations(self) -> Data:
        """How long conversions took, in bins."""
        start, end = self.between
        found = [times for each in self.conversions().values() for times in each]
        taken = [times[end] - times[start] for times in found if len(times) > end]
        if not taken:
            return {"bins": [], "average_conversion_time": None, "median_conversion_time": None}
        low, high = math.floor(min(taken)), math.ceil(max(taken))
        asked = self.filter.get("binCount")
        count = max(1, min(90, int(asked))) if asked else max(1, min(60, math.ceil(round(len(taken) ** (1 / 3), 9))))
        width = math.ceil((high - low) / count) or 60
        bins = [[low + width * index, 0] for index in range(count + 1)]
        for each in taken:
            bins[math.floor((each - low) / width)][1] += 1
        return {"bins": bins, "average_conversion_time": mean(taken), "median_conversion_time": median(taken)}

    def trends(self) -> list[Data]:
        """The share of those who started in each interval and converted, in percent."""
        if self.order == "unordered":
            raise NotComputedError("trends of unordered funnels")
        start, end = self.between
        counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for journey in self.journeys():
            reached = conversion.by_interval(journey.events, self.rules, start + 1, end + 1, journey.value)
            for interval, converted in reached.items():
                cell = counts[journey.value][interval]
                cell[0] += 1
                cell[1] += converted
        if not self.breakdowns:
            return [self._line(counts[""])]
        ranked = sorted(counts, key=lambda value: (-sum(each[0] for each in counts[value].values()), value))
        if len(ranked) > breakdowns.limit(self.asked, ""):
            raise NotComputedError("trends of funnels with so many values of a breakdown")
        return [{**self._line(counts[value]), "breakdown_value": self._shown(value)} for value in ranked]

    def _line(self, counts: dict[str, list[int]]) -> Data:
        range_ = self.asked.range
        found = {instant(bucket, self.asked.zone): cell for bucket, cell in counts.items()}
        shares = (found.get(bucket, [0, 0]) for bucket in range_.instants)
        data = [round(converted / entered * 100, 2) if entered else 0 for entered, converted in shares]
        return {
            "count": len(data),
            "data": data,
            "days": [labels.day(each, range_.interval) for each in range_.buckets],
            "labels": [labels.label(each, range_) for each in range_.buckets],
        }


def _counts(times: list[tuple[float, ...]], steps: int) -> list[int]:
    """How many got at least to each step."""
    return [sum(len(each) > index for each in times) for index in range(steps)]
