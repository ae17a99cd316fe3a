"""HogQLQuery and lists of events: a table, or what its columns draw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ai_admin.charts.figures import Figure, Plot, Series, Table, Words
from ai_admin.charts.formats import Format, of_column
from ai_admin.charts.trends import breakdown, goals, number, ranking

Json = Mapping[str, Any]

EMPTY = Words("No data: the query found no rows.")

_PLOTS = {
    "ActionsLineGraph": ("line", False),
    "ActionsAreaGraph": ("area", True),
    "ActionsBar": ("bar", False),
    "ActionsStackedBar": ("bar", True),
}


def table(node: Json, answer: Json) -> Figure:
    """Return the figure of a node whose results are rows.

    Args:
        node: the DataVisualizationNode with its display, chart and table settings, or any other node: a table.
        answer: the answer, with ``columns``.
    """
    columns, rows = [str(each) for each in answer.get("columns") or ()], answer["results"]
    if not rows:
        return EMPTY
    charts = node.get("chartSettings") or {}
    axes = [axis for axis in charts.get("yAxis") or () if axis["column"] in columns]
    if not axes:
        axes = [{"column": column} for place, column in enumerate(columns) if _numeric(rows, place)]
    display = node.get("display")
    if display == "BoldNumber" and axes:
        return number(_float(rows[0][columns.index(axes[0]["column"])]), None, of_column(axes[0]))
    across = (charts.get("xAxis") or {}).get("column") or columns[0]
    if across in columns and axes and (display in _PLOTS or display == "ActionsPie"):
        drawn = [axis for axis in axes if axis["column"] != across] or axes
        return _chart(str(display), charts, columns, rows, across, drawn)
    return _table(node, columns, rows)


def _chart(
    display: str, charts: Json, columns: list[str], rows: Sequence[Any], across: str, axes: Sequence[Json]
) -> Figure:
    place, shape = columns.index(across), of_column(axes[0])
    if display == "ActionsPie":
        value = columns.index(axes[0]["column"])
        return ranking([(_text(row[place]), _float(row[value]) or 0) for row in rows], shape, display)
    points = list(dict.fromkeys(_text(row[place]) for row in rows))
    by = columns.index(charts["seriesBreakdownColumn"]) if charts.get("seriesBreakdownColumn") in columns else None
    names = [""] if by is None else list(dict.fromkeys(breakdown(row[by]) for row in rows))
    series: list[Series] = []
    for axis in axes:
        label = ((axis.get("settings") or {}).get("display") or {}).get("label") or axis["column"]
        for name in names:
            found = {
                _text(row[place]): _float(row[columns.index(axis["column"])]) or 0
                for row in rows
                if by is None or breakdown(row[by]) == name
            }
            title = name if name and len(axes) == 1 else f"{label}: {name}" if name else label
            series.append(Series(title, tuple(found.get(point, 0.0) for point in points), len(series)))
    mark, stacked = _PLOTS[display]
    top = max(max(each.values) for each in series)
    interval = "hour" if any("T" in point for point in points) else "day"
    return Plot(tuple(points), tuple(series), mark, stacked, shape, goals(charts, top), interval=interval)


def _table(node: Json, columns: list[str], rows: Sequence[Any]) -> Table:
    asked = {axis["column"]: axis for axis in (node.get("tableSettings") or {}).get("columns") or ()}
    shown = [name for name in asked if name in columns] or columns
    places = [columns.index(name) for name in shown]
    shapes = [of_column(asked.get(name) or {}) for name in shown]
    cells = tuple(tuple(_cell(row[place], shape) for place, shape in zip(places, shapes, strict=True)) for row in rows)
    names = [((asked.get(name, {}).get("settings") or {}).get("display") or {}).get("label") or name for name in shown]
    values = tuple(tuple(row[place] for place in places) for row in rows)
    return Table(tuple(names), cells, values, tuple(_numeric(rows, place) for place in places))


def _cell(value: Any, shape: Format) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shape(value)
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _numeric(rows: Sequence[Any], place: int) -> bool:
    values = [row[place] for row in rows if row[place] is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
