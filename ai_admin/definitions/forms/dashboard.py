"""Dashboards and their tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.forms.base import (
    Gathered,
    Reference,
    Value,
    Written,
    fields,
    file,
    for_file,
    key_of,
    resource,
)
from ai_admin.definitions.forms.insight import insight_of
from ai_admin.definitions.forms.queries import brief, complete
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.layout import Place, place
from ai_admin.definitions.model import Definition
from ai_admin.definitions.query import property_filters
from ai_admin.definitions.tiles import insight_key
from providers.posthog.kinds import KINDS, Ref


def expand(unit: Unit, _: Index) -> Iterator[Definition]:
    """Yield the dashboard and its tiles; the insights in them are units of their own."""
    properties = fields(unit, "tiles", "exclusive_tiles")
    if "filters" in properties:
        properties["filters"] = complete(properties["filters"])
    yield resource("dashboard", unit.key, unit, properties)
    tiles = unit.value.get("tiles") or []
    laid_out = [_tile(tile, here._asdict()) for tile, here in zip(tiles, place(tiles), strict=True)]
    laid_out.sort(key=lambda tile: (tile["layout"]["y"], tile["layout"]["x"]))
    alone = {"exclusive_tiles": unit.value.get("exclusive_tiles", False)}
    yield resource("tiles", unit.key, unit, {"dashboard": Ref("dashboard", unit.key), "tiles": laid_out, **alone})


def _tile(tile: dict[str, Any], layout: dict[str, int]) -> dict[str, Any]:
    look: dict[str, Any] = {name: tile[name] for name in ("color", "show_description") if name in tile}
    content: dict[str, Any] = {name: tile[name] for name in ("text", "button") if name in tile}
    if not content:
        content = {"insight": Ref("insight", insight_key(tile))}
    return {**content, "layout": layout, **look}


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per dashboard. An insight is defined on the first one that shows it, and named on the others."""
    defined: set[str] = set()
    for key, properties in gathered.of("dashboard").items():
        value = for_file(KINDS["dashboard"], properties)
        if "filters" in value:
            value["filters"] = brief(value["filters"])
        board = gathered.of("tiles").get(key, {})
        value |= {name: board[name] for name in ("exclusive_tiles",) if name in board}
        tiles = board.get("tiles", [])
        written = []
        for tile in tiles:
            here = {name: item for name, item in tile.items() if name not in ("insight", "text", "button")}
            if "insight" in tile:
                insight = key_of(tile["insight"])
                here = {"insight": insight if insight in defined else insight_of(gathered, insight), **here}
                defined.add(insight)
            else:
                here = {**{name: tile[name] for name in ("text", "button") if name in tile}, **here}
            written.append(here)
        if written:
            value["tiles"] = _flowing(written)
        yield file("dashboard", key, value)


def _flowing(tiles: list[Value]) -> list[Value]:
    """Return tiles without what their layout need not say: a tile that flows to its place has none."""
    wanted = place(tiles)
    tiles = [_sized(tile, here) for tile, here in zip(tiles, wanted, strict=True)]
    for n, tile in enumerate(tiles):
        layout = {name: item for name, item in tile.get("layout", {}).items() if name not in ("x", "y")}
        rest = {name: item for name, item in tile.items() if name != "layout"}
        shorter = [*tiles[:n], {**rest, "layout": layout} if layout else rest, *tiles[n + 1 :]]
        if place(shorter) == wanted:
            tiles = shorter
    return tiles


def _sized(tile: Value, here: Place) -> Value:
    """Return a tile with its place, and with its size where that is not the usual one."""
    usual = place([{name: item for name, item in tile.items() if name != "layout"}])[0]
    size = {name: getattr(here, name) for name in ("w", "h") if getattr(here, name) != getattr(usual, name)}
    return {**tile, "layout": {"x": here.x, "y": here.y, **size}}


def references(unit: Unit) -> Iterator[Reference]:
    """Yield path, kind and key of the insights in a dashboard's tiles, and of the cohorts in its filters."""
    for n, tile in enumerate(unit.value.get("tiles") or ()):
        if isinstance(tile, dict) and isinstance(tile.get("insight"), str):
            yield ("tiles", n, "insight"), "insight", tile["insight"]
    filters = (unit.value.get("filters") or {}).get("properties")
    for path, leaf in property_filters(filters, ("filters", "properties")):
        if leaf.get("type") == "cohort":
            yield (*path, "value"), "cohort", leaf.get("value")
