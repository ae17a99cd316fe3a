"""Alerts that PostHog can evaluate: the rules of its own validation, before it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.query import (
    FEWEST_STEPS,
    TOTAL_VALUE_DISPLAYS,
    Query,
    display,
    formulas,
    query_of,
    result_count,
)
from ai_admin.definitions.rules.percentages import says
from ai_admin.definitions.spelling import listed, suggestion
from ai_admin.definitions.sql.columns import Selected, columns
from ai_admin.definitions.unreadable import UNREADABLE, at, is_readable
from providers.posthog.kinds.insight import QUERY_KEYS

_ALERTABLE = ("TrendsQuery", "FunnelsQuery", "HogQLQuery")
_ALL_DAY = ("real_time", "every_15_minutes", "hourly")
_COMPARING = ("relative_increase", "relative_decrease")
_WITHOUT_COURSE = TOTAL_VALUE_DISPLAYS | {"CalendarHeatmap"}
_DAY, _SHORTEST = 24 * 60, 30
_SNAPSHOT = "is one figure and not a course over time"


@rule("alert")
def bounds_in_order(unit: Unit, _: Index) -> Iterator[Finding]:
    """The lower bound is below the upper one."""
    lower, upper = at(unit.value, "threshold", "lower"), at(unit.value, "threshold", "upper")
    if isinstance(lower, int | float) and isinstance(upper, int | float) and lower >= upper:
        message = f"the lower bound {lower:g} is not below the upper bound {upper:g}"
        yield Finding(("threshold", "lower"), message, f"write less than {upper:g}, or remove one of the two")


@rule("alert")
def looks_at_a_time_of_day(unit: Unit, _: Index) -> Iterator[Finding]:
    """Only an alert that is checked once a day or less often has a time of day for it."""
    interval = unit.value.get("calculation_interval", "daily")
    if "schedule_start_time" in unit.value and interval in _ALL_DAY:
        message = f"an alert that is checked {interval} has no time of day"
        fix = "remove schedule_start_time, or write calculation_interval: daily"
        yield Finding(("schedule_start_time",), message, fix, None, True)


@rule("alert")
def looks_now_and_then(unit: Unit, _: Index) -> Iterator[Finding]:
    """Times without checks are half an hour or longer, and not the whole day."""
    windows = at(unit.value, "schedule_restriction", "blocked_windows", default=[])
    blocked: set[int] = set()
    for n, window in enumerate(windows if isinstance(windows, list) else ()):
        start, end = (_minute(at(window, name)) for name in ("start", "end"))
        if start is None or end is None:
            return
        length = (end - start) % _DAY
        if length < _SHORTEST:
            message = f"the window lasts {length} minutes, and PostHog takes none below {_SHORTEST}"
            path = ("schedule_restriction", "blocked_windows", n, "end")
            yield Finding(path, message, f"write {_SHORTEST} minutes after {window['start']}, or later")
        blocked.update((start + minute) % _DAY for minute in range(length))
    if len(blocked) == _DAY:
        message, fix = "the windows leave no time of the day to look at", "write shorter windows, or enabled: false"
        yield Finding(("schedule_restriction", "blocked_windows"), message, fix)


def _minute(clock: Any) -> int | None:
    if not isinstance(clock, str):
        return None
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


@rule("alert")
def looks_ahead(unit: Unit, _: Index) -> Iterator[Finding]:
    """Only a bound above is checked before the interval ends: PostHog refuses that for a decrease."""
    if unit.value.get("check_ongoing_interval") is True and unit.value.get("condition") == "relative_decrease":
        message = "check_ongoing_interval does not go with relative_decrease: what still runs is less than what ended"
        yield Finding(("check_ongoing_interval",), message, "remove check_ongoing_interval", None, True)


@rule("alert", sees=("insight",))
def watches_what_exists(unit: Unit, index: Index) -> Iterator[Finding]:
    """The insight can have alerts and has the series; where the alert compares over time, it is one over time."""
    insight, query = _watched(unit, index)
    if insight is None or query is None:
        return
    if query.kind not in _ALERTABLE:
        message = f'PostHog has alerts on trends, funnels and SQL, and "{insight.key}" is a {query.kind}'
        yield Finding(("insight",), message, "watch an insight of trends, funnel or sql")
        return
    yield from _series(unit, insight.key, query)
    yield from _condition(unit, insight.key, query)


def _watched(unit: Unit, index: Index) -> tuple[Unit | None, Query | None]:
    """Return the insight that an alert watches, and its query where that can be read."""
    insight = index.find("insight", unit.value.get("insight"))
    if insight is None or not is_readable(*(at(insight.value, name) for name in QUERY_KEYS)):
        return insight, None
    return insight, query_of(insight.value)


def _series(unit: Unit, key: str, query: Query) -> Iterator[Finding]:
    number = unit.value.get("series", 0)
    if number is UNREADABLE:
        return
    if query.kind == "HogQLQuery":
        if number:
            yield Finding(("series",), "an SQL insight has columns and no series", "remove series, and write column")
        return
    count = result_count(query)
    if count is not None and number >= count and not (query.kind == "FunnelsQuery" and count < FEWEST_STEPS):
        noun = "formula" if formulas(query) else "step" if query.kind == "FunnelsQuery" else "series"
        many = noun if count == 1 or noun == "series" else {"formula": "formulas", "step": "steps"}[noun]
        fix = f"write 0 to {count - 1}" if count > 1 else "write 0, or remove it"
        yield Finding(("series",), f'the insight "{key}" has {count} {many}, so no {noun} {number}', fix)


_OF_SQL = ("column", "label_column", "rows")


@rule("alert", sees=("insight",))
def watches_a_column(unit: Unit, index: Index) -> Iterator[Finding]:
    """Of an SQL insight one column of numbers is watched, by name where there are several.

    PostHog's evaluation of SQL alerts (products/alerts/backend/evaluation/hogql.py) looks only at the result, and fails
    at every check where a column is not there or can't be told from another one.
    """
    insight, query = _watched(unit, index)
    if insight is None or query is None:
        return
    if query.kind != "HogQLQuery":
        for name in _OF_SQL:
            if unit.value.get(name, "last") != "last" and query.kind in _ALERTABLE:
                message = f'only an SQL insight has columns and rows, and "{insight.key}" is a {query.kind}'
                yield Finding((name,), message, f"remove {name}, or write series", None, True)
        return
    if unit.value.get("rows") == "any" and unit.value.get("condition") in _COMPARING:
        message = f"{unit.value['condition']} compares with the row before, and rows: any looks at each by itself"
        yield Finding(("rows",), message, "write last or first, or condition: absolute_value")
    text = query.node.get("query")
    there = columns(text) if isinstance(text, str) else None
    if there is None:
        return
    names = [column.name for column in there if column.name]
    for name in ("column", "label_column"):
        wanted = unit.value.get(name)
        if isinstance(wanted, str) and wanted not in names and len(names) == len(there):
            message = f'the query of the insight "{insight.key}" selects no column "{wanted}"'
            yield Finding((name,), message, suggestion(wanted, names, f"write {listed(names)}"))
    if "column" not in unit.value and not unit.value.get("series") and len(there) > 1:
        yield from _one_of(unit, insight.key, there)


def _one_of(unit: Unit, key: str, there: list[Selected]) -> Iterator[Finding]:
    numbers = [column for column in there if column.numeric]
    if len(numbers) > 1:
        named = [column.name for column in numbers if column.name]
        what = listed(named, "and") if len(named) == len(numbers) else f"{len(numbers)} columns"
        message = f'several columns of the insight "{key}" hold numbers ({what}), and PostHog watches one'
        fix = f"add column: {named[0]}, or another one of these" if named else "give the columns names with AS"
        yield Finding((), message, fix, "column")
    elif all(column.numeric is False for column in there):
        yield Finding(("insight",), f'no column of the insight "{key}" holds numbers', "select a number in its query")


@rule("alert", sees=("insight",))
def bounds_of_a_funnel(unit: Unit, index: Index) -> Iterator[Finding]:
    """The bounds of a funnel's value are per cent: a note tells of one that looks like a fraction.

    Source: PostHog's products/alerts/backend/evaluation (funnel_strategies.py). PostHog takes any number, so none is a
    problem. A bound below 1 % is meant as such where the alert's name says so.
    """
    _, query = _watched(unit, index)
    if query is None or query.kind != "FunnelsQuery" or unit.value.get("condition") != "absolute_value":
        return
    for name in ("lower", "upper"):
        bound, title = at(unit.value, "threshold", name), unit.value.get("name")
        if isinstance(bound, int | float) and 0 < bound < 1 and title is not UNREADABLE and not says(title, bound):
            message = f"the values of a funnel are per cent, 0 to 100: {bound:g} is {bound:g} %"
            many = f"write {bound * 100:g} for {bound * 100:g} %"
            fix = f'{many}; if {bound:g} % is meant, say "{bound:g} %" in the alert\'s name'
            yield Finding(("threshold", name), message, fix, note=True)


@rule("alert", sees=("insight",))
def bounds_of_a_share(unit: Unit, index: Index) -> Iterator[Finding]:
    """The bounds of a fraction that is shown as per cent are fractions: a note tells of one above 100 %.

    Source: PostHog compares the values of the query (products/alerts/backend/evaluation), and `percentage_scaled` is
    only how its pages write them.
    """
    _, query = _watched(unit, index)
    if query is None or query.kind != "TrendsQuery" or at(unit.value, "threshold", "type") == "percentage":
        return
    if at(query.node, "trendsFilter", "aggregationAxisFormat") != "percentage_scaled":
        return
    for name in ("lower", "upper"):
        bound, title = at(unit.value, "threshold", name), unit.value.get("name")
        if isinstance(bound, int | float) and bound > 1 and title is not UNREADABLE and not says(title, bound * 100):
            message = f"the values of this insight are fractions, shown as per cent: {bound:g} is {bound * 100:g} %"
            many = f"write {bound / 100:g} for {bound:g} %"
            fix = f'{many}; if {bound * 100:g} % is meant, say "{bound * 100:g} %" in the alert\'s name'
            yield Finding(("threshold", name), message, fix, note=True)


def _condition(unit: Unit, key: str, query: Query) -> Iterator[Finding]:
    condition = unit.value.get("condition", "absolute_value")
    if query.kind == "HogQLQuery" and unit.value.get("check_ongoing_interval"):
        message = "an SQL insight has no running interval"
        yield Finding(("check_ongoing_interval",), message, "remove check_ongoing_interval", None, True)
    if query.kind == "FunnelsQuery":
        shown = at(query.node, "funnelsFilter", "funnelVizType", default="steps")
        if shown is not UNREADABLE and shown not in ("steps", "trends"):
            message = f'the funnel "{key}" is shown as {shown}, and PostHog has alerts on steps and trends only'
            yield Finding(("insight",), message, "write funnelVizType: steps or trends in the insight")
        elif shown == "steps" and condition in _COMPARING:
            message = f'{condition} compares with before, and the funnel "{key}" {_SNAPSHOT}'
            yield Finding(("condition",), message, "write absolute_value, or funnelVizType: trends in the insight")
    if query.kind == "TrendsQuery" and condition in _COMPARING and display(query) in _WITHOUT_COURSE:
        message = f'{condition} compares with before, and the insight "{key}" ({display(query)}) {_SNAPSHOT}'
        yield Finding(("condition",), message, "write absolute_value, or display: ActionsLineGraph in the insight")
