"""Figures as Vega-Lite specifications (https://vega.github.io/vega-lite/docs/).

Every text is made here, with the formats of the insight: what an axis says is what the tile says. No mark is clipped,
and so no drawing has ids that could be those of another one on the same page.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

from ai_admin.charts.figures import Bars, Figure, Grid, Number, Plot, Table, Words
from ai_admin.charts.plots import FITS, LETTER, SQUARE, Spec, plot_spec
from ai_admin.charts.themes import Theme

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_ROW = 44
_SIZE = 12


def spec(
    figure: Figure, theme: Theme, width: int = 640, height: int = 260, title: str = "", below: Sequence[str] = ()
) -> Spec:
    """Return the specification of a figure.

    Args:
        figure: what to draw.
        theme: its colours.
        width: of the whole drawing, in pixels.
        height: of the area with the marks; axes and legends come on top, and what has rows is as high as they need.
        title: what stands above it.
        below: sentences below the title, each on a line of its own, or several where it is long.
    """
    if isinstance(figure, Plot):
        body = plot_spec(figure, theme, width, height)
    elif isinstance(figure, Bars):
        body = _pie(figure, theme, width, height) if figure.pie else _bars(figure, theme, width)
    elif isinstance(figure, Number):
        body = _lines([(figure.text, 40, theme.ink), (figure.note, 13, theme.soft)], width)
    elif isinstance(figure, Words):
        wrapped = textwrap.wrap(figure.text, int(width / LETTER))
        body = _lines([(line, 13, theme.goal if figure.failed else theme.soft) for line in wrapped], width)
    else:
        body = _table(figure, theme, width) if isinstance(figure, Table) else _grid(figure, theme, width)
    above: Spec = {"text": title, "anchor": "start", "frame": "bounds", "limit": (width - 24) * FITS, "offset": 12}
    if below:
        lines = [line for each in below for line in textwrap.wrap(each, int(width / LETTER))]
        above |= {"subtitle": lines, "subtitleColor": theme.soft, "subtitleFontSize": _SIZE}
    return {**_frame(theme), "width": width, **body, **({"title": above} if title else {})}


def _frame(theme: Theme) -> Spec:
    text = {"labelColor": theme.soft, "labelFontSize": _SIZE, "titleColor": theme.soft, "titleFontSize": _SIZE}
    return {
        "$schema": SCHEMA,
        "background": theme.paper,
        "padding": 8,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": FONT,
            "aria": False,  # the page names a drawing; a name for each mark would be most of its size
            "view": {"stroke": None},
            "axis": {**text, "title": None, **dict.fromkeys(("domainColor", "tickColor", "gridColor"), theme.line)},
            "legend": {**text, "title": None, "labelColor": theme.ink, "symbolSize": 80},
            "text": {"color": theme.ink, "fontSize": _SIZE},
            "title": {"color": theme.ink, "fontSize": 15},
        },
    }


def _pie(pie: Bars, theme: Theme, width: int, height: int) -> Spec:
    names = [f"{bar.label}  {bar.note}" for bar in pie.bars]
    legend = {
        "orient": "bottom",
        "columns": 1,
        "labelExpr": f"{json.dumps(names)}[datum.value]",
        "labelLimit": (width - 40) * FITS,
        "symbolLimit": 0,
        **SQUARE,
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
    inner = width - 16
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
            "mark": {**text, "align": "left", "limit": max((inner - longest) * FITS, 60)},
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
        "mark": {"type": "text", "baseline": "middle", "limit": width - 16},
        "encoding": {
            "x": {"value": (width - 16) / 2},
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
    rows, left = [], 0.0
    for place, wide in enumerate(_fitted(widths, width - 16)):
        for line, row in enumerate(texts):
            right = table.numeric[place]
            x = left + wide - 8 if right else left
            colour = theme.ink if line else theme.soft
            rows.append({"text": row[place], "x": x, "line": line, "right": right, "colour": colour,
                         "limit": wide - 8})  # fmt: skip
        left += wide
    sides = ((True, "right"), (False, "left"))
    layers = [_cells([row for row in rows if row["right"] is right], align) for right, align in sides]
    return {"height": 24 * len(texts), "layer": layers}


def _fitted(widths: Sequence[float], room: float) -> list[float]:
    """Return how wide columns are in so much room: narrow ones as they need, the others share what is left evenly."""
    fitted, left = list(widths), room
    for done, place in enumerate(sorted(range(len(widths)), key=widths.__getitem__)):
        fitted[place] = min(widths[place], left / (len(widths) - done))
        left -= fitted[place]
    return fitted


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
        # Weak enough for dark letters on the strongest shade.
        {"x": column, "y": line, "text": cell.text + "*" * cell.unfinished, "shade": round(0.06 + 0.44 * cell.shade, 3)}
        for line, row in enumerate(grid.cells)
        for column, cell in enumerate(row)
        if cell
    ]
    names = [f"{name}  {note}".strip() for name, note in zip(grid.names, grid.notes, strict=True)]
    across = {"type": "ordinal", "scale": {"domain": list(range(len(grid.columns) - 2)), "padding": 0.04}}
    down = {"type": "ordinal", "scale": {"domain": list(range(len(names))), "padding": 0.06}}
    heads = {"labelExpr": f"{json.dumps(grid.columns[2:])}[datum.value]", "orient": "top", "labelAngle": 0}
    side = {
        "labelExpr": f"{json.dumps(names)}[datum.value]",
        "labelLimit": 200,
        "minExtent": min(max(map(len, names)) * LETTER, 200),
    }
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
