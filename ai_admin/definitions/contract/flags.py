"""Flags and cohorts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.contract.gather import Gathered, Value, Written, file, key_of, told
from providers.posthog.kinds import Ref

_INDEX = "aggregation_group_type_index"
_WITHOUT_VALUE = ("is_set", "is_not_set")


def flags(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per flag: payloads with their variants, conditions without what every condition has."""
    for key, properties in gathered.of("flag").items():
        value = told("flag", properties, "key", "payloads")
        payloads = {name: json.loads(text) for name, text in properties.get("payloads", {}).items()}
        if "variants" in value:
            value["variants"] = [
                {**each, "payload": payloads[each["key"]]} if each["key"] in payloads else each
                for each in value["variants"]
            ]
        elif "true" in payloads:
            value["payload"] = payloads["true"]
        if "release_conditions" in value:
            value |= _conditions(value.pop("release_conditions"))
        yield file("flag", key, value)


def _conditions(conditions: list[Value]) -> Value:
    """Return conditions; the group type that all of several roll out by is said once, for the flag."""
    written = [_condition(each) for each in conditions]
    indexes = {each.get(_INDEX) for each in written}
    if len(written) > 1 and len(indexes) == 1 and None not in indexes:
        rest = [{name: item for name, item in each.items() if name != _INDEX} for each in written]
        return {_INDEX: indexes.pop(), "release_conditions": rest}
    return {"release_conditions": written}


def _condition(condition: Value) -> Value:
    result: Value = {name: item for name, item in condition.items() if name != "properties"}
    if result.get("rollout_percentage") == 100:
        del result["rollout_percentage"]
    leaves = list(condition.get("properties", ()))
    if leaves and leaves[0].get("type") == "cohort" and leaves[0].get("operator") == "in":
        result["cohort"] = key_of(leaves.pop(0)["value"])
    if leaves:
        result["properties"] = [_property(each) for each in leaves]
    return result


def _property(leaf: Value) -> Value:
    if leaf.get("type") == "cohort":
        return {"type": "cohort", **_unless(leaf, "operator", "in"), "value": key_of(leaf["value"])}
    if leaf.get("type") == "flag":
        rest = {name: item for name, item in leaf.items() if name != "operator"}
        return {**rest, "key": key_of(leaf["key"])}
    return _usual(leaf)


def _usual(leaf: Value) -> Value:
    """Return a filter without the type and the operator that a filter has when it says none."""
    usual = {"type": "person", "operator": "exact"}
    return {name: item for name, item in leaf.items() if usual.get(name) != item}


def _unless(leaf: Value, name: str, usual: Any) -> Value:
    return {name: leaf[name]} if name in leaf and leaf[name] != usual else {}


def cohorts(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per cohort: one list of properties where all of them must match."""
    for key, properties in gathered.of("cohort").items():
        value = told("cohort", properties, "filters")
        criteria = properties.get("filters")
        if criteria:
            groups = [
                {**each, "values": [_leaf(leaf) for leaf in each.get("values", ())]} for each in criteria["values"]
            ]
            if criteria["type"] == "OR" and len(groups) == 1 and groups[0].get("type") == "AND":
                value["properties"] = groups[0]["values"]
            else:
                value["filters"] = {**criteria, "values": groups}
        yield file("cohort", key, value)


def _leaf(leaf: Value) -> Value:
    result = {name: item for name, item in leaf.items() if name != "negation" or item}
    kind = leaf.get("type")
    if kind == "cohort":
        return {"cohort": key_of(leaf["value"]), **{name: item for name, item in result.items() if name == "negation"}}
    if kind == "behavioral":
        if "event_filters" in result:
            result["event_filters"] = [_without_value(each) for each in result["event_filters"]]
        if isinstance(leaf.get("key"), Ref) and leaf.get("event_type") == "actions":
            rest = {name: item for name, item in result.items() if name not in ("key", "event_type")}
            return {"action": key_of(leaf["key"]), **rest}
        return {name: item for name, item in result.items() if (name, item) != ("event_type", "events")}
    return _usual(_without_value(result))


def _without_value(leaf: Value) -> Value:
    bare = leaf.get("operator") in _WITHOUT_VALUE
    return {name: item for name, item in leaf.items() if not (bare and name == "value")}
