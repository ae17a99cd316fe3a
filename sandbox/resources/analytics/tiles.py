"""Dashboard tiles: rows of their own between dashboards and insights.

An insight comes onto a dashboard by `insight.dashboards`; the dashboard's PATCH arranges tiles and writes text and
button tiles (`dashboard_tiles.py`).
"""

from collections.abc import Iterable
from typing import Any

from sandbox.resources.analytics import subscription_effects
from sandbox.storage.store import Data, Reference, Store
from sandbox.wire.context import Context, timestamp

KIND = "tile"
OPTIONAL = tuple(
    "insight text button_tile widget color filters_overrides show_description transparent_background".split()
)


def new(context: Context, dashboard: int, **values: Any) -> Data:
    """A tile at the end of a dashboard, with the given content. An `id` may be given."""
    tile: Data = {
        "id": values.pop("id", None) or free_id(context.store),
        "dashboard": dashboard,
        **dict.fromkeys(OPTIONAL),
        "layouts": {},
        "deleted": False,
        **values,
    }
    put(context, tile)
    return tile


def free_id(store: Store) -> int:
    """The next tile id that no tile has; ids sent by clients may have run ahead."""
    while True:
        identifier = store.next_id(KIND)
        if store.get(KIND, identifier) is None:
            return identifier


def put(context: Context, tile: Data) -> None:
    before = context.store.get(KIND, tile["id"])
    if before is not None and tile["deleted"] and not before["deleted"] and tile["insight"] is not None:
        subscription_effects.left(context, tile["dashboard"], [tile["insight"]])
    context.store.put(KIND, str(context.project["id"]), tile, listed=not tile["deleted"], refs=_references(tile))


def _references(tile: Data) -> Iterable[Reference]:
    yield ("dashboard", str(tile["dashboard"]))
    if tile["insight"] is not None:
        yield ("insight", str(tile["insight"]))


def of_dashboard(store: Store, dashboard: int, deleted: bool = False) -> list[Data]:
    """The tiles of a dashboard as they lie on the page: by y, then x. With `deleted` the removed ones too."""
    found = [
        tile
        for tile in store.referrers("dashboard", dashboard, KIND)
        if tile["dashboard"] == dashboard and (deleted or not tile["deleted"])
    ]
    return sorted(found, key=_place)


def _place(tile: Data) -> tuple[float, float, int]:
    layouts = tile["layouts"] if isinstance(tile["layouts"], dict) else {}
    sm = layouts.get("sm") if isinstance(layouts.get("sm"), dict) else {}

    def number(name: str) -> float:
        value = sm.get(name) if sm else None
        return value if isinstance(value, int | float) else 100

    return number("y"), number("x"), tile["id"]


def of_insight(store: Store, insight: int) -> list[Data]:
    """The tiles that show an insight, on live dashboards."""
    return [
        tile
        for tile in store.referrers("insight", insight, KIND)
        if not tile["deleted"] and _alive(store, tile["dashboard"])
    ]


def _alive(store: Store, dashboard: int) -> bool:
    row = store.get("dashboard", dashboard)
    return row is not None and not row["deleted"]


def attach(context: Context, insight: int, dashboards: list[int]) -> None:
    """Make `dashboards` the full set an insight is on: others' tiles go, missing ones come (back)."""
    tiles = context.store.referrers("insight", insight, KIND)
    for tile in tiles:
        wanted = tile["dashboard"] in dashboards
        if tile["deleted"] == wanted:
            put(context, {**tile, "deleted": not wanted})
    present = {tile["dashboard"] for tile in tiles}
    for dashboard in dict.fromkeys(dashboards):
        if dashboard not in present:
            new(context, dashboard, insight=insight)


def new_text(context: Context, body: str) -> Data:
    """The text of a text tile: a row with an id of its own, which nobody has modified."""
    return {
        "id": context.store.next_id("text"),
        "body": body,
        "created_by": context.user["id"],
        "last_modified_by": None,
        "last_modified_at": timestamp(),
        "team": context.project["id"],
    }
