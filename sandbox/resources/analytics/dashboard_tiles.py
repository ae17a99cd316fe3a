"""What a dashboard's PATCH does with `tiles`, and the tile calls.

Traps: unlisted tiles are untouched; a display-only item with an unknown id is skipped without a word;
    `insight` is
ignored; a text or button item without an id becomes a new tile each time; with a tile id but no `text.id` the
tile gets a new text row.
"""

from typing import Any

from starlette.responses import Response

from sandbox.auth.identity import membership
from sandbox.auth.users import show_user
from sandbox.resources.analytics import tiles
from sandbox.resources.analytics.insights import INSIGHTS
from sandbox.rest.fields import choice, text
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, timestamp
from sandbox.wire.errors import Invalid, NotFound, Required

DISPLAY = ("layouts", "color", "filters_overrides", "show_description", "transparent_background", "deleted")
COLUMNS = 12
ROW = 5


def actions(dashboards: Resource) -> list[Action]:
    """The calls about the tiles of a dashboard."""
    return [
        Action("create_text_tile", lambda context, row: _create_text(dashboards, context, row), ("POST",)),
        Action("update_text_tile", lambda context, row: _update_text(dashboards, context, row), ("POST",)),
        Action("delete_tile", _delete, ("POST",)),
        Action("reorder_tiles", lambda context, row: _reorder(dashboards, context, row), ("POST",)),
        Action("move_tile", lambda context, row: _move(dashboards, context, row), ("PATCH", "POST")),
        Action("copy_tile", lambda context, row: _copy(dashboards, context, row), ("POST",)),
    ]


def write(context: Context, dashboard: Data, sent: list[Any]) -> None:
    """Upsert the listed tiles of a PATCH. Raises `Invalid` for a text that doesn't exist or is too long."""
    for item in sent:
        if not isinstance(item, dict):
            raise Invalid("Tile must be an object", "tiles")
        tile = _own(context, dashboard, item.get("id"))
        if item.get("text"):
            _write_text(context, dashboard, tile, item)
        elif item.get("button_tile"):
            _write_button(context, dashboard, tile, item)
        elif tile is not None:
            tiles.put(context, {**tile, **_display(item)})


def _own(context: Context, dashboard: Data, identifier: Any) -> Data | None:
    tile = context.store.get(tiles.KIND, identifier) if identifier is not None else None
    return tile if tile is not None and tile["dashboard"] == dashboard["id"] else None


def _display(item: Data) -> Data:
    values = {name: item[name] for name in DISPLAY if name in item}
    if values.get("color", "") is None:
        del values["color"]  # only "" clears it
    if not isinstance(values.get("layouts", {}), dict):
        raise Invalid("Invalid value for layouts.", "tiles")
    return values


def _write_text(context: Context, dashboard: Data, tile: Data | None, item: Data) -> None:
    sent, values = item["text"], _display(item)
    body = text(4000, trim=False)(sent.get("body", ""), "body") if isinstance(sent, dict) else ""
    if isinstance(sent, dict) and sent.get("id") is not None:
        known = tile["text"] if tile is not None else None
        if known is None or known["id"] != sent["id"]:
            raise Invalid("Text tile not found in this team.")
        content = {
            **known,
            "body": body if "body" in sent else known["body"],
            **_authors(context, sent.get("created_by")),
            "last_modified_at": timestamp(),
        }
    else:
        content = tiles.new_text(context, body)
    if tile is None:
        tiles.new(context, dashboard["id"], id=_integer(item.get("id")), text=content, **values)
    else:
        tiles.put(context, {**tile, **values, "text": content})


def _authors(context: Context, sent: Any) -> Data:
    """Who made a text: the one that is sent, and then somebody has modified it; else whoever writes it now."""
    mine = context.user["id"]
    if not isinstance(sent, dict):
        return {"created_by": mine, "last_modified_by": None}
    author = context.store.get("user", sent.get("id"))
    if author is None or membership(context.store, context.organization, author) is None:
        raise Invalid("User not found in this organization.")
    return {"created_by": author["id"], "last_modified_by": mine}


def _write_button(context: Context, dashboard: Data, tile: Data | None, item: Data) -> None:
    sent = item["button_tile"]
    button = {
        "id": context.store.next_id("button_tile"),
        "url": text(2000)(sent.get("url", ""), "url"),
        "text": text(200)(sent.get("text", ""), "text"),
        "placement": choice("left", "right")(sent.get("placement", "left"), "placement"),
        "style": sent.get("style", "primary"),
    }
    if tile is None:
        tiles.new(context, dashboard["id"], id=_integer(item.get("id")), button_tile=button, **_display(item))
    else:
        tiles.put(context, {**tile, **_display(item), "button_tile": button})


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def show_text(context: Context, content: Data, tile: Data) -> Data:
    return {
        **content,
        "created_by": show_user(context, content["created_by"]),
        "last_modified_by": show_user(context, content["last_modified_by"]),
        "dashboard_tiles": [tile["id"]],
    }


def duplicate(context: Context, source: int, target: int, copies: bool) -> None:
    """Give dashboard `target` the tiles of `source`: with the same insights, or with copies of them."""
    for tile in tiles.of_dashboard(context.store, source):
        insight = tile["insight"]
        original = context.store.get("insight", insight) if insight and copies else None
        if original is not None:
            copy = INSIGHTS.insert(
                context,
                {
                    "name": f"{original['name']} (Copy)" if original["name"] else None,
                    **{name: original[name] for name in ("query", "description", "tags")},
                },
            )
            insight = copy["id"]
        content = tiles.new_text(context, tile["text"]["body"]) if tile["text"] else None
        tiles.new(
            context,
            target,
            insight=insight,
            text=content,
            button_tile=tile["button_tile"],
            layouts=tile["layouts"],
            color=tile["color"],
        )


# The calls --------------------------------------------------------------------------------------------------


def _create_text(dashboards: Resource, context: Context, row: Data) -> Any:
    """`{body, layouts?, color?}` -> 201 with the tile."""
    if not context.data.get("body"):
        raise Required("body")
    body = text(4000, trim=False)(context.data["body"], "body")
    tile = tiles.new(context, row["id"], text=tiles.new_text(context, body), **_display(context.data))
    return Json(_shown(dashboards, context, row, tile), 201)


def _shown(dashboards: Resource, context: Context, row: Data, tile: Data) -> Data:
    found: Data = next(each for each in dashboards.show(context, row)["tiles"] if each["id"] == tile["id"])
    return found


def _wanted(context: Context, row: Data, identifier: Any) -> Data:
    tile = _own(context, row, identifier)
    if tile is None or tile["deleted"]:
        raise NotFound("Tile not found on this dashboard.")
    return tile


def _update_text(dashboards: Resource, context: Context, row: Data) -> Any:
    """`{tile_id, body?, layouts?, color?}` -> the tile."""
    tile = _wanted(context, row, context.data.get("tile_id"))
    if not tile["text"]:
        raise Invalid("Tile is not a text tile.", "tile_id")
    content = dict(tile["text"])
    if "body" in context.data:
        content["body"] = text(4000, trim=False)(context.data["body"], "body")
    content.update(last_modified_at=timestamp(), last_modified_by=context.user["id"])
    tiles.put(context, {**tile, **_display(context.data), "text": content})
    return _shown(dashboards, context, row, tile)


def _delete(context: Context, row: Data) -> Any:
    """`{tile_id}` -> 204; the rest moves up."""
    tile = _wanted(context, row, context.data.get("tile_id"))
    tiles.put(context, {**tile, "deleted": True})
    _compact(context, tiles.of_dashboard(context.store, row["id"]))
    return Response(status_code=204)


def _compact(context: Context, remaining: list[Data]) -> None:
    """Let every tile rise until it touches one above, as the grid of the web page does."""
    placed: list[Data] = []
    for tile in remaining:
        layout = (tile["layouts"] or {}).get("sm")
        if not isinstance(layout, dict):
            continue
        above = [
            other["y"] + other["h"]
            for other in placed
            if other["x"] < layout["x"] + layout["w"] and layout["x"] < other["x"] + other["w"]
        ]
        moved = {**layout, "y": max(above, default=0)}
        placed.append(moved)
        if moved != layout:
            tiles.put(context, {**tile, "layouts": {**tile["layouts"], "sm": moved}})


def _reorder(dashboards: Resource, context: Context, row: Data) -> Any:
    """`{tile_order: [ids], layout?}`: lay the tiles out again in that order."""
    order = context.data.get("tile_order")
    if not isinstance(order, list) or not order:
        raise Required("tile_order")
    layout = choice("preserve", "two_column", "full_width")(context.data.get("layout", "preserve"), "layout")
    x = y = height = 0
    for identifier in order:
        tile = _wanted(context, row, identifier)
        old = (tile["layouts"] or {}).get("sm") or {}
        width = {"two_column": COLUMNS // 2, "full_width": COLUMNS}.get(layout, old.get("w", COLUMNS // 2))
        tall = old.get("h", ROW)
        if x + width > COLUMNS:
            x, y, height = 0, y + height, 0
        place = {**old, "x": x, "y": y, "w": width, "h": tall}
        tiles.put(context, {**tile, "layouts": {**(tile["layouts"] or {}), "sm": place}})
        x, height = x + width, max(height, tall)
    return dashboards.show(context, row)


def _move(dashboards: Resource, context: Context, row: Data) -> Any:
    """`{to_dashboard, tile: {id}}`."""
    sent = context.data.get("tile")
    tile = _wanted(context, row, sent.get("id") if isinstance(sent, dict) else None)
    target = dashboards.fetch(context, str(context.data.get("to_dashboard")))
    tiles.put(context, {**tile, "dashboard": target["id"]})
    return dashboards.show(context, row)


def _copy(dashboards: Resource, context: Context, row: Data) -> Any:
    """`{fromDashboardId, tileId}`: the same insight, or a copy of the text, on this dashboard."""
    source = dashboards.fetch(context, str(context.data.get("fromDashboardId")))
    tile = _wanted(context, source, context.data.get("tileId"))
    content = tiles.new_text(context, tile["text"]["body"]) if tile["text"] else None
    tiles.new(
        context, row["id"], insight=tile["insight"], text=content, button_tile=tile["button_tile"], color=tile["color"]
    )
    return dashboards.show(context, row)
