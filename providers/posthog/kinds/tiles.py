"""The tiles of a dashboard: which insights, texts and buttons are where.

An insight's tile exists because the insight names the dashboard; only its place and look are written here. PostHog's
PATCH of tiles is an upsert of the listed ones: an unlisted tile stays, a text without a tile id is added again every
time, a display-only item with an unknown id is silently skipped. So what is sent is planned from the live tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from providers.posthog.kinds.base import OWN, Field, Kind
from providers.posthog.kinds.dashboard import plain_filters
from providers.posthog.kinds.normal import plain
from providers.posthog.kinds.phrases import plain_text
from providers.posthog.kinds.wording import Wording, switchable

Tile = dict[str, Any]
_CLEAR: dict[str, Any] = {
    "color": "",
    "show_description": None,
    "transparent_background": False,
    "filters_overrides": {},
}
"""What a tile may say of its look beside its place, and the value that takes it back (null leaves a colour alone)."""


_BUTTON = {"placement": "left", "style": "primary"}
"""How a button is, where nothing is said of it."""


def _button(value: Mapping[str, Any]) -> dict[str, Any]:
    names = ("url", "text", *_BUTTON)
    return {name: value[name] for name in names if value.get(name) not in (None, _BUTTON.get(name))}


def _place(tile: Tile) -> tuple[float, float]:
    layout = tile.get("layout") or {}
    return (layout.get("y", 0), layout.get("x", 0))


def _tile(value: Any) -> Tile:
    tile: Tile = plain(value)
    if "filters_overrides" in tile:
        tile["filters_overrides"] = plain_filters(tile["filters_overrides"])
    if "button" in tile:
        tile["button"] = _button(tile["button"])
    return {name: item for name, item in tile.items() if name not in _CLEAR or item not in (None, _CLEAR[name])}


def _tiles(value: Any) -> Any:
    return sorted(map(_tile, value), key=_place) if isinstance(value, list | tuple) else plain(value)


def tile_name(item: Mapping[str, Any]) -> str:
    """Return what makes a tile this one: what it shows."""
    if "text" in item:
        return f"text {str(item['text']).strip().partition(chr(10))[0]}"
    if "button" in item:
        return f"button {item['button'].get('text', '')}"
    what = "insight" if "insight" in item else "widget"
    id_ = item.get(what)
    return f"{what} {id_}" if isinstance(id_, str | int | float) else f"{what} that is new"


def _tile_title(item: Mapping[str, Any]) -> str:
    """Return what people call a tile: its insight's key, or the beginning of its text."""
    if "text" in item:
        return str(item["text"]).strip().partition("\n")[0].strip("# ") or "empty text"
    if "button" in item:
        return str(item["button"].get("text", "button"))
    return plain_text(item["insight"]) if "insight" in item else tile_name(item)


def _place_text(layout: Mapping[str, Any]) -> str:
    size = [f"{plain_text(layout[side])} {word}" for side, word in (("w", "wide"), ("h", "high")) if side in layout]
    start = [f"{word} {plain_text(layout[axis])}" for axis, word in (("y", "row"), ("x", "column")) if axis in layout]
    return ", ".join([*start, *size])


_TILE = Wording(
    "tile",
    name=_tile_title,
    parts={
        "layout": Wording("place", show=_place_text, quoted=True),
        "button": Wording(inline=True),
        "filters_overrides": Wording("its own filters"),
        "show_description": switchable("shows the description", "does not show the description"),
        "transparent_background": switchable("has no background", "has a background"),
    },
)


def from_live(live: Mapping[str, Any]) -> Tile:
    """Return a live tile in canonical form; only the wide grid (``sm``) is compared, the narrow one follows from it."""
    wide = (live.get("layouts") or {}).get("sm") or {}
    layout = {name: wide[name] for name in ("x", "y", "w", "h") if name in wide}
    look = {name: live[name] for name in _CLEAR if live.get(name) is not None}
    tile = _tile({"layout": layout, **look})
    if live.get("insight"):
        return {"insight": live["insight"]["id"], **tile}
    if live.get("text"):
        return {"text": live["text"].get("body", ""), **tile}
    if live.get("button_tile"):
        return {"button": _button(live["button_tile"]), **tile}
    return {"widget": (live.get("widget") or {}).get("id", live.get("id")), **tile}


def described(live: Mapping[str, Any]) -> str:
    """Return a live tile in a person's words: what it shows, and who made that as far as PostHog says."""
    for name, title in (("insight", "name"), ("text", "body"), ("button_tile", "text")):
        if live.get(name):
            what = str(live[name].get(title) or "").partition("\n")[0][:40]
            author = (live[name].get("created_by") or {}).get("email")
            return f"the {name.removesuffix('_tile')} {what!r}" + (f" (by {author})" if author else "")
    return f"the tile {live.get('id')}"


def ours(live: Iterable[Mapping[str, Any]], known: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return which live tiles are the definition's, in their order.

    ``known`` is what was applied: its tiles by their ids, and what shows the same as one that has none yet. Others are
    people's own, and stay, unless the definition says that there are no others (``exclusive_tiles``).
    """
    tiles = [tile for tile in live if not tile.get("deleted")]
    if known.get("exclusive_tiles"):
        return tiles
    ids = set(known.get(OWN) or ())
    missing = list(known.get("tiles") or ())
    mine = []
    for tile in sorted(tiles, key=lambda tile: tile["id"] not in ids):
        same = next((each for each in missing if _same_content(from_live(tile), each)), None)
        if same is not None:
            missing.remove(same)
        if same is not None or tile["id"] in ids:
            mine.append(tile["id"])
    return [tile for tile in tiles if tile["id"] in mine]


def plan(live: Iterable[Mapping[str, Any]], desired: Iterable[Tile], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a tiles PATCH that turns the live tiles into the desired ones; empty when they agree.

    Insights are paired by insight, texts and buttons by what they show, and then what is left of the definition's own
    (see :func:`ours`) in the order of their places, so that an edited text keeps its tile.
    """
    desired = list(desired)
    gone = [each for each in known.get("tiles") or () if not any(_same_content(each, wanted) for wanted in desired)]
    pairs, left, missing = _pair(ours(live, {**known, "tiles": [*desired, *gone]}), list(desired))
    items = [_change(tile, wanted) for tile, wanted in pairs if from_live(tile) != wanted]
    items += [_item(wanted) for wanted in missing if "insight" not in wanted]
    return items + [{"id": tile["id"], "deleted": True} for tile in left]


def _pair(
    present: list[Mapping[str, Any]], desired: list[Tile]
) -> tuple[list[tuple[Mapping[str, Any], Tile]], list[Mapping[str, Any]], list[Tile]]:
    pairs: list[tuple[Mapping[str, Any], Tile]] = []
    for same in (_same_content, _same_sort):
        for wanted in list(desired):
            tile = next((each for each in present if same(from_live(each), wanted)), None)
            if tile is not None:
                pairs.append((tile, wanted))
                present.remove(tile)
                desired.remove(wanted)
    return pairs, present, desired


def shows_one_of(live: Mapping[str, Any], wanted: Iterable[Tile]) -> bool:
    """Return whether a live text or button shows what one of these does; an insight's tile is the insight's."""
    tile = from_live(live)
    return "insight" not in tile and any(_same_content(tile, each) for each in wanted)


def _same_content(tile: Tile, wanted: Tile) -> bool:
    return any(name in wanted and tile.get(name) == wanted[name] for name in ("insight", "text", "button"))


def _same_sort(tile: Tile, wanted: Tile) -> bool:
    return any(name in tile and name in wanted for name in ("text", "button"))


def _change(tile: Mapping[str, Any], wanted: Tile) -> dict[str, Any]:
    item = {"id": tile["id"], **_item(wanted)}
    for ours_, theirs in (("text", "text"), ("button", "button_tile")):
        if ours_ in wanted:
            # Without its id PostHog links a new text and leaves the old one behind.
            item[theirs] = {"id": tile[theirs]["id"], **item[theirs]}
    held = from_live(tile)
    return {**item, **{name: cleared for name, cleared in _CLEAR.items() if name in held and name not in wanted}}


def _item(wanted: Tile) -> dict[str, Any]:
    item: dict[str, Any] = {name: wanted[name] for name in _CLEAR if name in wanted}
    item["layouts"] = {"sm": wanted.get("layout", {})}
    if "text" in wanted:
        item["text"] = {"body": wanted["text"]}
    if "button" in wanted:
        item["button_tile"] = {**_BUTTON, **wanted["button"]}
    return item


TILES = Kind(
    name="tiles",
    type="DashboardTiles",
    collection="dashboards",
    scope="dashboard",
    pages=("dashboard/{id}",),
    logged_as="Dashboard",
    homes=("dashboard",),
    natural_key=("dashboard",),
    unique=True,
    listed=False,
    lifecycle="tiles",
    # Whether tiles that people add are taken away.
    options={"exclusive_tiles": switchable("tiles that people add are taken away", "tiles that people add stay")},
    fields=(
        Field("dashboard", ref="dashboard", read_path=("id",), immutable=True, clearable=False),
        Field(
            "tiles",
            tree=("insight",),
            default=[],
            normalise=_tiles,
            read=lambda raw, reading: [from_live(tile) for tile in ours(raw or (), reading.known)],
            manageable=False,
            item=tile_name,
            wording=Wording(each=_TILE, ordered=False),
        ),
    ),
    left={
        "tiles.layouts.xs": "the narrow grid of one column follows from the wide one",
        "tiles.layouts.sm.minW": "the page's own bounds while somebody drags",
        "tiles.layouts.sm.minH": "the page's own bounds while somebody drags",
    },
)
