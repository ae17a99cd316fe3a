"""Lifecycle, stickiness and retention, person by person."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.tests.query.plain import times
from sandbox.tests.query.plain.filters import matches, random_filters
from sandbox.tests.query.plain.history import NAMES, Happened, History

Query = dict[str, Any]
STATUSES = ("new", "returning", "resurrecting", "dormant")


def lifecycle(draw: Random, history: History) -> Query:
    """A lifecycle query."""
    interval = draw.choice(("day", "day", "week", "month"))
    return {
        "kind": "LifecycleQuery",
        "series": [{"kind": "EventsNode", "event": draw.choice((*NAMES, None)), "properties": random_filters(draw)}],
        "interval": interval,
        "dateRange": times.random_range(draw, history, interval),
        "properties": random_filters(draw),
    }


def lifecycle_answer(history: History, query: Query) -> list[tuple[str, list[str], list[float]]]:
    """Per status the days and the numbers."""
    interval = query["interval"]
    start, end = times.ends(history, query["dateRange"], interval)
    shown = times.buckets(history, start, end, interval)
    if not shown:
        return [(status, [], []) for status in STATUSES]
    before = times.bucket(history, shown[0] - timedelta(hours=1), interval)
    row = [before, *shown]
    counts = {status: [0.0] * len(shown) for status in STATUSES}
    for person in _people(history):
        active = {times.bucket(history, each.at, interval) for each in _own(history, person, query, 0)}
        created = times.bucket(history, history.first_seen(person), interval)
        seen = [bucket for bucket in row if bucket in active]
        for index, bucket in enumerate(shown):
            last = row[index]
            if bucket in active:
                if bucket == created and bucket == seen[0]:
                    status = "new"
                else:
                    status = "returning" if last in active else "resurrecting"
                counts[status][index] += 1
            elif last in active:
                counts["dormant"][index] -= 1
    days = [times.named(history, each, interval) for each in shown]
    return [(status, days, counts[status]) for status in STATUSES]


def _people(history: History) -> list[str]:
    return sorted({event.person for event in history.events})


def _own(history: History, person: str, query: Query, index: int) -> list[Happened]:
    series = query["series"][index]
    return [
        event
        for event in history.events
        if event.person == person
        and series["event"] in (None, event.name)
        and matches(event, series["properties"])
        and matches(event, query["properties"])
    ]


def stickiness(draw: Random, history: History) -> Query:
    """A stickiness query."""
    interval = draw.choice(("day", "day", "week", "hour"))
    settings: Query = {"computedAs": draw.choice(("cumulative", "non_cumulative"))}
    if draw.random() < 0.4:
        settings["stickinessCriteria"] = {"operator": draw.choice(("gte", "lte", "exact")),
                                          "value": draw.choice((1, 2))}  # fmt: skip
    return {
        "kind": "StickinessQuery",
        "series": [
            {"kind": "EventsNode", "event": draw.choice((*NAMES, None)), "properties": random_filters(draw)}
            for _ in range(draw.choice((1, 2)))
        ],
        "interval": interval,
        "dateRange": times.random_range(draw, history, interval),
        "properties": random_filters(draw),
        "stickinessFilter": settings,
    }


def stickiness_answer(history: History, query: Query) -> list[tuple[list[int], list[int]]]:
    """Per series how many intervals, and how many persons were active in so many."""
    interval, settings = query["interval"], query["stickinessFilter"]
    start, end = times.ends(history, query["dateRange"], interval)
    length = len(times.buckets(history, start, end, interval))
    first = times.first(history, start, query["dateRange"], interval)
    found = []
    for index in range(len(query["series"])):
        data = [0] * length
        for person in _people(history):
            counts: dict[datetime, int] = {}
            for event in _own(history, person, query, index):
                if first <= event.at <= end:
                    bucket = times.bucket(history, event.at, interval)
                    counts[bucket] = counts.get(bucket, 0) + 1
            active = sum(_enough(count, settings.get("stickinessCriteria")) for count in counts.values())
            for number in range(1, length + 1):
                if active == number or (settings["computedAs"] == "cumulative" and active > number):
                    data[number - 1] += 1
        found.append((list(range(1, length + 1)), data))
    return found


def _enough(count: int, criteria: Query | None) -> bool:
    if criteria is None:
        return True
    value = criteria["value"]
    return bool({"gte": count >= value, "lte": count <= value, "exact": count == value}[criteria["operator"]])


def retention(draw: Random, history: History) -> Query:
    """A retention query."""
    query: Query = {
        "kind": "RetentionQuery",
        "properties": random_filters(draw),
        "retentionFilter": {
            "retentionType": draw.choice(
                ("retention_recurring", "retention_first_time", "retention_first_ever_occurrence")
            ),
            "period": draw.choice(("Day", "Day", "Week", "Month", "Hour")),
            "totalIntervals": draw.choice((3, 5, 8)),
            "cumulative": draw.random() < 0.3,
            "minimumOccurrences": draw.choice((1, 1, 2)),
            **{
                name: {"id": draw.choice(NAMES), "type": "events", "properties": random_filters(draw)}
                for name in ("targetEntity", "returningEntity")
            },
        },
    }
    if draw.random() < 0.3:
        query["dateRange"] = {"date_from": draw.choice(("-3d", "-7d", times.day(history, 13)))}
    if draw.random() < 0.4:
        query["retentionFilter"] |= {"aggregationType": draw.choice(("sum", "avg")), "aggregationProperty": "tokens"}
        query["retentionFilter"]["cumulative"] = False  # PostHog has no sums of these
        if draw.random() < 0.5:
            query["retentionFilter"]["returningEntity"] = query["retentionFilter"]["targetEntity"]
    if draw.random() < 0.4:
        key, kind = draw.choice((("model", "event"), ("plan", "person")))
        query["breakdownFilter"] = {"breakdown": key, "breakdown_type": kind, "breakdown_limit": draw.choice((2, 25))}
    return query


def retention_answer(history: History, query: Query) -> list[tuple[str | None, str, list[float]]]:
    """Per value of the breakdown and row its date and its columns: the numbers, then the sums or means."""
    broken = query.get("breakdownFilter")
    if not broken:
        return [(None, *row) for row in _grid(history, query)]
    # An actor with another value is another one, but for the first time ever: there is one value to it.
    found = {value: _grid(history, query, value) for value in {_value(event, broken) for event in history.events}}
    sizes = {value: sum(counts[0] for _, counts in rows) for value, rows in found.items()}
    ranked = sorted((value for value in found if sizes[value]), key=lambda value: (-sizes[value], value))
    limit = broken["breakdown_limit"]
    answer: list[tuple[str | None, str, list[float]]] = [
        (value, *row) for value in ranked[:limit] for row in found[value]
    ]
    if ranked[limit:]:
        same = zip(*(found[value] for value in ranked[limit:]), strict=True)
        answer += [
            (
                "$$_posthog_breakdown_other_$$",
                rows[0][0],
                [*map(sum, zip(*(counts for _, counts in rows), strict=True))],
            )
            for rows in same
        ]
    return answer


def _value(event: Happened, broken: Query) -> str:
    return (event.plan if broken["breakdown"] == "plan" else event.properties.get("model")) or ""


def _of_value(own: list[Happened], query: Query, value: str) -> list[Happened]:
    """What counts under a value of what a person did."""
    asked, broken = query["retentionFilter"], query["breakdownFilter"]
    if asked["retentionType"] != "retention_first_ever_occurrence":
        return [event for event in own if _value(event, broken) == value]
    first = next((event for event in own if event.name == asked["targetEntity"]["id"]), None)
    return own if first is not None and _value(first, broken) == value else []


def _grid(history: History, query: Query, value: str | None = None) -> list[tuple[str, list[float]]]:
    """Per row its date and its columns (numbers, then sums or means), of all or of what counts under a value."""
    asked = query["retentionFilter"]
    interval, columns = asked["period"].lower(), asked["totalIntervals"]
    last = times.bucket(history, history.now, interval)
    if query.get("dateRange"):
        start, end = times.ends(history, query["dateRange"], "day")
        rows = times.buckets(history, start, max(end, last) if interval != "hour" else last, interval)
        rows = [each for each in rows if each <= last]
    else:
        rows = [last]
        while len(rows) < columns:
            rows.insert(0, times.bucket(history, rows[0] - timedelta(minutes=30), interval))
    table = [[0] * columns for _ in rows]
    sums = [[0.0] * columns for _ in rows]
    least = 1 if "aggregationType" in asked else asked["minimumOccurrences"]
    for person in _people(history):
        own = [event for event in history.events if event.person == person]
        if value is not None:
            own = _of_value(own, query, value)
        targets = [event for event in own if _is(event, asked["targetEntity"], query)]
        starts = {times.bucket(history, event.at, interval) for event in targets}
        if asked["retentionType"] != "retention_recurring":
            ever = [event.at for event in own if event.name == asked["targetEntity"]["id"]]
            firsts = [event.at for event in targets]
            usable = bool(firsts)
            if asked["retentionType"] == "retention_first_ever_occurrence":
                usable = usable and min(ever) == min(firsts)
            starts = {times.bucket(history, min(firsts), interval)} if usable else set()
        returns = [event for event in own if _is(event, asked["returningEntity"], query)]
        returned = [times.bucket(history, event.at, interval) for event in returns]
        back = {each for each in returned if returned.count(each) >= least}
        for index, row in enumerate(rows):
            if row not in starts:
                continue
            table[index][0] += 1
            began = [event for event in targets if times.bucket(history, event.at, interval) == row]
            if asked["targetEntity"] != asked["returningEntity"]:
                began = [event for event, bucket in zip(returns, returned, strict=True)
                         if bucket == row and event.at > began[0].at]  # fmt: skip
            sums[index][0] += sum(event.properties.get("tokens", 0) for event in began)
            for column in range(1, columns):
                wanted = range(column, columns) if asked["cumulative"] else (column,)
                if any(index + each < len(rows) and rows[index + each] in back for each in wanted):
                    table[index][column] += 1
                    sums[index][column] += sum(
                        event.properties.get("tokens", 0)
                        for event, bucket in zip(returns, returned, strict=True)
                        if bucket == rows[min(index + column, len(rows) - 1)]
                    )
    mean = asked.get("aggregationType") == "avg"
    return [
        (
            history.local(row).isoformat()[:16],
            [*counts, *(total / (count or 1) if mean else total for total, count in zip(values, counts, strict=True))]
            if "aggregationType" in asked
            else [*counts],
        )
        for row, counts, values in zip(rows, table, sums, strict=True)
    ]


def _is(event: Happened, entity: Query, query: Query) -> bool:
    return event.name == entity["id"] and matches(event, entity["properties"]) and matches(event, query["properties"])
