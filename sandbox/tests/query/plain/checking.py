"""Ask the sandbox what plain Python was asked, and compare."""

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from sandbox.tests.query.plain import activity, history, journeys, trends
from sandbox.tests.query.plain.history import History
from sandbox.tests.query.world import Project, World


class Kind(NamedTuple):
    """How a kind of query is drawn, counted, and read from the sandbox's results."""

    question: Callable[[Random, History], dict[str, Any]]
    answer: Callable[[History, dict[str, Any]], Any]
    read: Callable[[Any, dict[str, Any]], Any]


def _trends(results: Any, query: dict[str, Any]) -> Any:
    total = query["trendsFilter"].get("display") in ("ActionsPie", "BoldNumber")
    return [
        (each.get("breakdown_value"), each["days"], [each["aggregated_value"]] if total else each["data"])
        for each in results
    ]


def _funnel(results: Any, query: dict[str, Any]) -> Any:
    viz = query["funnelsFilter"]["funnelVizType"]
    if viz == "trends":
        return results[0]["data"]
    if viz == "time_to_convert":
        count = sum(number for _, number in results["bins"])
        return (count, results["average_conversion_time"] or 0, results["median_conversion_time"] or 0)
    timed = query["funnelsFilter"]["funnelOrderType"] != "unordered"
    lists = results if "breakdownFilter" in query else [results] if results else []
    return sorted(
        (
            each[0]["breakdown_value"][0] if "breakdownFilter" in query else "",
            [(step["count"], (step["average_conversion_time"] or 0) if timed else 0) for step in each],
        )
        for each in lists
    )


KINDS = {
    "TrendsQuery": Kind(trends.question, trends.answer, _trends),
    "FunnelsQuery": Kind(journeys.funnel, journeys.funnel_answer, _funnel),
    "RetentionQuery": Kind(
        activity.retention,
        activity.retention_answer,
        lambda results, _: [
            (
                row["breakdown_value"],
                row["date"][:16],
                [cell[name] for name in ("count", "aggregation_value") for cell in row["values"] if name in cell],
            )
            for row in results
        ],
    ),
    "StickinessQuery": Kind(
        activity.stickiness,
        activity.stickiness_answer,
        lambda results, _: [(row["days"], row["data"]) for row in results],
    ),
    "LifecycleQuery": Kind(
        activity.lifecycle,
        activity.lifecycle_answer,
        lambda results, _: [(row["status"], row["days"], row["data"]) for row in results],
    ),
    "PathsQuery": Kind(
        journeys.paths,
        journeys.paths_answer,
        lambda results, _: [
            (each["source"], each["target"], each["value"], each["average_conversion_time"]) for each in results
        ],
    ),
}


def differences(world: World, kind: str, seed: int, histories: int, questions: int) -> Iterator[str]:
    """What is otherwise than plain Python counts it: the seed, the query and both answers."""
    for number in range(histories):
        draw = Random(f"{kind} {seed} {number}")
        past = history.random_history(draw)
        project = world.project(timezone=str(past.zone), week_start_day=int(past.monday))
        project.capture(history.captured(past))
        for _ in range(questions):
            yield from _difference(project, past, KINDS[kind], draw, f"{seed}/{number}")


def _difference(project: Project, past: History, kind: Kind, draw: Random, seed: str) -> Iterator[str]:
    query = kind.question(draw, past)
    wanted = kind.answer(past, query)
    got = kind.read(project.results(past.now, **query), query)
    if not alike(got, wanted):
        yield f"{seed} in {past.zone}, {query}:\n  got    {got}\n  wanted {wanted}"


def alike(got: Any, wanted: Any) -> bool:
    """Whether two answers are the same, the last digits of fractions aside."""
    if isinstance(wanted, list | tuple):
        return isinstance(got, list | tuple) and len(got) == len(wanted) and all(map(alike, got, wanted))
    if isinstance(wanted, dict):
        return isinstance(got, dict) and got.keys() == wanted.keys() and all(alike(got[k], wanted[k]) for k in wanted)
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return bool(got == wanted)
