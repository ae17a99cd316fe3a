"""The correlation of funnels, from who did or is what: one name after the other, and one person after the other."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.tests.query.plain import journeys, times
from sandbox.tests.query.plain.filters import matches, random_filters
from sandbox.tests.query.plain.history import NAMES, Happened, History

Query = dict[str, Any]
Stay = tuple[datetime, datetime, bool]  # from when, until when, and whether it ended well


def question(draw: Random, history: History) -> Query:
    """A funnel's correlation, of any kind."""
    kind = draw.choice(("events", "event_with_properties", "properties"))
    query: Query = {
        "kind": "FunnelCorrelationQuery",
        "funnelCorrelationType": kind,
        "source": {"kind": "FunnelsActorsQuery", "source": _funnel(draw, history)},
    }
    if kind == "events":
        query["funnelCorrelationExcludeEventNames"] = draw.choice(([], ["stop"]))
    elif kind == "properties":
        query["funnelCorrelationNames"] = draw.choice((["plan"], ["plan", "none"], ["$all"]))
        # Persons have these from their events, too.
        query["funnelCorrelationExcludeNames"] = ["$current_url", "$initial_current_url", *draw.choice(([], ["none"]))]
    else:
        query["funnelCorrelationEventNames"] = draw.sample(NAMES, 2)
        query["funnelCorrelationEventExcludePropertyNames"] = ["$set", *draw.choice(([], ["model"]))]
    return query


def _funnel(draw: Random, history: History) -> Query:
    return {
        "kind": "FunnelsQuery",
        "series": [
            {"kind": "EventsNode", "event": name, "properties": random_filters(draw)}
            for name in draw.choice((NAMES[:2], NAMES[1:], (NAMES[0], NAMES[0])))
        ],
        "dateRange": times.random_range(draw, history, "day"),
        "properties": random_filters(draw),
        "funnelsFilter": {
            "funnelOrderType": draw.choice(("ordered", "strict")),
            "funnelWindowInterval": draw.choice((1, 6, 30)),
            "funnelWindowIntervalUnit": draw.choice(("hour", "day")),
        },
    }


def answer(history: History, query: Query) -> Any:
    """Whether it is skewed, and each name with its numbers and odds ratio, those of success first."""
    funnel = query["source"]["source"]
    stays = _stays(history, funnel)
    won = [person for person, stay in stays.items() if stay[2]]
    lost = [person for person, stay in stays.items() if not stay[2]]
    if not won or not lost:
        return (True, [])
    having: dict[str, set[str]] = {}
    for person, name in _named(history, query, stays):
        having.setdefault(name, set()).add(person)
    found = []
    for name, people in having.items():
        success, failure = len(people & set(won)), len(people & set(lost))
        if len(people) < 3 and query["funnelCorrelationType"] == "event_with_properties":
            continue
        with_it = (success + 1) / (failure + 1)
        without = (len(won) - success + 1) / (len(lost) - failure + 1)
        found.append((name, success, failure, with_it / without))
    good = sorted((each for each in found if each[3] > 1 + 1e-9), key=lambda each: (-round(each[3], 9), each[0]))
    bad = sorted((each for each in found if each[3] <= 1 + 1e-9), key=lambda each: (round(each[3], 9), each[0]))
    return (max(len(won), len(lost)) > 10 * min(len(won), len(lost)), good[:10] + bad[:10])


def read(results: Any, _: Query) -> Any:
    """The same of the sandbox's answer."""
    listed = [
        (each["event"]["event"], each["success_count"], each["failure_count"], each["odds_ratio"])
        for each in results["events"]
    ]
    return (results["skewed"], listed)


def _stays(history: History, funnel: Query) -> dict[str, Stay]:
    asked = funnel["funnelsFilter"]
    window = asked["funnelWindowInterval"] * journeys.SECONDS[asked["funnelWindowIntervalUnit"]]
    found: dict[str, Stay] = {}
    for person in {event.person for event in history.events}:
        own = [event for event in _within(history, funnel, person) if matches(event, funnel["properties"])]
        way = journeys.longest(funnel, own, window)
        if len(way) == len(funnel["series"]):
            found[person] = (way[0], way[-1], True)
        elif way:
            found[person] = (way[0], way[0] + timedelta(seconds=window), False)
    return found


def _within(history: History, funnel: Query, person: str) -> list[Happened]:
    start, end = times.ends(history, funnel["dateRange"], "day")
    return [event for event in history.events if event.person == person and start <= event.at <= end]


def _named(history: History, query: Query, stays: dict[str, Stay]) -> list[tuple[str, str]]:
    """Who has what; nothing of a day's last second, which the range of events leaves out."""
    funnel = query["source"]["source"]
    if query["funnelCorrelationType"] == "properties":
        return [(person, name) for person in stays for name in _person(history, query, person)]
    _, end = times.ends(history, funnel["dateRange"], "day")
    steps = [series["event"] for series in funnel["series"]]
    return [
        (person, name)
        for person, (start, until, _) in stays.items()
        for event in _within(history, funnel, person)
        if start < event.at < until and event.name not in steps and event.at < end.replace(microsecond=0)
        for name in _event(query, event)
    ]


def _event(query: Query, event: Happened) -> list[str]:
    if query["funnelCorrelationType"] == "events":
        return [] if event.name in query["funnelCorrelationExcludeEventNames"] else [event.name]
    if event.name not in query["funnelCorrelationEventNames"]:
        return []
    excluded = query["funnelCorrelationEventExcludePropertyNames"]
    return [
        f"{event.name}::{key}::{value if isinstance(value, str) else json.dumps(value).removesuffix('.0')}"
        for key, value in event.properties.items()
        if value is not None and key not in excluded
    ]


def _person(history: History, query: Query, person: str) -> list[str]:
    plan = [event.plan for event in history.events if event.person == person][-1]
    excluded = query["funnelCorrelationExcludeNames"]
    if query["funnelCorrelationNames"] == ["$all"]:
        return [f"plan::{plan}"] if plan else []
    values = {"plan": plan or "", "none": ""}
    return [f"{name}::{values[name]}" for name in query["funnelCorrelationNames"] if name not in excluded]
