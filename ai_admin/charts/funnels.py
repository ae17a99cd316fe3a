"""FunnelsQuery and PathsQuery: steps, and how many took them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ai_admin.charts.figures import Bar, Bars, Figure, Plot, Series, Words
from ai_admin.charts.formats import Format, duration
from ai_admin.charts.trends import breakdown, goals, time_of

Json = Mapping[str, Any]

NOBODY = Words("No data: nobody took the first step in this period.")


def funnel(source: Json, answer: Json) -> Figure:
    """Return the figure of a FunnelsQuery, of every ``funnelVizType``."""
    settings = source.get("funnelsFilter") or {}
    kind, results = settings.get("funnelVizType") or "steps", answer["results"]
    if kind == "time_to_convert":
        return _times(results[0] if isinstance(results, list) and results else results)
    if kind == "trends":
        return _trends(source, settings, answer)
    groups = results if results and isinstance(results[0], list) else [results]
    if not any(steps and steps[0]["count"] for steps in groups):
        return NOBODY
    previous = settings.get("funnelStepReference") == "previous"
    there = [(colour, steps) for colour, steps in enumerate(groups) if steps]
    bars = [_step(steps, place, colour, previous) for place in range(len(groups[0])) for colour, steps in there]
    return Bars(tuple(bars))


def paths(_: Json, answer: Json) -> Figure:
    """Return the figure of a PathsQuery: the steps from one to the next, the most frequent first."""
    edges = answer["results"]
    if not edges:
        return Words("No data: nobody took a path in this period.")
    top = max(edge["value"] for edge in edges) or 1
    return Bars(
        tuple(
            Bar(_edge(edge), edge["value"], _with_time(f"{edge['value']:,}", edge["average_conversion_time"], 1000),
                edge["value"] / top, _number(edge) - 1)
            for edge in edges
        )
    )  # fmt: skip


def _step(steps: Sequence[Json], place: int, colour: int, previous: bool) -> Bar:
    step, first = steps[place], steps[0]["count"]
    whole = steps[place - 1]["count"] if previous and place else first
    name = f"{place + 1}. {step.get('custom_name') or step.get('name') or step.get('action_id')}"
    if step.get("breakdown_value") is not None:
        name += f": {breakdown(step['breakdown_value'])}"
    if step.get("compare_label") == "previous":
        name += " (before)"
    note = f"{step['count']:,} ({step['count'] / whole if whole else 0:.1%})"
    return Bar(name, step["count"], _with_time(note, step.get("median_conversion_time")),
               step["count"] / first if first else 0, colour)  # fmt: skip


def _with_time(note: str, time: float | None, unit: int = 1) -> str:
    return note if time is None else f"{note}, {duration(time / unit)}"


def _times(result: Any) -> Figure:
    bins = (result or {}).get("bins") or []
    if not any(count for _, count in bins):
        return Words("No data: nobody took all steps in this period.")
    values = tuple(float(count) for _, count in bins)
    return Plot(tuple(duration(start) for start, _ in bins), (Series("persons", values, 0),), "bar")


def _trends(source: Json, settings: Json, answer: Json) -> Figure:
    items = answer["results"]
    if not any(any(item["data"]) for item in items):
        return NOBODY
    series = [
        Series(
            "conversion" if item.get("breakdown_value") is None else breakdown(item["breakdown_value"]),
            tuple(float(value or 0) for value in item["data"]),
            colour,
        )
        for colour, item in enumerate(items)
    ]
    goal = goals(settings, max(max(each.values) for each in series))
    shape = Format(style="percentage")
    return Plot(series=tuple(series), format=shape, goals=goal, **time_of(source, answer, items[0]))


def _edge(edge: Json) -> str:
    source, target = (str(edge[end]).partition("_")[2] for end in ("source", "target"))
    return f"{_number(edge)}. {source} → {target}"


def _number(edge: Json) -> int:
    return int(str(edge["source"]).partition("_")[0])
