"""What an alert's check compares in the answer to its query. Pure.

Source: PostHog's products/alerts/backend/evaluation (trends.py, funnel_strategies.py, hogql.py), 2026-11.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ai_admin.numbers.alerting import Rule
from ai_admin.numbers.asof import in_time

Json = Mapping[str, Any]

_MOST_ROWS = {"any_row": 50, "last_row": 50_000 - 1}
"""PostHog evaluates no more rows: of the last one it does not know whether it is."""


@dataclass(frozen=True)
class Found:
    """A value that is compared."""

    label: str
    now: float | None
    before: float | None = None


@dataclass(frozen=True)
class Answer:
    """The values that a check compares."""

    found: Sequence[Found]
    """Empty where the query has no result, which counts as nothing at all."""
    several: bool = False
    """Whether none of them stands for all."""


def answer(source: Json, config: Json, rule: Rule, response: Json) -> Answer:
    """Return what a check compares.

    Args:
        source: the query.
        config: the alert's, in canonical form.
        rule: the alert's.
        response: PostHog's answer.

    Raises ValueError where PostHog's check fails, with a reason for people.
    """
    if source["kind"] == "TrendsQuery":
        return _of_trends(source, rule, response["results"])
    if source["kind"] == "FunnelsQuery":
        return _of_funnel(source, config, response["results"])
    return _of_rows(config, rule.condition != "absolute_value", response)


def is_broken_down(source: Json) -> bool:
    """Return whether a query gives values of a breakdown, whose type is `event` where it isn't said."""
    given = source.get("breakdownFilter") or {}
    return bool((given.get("breakdown") and given.get("breakdown_type", "event")) or given.get("breakdowns"))


def _of_trends(source: Json, rule: Rule, results: Sequence[Json]) -> Answer:
    timed, several = in_time(source), is_broken_down(source)
    chosen = results if several else results[rule.series : rule.series + 1]
    if results and not chosen:
        raise ValueError(f"it watches series {rule.series}, and the insight has {len(results)}")
    ago = 1 if rule.ongoing or not timed else 2
    return Answer(
        [_at(str(each["label"]), each["data"] if timed else [each["aggregated_value"]], ago) for each in chosen],
        several,
    )


def _at(label: str, values: Sequence[float | None], ago: int) -> Found:
    padded = [None, None, None, *values]
    return Found(label, padded[-ago], padded[-ago - 1])


def _of_funnel(source: Json, config: Json, results: Sequence[Any]) -> Answer:
    shape = (source.get("funnelsFilter") or {}).get("funnelVizType") or "steps"
    if shape not in ("steps", "trends"):
        raise ValueError(f"alerts can't watch a funnel that is shown as {shape}")
    if not results:
        raise ValueError("its funnel has no data")
    if shape == "trends":
        ago = 1 if config.get("check_ongoing_interval") else 2
        found = [_at(_value_of(each), each["data"], min(ago, len(each["data"])) or 1) for each in results]
    else:
        groups = results if isinstance(results[0], list) else [results]
        found = [Found(_value_of(steps[0]), _rate(steps, config)) for steps in groups]
    return Answer(found, len(found) > 1)


def _value_of(result: Json) -> str:
    value = result.get("breakdown_value")
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _rate(steps: Sequence[Json], config: Json) -> float:
    """Return what share of those who came to the first step, or to the one before, came to a step, in per cent."""
    step = len(steps) - 1 if config.get("funnel_step") is None else config["funnel_step"]
    of_previous = config.get("metric") == "conversion_from_previous"
    if not 0 <= step < len(steps) or (of_previous and step == 0):
        raise ValueError(f"it watches step {step} of a funnel that has {len(steps)}")
    base = steps[step - 1 if of_previous else 0]["count"]
    return float(steps[step]["count"] / base * 100) if base else 0.0


def _of_rows(config: Json, relative: bool, response: Json) -> Answer:
    rows: Sequence[Sequence[Any]] = response["results"]
    names, place = [str(each) for each in response.get("columns") or ()], config.get("evaluation") or "last_row"
    if not rows:
        return Answer([])
    if len(rows) > _MOST_ROWS.get(place, len(rows)):
        raise ValueError(f"its SQL gives {len(rows):,} rows, more than PostHog evaluates: add a LIMIT")
    column = _column(config.get("column"), names, rows)
    label = _label(config.get("label_column"), names, column, len(rows[-1]))
    if place == "any_row":
        return Answer(
            [Found(_text(row, label) or f"row {n}", _cell(row[column])) for n, row in enumerate(rows, 1)], True
        )
    now, *before = rows[:2] if place == "first_row" else rows[-2:][::-1]
    if relative and not before:
        raise ValueError("a change needs two rows, and its SQL gives one")
    return Answer([Found("", _cell(now[column]), _cell(before[0][column]) if before else None)])


def _column(asked: str | None, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Return which column is compared: the one that is asked for, or the only one, or the only one with numbers."""
    if asked is not None:
        return _named(asked, names)
    width = len(rows[-1])
    numeric = [n for n in range(width) if width == 1 or _is_numeric(rows, n)]
    if len(numeric) != 1:
        raise ValueError(f"of the columns of its SQL {len(numeric)} hold numbers: the alert's `column` says which")
    return numeric[0]


def _label(asked: str | None, names: Sequence[str], column: int, width: int) -> int | None:
    """Return which column names the rows: the one that is asked for, or the first that is not compared."""
    return _named(asked, names) if asked is not None else next((n for n in range(width) if n != column), None)


def _named(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise ValueError(f'its SQL has no column "{name}"')
    return names.index(name)


def _is_numeric(rows: Sequence[Sequence[Any]], column: int) -> bool:
    newest = next((row[column] for row in reversed(rows) if row[column] is not None), None)
    return isinstance(newest, int | float) and not isinstance(newest, bool)


def _text(row: Sequence[Any], column: int | None) -> str:
    return "" if column is None or row[column] is None else str(row[column])


def _cell(value: Any) -> float:
    if value is None:  # which is zero
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"its SQL gives no number that can be compared, but a {type(value).__name__}")
    return float(value)
