"""Back-tests as a picture: what each check compared, the bounds, and the times at which the alert would have fired."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any

from ai_admin import charts
from ai_admin.charts.figures import Goal, Plot, Series
from ai_admin.charts.formats import Format
from ai_admin.numbers.alerting import Check, Outcome
from ai_admin.numbers.backtest import Told

POINTS = 1000
"""Most points of a line; of more checks the worst of several is drawn."""

_OF_ONE = ("width", "height", "data", "layer", "mark", "encoding", "title")
"""The parts of a specification that are of one drawing, and not of all that stand on a sheet."""


def plot(told: Told) -> Plot:
    """Return what an alert would have done as a figure. Pure."""
    rule, shown = told.outcome.rule, list(_thinned(told.outcome))
    finite = [each.seen for each in shown if each.seen is not None and math.isfinite(each.seen)]
    bounds = [(word, bound) for word, bound in (("below", rule.lower), ("above", rule.upper)) if bound is not None]
    highest = max([*finite, *(bound for _, bound in bounds)])
    # A value that grew from nothing is infinite: it is drawn as high as the highest one.
    times = 100 if rule.share else 1  # in per cent, as in the texts
    values = tuple(min(each.seen, highest) * times for each in shown if each.seen is not None)
    return Plot(
        tuple(each.at.astimezone(UTC).isoformat() for each in shown),
        (Series("value", values, 0),),
        format=Format(suffix=" %" if rule.share or rule.percent else "", most=2 if rule.share else 4),
        goals=tuple(Goal(word, bound * times) for word, bound in bounds),
        interval="hour",
        zone="UTC",
        marked=tuple(_runs(shown)),
    )


def sheet(found: Iterable[tuple[str, Sequence[str], Told]]) -> str:
    """Return back-tests (at least one) as an SVG document, one below the other, each with its title and lines below it.

    Raises NotInstalled where the packages that draw are missing.
    """
    specs = [charts.spec(_figure(told), charts.LIGHT, 800, 200, title, below) for title, below, told in found]
    whole: dict[str, Any] = {name: value for name, value in specs[0].items() if name not in (*_OF_ONE, "autosize")}
    parts = [{name: spec[name] for name in _OF_ONE if name in spec} for spec in specs]
    return charts.svg({**whole, "vconcat": parts, "spacing": 28, "resolve": {"scale": {"color": "independent"}}})


def _figure(told: Told) -> charts.Figure:
    seen = any(each.seen is not None for each in told.outcome.checks)
    return plot(told) if seen else charts.Words("No data: no check found a value in this period.")


def _thinned(outcome: Outcome) -> Iterator[Check]:
    known = [each for each in outcome.checks if each.seen is not None]
    size = math.ceil(len(known) / POINTS)
    for first in range(0, len(known), size or 1):
        yield max(known[first : first + size], key=lambda each: outcome.rule.distance(each.seen or 0))


def _runs(checks: Sequence[Check]) -> Iterator[tuple[int, int]]:
    """Yield the first and last place of each run of checks that find a breach."""
    first = None
    for place, each in enumerate(checks):
        if each.breach and first is None:
            first = place
        if first is not None and (not each.breach or place + 1 == len(checks)):
            yield first, place
            first = None
