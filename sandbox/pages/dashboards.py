"""Dashboards as they are laid out: a grid of twelve columns."""

from typing import Any

from sandbox.pages.render import listed, named
from sandbox.resources.analytics import tiles
from sandbox.resources.analytics.queries import source_of
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound

COLUMNS = 12


def all_dashboards(context: Context) -> Data:
    """The dashboards with how many tiles each has."""
    rows, pages = listed(context, "dashboard")
    shown = [{**row, "tiles": len(tiles.of_dashboard(context.store, row["id"]))} for row in rows]
    return {"dashboards": shown, **pages}


def one_dashboard(context: Context) -> Data:
    """A dashboard with its tiles in their places."""
    row = named(context, "dashboard")
    if row["deleted"]:
        raise NotFound()
    return {"dashboard": row, "tiles": [_tile(context, tile) for tile in tiles.of_dashboard(context.store, row["id"])]}


def _tile(context: Context, tile: Data) -> Data:
    insight = context.store.get("insight", tile["insight"]) if tile["insight"] else None
    layout = (tile["layouts"] or {}).get("sm") or {}
    source: Any = (source_of(insight["query"]) if insight else None) or {}
    return {
        "insight": insight and (insight["name"] or insight["derived_name"] or "Untitled"),
        "description": insight["description"] if insight else None,
        "text": (tile["text"] or {}).get("body") or (tile["button_tile"] or {}).get("text") or "",
        "kind": source.get("kind", "").removesuffix("Query") or "text",
        "asks": _asks(source),
        **_place(layout),
    }


def _place(layout: Data) -> Data:
    """Column and row to start in (0: wherever there is room), and how many of them to cover."""
    width = min(max(_whole(layout.get("w"), 6), 1), COLUMNS)
    x, y = layout.get("x"), layout.get("y")
    placed = isinstance(x, int) and isinstance(y, int) and 0 <= x <= COLUMNS - width and y >= 0
    return {
        "column": _whole(x, 0) + 1 if placed else 0,
        "row": _whole(y, 0) + 1 if placed else 0,
        "width": width,
        "height": min(max(_whole(layout.get("h"), 5), 1), 40),
    }


def _whole(of: Any, default: int) -> int:
    return of if type(of) is int else default


def _asks(source: Data) -> list[str]:
    """What an insight asks for, a line each: its series, or its SQL."""
    if source.get("query"):
        return [str(source["query"])]
    lines = []
    for series in source.get("series") or []:
        if isinstance(series, dict):
            maths = [str(series[name]) for name in ("math", "math_property") if series.get(name)]
            name = series.get("custom_name") or series.get("name") or series.get("event") or series.get("kind")
            lines.append(f"{name} ({' of '.join(maths)})" if maths else str(name))
    return lines
