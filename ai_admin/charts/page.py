"""A dashboard as one page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ai_admin.charts.markup import style
from ai_admin.charts.themes import Theme

COLUMNS = 12
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Place:
    """Where a tile is on a page's grid."""

    column: int
    """Of its left edge, from 1; 0: wherever there is room."""
    row: int
    width: int
    height: int

    def css(self) -> str:
        """Return the place as declarations of a style sheet."""
        left, top = (f"{each} / " if each else "" for each in (self.column, self.row))
        return f"grid-column: {left}span {self.width}; grid-row: {top}span {self.height}"


@dataclass(frozen=True)
class Tile:
    """A tile of a page."""

    html: str
    place: Place
    name: str = ""
    """Empty for a text."""
    description: str = ""
    note: str = ""
    """What else is to be said of its numbers."""


def place(layouts: Any) -> Place:
    """Return where a tile's ``layouts`` put it on a wide screen; what they leave open, or get wrong, is a default."""
    layout = (layouts.get("sm") if isinstance(layouts, dict) else None) or {}
    width = min(max(_whole(layout.get("w"), 6), 1), COLUMNS)
    x, y = _whole(layout.get("x"), -1), _whole(layout.get("y"), -1)
    placed = 0 <= x <= COLUMNS - width and y >= 0
    height = min(max(_whole(layout.get("h"), 5), 1), 40)
    return Place(x + 1 if placed else 0, y + 1 if placed else 0, width, height)


def page(title: str, tiles: Sequence[Tile], said: str, theme: Theme | None = None) -> str:
    """Return a whole HTML document.

    Args:
        title: the dashboard's name.
        tiles: in the order in which a phone shows them.
        said: where the numbers are from, and when they were asked for.
        theme: light or dark; without it, whichever the reader's system has.
    """
    shown = "\n".join(map(_tile, tiles))
    scheme = theme.name if theme else "light dark"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
:root {{ color-scheme: {scheme}; }}
{style(theme)}{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="chart-note">{escape(said)}</p>
<main>
{shown}
</main>
</body>
</html>
"""


def _tile(tile: Tile) -> str:
    heading = f"<h2>{escape(tile.name)}</h2>" if tile.name else ""
    about = "".join(f'<p class="about">{escape(each)}</p>' for each in (tile.description, tile.note) if each)
    kind = "tile" if tile.name else "tile text"
    return f'<section class="{kind}" style="{tile.place.css()}">{heading}{about}{tile.html}</section>'


def _whole(of: Any, default: int) -> int:
    return of if type(of) is int else default


_STYLE = """* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1400px; padding: 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--chart-ink);
  background: var(--chart-track); }
h1 { font-size: 1.4rem; margin: .5rem 0 0; overflow-wrap: anywhere; }
h1 + .chart-note { text-align: left; margin-bottom: 1rem; }
main { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); grid-auto-rows: minmax(4rem, auto);
  gap: .5rem; }
.tile { background: var(--chart-paper); border: 1px solid var(--chart-line); border-radius: 4px; padding: .6rem .75rem;
  min-width: 0; overflow-wrap: anywhere; }
.tile.text { background: none; border: 0; }
.tile h2 { font-size: 1rem; margin: 0 0 .3rem; }
.about { margin: 0 0 .3rem; color: var(--chart-soft); font-size: .85rem; }
.text h1, .text h2, .text h3, .text p { margin: .2rem 0; font-size: 1.1rem; }
.text p { font-size: 1rem; }
a { color: var(--chart-0); }
@media (max-width: 700px) {
  main { display: block; }
  .tile { margin-bottom: .5rem; }
}
"""
