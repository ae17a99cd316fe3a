"""Dashboards as they are laid out, in a grid of twelve columns, with their numbers drawn."""

from collections.abc import Callable
from html import escape

from ai_admin import charts
from sandbox.pages.render import listed, named
from sandbox.resources.analytics import tiles
from sandbox.resources.analytics.insights import INSIGHTS
from sandbox.resources.analytics.queries import source_of
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound


def all_dashboards(context: Context) -> Data:
    """The dashboards with how many tiles each has."""
    rows, pages = listed(context, "dashboard")
    shown = [{**row, "tiles": len(tiles.of_dashboard(context.store, row["id"]))} for row in rows]
    return {"rows": shown, **pages}


def one_dashboard(context: Context) -> Data:
    """A dashboard with its tiles in their places."""
    row = named(context, "dashboard")
    if row["deleted"]:
        raise NotFound()
    shown = [_tile(context, row, tile) for tile in tiles.of_dashboard(context.store, row["id"])]
    return {"dashboard": row, "tiles": shown, "style": charts.style()}


def _tile(context: Context, dashboard: Data, tile: Data) -> Data:
    place = charts.place(tile["layouts"])
    insight = context.store.get("insight", tile["insight"]) if tile["insight"] else None
    if insight is None:
        text = (tile["text"] or {}).get("body") or (tile["button_tile"] or {}).get("text") or ""
        return {"place": place.css(), "drawing": _safely(lambda: charts.html(text))}
    filters = {**dashboard["filters"], **(tile["filters_overrides"] or {})}
    shown = INSIGHTS.show_tile(context, insight, filters, dashboard["variables"], "blocking")
    figure = charts.figure(shown["query"], {**shown, "results": shown["result"]})
    name = insight["name"] or insight["derived_name"] or "Untitled"
    return {
        "insight": name,
        "description": insight["description"],
        "place": place.css(),
        "drawing": _safely(lambda: charts.tile(figure, name, place.width, place.height)),
        "asks": _asks(source_of(insight["query"]) or {}) if isinstance(figure, charts.Words) else [],
    }


def _safely(draw: Callable[[], str]) -> str:
    """What was drawn; where a package is missing, which one."""
    try:
        return draw()
    except charts.NotInstalled as missing:
        return f'<p class="chart-empty">{escape(str(missing))}</p>'


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
