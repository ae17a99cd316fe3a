"""What PostHog accepts in a query and then ignores or fails on."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.query import FEWEST_STEPS, Node, Query, breakdowns, display, query_of, series
from ai_admin.definitions.unreadable import UNREADABLE, at, is_readable

# PostHog hides and ignores a breakdown with these.
_WITHOUT_BREAKDOWN = frozenset({"BoldNumber", "Metric", "CalendarHeatmap", "BoxPlot"})


@rule("insight")
def effective(unit: Unit, _: Index) -> Iterator[Finding]:
    """Nothing in a query is without effect, or fails only when it is computed."""
    query = query_of(unit.value)
    if query is None:
        return
    yield from _breakdowns(query)
    check = {"TrendsQuery": _trends, "FunnelsQuery": _funnels, "HogQLQuery": _sql}.get(query.kind)
    if check is not None:
        yield from check(query)


def _breakdowns(query: Query) -> Iterator[Finding]:
    for path, kind, name in breakdowns(query):
        if kind == "cohort" and isinstance(name, int):
            message = f"the cohort {name} is a number that differs per project"
            yield Finding(path, message, "write the key of a cohort in cohorts/")
    filter_ = query.node.get("breakdownFilter") or {}
    items = [
        ((*query.path, "breakdownFilter", "breakdowns", n), item)
        for n, item in enumerate(filter_.get("breakdowns") or ())
    ]
    if query.shorthand and isinstance(query.node.get("breakdown"), dict):
        items.append(((*query.path, "breakdown"), query.node["breakdown"]))
    for path, item in items:
        if item.get("type") == "group" and "group_type_index" not in item:
            message = "a breakdown by a group's property needs to know which group type"
            yield Finding(path, message, "add group_type_index: 0", "group_type_index")


def _trends(query: Query) -> Iterator[Finding]:
    shown = display(query)
    for path, _, _ in breakdowns(query):
        if shown in _WITHOUT_BREAKDOWN:
            yield Finding(
                path,
                f"the display {shown} shows no breakdown",
                "remove it, or write display: ActionsLineGraph",
            )
            break
    if "aggregation_group_type_index" in query.node:
        path = (*query.path, "aggregation_group_type_index")
        group_type = query.node["aggregation_group_type_index"] or 0
        fix = f"write math: unique_group and math_group_type_index: {group_type} in the series"
        yield Finding(path, "trends ignore aggregation_group_type_index", fix, None, True)
    for path, node in series(query):
        math = node.get("math", "total")
        if shown == "BoxPlot" and node is not UNREADABLE and "math_property" not in node:
            yield Finding(
                path,
                "a box plot needs a property in every series",
                "add math_property: <property>",
                "math_property",
            )
        if shown == "CalendarHeatmap" and is_readable(math) and math not in ("total", "dau"):
            yield Finding((*path, "math"), f"a calendar heatmap ignores the math {math}", "write total or dau")


def _funnels(query: Query) -> Iterator[Finding]:
    steps = len(query.node.get("series") or ())
    inner = query.node.get("funnelsFilter") or {}
    for n, node in enumerate(query.node.get("series") or ()):
        unordered = inner.get("funnelOrderType") == "unordered"
        if node.get("optionalInFunnel") and (n == 0 or unordered):
            message = (
                "the first step cannot be optional" if n == 0 else "no step of an unordered funnel can be optional"
            )
            path = (*query.path, "series", n, "optionalInFunnel")
            yield Finding(path, message, "remove optionalInFunnel", None, True)
    if steps >= FEWEST_STEPS and is_readable(*query.node["series"]):
        yield from _steps(query, inner, steps)


def _steps(query: Query, inner: Node, steps: int) -> Iterator[Finding]:
    """Say which of a funnel's settings name steps that it does not have, or not in order."""
    path = (*query.path, "funnelsFilter")
    whole = f"write funnelFromStep: 0 and funnelToStep: {steps - 1}"
    for n, exclusion in enumerate(inner.get("exclusions") or ()):
        start, end = at(exclusion, "funnelFromStep"), at(exclusion, "funnelToStep")
        if is_readable(start, end) and not start < end < steps:
            message = f"the exclusion from step {start} to {end} is not inside the steps 0 to {steps - 1}"
            yield Finding((*path, "exclusions", n), message, whole)
    start, end = inner.get("funnelFromStep", 0), inner.get("funnelToStep", steps - 1)
    if is_readable(start, end) and not start < end < steps:
        message = f"the range from step {start} to {end} is not inside the steps 0 to {steps - 1}"
        name = "funnelToStep" if "funnelToStep" in inner else "funnelFromStep"
        yield Finding((*path, name), message, whole)
    value = inner.get("breakdownAttributionValue", 0)
    if inner.get("breakdownAttributionType") == "step" and is_readable(value) and value >= steps:
        place = (*path, "breakdownAttributionValue")
        yield Finding(place, f"the funnel has no step {value}", f"write 0 to {steps - 1}")


def _sql(query: Query) -> Iterator[Finding]:
    text = query.node.get("query")
    if not isinstance(text, str):
        return
    if query.node.get("filters") and "{filters" not in text:
        message = "filters act only where the query says {filters}"
        yield Finding(
            (*query.path, "filters"),
            message,
            "write WHERE {filters} in the query, or remove filters",
            None,
            True,
        )
