"""Plots as Vega-Lite specifications: lines, areas and bars over an axis."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from ai_admin.charts.figures import Goal, Plot, Series
from ai_admin.charts.formats import Format, moment
from ai_admin.charts.themes import Theme

Spec = dict[str, Any]

LETTER = 7.2
"""The width of a letter of axes and legends, in pixels, in the widest of the fonts that a browser may take."""

FITS = 0.82
"""How much of the room a text may take, which is measured in a narrower font."""

FAR = 10
"""So many times the highest value is a goal that the axis does not reach."""

SQUARE: Spec = {"symbolType": "square", "symbolStrokeWidth": 0}
"""A legend's symbols."""


def plot_spec(plot: Plot, theme: Theme, width: int, height: int) -> Spec:
    """Return the specification of a plot, without the frame that all drawings share."""
    rows = _bar_rows(plot) if plot.mark == "bar" else _line_rows(plot)
    lowest, highest = _extent(plot)
    # So high that the values could not be seen if the axis reached it.
    far = [goal for goal in plot.goals if 0 < highest * FAR < goal.value]
    near = [goal for goal in plot.goals if goal not in far]
    heights = [lowest, highest, *(goal.value for goal in near)]
    axis = ticks(min(heights), max(heights), _whole(plot))
    step, low = axis[1] - axis[0], axis[0]
    shape = plot.format.finer(step)
    points = [moment(point, plot.interval) if plot.interval else point for point in plot.points]
    flush = plot.mark != "bar" or len(points) > 15
    places = _shown(points, width - 50, flush)
    # A band leaves room for bars; the others begin and end at the edges.
    across = {"type": "band" if plot.mark == "bar" else "point", "domain": list(range(len(plot.points)))}
    encoding: Spec = {
        "x": {
            "field": "at",
            "type": "ordinal",
            "scale": {**across, **({"paddingInner": 0.25} if plot.mark == "bar" else {"padding": 0})},
            "axis": {
                "values": places,
                "labelExpr": f"{json.dumps(points)}[datum.value]",
                "labelAngle": 0,
                "labelFlush": flush,
                "labelOverlap": False,
                "grid": False,
                **({"title": plot.zone, "titleAnchor": "end", "titleFontWeight": "normal"} if plot.zone else {}),
            },
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "stack": "zero" if plot.stacked else None,
            "scale": {"domain": [axis[0], axis[-1]], "nice": False},
            "axis": {
                "values": axis,
                "labelExpr": f"{json.dumps([shape(value) for value in axis])}[round((datum.value - {low}) / {step})]",
                "minExtent": max(len(shape(value)) for value in axis) * LETTER + 4,
                "domain": False,
                "ticks": False,
            },
        },
        "color": _colours(plot.series, theme, width, plot.mark == "line"),
        "detail": [{"field": "part"}, {"field": "series"}],
        "order": {"field": "series"},
    }
    if plot.mark == "bar":
        mark: Spec = {"type": "bar"}
        encoding["opacity"] = {"field": "strength", "type": "quantitative", "scale": None, "legend": None}
        if not plot.stacked and len(plot.series) > 1:
            encoding["xOffset"] = {"field": "series", "type": "ordinal"}
        elif any(each.before for each in plot.series):
            encoding["xOffset"] = {"field": "period", "type": "ordinal"}
        del encoding["detail"]
    elif plot.mark == "area":
        mark = {"type": "area", "line": False, "opacity": 0.75}
    else:
        mark = {"type": "line", "strokeWidth": 2, "point": len(plot.points) == 1}
        dash = {"field": "part", "type": "nominal", "legend": None}
        encoding["strokeDash"] = {**dash, "scale": {"domain": ["whole", "open"], "range": [[1, 0], [4, 4]]}}
    limit = (width - 90) * FITS
    goals = [layer for goal in near for layer in _goal(goal, shape, theme, limit)]
    top: Spec = {"y": {"value": 0}}
    goals += [_label(f"{_named(goal, shape)} ↑", top, 8 + 15 * n, theme, limit) for n, goal in enumerate(far)]
    drawn = {"data": {"values": rows}, "mark": mark, "encoding": encoding}
    return {"height": height, "layer": [*_marks(plot, theme, encoding["x"]["axis"]), drawn, *goals]}


def _marks(plot: Plot, theme: Theme, axis: Spec) -> list[Spec]:
    """Return the coloured ground; a place of one point only is as wide as a line.

    Without the ``axis`` of the others it would have one with upright labels, and these get their alignment from it.
    """
    if not plot.marked:
        return []
    rows = [{"from": first, "to": last} for first, last in plot.marked]
    mark = {"type": "rect", "color": theme.goal, "opacity": 0.25, "stroke": theme.goal, "strokeWidth": 2}
    ends = {"x": {"field": "from", "type": "ordinal", "axis": axis}, "x2": {"field": "to"}}
    return [{"data": {"values": rows}, "mark": mark, "encoding": ends}]


def _line_rows(plot: Plot) -> list[Spec]:
    """Return the points of lines and areas. What leads to an interval that was not over is a part of its own, dashed;
    both parts have the point where they meet.
    """
    last = max(len(plot.points) - plot.unfinished, 1) - 1 if plot.unfinished and plot.mark == "line" else None
    rows = []
    for number, each in enumerate(plot.series):
        for at, value in enumerate(each.values):
            row = {"at": at, "series": number, "value": value}
            if last is None or each.before or at <= last:
                rows.append({**row, "part": "whole"})
            if last is not None and not each.before and at >= last and len(plot.points) > 1:
                rows.append({**row, "part": "open"})
    return rows


def _bar_rows(plot: Plot) -> list[Spec]:
    over = len(plot.points) - plot.unfinished
    return [
        {"at": at, "series": number, "value": value, "period": not each.before,
         "strength": 0.5 if at >= over and not each.before else 1}
        for number, each in enumerate(plot.series)
        for at, value in enumerate(each.values)
    ]  # fmt: skip


def _extent(plot: Plot) -> tuple[float, float]:
    """Return the lowest and the highest value that is drawn."""
    if not plot.stacked:
        return min(min(each.values) for each in plot.series), max(max(each.values) for each in plot.series)
    columns = [
        [each.values[at] for each in plot.series if each.before is before]
        for at in range(len(plot.points))
        for before in (False, True)
    ]
    low = min(sum(min(value, 0) for value in column) for column in columns)
    return low, max(sum(max(value, 0) for value in column) for column in columns)


def _whole(plot: Plot) -> bool:
    return plot.format.style == "numeric" and all(value == int(value) for each in plot.series for value in each.values)


def _shown(points: Sequence[str], width: int, flush: bool) -> list[int]:
    """Return which points have their label, counted from the last, so that no label touches the next one.

    Where the last label is moved inwards (``flush``), it takes half of its length from its neighbour.
    """
    needed = max(map(len, points)) * LETTER * (1.5 if flush else 1) + 12
    step = math.ceil(needed * len(points) / width)
    return list(range(len(points) - 1, -1, -step))[::-1]


def _colours(series: Sequence[Series], theme: Theme, width: int, line: bool) -> Spec:
    names = [each.label for each in series]
    colours = [theme.colour(each.colour, each.before) for each in series]
    longest = min(max(map(len, names)), int((width - 40) / LETTER))
    legend: Spec | None = {
        "orient": "bottom",
        "columns": max(int(width // (longest * LETTER + 36)), 1),
        "labelExpr": f"{json.dumps(names)}[datum.value]",
        "columnPadding": 10 + 0.12 * longest * LETTER,
        "labelLimit": (width - 90) * FITS,
        "symbolLimit": 0,
        "symbolOpacity": 1,
        "offset": 12,
        **({"symbolType": "stroke", "symbolStrokeWidth": 3} if line else SQUARE),
    }
    # A picture has no tooltips: several series are always named, whatever `showLegend` says.
    legend = legend if len(series) > 1 else None
    scale = {"domain": list(range(len(series))), "range": colours}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _goal(goal: Goal, shape: Format, theme: Theme, limit: float) -> list[Spec]:
    there = {"y": {"datum": goal.value, "type": "quantitative"}}
    rule = {"mark": {"type": "rule", "color": theme.goal, "strokeDash": [6, 4], "strokeWidth": 1.5}, "encoding": there}
    return [{"data": {"values": [{}]}, **rule}, _label(_named(goal, shape), there, -7, theme, limit)]


def _named(goal: Goal, shape: Format) -> str:
    return f"{goal.label}: {shape(goal.value)}".removeprefix(": ")


def _label(text: str, there: Spec, down: float, theme: Theme, limit: float) -> Spec:
    """Return a text at the right edge, on a ground of its own: a line may run below it."""
    mark: Spec = {"type": "text", "align": "right", "dy": down, "color": theme.goal, "limit": limit, "text": text}
    ground = {"stroke": theme.paper, "strokeWidth": 4, "strokeJoin": "round"}
    edge: Spec = {"value": "width"}
    return {"data": {"values": [{}]}, "mark": {**mark, **ground}, "encoding": {**there, "x": edge}}


def ticks(low: float, high: float, whole: bool, most: int = 5) -> list[float]:
    """Return round numbers around values, zero among them: a step of 1, 2 or 5 times a power of ten."""
    low, high = min(low, 0), max(high, 0) or (0 if low < 0 else 1)
    rough = (high - low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    step = max(step, 1) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]
