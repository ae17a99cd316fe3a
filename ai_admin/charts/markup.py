"""A figure as the HTML of a tile: inline, with the colours as variables, and without any script or request."""

from __future__ import annotations

import re
from html import escape

from ai_admin.charts.figures import Bars, Figure, Grid, Number, Plot, Table, Words
from ai_admin.charts.rendering import svg
from ai_admin.charts.specs import spec
from ai_admin.charts.themes import DARK, LIGHT, Theme

NARROW = 320
"""The width of the drawing for a tile that is too narrow for its own width on a wide page."""

_VARIABLES = {colour: name for name, colour in LIGHT.variables().items()}
_WIDTHS = tuple(range(1, 13))
"""How many of a page's twelve columns a tile may cover."""


def wide(columns: int) -> int:
    """Return how wide the drawing of a tile is on a page of 1,400 pixels."""
    return max(round(1360 * columns / 12) - 44, NARROW)


def tile(figure: Figure, name: str, columns: int = 6, rows: int = 5) -> str:
    """Return a figure as HTML.

    Args:
        figure: what to show.
        name: of the insight, for those who can't see the drawing.
        columns: how many of twelve columns the tile covers.
        rows: how many rows of the page.

    Raises :class:`~ai_admin.charts.rendering.NotInstalled`.
    """
    if isinstance(figure, Words):
        return f'<p class="{"chart-failed" if figure.failed else "chart-empty"}">{escape(figure.text)}</p>'
    if isinstance(figure, Number):
        return f'<p class="chart-number">{escape(figure.text)}</p><p class="chart-note">{escape(figure.note)}</p>'
    if isinstance(figure, Table):
        return _table(figure)
    if isinstance(figure, Grid):
        return _grid(figure)
    height = max(rows * 72 - 120, 150)
    narrow = _drawing(figure, name, NARROW, min(height, 220))
    if wide(columns) == NARROW:
        return f'<div class="chart">{narrow}</div>'
    # Two drawings, of which the tile's own width shows one: letters of a drawing that is made smaller can't be read.
    whole = _drawing(figure, name, wide(columns), height)
    return f'<div class="chart chart-{columns}"><div class="wide">{whole}</div><div class="narrow">{narrow}</div></div>'


def style(theme: Theme | None = None) -> str:
    """Return the style sheet of tiles.

    Args:
        theme: the page's one; without it, whichever the reader's system has.
    """
    night = "" if theme else f"@media (prefers-color-scheme: dark) {{ {_root(DARK)} }}\n"
    fits = "".join(
        f"@container tile (min-width: {round(wide(columns) * 0.78)}px) {{ .chart-{columns} > .wide {{ display: block }}"
        f" .chart-{columns} > .narrow {{ display: none }} }}\n"
        for columns in _WIDTHS
    )
    return f"{_root(theme or LIGHT)}\n{night}{_STYLE}{fits}"


def _root(theme: Theme) -> str:
    return f":root {{ {' '.join(f'{name}: {colour};' for name, colour in theme.variables().items())} }}"


def _drawing(figure: Plot | Bars, name: str, width: int, height: int) -> str:
    drawn = svg(spec(figure, LIGHT, width, height), name)
    drawn = re.sub(r'<svg([^>]*?) width="\d+" height="\d+"', r"<svg\1", drawn, count=1)
    # Colours are in these two attributes only; in a label it is the name that somebody gave an insight.
    return re.sub(r' (fill|stroke)="(#[0-9a-f]{6})"', lambda at: f' {at[1]}="var({_VARIABLES[at[2]]})"', drawn)


def _table(table: Table) -> str:
    sides = [' class="number"' if numeric else "" for numeric in table.numeric]
    heads = "".join(f"<th{side}>{escape(each)}</th>" for side, each in zip(sides, table.columns, strict=True))
    rows = "".join(
        "<tr>" + "".join(f"<td{side}>{escape(each)}</td>" for side, each in zip(sides, row, strict=True)) + "</tr>"
        for row in table.cells
    )
    return f'<div class="chart-table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _grid(grid: Grid) -> str:
    heads = "".join(f"<th>{escape(each)}</th>" for each in grid.columns)
    rows = []
    for name, note, cells in zip(grid.names, grid.notes, grid.cells, strict=True):
        fields = "".join(
            f'<td class="{"open" if cell.unfinished else "over"}" style="--shade: {cell.shade * 44 + 6:.0f}%">'
            f"{escape(cell.text)}</td>"
            if cell
            else "<td></td>"
            for cell in cells
        )
        rows.append(f"<tr><th>{escape(name)}</th><td>{escape(note)}</td>{fields}</tr>")
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="chart-table"><table class="chart-grid">{body}</table></div>'


_STYLE = """.tile { container: tile / inline-size; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart > .wide { display: none; }
.chart > .narrow, .chart > svg { max-width: 460px; margin: 0 auto; }
.chart-number { font-size: 2.6rem; line-height: 1.2; margin: .6rem 0 0; text-align: center; color: var(--chart-ink); }
.chart-note, .chart-empty { text-align: center; color: var(--chart-soft); margin: .2rem 0; }
.chart-empty, .chart-failed { padding: 1.5rem .5rem; overflow-wrap: anywhere; }
.chart-failed { color: var(--chart-goal); }
.chart-table { overflow-x: auto; }
.chart-table table { display: table; width: 100%; border-collapse: collapse; border: 0; background: none; }
.chart-table thead { display: table-header-group; position: static; }
.chart-table tbody { display: table-row-group; }
.chart-table tr { display: table-row; border: 0; padding: 0; }
.chart-table td, .chart-table th { display: table-cell; width: auto; padding: .3rem .6rem; text-align: left;
  white-space: nowrap; overflow-wrap: normal; border-bottom: 1px solid var(--chart-line); }
.chart-table td.number, .chart-table th.number { text-align: right; font-variant-numeric: tabular-nums;
  padding: .3rem .6rem; }
.chart-table th { color: var(--chart-soft); font-weight: 600; font-size: .85rem; }
.chart-grid.chart-grid { border-collapse: separate; border-spacing: 2px; font-size: .85rem; }
.chart-grid td, .chart-grid thead th { border: 0; padding: .3rem .2rem; text-align: center; font-size: .8rem; }
.chart-grid tbody th { border: 0; padding: .3rem .4rem .3rem 0; text-align: left; font-weight: 400; }
.chart-grid td.over, .chart-grid td.open {
  background: color-mix(in srgb, var(--chart-0) var(--shade), var(--chart-paper)); border-radius: 3px; }
.chart-grid td.open { outline: 1px dashed var(--chart-soft); outline-offset: -2px; }
"""
