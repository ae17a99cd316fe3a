"""The insights that a dashboard's tiles show."""

from __future__ import annotations

from typing import Any

from ai_admin.definitions.index import Unit
from ai_admin.definitions.unreadable import UNREADABLE, at


def insight_key(tile: Any) -> Any:
    """Return the key of a tile's insight, defined there or elsewhere; None without an insight.

    UNREADABLE where it can't be read.
    """
    insight = at(tile, "insight")
    return at(insight, "key") if isinstance(insight, dict) else insight


def insight_keys(dashboard: Unit) -> list[str] | None:
    """Return the keys of the insights that a dashboard shows, in the order of its tiles.

    None where one of them can't be read.
    """
    tiles = at(dashboard.value, "tiles", default=[])
    keys = [] if tiles is UNREADABLE else [insight_key(tile) for tile in tiles]
    return None if tiles is UNREADABLE or UNREADABLE in keys else [key for key in keys if key is not None]
