"""Trends, counted event by event."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import floor
from random import Random
from typing import Any

from sandbox.tests.query.plain import times
from sandbox.tests.query.plain.filters import matches, random_filters
from sandbox.tests.query.plain.history import NAMES, Happened, History

NULL, OTHER = "$$_posthog_breakdown_null_$$", "$$_posthog_breakdown_other_$$"
PROPERTY = ("sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99")
PER_ACTOR = tuple(f"{each}_count_per_actor" for each in ("avg", "min", "max", "median", "p90"))
OTHERS = ("total", "dau", "weekly_active", "monthly_active", "unique_session", "first_time_for_user",
          "first_matching_event_for_user", "hogql")  # fmt: skip
SHARES = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
Query = dict[str, Any]


def question(draw: Random, history: History) -> Query:
    """A query of one or two series."""
    interval = draw.choice(("day", "day", "week", "month", "hour"))
    display = draw.choice((None, None, "ActionsLineGraphCumulative", "ActionsPie", "BoldNumber"))
    series = [_series(draw) for _ in range(draw.choice((1, 1, 2)))]
    settings: Query = {"display": display} if display else {}
    if draw.random() < 0.25:
        settings["formulaNodes"] = [{"formula": draw.choice(("A / B", "A + B * 2", "A - B") if len(series) > 1
                                                            else ("A * 2", "A / 0", "-A + 3"))}]  # fmt: skip
    if display is None and draw.random() < 0.2:
        settings["smoothingIntervals"] = 3
    query: Query = {
        "kind": "TrendsQuery",
        "series": series,
        "interval": interval,
        "dateRange": times.random_range(draw, history, interval),
        "properties": random_filters(draw),
        "trendsFilter": settings,
    }
    if display != "BoldNumber" and draw.random() < 0.5:
        limit = draw.choice((None, 2, 3))
        query["breakdownFilter"] = draw.choice(
            (
                {"breakdown": "model", "breakdown_type": "event", "breakdown_limit": limit},
                {"breakdown": "plan", "breakdown_type": "person"},
                {"breakdown": "ok", "breakdown_type": "event"},
                {"breakdowns": [{"property": "model", "type": "event"}, {"property": "ok", "type": "event"}],
                 "breakdown_limit": limit},
            )
        )  # fmt: skip
    return query


def _series(draw: Random) -> Query:
    math = draw.choice((*OTHERS, *PROPERTY, *PER_ACTOR))
    series: Query = {"kind": "EventsNode", "event": draw.choice((*NAMES, None)), "math": math,
                     "properties": random_filters(draw)}  # fmt: skip
    if math in PROPERTY:
        series["math_property"] = "tokens"
    if math == "hogql":
        series["math_hogql"] = "sum(properties.tokens) / count()"
    return series


def answer(history: History, query: Query) -> list[tuple[Any, list[str], list[float]]]:
    """For each result its breakdown's value, its days and its numbers; a total is its only number."""
    display = query["trendsFilter"].get("display")
    total = display in ("ActionsPie", "BoldNumber")
    interval = "day" if total else query["interval"]
    start, end = times.ends(history, query["dateRange"], interval)
    if display == "BoldNumber" and not query["dateRange"].get("date_to"):
        end = history.now
    all_buckets = times.buckets(history, start, end, interval)
    days = [] if total else [times.named(history, each, interval) for each in all_buckets]
    first = start if display == "BoldNumber" else times.first(history, start, query["dateRange"], interval)
    per_series = [
        _lines(history, query, series, (first, end), all_buckets, interval, total) for series in query["series"]
    ]
    nodes = query["trendsFilter"].get("formulaNodes")
    if not nodes:
        return [(value, days, data) for lines in per_series for value, data in lines]
    return [(value, days, data) for value, data in _formula(nodes[0]["formula"], per_series, len(all_buckets), total)]


def _formula(formula: str, per_series: list[Any], length: int, total: bool) -> list[tuple[Any, list[float]]]:
    values = list(dict.fromkeys(_frozen(value) for lines in per_series for value, _ in lines))
    empty = [0.0] * (1 if total else length)
    found = []
    for value in values:
        columns = [next((data for each, data in lines if _frozen(each) == value), empty) for lines in per_series]
        result = []
        for row in zip(*columns, strict=True):
            a, b = row[0], row[-1]
            result.append({
                "A / B": a / b if b else 0, "A + B * 2": a + b * 2, "A - B": a - b, "A * 2": a * 2, "A / 0": 0,
                "-A + 3": -a + 3,
            }[formula])  # fmt: skip
        found.append((list(value) if isinstance(value, tuple) else value, result))
    if values != [None]:
        found.sort(key=lambda each: (_rank(each[0]), -sum(each[1])))
    return found


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _rank(value: Any) -> int:
    parts = value if isinstance(value, list) else [value]
    return 2 if OTHER in parts else 1 if NULL in parts else 0


def _lines(
    history: History, query: Query, series: Query, ends: tuple[datetime, datetime], all_buckets: list[datetime],
    interval: str, total: bool,
) -> list[tuple[Any, list[float]]]:  # fmt: skip
    broken = query.get("breakdownFilter")
    cumulative = query["trendsFilter"].get("display") == "ActionsLineGraphCumulative"
    values = {None} if broken is None else {_frozen(_value(event, broken)) for event in history.events}
    found = []
    for value in values:
        own = [event for event in history.events if broken is None or _frozen(_value(event, broken)) == value]
        counted = Counting(history, own, query["properties"], series, ends, interval, broken, value)
        if not counted.seen(total) and broken is not None:
            continue
        data = [counted.total()] if total else counted.per_bucket(all_buckets, cumulative)
        found.append((list(value) if isinstance(value, tuple) else value, data))
    if broken is not None:
        found = _limited(found, broken.get("breakdown_limit") or 25, str(series["math"]), total)
    return [(value, data if total else _shaped(data, query["trendsFilter"], cumulative)) for value, data in found]


def _shaped(data: list[float], settings: Query, cumulative: bool) -> list[float]:
    if cumulative:
        data = [sum(data[: index + 1]) for index in range(len(data))]
    if settings.get("smoothingIntervals"):
        windows = [data[max(0, index - 2) : index + 1] for index in range(len(data))]
        data = [floor(sum(each) / len(each)) for each in windows]
    return data


def _limited(found: list[tuple[Any, list[float]]], limit: int, math: str, total: bool) -> list[tuple[Any, list[float]]]:
    def by_name(each: tuple[Any, list[float]]) -> Any:
        return _frozen(each[0]) if isinstance(each[0], list) else (each[0],)

    ranked = sorted(found, key=lambda each: (0 if total else _rank(each[0]), -sum(each[1]), by_name(each)))
    kept, rest = ranked[:limit], ranked[limit:]
    if rest:
        columns = zip(*(data for _, data in rest), strict=True)
        way = max if math.startswith("max") else min if math.startswith("min") else sum
        other = [OTHER, OTHER] if isinstance(rest[0][0], list) else OTHER
        kept.append((other, [way(column) for column in columns]))
    return sorted(kept, key=lambda each: (_rank(each[0]), -sum(each[1]), by_name(each)))


def _value(event: Happened, broken: Query) -> Any:
    if broken.get("breakdowns"):
        return [_text(event, each["property"]) for each in broken["breakdowns"]]
    return _text(event, broken["breakdown"])


def _text(event: Happened, key: str) -> str:
    value = event.plan if key == "plan" else event.properties.get(key)
    if isinstance(value, bool):
        return str(value).lower()
    return value if value else NULL


class Counting:
    """One math over the events of one value."""

    def __init__(
        self, history: History, events: Sequence[Happened], filters: list[Query], series: Query,
        ends: tuple[datetime, datetime], interval: str, broken: Query | None, value: Any,
    ) -> None:  # fmt: skip
        self.history, self.series, self.interval, self.math = history, series, interval, str(series["math"])
        self.first, self.end = ends
        self.broken, self.value, self.filters = broken, value, filters
        self.of_value = events
        self.matching = [each for each in events if self._is(each) and self._filtered(each)]
        self.within = [each for each in self.matching if self.first <= each.at <= self.end]

    def _is(self, event: Happened) -> bool:
        return self.series["event"] in (None, event.name)

    def _filtered(self, event: Happened) -> bool:
        return matches(event, self.filters) and matches(event, self.series["properties"])

    def seen(self, total: bool) -> bool:
        """Whether the value shows up at all."""
        if self.math in ("first_time_for_user", "first_matching_event_for_user"):
            return bool(self._firsts())
        if self.math in ("weekly_active", "monthly_active"):
            days = 7 if self.math == "weekly_active" else 30
            if total:
                return bool(self._active_before_the_end(days))
            if self._is_coarse():
                return bool(self.within)
            shown = times.buckets(self.history, self.first, self.end, self.interval)
            return any(self._active(each) for each in shown)
        return bool(self.within)

    def _is_coarse(self) -> bool:
        return (self.math == "weekly_active" and self.interval in ("week", "month")) or (
            self.math == "monthly_active" and self.interval == "month"
        )

    def _active_before_the_end(self, days: int) -> set[str]:
        local_end = self.history.local(self.end)
        return {each.person for each in self.matching if local_end - timedelta(days=days) <= each.at <= self.end}

    def total(self) -> float:
        """The number for the whole range."""
        if self.math in ("weekly_active", "monthly_active"):
            return len(self._active_before_the_end(7 if self.math == "weekly_active" else 30))
        if self.math in ("first_time_for_user", "first_matching_event_for_user"):
            return len(self._firsts())
        return self._number(self.within)

    def per_bucket(self, all_buckets: list[datetime], cumulative: bool) -> list[float]:
        """The number of each bucket."""
        if self.math in ("weekly_active", "monthly_active") and not self._is_coarse():
            return [self._active(each) for each in all_buckets]
        events = self.within
        if self.math in ("first_time_for_user", "first_matching_event_for_user"):
            events = self._firsts()
            return [sum(self._in(event, each) for event in events) for each in all_buckets]
        if cumulative and (self.math == "dau" or self._is_coarse()):
            firsts: dict[str, datetime] = {}
            for event in sorted(events, key=lambda each: each.at):
                firsts.setdefault(event.person, times.bucket(self.history, event.at, self.interval))
            return [sum(at == each for at in firsts.values()) for each in all_buckets]
        return [self._number([event for event in events if self._in(event, each)]) for each in all_buckets]

    def _in(self, event: Happened, bucket: datetime) -> bool:
        return times.bucket(self.history, event.at, self.interval) == bucket

    def _active(self, bucket: datetime) -> float:
        """Who was active in the days that end with the day of the bucket; midnight belongs to the day before, too."""
        local, days = self.history.local(bucket), 7 if self.math == "weekly_active" else 30
        start, end = (each.astimezone(UTC) for each in (local - timedelta(days=days - 1), local + timedelta(days=1)))
        return len({event.person for event in self.matching
                    if start < event.at <= end and event.at <= self.end})  # fmt: skip

    def _firsts(self) -> list[Happened]:
        """The events that are their person's first, if they match, lie in the range and have the value."""
        found = []
        for person in {event.person for event in self.history.events}:
            own = [e for e in self.history.events if e.person == person and self._is(e) and e.at <= self.end]
            if self.math == "first_matching_event_for_user":
                own = [event for event in own if self._filtered(event)]
            if not own:
                continue
            earliest = min(event.at for event in own)
            together = [event for event in own if event.at == earliest]
            if not any(self._filtered(event) for event in together) or earliest < self.first:
                continue
            if self.broken is None or _frozen(_value(together[0], self.broken)) == self.value:
                found.append(together[0])
        return found

    def _number(self, events: list[Happened]) -> float:
        math = self.math
        if math == "total":
            return len(events)
        if math in ("dau", "weekly_active", "monthly_active"):
            return len({event.person for event in events})
        if math == "unique_session":
            return len({event.properties["$session_id"] for event in events if "$session_id" in event.properties})
        numbers = [float(event.properties["tokens"]) for event in events if "tokens" in event.properties]
        if math == "hogql":
            return sum(numbers) / len(events) if events and numbers else 0
        if math.endswith("_count_per_actor"):
            counts: dict[str, float] = defaultdict(float)
            for event in events:
                counts[event.person] += 1
            return statistic(math.removesuffix("_count_per_actor"), list(counts.values()))
        return statistic(math, numbers)


def statistic(name: str, numbers: list[float]) -> float:
    """A statistic of numbers, 0 of none; shares are interpolated between neighbours."""
    if not numbers:
        return 0
    if name in SHARES:
        ordered, place = sorted(numbers), SHARES[name] * (len(numbers) - 1)
        low = ordered[int(place)]
        return low + (ordered[min(int(place) + 1, len(ordered) - 1)] - low) * (place - int(place))
    if name == "avg":
        return sum(numbers) / len(numbers)
    return sum(numbers) if name == "sum" else min(numbers) if name == "min" else max(numbers)
