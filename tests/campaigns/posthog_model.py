"""What PostHog does with a write, as a small pure model: what it stores, merges, adds and shows.

Written from PostHog's documented behaviour and not from the sandbox, which it shares nothing with. ``MODELS`` has one
per kind, ``OTHERS`` a second one where PostHog's versions differ: ``store`` makes the row that a POST (``row`` None) or
a PATCH leaves, ``show`` what a GET answers of it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.campaigns import posthog_model_other_kinds as other_kinds

Row = dict[str, Any]
Store = Callable[[Row | None, Row], Row]
Show = Callable[[random.Random, Row], Row]


class RefusedByModel(Exception):
    """PostHog would answer 400."""


@dataclass(frozen=True)
class Model:
    """How a kind is written and read."""

    store: Store
    show: Show


def _merged(defaults: Row, row: Row | None, body: Row) -> Row:
    """A plain object: columns of text lose white space at their ends, tags their case."""
    changed = {name: item.strip() if isinstance(item, str) else item for name, item in body.items()}
    for name in ("tags", "evaluation_contexts"):
        if name in changed:
            changed[name] = list({tag.strip().lower() for tag in changed[name]})
    return {**(row or {"id": 1, **defaults}), **changed}


def _shuffled(chance: random.Random, row: Row) -> Row:
    """The row as it is read: tags in any order, and things that nobody asked for."""
    shown = {**row, "version": chance.randint(1, 9), "user_access_level": chance.choice(("manager", "viewer"))}
    for name in ("tags", "evaluation_contexts", "dashboards"):
        if name in shown:
            shown[name] = chance.sample(shown[name], k=len(shown[name]))
    return shown


def _plain(**defaults: Any) -> Model:
    return Model(lambda row, body: _merged(defaults, row, body), _shuffled)


# Events: verified and hidden exclude each other.


def _store_event(row: Row | None, body: Row) -> Row:
    after = _merged({"description": None, "tags": [], "verified": False, "hidden": None}, row, body)
    if body.get("verified") and body.get("hidden"):
        raise RefusedByModel("An event cannot be both hidden and verified")
    for one, other in (("verified", "hidden"), ("hidden", "verified")):
        if body.get(one):
            after[other] = False
    return after


# Flags: a PATCH merges the top-level keys of `filters`, or, on servers of July 2026, replaces them all and is ignored
# without `groups`. What is stored is rewritten.


def _store_flag_whole(row: Row | None, body: Row) -> Row:
    filters = body.get("filters", {})
    if row is None or "filters" not in body:
        return _store_flag(row, body)
    without = {name: item for name, item in body.items() if name != "filters"}
    return _store_flag({**row, "filters": {}}, body) if "groups" in filters else _store_flag(row, without)


def _store_flag(row: Row | None, body: Row) -> Row:
    defaults = {
        "name": "",
        "active": True,
        "archived": False,
        "tags": [],
        "filters": {"groups": []},
        "ensure_experience_continuity": False,
        "evaluation_runtime": "all",
        "evaluation_contexts": [],
        "bucketing_identifier": "distinct_id",
        "is_remote_configuration": False,
    }
    after = _merged(defaults, row, body)
    if body.get("filters"):
        merged = {**(row or defaults)["filters"], **body["filters"]}  # type: ignore[dict-item]
        after["filters"] = _rewritten(merged, new_remote=row is None and after["is_remote_configuration"])
    else:
        after["filters"] = (row or defaults)["filters"]
    if after["archived"] and after["active"]:
        raise RefusedByModel("Cannot archive an enabled feature flag.")
    return after


def _rewritten(filters: Row, new_remote: bool) -> Row:
    result = dict(filters)
    if result.get("multivariate") == {}:
        raise RefusedByModel("multivariate.variants must be a list")
    groups = [_group(group, filters.get("aggregation_group_type_index")) for group in filters.get("groups") or []]
    if new_remote:
        groups = [{**group, "rollout_percentage": group["rollout_percentage"] or 100} for group in groups]
    indexes = [group["aggregation_group_type_index"] for group in groups]
    if indexes:
        same = all(index == indexes[0] for index in indexes)
        result["aggregation_group_type_index"] = indexes[0] if same else None
    payloads = filters.get("payloads")
    if payloads:
        result["payloads"] = {k: v if isinstance(v, str) else json.dumps(v) for k, v in payloads.items()}
    return {**result, "groups": groups}


def _group(group: Row, of_flag: int | None) -> Row:
    result = {"properties": [], "rollout_percentage": None, **group}
    result.setdefault("aggregation_group_type_index", of_flag)
    aliases = {"min": "gte", "max": "lte"}
    result["properties"] = [
        {**each, "key": str(each["key"]), "operator": aliases.get(each["operator"], each["operator"])}
        for each in result["properties"]
    ]
    return result


def _show_flag(chance: random.Random, row: Row) -> Row:
    shown = _shuffled(chance, json.loads(json.dumps(row)))
    for group in shown["filters"]["groups"]:
        group["sort_key"] = f"{chance.random()}"
        for each in group["properties"]:
            if each["type"] == "cohort":
                each["cohort_name"] = "Somebody's"
    return shown


# Cohorts: nulls go, every leaf is compiled.


def _store_cohort(row: Row | None, body: Row) -> Row:
    after = _merged({"description": "", "is_static": False, "filters": None}, row, body)
    if "filters" in body:
        if not after["is_static"] and not (body["filters"] or {}).get("properties"):
            raise RefusedByModel("Must contain a 'properties' key with type and values")
        after["filters"] = {"properties": _compiled(body["filters"]["properties"])}
    return after


def _compiled(node: Row) -> Row:
    if "values" in node:
        return {"type": node["type"], "values": [_compiled(item) for item in node["values"]]}
    kept = {name: item for name, item in node.items() if item is not None}
    known = "bytecode" if node["type"] == "person" else "bytecode_error"
    return {"negation": False, **kept, known: ["_H", 1], "conditionHash": "abc"}


# Dashboards: an empty object of filters clears nothing, and they are read at another place.


def _store_dashboard(row: Row | None, body: Row) -> Row:
    defaults = {"description": "", "tags": [], "pinned": False, "filters": {}, "restriction_level": 21}
    sent = {name: item for name, item in body.items() if name != "filters" or item}
    return _merged(defaults, row, sent)


def _show_dashboard(chance: random.Random, row: Row) -> Row:
    shown = _shuffled(chance, row)
    return {**shown, "persisted_filters": row["filters"] or None, "filters": {"date_from": "-99d"}}


# Insights: the query is kept as it was sent, and read with versions. Newer servers name the dashboards by tiles alone.


def _versioned(value: Any) -> Any:
    if isinstance(value, list):
        return [_versioned(item) for item in value]
    if not isinstance(value, dict):
        return value
    version = {"version": 5} if str(value.get("kind", "")).endswith("Query") else {}
    return {**{name: _versioned(item) for name, item in value.items()}, **version}


def _show_insight(chance: random.Random, row: Row) -> Row:
    return {**_shuffled(chance, row), "query": _versioned(row["query"]), "result": None}


def _show_insight_by_tiles(chance: random.Random, row: Row) -> Row:
    shown = _show_insight(chance, row)
    tiles = [{"id": 100 + id_, "dashboard_id": id_} for id_ in shown.pop("dashboards")]
    return {**shown, "dashboard_tiles": [*tiles, {"id": 1, "dashboard_id": 99, "deleted": True}]}


# Alerts: ids are written, objects read; the running interval is looked at where the alert is quicker than the insight.


def _store_alert(row: Row | None, body: Row) -> Row:
    defaults = {"enabled": True, "skip_weekend": False, "calculation_interval": "daily", "schedule_restriction": None}
    after = _merged(defaults, row, body)
    bounds = after["threshold"]["configuration"]["bounds"]
    config = after["config"]
    possible = after["condition"]["type"] != "relative_decrease" and bounds.get("upper") is not None
    finer = after["calculation_interval"] in ("real_time", "every_15_minutes", "hourly")
    if config.get("check_ongoing_interval") is None and possible and finer:
        after["config"] = {**config, "check_ongoing_interval": True}
    windows = (after["schedule_restriction"] or {}).get("blocked_windows")
    sorted_windows = sorted(windows or [], key=lambda window: str(window["start"]))
    after["schedule_restriction"] = {"blocked_windows": sorted_windows} if windows else None
    return after


def _show_alert(chance: random.Random, row: Row) -> Row:
    return {
        **_shuffled(chance, row),
        "insight": {"id": row["insight"], "query": {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery"}}},
        "subscribed_users": [{"id": each, "email": EMAILS[each]} for each in row["subscribed_users"]],
        "threshold": {"id": "t", "name": "", **row["threshold"]},
        "detector_config": chance.choice((None, {"type": None})),
        "state": chance.choice(("Firing", "Not firing")),
    }


EMAILS = {1: "admin@example.com", 2: "oncall@example.com"}

# Hog functions: inputs that the schema does not name are dropped, and everything is compiled.

_SCHEMAS: dict[str, dict[str, Any]] = {
    "template-slack": dict.fromkeys(("slack_workspace", "channel", "icon_emoji", "username", "blocks", "text")),
    "template-webhook": {"url": None, "method": "POST", "body": {"e": 1}, "headers": {"h": "1"}, "debug": False},
}


def _store_function(row: Row | None, body: Row) -> Row:
    defaults = {"description": "From the template", "enabled": False, "masking": None}
    template = {"id": body.get("template_id"), "description": "From the template"}
    after = _merged(defaults, row, {**({"template": template} if row is None else {}), **body})
    if row is None:
        after["description"] = after["description"] or template["description"]
    known = _SCHEMAS[after["template"]["id"]]
    if "inputs" in body:
        after["inputs"] = {
            name: {"value": item["value"], "bytecode": ["_H"], "order": order}
            for order, (name, item) in enumerate(body["inputs"].items())
            if name in known
        }
    if "filters" in body:
        after["filters"] = {"source": "events", **body["filters"], "bytecode": ["_H", 1]}
    return after


def _show_function(chance: random.Random, row: Row) -> Row:
    known = _SCHEMAS[row["template"]["id"]]
    shown = {name: item for name, item in row.items() if name != "template_id"}
    schema = [{"key": name, "default": default} for name, default in known.items()]
    names = chance.sample(list(row["inputs"]), k=len(row["inputs"]))
    inputs = {name: row["inputs"][name] for name in names}
    return {**_shuffled(chance, shown), "inputs": inputs, "inputs_schema": schema}


# Tiles: an upsert of those that are listed; an insight's stands there because the insight names the dashboard.


def _store_tiles(row: Row | None, body: Row) -> Row:
    tiles = {tile["id"]: tile for tile in (row or {}).get("tiles", ())}
    for item in body.get("tiles", ()):
        id_ = item.get("id")
        if id_ in tiles:
            content = {name: {**tiles[id_][name], **item[name]} for name in ("text", "button_tile") if name in item}
            tiles[id_] = {**tiles[id_], **item, **content}
        elif name := next((each for each in ("text", "button_tile") if each in item), ""):
            id_ = max([0, *tiles]) + 1
            tiles[id_] = {**item, "id": id_, name: {"id": 100 + id_, **item[name]}}
        # Anything else with an unknown id, or none, is skipped without a word.
    return {"id": (row or {}).get("id", 1), "tiles": [tile for tile in tiles.values() if not tile.get("deleted")]}


def with_insights(row: Row, insights: list[Any]) -> Row:
    """The row once these insights name the dashboard: each without a tile gets one, with no place."""
    tiles = list(row["tiles"])
    for insight in insights:
        if not any((tile.get("insight") or {}).get("id") == insight for tile in tiles):
            id_ = max([0, *(tile["id"] for tile in tiles)]) + 1
            tiles.append({"id": id_, "insight": {"id": insight}, "layouts": {}})
    return {**row, "tiles": tiles}


def _show_tiles(chance: random.Random, row: Row) -> Row:
    empty: Row = {"color": None, "show_description": None, "filters_overrides": {}, "transparent_background": None}
    tiles = [{**empty, **tile} for tile in row["tiles"]]
    for tile in tiles:
        if tile["layouts"]:
            tile["layouts"] = {"sm": {**tile["layouts"]["sm"], "minW": 1}, "xs": {"x": 0, "y": 0, "w": 1, "h": 1}}
    return {**row, "tiles": chance.sample(tiles, k=len(tiles))}


MODELS: dict[str, Model] = {
    "event": Model(_store_event, _shuffled),
    "property": _plain(description=None, tags=[], property_type=None),
    "cohort": Model(_store_cohort, _shuffled),
    "flag": Model(_store_flag, _show_flag),
    "dashboard": Model(_store_dashboard, _show_dashboard),
    "insight": Model(
        lambda row, body: _merged({"description": "", "tags": [], "favorited": False, "dashboards": []}, row, body),
        _show_insight,
    ),
    "tiles": Model(_store_tiles, _show_tiles),
    "alert": Model(_store_alert, _show_alert),
    "notification": Model(_store_function, _show_function),
    "action": Model(lambda row, body: _merged(other_kinds.action_defaults(), row, body), other_kinds.show_action),
    "annotation": Model(
        lambda row, body: _merged(other_kinds.annotation_defaults(), row, {**body, "emoji": body.get("emoji") or None}),
        _shuffled,
    ),
    "subscription": _plain(**other_kinds.subscription_defaults()),
    "experiment": Model(
        lambda row, body: other_kinds.store_experiment(_merged(other_kinds.experiment_defaults(), row, body), body),
        other_kinds.show_experiment,
    ),
}

# The kinds that PostHog's versions treat differently: servers of July 2026, or newer ones.
OTHERS: dict[str, Model] = {
    "flag": Model(_store_flag_whole, _show_flag),
    "insight": Model(MODELS["insight"].store, _show_insight_by_tiles),
}
