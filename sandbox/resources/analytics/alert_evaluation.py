"""Whether an alert breaches: its insight computed anew and compared with the threshold (PostHog:
products/alerts/backend/evaluation/dispatcher.py and comparator.py).
"""

import math
import sys
import traceback
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.query.engine import Engine
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.resources.analytics import alert_series
from sandbox.resources.analytics.alert_series import Found, NotEvaluatedError, Series
from sandbox.storage.store import Data

MOST_BREACHES = 5
VERBS = {"absolute_value": "is", "relative_increase": "increased", "relative_decrease": "decreased"}


@dataclass(frozen=True)
class Outcome:
    """What a check found: a value (None: no single one), a sentence for each breach, or why there is none.

    `rows` are the labels and values of the rows that breach, where all are told of.
    """

    value: float | None = None
    breaches: list[str] = field(default_factory=list)
    error: str | None = None
    rows: list[Data] = field(default_factory=list)


def evaluate(engine: Engine, project: Data, alert: Data, query: Any, now: datetime) -> Outcome:
    """Check an alert at a moment, on the events up to it. What can't be computed is an outcome with an error."""
    try:
        if alert["detector_config"] or alert["forecast_config"]:
            raise NotComputedError("anomalies and forecasts")
        source = alert_series.node(alert, query)
        response = engine.at(project, source, now)
        return compare(alert, alert_series.found(alert, source, response, project.get("base_currency")))
    except QueryError as error:
        return Outcome(error=error.text)
    except NotEvaluatedError as error:
        return Outcome(error=str(error))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # an answer of an odd shape
        traceback.print_exception(error, file=sys.stderr)
        return Outcome(error=f"{type(error).__name__}: {error}")


def compare(alert: Data, found: Found) -> Outcome:
    """What was found against the alert's condition and threshold."""
    condition, threshold = alert["condition"]["type"], alert["threshold"]["configuration"]
    relative, percent = condition != "absolute_value", threshold["type"] == "percentage"
    last: float | None = None
    breaching: list[tuple[Series, float, str]] = []
    for series in found.series:
        value = _value(series, condition, percent) if relative else _at(series, series.at)
        if value is None:
            continue
        last = value
        sentence = _breach(alert, found, series, value)
        if sentence:
            breaching.append((series, value, sentence))
            if not found.every:
                break
    if not breaching:
        return Outcome(0 if found.empty else None if found.several else last)
    first, rest = breaching[:MOST_BREACHES], len(breaching) - MOST_BREACHES
    sentences = [sentence for _, _, sentence in first]
    more = [f"...and {rest} more rows breach"] if rest > 0 else []
    rows = [{"label": series.label, "value": value} for series, value, _ in breaching] if found.every else []
    return Outcome(first[0][1], sentences + more, rows=rows)


def _at(series: Series, index: int) -> float | None:
    return series.values[index] if 0 <= index < len(series.values) else None


def _value(series: Series, condition: str, percent: bool) -> float | None:
    """The change since the interval before; a decrease is a positive number."""
    current, before = _at(series, series.at), _at(series, series.at - 1)
    if current is None or before is None:
        return None
    change = current - before if condition == "relative_increase" else before - current
    if not percent:
        return change
    if before == 0:
        return 0 if current == 0 else math.inf
    return change / before


def _breach(alert: Data, found: Found, series: Series, value: float) -> str:
    """The sentence that says which bound is broken, empty when none is."""
    threshold = alert["threshold"]["configuration"]
    bounds = threshold.get("bounds") or {}
    lower, upper = bounds.get("lower"), bounds.get("upper")
    if lower is not None and value < lower:
        bound, side = lower, "less than lower"
    elif upper is not None and value > upper:
        bound, side = upper, "more than upper"
    else:
        return ""
    shown = "{:.2%}".format if threshold["type"] == "percentage" else found.text
    about = f" ({series.label})" if found.timed or found.named else ""
    if found.timed:
        about += f" for {'current' if series.ongoing else 'previous'} {found.interval}"
    verb = VERBS[alert["condition"]["type"]]
    return f"{found.subject}{about} ({shown(value)}) {verb} {side} threshold ({shown(bound)})"
