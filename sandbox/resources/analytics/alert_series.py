"""What an alert looks at in its insight's result: for trends, SQL and funnels one shape (PostHog:
products/alerts/backend/evaluation/trends.py, hogql.py, funnel_strategies.py).

Traps: of a trend the last whole interval is compared, not the one that is under way, unless the alert asks for that; a
breakdown is looked at whole, whatever `series_index` says; no row at all is a zero; an empty funnel is an error.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.query.breakdowns import NULL, OTHER
from sandbox.resources.analytics import alert_texts, queries
from sandbox.resources.analytics.alert_rules import NOT_TIME_SERIES
from sandbox.storage.store import Data

# How far back a trend is computed: a relative change of the last whole interval needs the one before it.
BACK = {"absolute_value": 2, "relative_increase": 3, "relative_decrease": 3}
UNITS = {"day": "d", "week": "w", "month": "m"}
PLACES = {"last_row": ("last row", "second-to-last row"), "first_row": ("first row", "second row")}
ANY_ROW_MOST, LAST_ROW_MOST = 50, 50_000
SHOWN = {OTHER: "Other (i.e. all remaining values)", NULL: "None (i.e. no value)"}


class NotEvaluatedError(Exception):
    """The result can't be compared as the alert is configured; the text says why, in PostHog's words."""


@dataclass(frozen=True)
class Series:
    """Values in time, one of which is compared; `ongoing`: its interval is not over."""

    label: str
    values: list[float | None]
    at: int
    ongoing: bool = False


EMPTY = Series("empty result", [0.0, 0.0], 1)


@dataclass(frozen=True)
class Found:
    """What the result holds, and how messages speak of it.

    Attributes:
        several: the series are values of a breakdown or rows: none of them stands for all.
        every: all that breach are told of, not the first only.
        empty: the result had no rows.
        interval: what messages say of the time, None where there is none. named: they say the series' name.
    """

    series: list[Series]
    subject: str
    text: Callable[[float], str]
    several: bool = False
    every: bool = False
    empty: bool = False
    timed: bool = False
    interval: str = "interval"
    named: bool = False


# What is asked -----------------------------------------------------------------------------------------------


def node(alert: Data, query: Any) -> Data:
    """The query that a check computes: a trend in time over its last intervals only."""
    source = queries.source_of(query) or {}
    if source.get("kind") != "TrendsQuery" or not _in_time(source):
        return source
    back = f"-{BACK[alert['condition']['type']]}{UNITS.get(_interval(source), 'h')}"
    return queries.in_dashboard(source, {"date_from": back})  # type: ignore[no-any-return]


def _interval(source: Data) -> str:
    return str(source.get("interval") or "day")


def _in_time(source: Data) -> bool:
    return (source.get("trendsFilter") or {}).get("display") not in NOT_TIME_SERIES


# What is found -----------------------------------------------------------------------------------------------


def found(alert: Data, source: Data, response: Data, currency: str | None) -> Found:
    """What a check compares.

    Args:
        alert: the alert. source: the query that was computed. response: its answer. currency: the project's.

    Raises:
        NotEvaluatedError: the result has another shape than the alert's configuration needs.
    """
    config = alert["config"] or {}
    if source["kind"] == "TrendsQuery":
        return _of_trends(config, source, response["results"], currency)
    if source["kind"] == "FunnelsQuery":
        return _of_funnel(config, source, response["results"])
    return _of_rows(config, response, alert["condition"]["type"])


def _of_trends(config: Data, source: Data, results: list[Data], currency: str | None) -> Found:
    by = source.get("breakdownFilter") or {}
    several = bool((by.get("breakdown") and by.get("breakdown_type", "event")) or by.get("breakdowns"))
    timed = _in_time(source)
    text = alert_texts.of_trends(source.get("trendsFilter") or {}, currency)
    interval = _interval(source) if timed else "interval"
    whole = Found([EMPTY], "The insight value", text, several=several, timed=True, interval=interval)
    if not results:
        return replace(whole, empty=True)
    ongoing = not timed or bool(config.get("check_ongoing_interval"))
    chosen = results if several else [results[config["series_index"]]]
    return replace(whole, series=[_line(each, timed, ongoing) for each in chosen])


def _line(result: Data, timed: bool, ongoing: bool) -> Series:
    values = list(result["data"]) if timed else [result["aggregated_value"]]
    label = str(result["label"])
    for internal, shown in SHOWN.items():
        label = label.replace(internal, shown)
    return Series(label, values, len(values) - (1 if ongoing else 2), ongoing)


# Funnels


def _percent(value: float) -> str:
    return f"{value}%"


def _of_funnel(config: Data, source: Data, results: Any) -> Found:
    shape = (source.get("funnelsFilter") or {}).get("funnelVizType") or "steps"
    if shape not in ("steps", "trends"):
        raise NotEvaluatedError(f"Funnel alerts aren't supported for the '{shape}' visualization.")
    if not results:
        raise NotEvaluatedError(f"Funnel {shape} alert query returned no data.")
    if shape == "trends":
        ongoing = bool(config.get("check_ongoing_interval"))
        series = [
            Series(_value_of(each), each["data"], max(len(each["data"]) - (1 if ongoing else 2), 0)) for each in results
        ]
    else:
        groups = results if isinstance(results[0], list) else [results]
        series = [Series(_value_of(steps[0]), [_rate(steps, config)], 0) for steps in groups]
    several = len(series) > 1
    return Found(series, "The funnel conversion rate", _percent, several=several, named=several)


def _value_of(result: Data) -> str:
    value = result.get("breakdown_value")
    if value is None:
        return "conversion"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _rate(steps: list[Data], config: Data) -> float:
    """The share, in percent, that got to the step: of those of the step before, or of the first."""
    asked = config.get("funnel_step")
    step = len(steps) - 1 if asked is None else asked
    if not 0 <= step < len(steps):
        raise NotEvaluatedError(f"funnel_step {step} is out of range (funnel has {len(steps)} steps).")
    of_previous = config.get("metric") == "conversion_from_previous"
    if of_previous and step == 0:
        raise NotEvaluatedError(
            "conversion_from_previous is undefined at the first step (there is no prior step); "
            "use conversion_from_start instead."
        )
    base = steps[step - 1 if of_previous else 0]["count"]
    return float(steps[step]["count"] / base * 100) if base else 0.0


# SQL


def _of_rows(config: Data, response: Data, condition: str) -> Found:
    rows, names = response["results"], [str(each) for each in response.get("columns") or []]
    evaluation = config.get("evaluation") or "last_row"
    whole = Found([EMPTY], "The SQL insight value", str)
    if not rows:
        return replace(whole, empty=True)
    _check_count(len(rows), evaluation)
    column = _column(config.get("column"), names, rows)
    label = _label_column(config.get("label_column"), names, column, len(rows[-1]))
    if evaluation == "any_row":
        series = [
            Series(_label(row, label) or f"row {number}", [_cell(row[column], f"row {number}")], 0)
            for number, row in enumerate(rows, 1)
        ]
        return replace(whole, series=series, several=True, every=True, named=True)
    current, *before = rows[:2] if evaluation == "first_row" else rows[-2:][::-1]
    if condition != "absolute_value" and not before:
        raise NotEvaluatedError("Relative alerts on SQL insights need at least two rows (current and previous).")
    current_name, before_name = PLACES[evaluation]
    values: list[float | None] = [_cell(row[column], before_name) for row in before]
    values.append(_cell(current[column], current_name))
    shown = _label(current, label)
    series = [Series(shown or (names[column] if names else "result"), values, len(values) - 1)]
    return replace(whole, series=series, named=shown is not None)


def _check_count(count: int, evaluation: str) -> None:
    if evaluation == "any_row" and count > ANY_ROW_MOST:
        raise NotEvaluatedError(
            f"Any-row SQL alerts evaluate at most {ANY_ROW_MOST} rows, but the query returned {count} — add a LIMIT or "
            "aggregate the query."
        )
    if evaluation == "last_row" and count >= LAST_ROW_MOST:
        raise NotEvaluatedError(
            f"Last-row SQL alerts can't trust a result of {count}+ rows — it may be truncated, so the last row might "
            "not be the real one. Add ORDER BY ... LIMIT, aggregate, or use first-row evaluation with a newest-first "
            "ordering."
        )


def _column(asked: str | None, names: list[str], rows: list[list[Any]]) -> int:
    """Which column is compared: the one that is asked for, the only one, or the only one with numbers."""
    if asked is not None:
        if asked not in names:
            raise NotEvaluatedError(f"SQL alert column '{asked}' is not in the result columns ({', '.join(names)}).")
        return names.index(asked)
    width = len(rows[-1])
    numeric = [index for index in range(width) if width == 1 or _is_numeric(rows, index)]
    if len(numeric) == 1:
        return numeric[0]
    count = "more than one" if numeric else "none"
    raise NotEvaluatedError(
        f"SQL alert query returns {width} columns ({', '.join(names)}) and {count} of them is numeric — "
        "pick the column to evaluate in the alert settings."
    )


def _is_numeric(rows: list[list[Any]], index: int) -> bool:
    """Whether a column has numbers, by its last value that is not null."""
    newest = next((row[index] for row in reversed(rows) if row[index] is not None), None)
    return isinstance(newest, int | float) and not isinstance(newest, bool)


def _label_column(asked: str | None, names: list[str], column: int, width: int) -> int | None:
    """Which column names the rows: the one that is asked for, or the first that is not compared."""
    if asked is not None and asked not in names:
        raise NotEvaluatedError(f"SQL alert label column '{asked}' is not in the result columns ({', '.join(names)}).")
    if asked is not None:
        return names.index(asked)
    return next((index for index in range(width) if index != column), None)


def _label(row: list[Any], column: int | None) -> str | None:
    return None if column is None or row[column] is None else str(row[column])


def _cell(value: Any, where: str) -> float:
    """A number; null is zero."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotEvaluatedError(
            f"SQL alert query must return a numeric value to evaluate (got {type(value).__name__} for the {where})."
        )
    if not math.isfinite(value):
        raise NotEvaluatedError(f"SQL alert query must return a finite numeric value (got {value} for the {where}).")
    return float(value)
