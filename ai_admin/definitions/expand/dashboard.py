"""Dashboards, the insights defined in their tiles, and the tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.expand.query import complete, full_query
from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.layout import place
from ai_admin.definitions.model import Definition
from ai_admin.definitions.query import QUERY_KEYS
from ai_admin.definitions.tiles import insight_key, insight_keys
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import Ref


def expand(unit: Unit, _: World) -> Iterator[Definition]:
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


def expand_insight(unit: Unit, world: World) -> Iterator[Definition]:
    """Yield the insight, with every dashboard that has a tile for it."""
    properties = fields(unit, *QUERY_KEYS)
    properties["query"] = full_query(unit.value)
    properties["dashboards"] = [Ref("dashboard", key) for key in world.once(_dashboards).get(unit.key, ())]
    yield resource("insight", unit.key, unit, properties)


def _tile(tile: dict[str, Any], layout: dict[str, int]) -> dict[str, Any]:
    look: dict[str, Any] = {name: tile[name] for name in ("color", "show_description") if name in tile}
    content: dict[str, Any] = {name: tile[name] for name in ("text", "button") if name in tile}
    if not content:
        content = {"insight": Ref("insight", insight_key(tile))}
    return {**content, "layout": layout, **look}


def _dashboards(world: World) -> dict[str, list[str]]:
    """Return the keys of the dashboards that show each insight."""
    shown: dict[str, list[str]] = {}
    for unit in sorted((each for each in world.units if each.kind == "dashboard"), key=lambda each: each.key):
        for key in insight_keys(unit) or ():
            shown.setdefault(key, []).append(unit.key)
    return shown
