"""What a dashboard's PATCH does with `tiles`.

Traps: unlisted tiles are untouched; a display-only item with an unknown id is skipped without a word; `insight` is
ignored; a text or button item without an id becomes a new tile each time; with a tile id but no `text.id` the tile gets
a new text row.
"""

from typing import Any

from sandbox.auth.identity import membership
from sandbox.auth.users import show_user
from sandbox.resources.analytics import subscription_effects, tiles
from sandbox.rest.fields import choice, text
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid

DISPLAY = ("layouts", "color", "filters_overrides", "show_description", "transparent_background", "deleted")


def write(context: Context, dashboard: Data, sent: list[Any]) -> None:
    """Upsert the listed tiles of a PATCH. Raises `Invalid` for a text that doesn't exist or is too long."""
    for item in sent:
        if not isinstance(item, dict):
            raise Invalid("Tile must be an object", "tiles")
    removed = [_own(context, dashboard, item.get("id")) for item in sent if item.get("deleted") is True]
    subscription_effects.left(context, dashboard["id"], [tile["insight"] for tile in removed if tile is not None])
    for item in sent:
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
