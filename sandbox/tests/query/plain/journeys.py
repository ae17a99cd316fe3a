"""Funnels and paths, from the events of one person after the other."""

from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from random import Random
from typing import Any

from sandbox.tests.query.plain import times
from sandbox.tests.query.plain.filters import matches, random_filters
from sandbox.tests.query.plain.history import NAMES, Happened, History
from sandbox.tests.query.plain.trends import statistic

Query = dict[str, Any]
SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def funnel(draw: Random, history: History) -> Query:
    """A funnel of two or three steps, two of which may be one event."""
    order = draw.choice(("ordered", "ordered", "strict", "unordered"))
    names = draw.sample(NAMES, 3) if order == "unordered" else [draw.choice(NAMES) for _ in range(3)]
    viz = "steps" if order == "unordered" else draw.choice(("steps", "steps", "trends", "time_to_convert"))
    query: Query = {
        "kind": "FunnelsQuery",
        "series": [
            {"kind": "EventsNode", "event": name, "properties": random_filters(draw)}
            for name in names[: draw.choice((2, 3))]
        ],
        "dateRange": times.random_range(draw, history, "day"),
        "properties": random_filters(draw),
        "funnelsFilter": {
            "funnelOrderType": order,
            "funnelVizType": viz,
            "funnelWindowInterval": draw.choice((1, 6, 30)),
            "funnelWindowIntervalUnit": draw.choice(("hour", "day")),
        },
    }
    if viz == "steps" and draw.random() < 0.4:
        query["breakdownFilter"] = {"breakdown": "model", "breakdown_type": "event"}
        query["funnelsFilter"]["breakdownAttributionType"] = draw.choice(("first_touch", "last_touch", "all_events"))
    return query


def funnel_answer(history: History, query: Query) -> Any:
    """Steps: per value the numbers and mean times; else the shares of the days, or the times of conversions."""
    asked = query["funnelsFilter"]
    start, end = times.ends(history, query["dateRange"], "day")
    start = times.bucket(history, start, "day")
    window = asked["funnelWindowInterval"] * SECONDS[asked["funnelWindowIntervalUnit"]]
    people: dict[str, list[Happened]] = {}
    for event in history.events:
        if start <= event.at <= end and matches(event, query["properties"]):
            people.setdefault(event.person, []).append(event)
    if asked["funnelVizType"] == "trends":
        return _by_day(history, query, people, (start, end), window)
    ways: dict[str, list[list[datetime]]] = {}
    for events in people.values():
        for value, own in _values(query, events):
            way = longest(query, own, window)
            if way:
                ways.setdefault(value, []).append(way)
    if asked["funnelVizType"] == "time_to_convert":
        taken = [(way[-1] - way[0]).total_seconds() for each in ways.values() for way in each
                 if len(way) == len(query["series"])]  # fmt: skip
        return (len(taken), statistic("avg", taken), statistic("median", taken))
    return sorted((value, _steps(query, each)) for value, each in ways.items())


def _steps(query: Query, ways: list[list[datetime]]) -> list[tuple[int, float]]:
    found = []
    for index in range(len(query["series"])):
        reached = [way for way in ways if len(way) > index]
        taken = [(way[index] - way[index - 1]).total_seconds() for way in reached] if index else []
        timed = query["funnelsFilter"]["funnelOrderType"] != "unordered"
        found.append((len(reached), statistic("avg", taken) if timed else 0))
    return found


def _values(query: Query, events: list[Happened]) -> list[tuple[str, list[Happened]]]:
    if "breakdownFilter" not in query:
        return [("", events)]
    if query["funnelsFilter"]["funnelOrderType"] != "strict":
        events = [event for event in events if any(_is(event, each) for each in query["series"])]
    models = [event.properties.get("model") or "" for event in events]
    kind = query["funnelsFilter"]["breakdownAttributionType"]
    if kind == "all_events":
        return [(value, [event for event, model in zip(events, models, strict=True) if model == value])
                for value in sorted(set(models))]  # fmt: skip
    named = [model for model in models if model] or [""]
    return [(named[0] if kind == "first_touch" else named[-1], events)]


def _is(event: Happened, series: Query) -> bool:
    return event.name == series["event"] and matches(event, series["properties"])


def longest(query: Query, events: list[Happened], window: float) -> list[datetime]:
    """The longest way: the first that gets so far, and of those the one that began last."""
    order, series = query["funnelsFilter"]["funnelOrderType"], query["series"]
    if order == "unordered":
        best: list[datetime] = []
        for index, first in enumerate(events):
            near = [each for each in events[index:] if (each.at - first.at).total_seconds() <= window]
            done = [each for each in series if any(_is(event, each) for event in near)]
            if len(done) > len(best):
                best = [first.at] * len(done)
        return best
    ways = [way for index in range(len(events)) if (way := _from(events, index, series, window, order == "strict"))]
    if not ways:
        return []
    longest = max(map(len, ways))
    soonest = min(way[-1] for way in ways if len(way) == longest)
    return max((way for way in ways if len(way) == longest and way[-1] == soonest), key=lambda way: way[0])


def _from(events: list[Happened], index: int, series: list[Query], window: float, strict: bool) -> list[datetime]:
    if not _is(events[index], series[0]):
        return []
    way = [events[index].at]
    place = index
    for before, step in pairwise(series):
        following = events[place + 1 :]
        if strict:  # nothing may come between but the same step again
            following = [*takewhile(lambda event: _is(event, before) and not _is(event, step), following)]  # noqa: B023
            following = events[place + 1 : place + 2 + len(following)]
        found = next((event for event in following if _is(event, step)), None)
        if found is None or (found.at - way[0]).total_seconds() > window:
            break
        way.append(found.at)
        place = events.index(found)
    return way


def _by_day(history: History, query: Query, people: dict[str, list[Happened]], ends: tuple[datetime, datetime],
            window: float) -> list[float]:  # fmt: skip
    strict = query["funnelsFilter"]["funnelOrderType"] == "strict"
    shares = []
    for day in times.buckets(history, *ends, "day"):
        entered = converted = 0
        for events in people.values():
            ways = [
                _from(events, index, query["series"], window, strict)
                for index, event in enumerate(events)
                if times.bucket(history, event.at, "day") == day
            ]
            entered += any(ways)
            converted += any(len(way) == len(query["series"]) for way in ways)
        shares.append(round(converted / entered * 100, 2) if entered else 0)
    return shares


def paths(draw: Random, history: History) -> Query:
    """A paths query."""
    asked: Query = {
        "includeEventTypes": draw.choice(([], ["$pageview"], ["custom_event"], ["$pageview", "custom_event"])),
        "stepLimit": draw.choice((2, 3, 5)),
        "edgeLimit": draw.choice((50, 50, 4)),
    }
    point = draw.choice((None, "/home/", "/home", "run", "/price"))
    if point:
        asked[draw.choice(("startPoint", "endPoint"))] = point
        if draw.random() < 0.5:
            asked |= {"startPoint": point, "endPoint": draw.choice(("stop", "/home", "run", "/price/"))}
    if draw.random() < 0.3:
        asked["excludeEvents"] = ["/"]
    if draw.random() < 0.3:
        asked["pathGroupings"] = ["/pri*"]
    return {"kind": "PathsQuery", "pathsFilter": asked, "dateRange": times.random_range(draw, history, "day"),
            "properties": random_filters(draw)}  # fmt: skip


def paths_answer(history: History, query: Query) -> list[tuple[str, str, int, float]]:
    """The edges, the commonest first."""
    asked = query["pathsFilter"]
    start, end = times.ends(history, query["dateRange"], "day")
    start = times.bucket(history, start, "day")
    taken: dict[tuple[str, str], list[float]] = {}
    for person in {event.person for event in history.events}:
        steps = [
            (event.at, item)
            for event in history.events
            if event.person == person and start <= event.at <= end and matches(event, query["properties"])
            for item in [_item(event, asked)]
            if item is not None and item not in asked.get("excludeEvents", ())
        ]
        for path in _walks(steps):
            path = _between(path, asked)
            for index in range(len(path) - 1):
                edge = (f"{index + 1}_{path[index][1]}", f"{index + 2}_{path[index + 1][1]}")
                taken.setdefault(edge, []).append((path[index + 1][0] - path[index][0]) / timedelta(milliseconds=1))
    edges = sorted(
        ((*edge, len(each), sum(each) / len(each)) for edge, each in taken.items()), key=lambda e: (-e[2], e[0], e[1])
    )
    edges = edges[: asked["edgeLimit"]]
    return [edge for edge in edges if _is_reached(edge[0], edges)]


def _is_reached(node: str, edges: list[tuple[str, str, int, float]]) -> bool:
    return node.startswith("1_") or any(edge[1] == node and _is_reached(edge[0], edges) for edge in edges)


def _item(event: Happened, asked: Query) -> str | None:
    kinds = asked["includeEventTypes"]
    if kinds and ("$pageview" if event.name == "$pageview" else "custom_event") not in kinds:
        return None
    item = event.name
    if event.name == "$pageview":
        item = str(event.properties.get("$current_url", ""))
        item = item[:-1] if len(item) > 1 and item.endswith("/") else item
    return "/pri*" if "pathGroupings" in asked and item.startswith("/pri") else item


def _walks(steps: list[tuple[datetime, str]]) -> list[list[tuple[datetime, str]]]:
    found: list[list[tuple[datetime, str]]] = []
    last = None
    for at, item in steps:
        if last is None or at - last >= timedelta(minutes=30):
            found.append([])
        last = at
        if not found[-1] or found[-1][-1][1] != item:
            found[-1].append((at, item))
    return found


def _between(path: list[tuple[datetime, str]], asked: Query) -> list[tuple[datetime, str]]:
    items, limit = [item for _, item in path], asked["stepLimit"]
    if "startPoint" in asked and "endPoint" in asked:
        start, end = asked["startPoint"], asked["endPoint"]
        if start not in items or end not in items[items.index(start) :]:
            return []
        first = items.index(start)
        last = items.index(end, first)
        if last - first < limit:
            return path[first : last + 1]
        # The middle is left out, at the time of the first step that is.
        half = limit // 2
        return [*path[first : first + half], (path[first + half][0], "..."), *path[last + 1 - half : last + 1]]
    for name in ("startPoint", "endPoint"):
        point = (asked.get(name) or "").rstrip("/")
        if point:
            if point not in items:
                return []
            place = items.index(point)
            return path[place:][:limit] if name == "startPoint" else path[: place + 1][-limit:]
    return path[:limit]
