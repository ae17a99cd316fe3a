"""Figures as Vega-Lite specifications (https://vega.github.io/vega-lite/docs/).

Every text is made here, with the formats of the insight: what an axis says is what the tile says. No mark is clipped,
and so no drawing has ids that could be those of another one on the same page.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from typing import Any

from ai_admin.charts.figures import Bars, Cell, Figure, Grid, Number, Plot, Series, Table, Words
from ai_admin.charts.formats import moment
from ai_admin.charts.themes import Theme

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
LETTER = 7.2
"""The width of a letter of axes and legends, in pixels, in the widest of the fonts that a browser may take."""
_FITS = 0.82
"""How much of the room a text may take, which is measured in a narrower font."""

_ROW = 44
_SIZE = 12
_SQUARE: Spec = {"symbolType": "square", "symbolStrokeWidth": 0}


def spec(figure: Figure, theme: Theme, width: int = 640, height: int = 260) -> Spec:
    """Return the specification of a figure.

    Args:
        figure: what to draw.
        theme: its colours.
        width: of the whole drawing, in pixels.
        height: of the area with the marks; axes and legends come on top, and what has rows is as high as they need.
    """
    if isinstance(figure, Plot):
        body = _plot(figure, theme, width, height)
    elif isinstance(figure, Bars):
        body = _pie(figure, theme, width, height) if figure.pie else _bars(figure, theme, width)
    elif isinstance(figure, Number):
        body = _lines([(figure.text, 40, theme.ink), (figure.note, 13, theme.soft)], width)
    elif isinstance(figure, Words):
        wrapped = textwrap.wrap(figure.text, int(width / LETTER))
        body = _lines([(line, 13, theme.goal if figure.failed else theme.soft) for line in wrapped], width)
    else:
        body = _table(figure, theme, width) if isinstance(figure, Table) else _grid(figure, theme, width)
    return {**_frame(theme), "width": width, **body}


def ticks(low: float, high: float, whole: bool, most: int = 5) -> list[float]:
    """Return round numbers around values, zero among them: a step of 1, 2 or 5 times a power of ten."""
    low, high = min(low, 0), max(high, 0) or (0 if low < 0 else 1)
    rough = (high - low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    step = max(step, 1) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _frame(theme: Theme) -> Spec:
    text = {"labelColor": theme.soft, "labelFontSize": _SIZE, "titleColor": theme.soft, "titleFontSize": _SIZE}
    return {
        "$schema": SCHEMA,
        "background": theme.paper,
        "padding": 4,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": FONT,
            "aria": False,  # the page names a drawing; a name for each mark would be most of its size
            "view": {"stroke": None},
            "axis": {**text, "title": None, **dict.fromkeys(("domainColor", "tickColor", "gridColor"), theme.line)},
            "legend": {**text, "title": None, "labelColor": theme.ink, "symbolSize": 80},
            "text": {"color": theme.ink, "fontSize": _SIZE},
        },
    }


def _plot(plot: Plot, theme: Theme, width: int, height: int) -> Spec:
    rows = _bar_rows(plot) if plot.mark == "bar" else _line_rows(plot)
    axis = _values(plot)
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
    goals = [
        layer
        for goal in plot.goals
        for layer in _goal(goal.value, f"{goal.label}: {shape(goal.value)}", theme, (width - 90) * _FITS)
    ]
    drawn = {"data": {"values": rows}, "mark": mark, "encoding": encoding}
    return {"height": height, "layer": [drawn, *goals]}


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


def _values(plot: Plot) -> list[float]:
    """Return the numbers at the y axis. A goal that is far above everything is no reason to hide everything."""
    if plot.stacked:
        columns = [
            [[each.values[at] for each in plot.series if each.before is before] for before in (False, True)]
            for at in range(len(plot.points))
        ]
        high = max(sum(max(value, 0) for value in part) for column in columns for part in column)
        low = min(sum(min(value, 0) for value in part) for column in columns for part in column)
    else:
        high = max(max(each.values) for each in plot.series)
        low = min(min(each.values) for each in plot.series)
    high = max([high, *(goal.value for goal in plot.goals)])
    whole = plot.format.style == "numeric" and all(value == int(value) for each in plot.series for value in each.values)
    return ticks(low, high, whole)


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
        "labelLimit": (width - 90) * _FITS,
        "symbolLimit": 0,
        "symbolOpacity": 1,
        "offset": 12,
        **({"symbolType": "stroke", "symbolStrokeWidth": 3} if line else _SQUARE),
    }
    # A picture has no tooltips: several series are always named, whatever `showLegend` says.
    legend = legend if len(series) > 1 else None
    scale = {"domain": list(range(len(series))), "range": colours}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _goal(value: float, label: str, theme: Theme, limit: float) -> list[Spec]:
    there = {"y": {"datum": value, "type": "quantitative"}}
    rule = {"mark": {"type": "rule", "color": theme.goal, "strokeDash": [6, 4], "strokeWidth": 1.5}, "encoding": there}
    text = {"type": "text", "align": "right", "dy": -7, "color": theme.goal, "limit": limit}
    text["text"] = label.removeprefix(": ")
    edge: Spec = {"value": "width"}
    return [{"data": {"values": [{}]}, **rule},
            {"data": {"values": [{}]}, "mark": text, "encoding": {**there, "x": edge}}]  # fmt: skip


def _pie(pie: Bars, theme: Theme, width: int, height: int) -> Spec:
    names = [f"{bar.label}  {bar.note}" for bar in pie.bars]
    wide = width >= 460
    legend = {
        "orient": "right" if wide else "bottom",
        "columns": 1,
        "labelExpr": f"{json.dumps(names)}[datum.value]",
        "labelLimit": (width - height - 60 if wide else width - 40) * _FITS,
        "symbolLimit": 0,
        **_SQUARE,
    }
    scale = {"domain": list(range(len(names))), "range": [theme.colour(bar.colour) for bar in pie.bars]}
    return {
        "height": height,
        "data": {"values": [{"slice": n, "value": bar.value} for n, bar in enumerate(pie.bars)]},
        "mark": {"type": "arc", "outerRadius": height / 2 - 4, "innerRadius": height / 4, "stroke": theme.paper},
        "encoding": {
            "theta": {"field": "value", "type": "quantitative", "stack": True},
            "order": {"field": "slice"},
            "color": {"field": "slice", "type": "nominal", "scale": scale, "legend": legend},
        },
    }


def _bars(bars: Bars, theme: Theme, width: int) -> Spec:
    """Bars from the top, each with its name and its value above it: names may be long, and screens narrow."""
    inner = width - 8
    longest = max(len(bar.note) for bar in bars.bars) * LETTER + 12
    rows = [
        {"row": n, "label": bar.label, "note": bar.note, "share": bar.share, "colour": theme.colour(bar.colour)}
        for n, bar in enumerate(bars.bars)
    ]
    across = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": None}
    down = {"field": "row", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0, "paddingOuter": 0}}
    mark = {"type": "bar", "height": 14, "yOffset": 10, "cornerRadius": 2}
    text = {"type": "text", "dy": -8, "baseline": "middle"}
    layers = [
        {"mark": {**mark, "color": theme.track}, "encoding": {"x": {**across, "datum": 1}, "x2": {"datum": 0}}},
        {
            "mark": mark,
            "encoding": {
                "x": {**across, "field": "share"},
                "x2": {"datum": 0},
                "color": {"field": "colour", "type": "nominal", "scale": None},
            },
        },
        {
            "mark": {**text, "align": "left", "limit": max((inner - longest) * _FITS, 60)},
            "encoding": {"x": {"value": 0}, "text": {"field": "label"}},
        },
        {
            "mark": {**text, "align": "right", "color": theme.soft},
            "encoding": {"x": {"value": "width"}, "text": {"field": "note"}},
        },
    ]
    return {
        "height": _ROW * len(rows),
        "data": {"values": rows},
        "encoding": {"y": down},
        "layer": layers,
    }


def _lines(lines: Sequence[tuple[str, int, str]], width: int) -> Spec:
    """Texts below each other, in the middle."""
    rows, top = [], 0.0
    for text, size, colour in lines:
        rows.append({"text": text, "size": size, "colour": colour, "y": top + size * 0.75})
        top += size * 1.5
    return {
        "height": top,
        "data": {"values": rows},
        "mark": {"type": "text", "baseline": "middle", "limit": width - 8},
        "encoding": {
            "x": {"value": (width - 8) / 2},
            "y": {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [top, 0], "nice": False}},
            "text": {"field": "text"},
            "size": {"field": "size", "type": "quantitative", "scale": None, "legend": None},
            "color": {"field": "colour", "type": "nominal", "scale": None},
        },
    }


def _table(table: Table, theme: Theme, width: int) -> Spec:
    """The rows as texts; a text that is longer than its column ends in an ellipsis."""
    texts = [table.columns, *table.cells]
    widths = [max(len(row[place]) for row in texts) * LETTER + 16 for place in range(len(table.columns))]
    factor = min(1.0, (width - 8) / sum(widths))
    rows, left = [], 0.0
    for place, wide in enumerate(widths):
        for line, row in enumerate(texts):
            right = table.numeric[place]
            x = (left + wide - 8 if right else left) * factor
            colour = theme.ink if line else theme.soft
            rows.append({"text": row[place], "x": x, "line": line, "right": right, "colour": colour,
                         "limit": wide * factor - 8})  # fmt: skip
        left += wide
    sides = ((True, "right"), (False, "left"))
    layers = [_cells([row for row in rows if row["right"] is right], align) for right, align in sides]
    return {"height": 24 * len(texts), "layer": layers}


def _cells(rows: list[Spec], align: str) -> Spec:
    return {
        "data": {"values": rows},
        "mark": {"type": "text", "align": align, "baseline": "middle", "limit": {"expr": "datum.limit"}},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "axis": None, "scale": None},
            "y": {"field": "line", "type": "ordinal", "axis": None},
            "text": {"field": "text"},
            "color": {"field": "colour", "type": "nominal", "scale": None},
        },
    }


def _grid(grid: Grid, theme: Theme, width: int) -> Spec:
    fields = [
        {"x": column, "y": line, **_field(cell)}
        for line, row in enumerate(grid.cells)
        for column, cell in enumerate(row)
        if cell
    ]
    names = [f"{name}  {note}".strip() for name, note in zip(grid.names, grid.notes, strict=True)]
    across = {"type": "ordinal", "scale": {"domain": list(range(len(grid.columns) - 2)), "padding": 0.04}}
    down = {"type": "ordinal", "scale": {"domain": list(range(len(names))), "padding": 0.06}}
    heads = {"labelExpr": f"{json.dumps(grid.columns[2:])}[datum.value]", "orient": "top", "labelAngle": 0}
    side = {"labelExpr": f"{json.dumps(names)}[datum.value]", "labelLimit": 200}
    plain = {"domain": False, "ticks": False}
    text = {"mark": {"type": "text"}, "encoding": {"text": {"field": "text"}}}
    shade = {"field": "shade", "type": "quantitative", "scale": None, "legend": None}
    rect = {"mark": {"type": "rect", "color": theme.series[0], "cornerRadius": 2}, "encoding": {"opacity": shade}}
    narrow = (width - 120) / (len(grid.columns) - 2) < 38
    return {
        "height": 28 * len(names),
        "data": {"values": fields},
        "encoding": {
            "x": {"field": "x", **across, "axis": {**heads, **plain, "labelOverlap": True}},
            "y": {"field": "y", **down, "axis": {**side, **plain}},
        },
        "layer": [rect] if narrow else [rect, text],
    }


def _field(cell: Cell) -> Spec:
    # Weak enough for dark letters on the strongest shade.
    return {"text": cell.text + ("*" if cell.unfinished else ""), "shade": round(0.06 + 0.44 * cell.shade, 3)}
