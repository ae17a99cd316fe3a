"""Dashboards with their tiles and insights, alerts with their notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ai_admin.definitions.contract.gather import Gathered, Value, Written, file, key_of, told
from ai_admin.definitions.contract.query import brief, shorthand
from ai_admin.definitions.expand.alert import slack_inputs, webhook_inputs
from ai_admin.definitions.layout import Place, place


def dashboards(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per dashboard, and one per insight that is on none.

    An insight is defined on the first dashboard that shows it, and named on the others.
    """
    defined: set[str] = set()
    for key, properties in gathered.of("dashboard").items():
        value = told("dashboard", properties)
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
                here = {"insight": insight if insight in defined else _insight(gathered, insight), **here}
                defined.add(insight)
            else:
                here = {**{name: tile[name] for name in ("text", "button") if name in tile}, **here}
            written.append(here)
        if written:
            value["tiles"] = _flowing(written)
        yield file("dashboard", key, value)
    for key in sorted(gathered.of("insight").keys() - defined):
        yield Written("insight", key, _insight(gathered, key))


def _insight(gathered: Gathered, key: str) -> Any:
    properties = gathered.of("insight").get(key)
    if properties is None:
        return key
    about = told("insight", properties, "query", "dashboards")
    return {"key": key, **about, **shorthand(properties.get("query", {}))}


def _flowing(tiles: list[Value]) -> list[Value]:
    """Return tiles that say no more of their layout than it takes: those that flow to where they are say no place."""
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
    """Return a tile with what its layout says of its place, and of its size where that is not the usual one."""
    usual = place([{name: item for name, item in tile.items() if name != "layout"}])[0]
    size = {name: getattr(here, name) for name in ("w", "h") if getattr(here, name) != getattr(usual, name)}
    return {**tile, "layout": {"x": here.x, "y": here.y, **size}}


def alerts(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per alert, with the ways of telling people."""
    for key, properties in gathered.of("alert").items():
        value = told("alert", properties, "subscribed_users", "config")
        value |= {"insight": key_of(value.get("insight")), "condition": properties.get("condition")}
        if "threshold" in value:
            value["threshold"] = {
                n: item for n, item in value["threshold"].items() if (n, item) != ("type", "absolute")
            }
        config = properties.get("config", {})
        series = config.get("series_index") or config.get("funnel_step")
        value |= {"series": series} if series is not None else {}
        value |= {name: config[name] for name in ("check_ongoing_interval", "column", "label_column") if name in config}
        if config.get("evaluation", "last_row") != "last_row":
            value["rows"] = str(config["evaluation"]).removesuffix("_row")
        yield file("alert", key, {**value, "notify": _notify(gathered, key, properties)})


def _notify(gathered: Gathered, key: str, properties: Value) -> Value:
    notify: Value = {"email": properties["subscribed_users"]} if properties.get("subscribed_users") else {}
    ways: tuple[tuple[str, Callable[[Value], Value]], ...] = (("slack", slack_inputs), ("webhook", webhook_inputs))
    for way, inputs_of in ways:
        notification = gathered.of("notification").get(f"{key}.{way}")
        if notification is None:
            continue
        inputs = dict(notification.get("inputs", {}))
        shorter = {name: item for name, item in inputs.items() if name != "blocks"}
        notify[way] = shorter if inputs_of(shorter) == inputs else inputs
    return notify
