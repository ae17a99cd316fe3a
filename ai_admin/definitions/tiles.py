"""The insights that a dashboard's tiles show."""

from __future__ import annotations

from typing import Any

from ai_admin.definitions.holes import HOLE, at
from ai_admin.definitions.world import Unit


def insight_key(tile: Any) -> Any:
    """Return the key of a tile's insight, defined there or elsewhere; None without one, HOLE where it can't be read."""
    insight = at(tile, "insight")
    return at(insight, "key") if isinstance(insight, dict) else insight


def insight_keys(dashboard: Unit) -> list[str] | None:
    """Return the keys of the insights that a dashboard shows, in the order of its tiles; None where one can't be
    read.
    """
    tiles = at(dashboard.value, "tiles", default=[])
    keys = [] if tiles is HOLE else [insight_key(tile) for tile in tiles]
    return None if tiles is HOLE or HOLE in keys else [key for key in keys if key is not None]
