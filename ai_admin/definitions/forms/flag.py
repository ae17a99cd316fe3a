"""Feature flags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.forms.base import (
    Gathered,
    Reference,
    Value,
    Written,
    fields,
    file,
    for_file,
    in_order,
    key_of,
    resource,
    usual,
)
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition, Path
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.normal import json_text, parsed_json

# Written once for the whole flag, and PostHog's only in each condition.
_INDEX = "aggregation_group_type_index"


def expand(unit: Unit, _: Index) -> Iterator[Definition]:
    """Yield the flag: payloads become JSON text by variant, cohorts and flags in conditions become references."""
    value = unit.value
    index = {_INDEX: value[_INDEX]} if _INDEX in value else {}
    properties = fields(unit, "payload", "payload_type", "variants", "release_conditions")
    variants = value.get("variants") or []
    properties["variants"] = [{name: item for name, item in each.items() if name != "payload"} for each in variants]
    properties["release_conditions"] = [{**index, **_condition(each)} for each in value.get("release_conditions") or ()]
    payloads = {each["key"]: each.get("payload") for each in variants} or {"true": value.get("payload")}
    properties["payloads"] = {name: json_text(item) for name, item in payloads.items() if item is not None}
    yield resource("flag", unit.key, unit, properties)


def _condition(value: dict[str, Any]) -> dict[str, Any]:
    result = {name: item for name, item in value.items() if name not in ("cohort", "properties")}
    cohort = [_in_cohort(value["cohort"])] if "cohort" in value else []
    return {**result, "properties": [*cohort, *map(_property, value.get("properties") or ())]}


def _property(leaf: dict[str, Any]) -> dict[str, Any]:
    if leaf.get("type") == "cohort":
        return _in_cohort(leaf["value"], leaf.get("operator", "in"))
    if leaf.get("type") == "flag":
        return {**leaf, "operator": "flag_evaluates_to", "key": Ref("flag", leaf["key"])}
    return dict(leaf)


def _in_cohort(key: str, operator: str = "in") -> dict[str, Any]:
    return {"type": "cohort", "key": "id", "operator": operator, "value": Ref("cohort", key)}


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per flag: payloads with their variants, conditions without what every condition has."""
    for key, properties in gathered.of("flag").items():
        value = for_file(KINDS["flag"], properties, "key", "payloads")
        payloads = {name: parsed_json(text) for name, text in properties.get("payloads", {}).items()}
        if "variants" in value:
            value["variants"] = [
                {**each, "payload": payloads[each["key"]]} if each["key"] in payloads else each
                for each in value["variants"]
            ]
        elif "true" in payloads:
            value["payload"] = payloads["true"]
        if "release_conditions" in value:
            value |= _written_conditions(value.pop("release_conditions"))
        yield file("flag", key, value)


def _written_conditions(conditions: list[Value]) -> Value:
    """Return conditions; a group type that all of several conditions share is written once, for the flag."""
    written = [_written_condition(each) for each in conditions]
    indexes = {each.get(_INDEX) for each in written}
    if len(written) > 1 and len(indexes) == 1 and None not in indexes:
        rest = [{name: item for name, item in each.items() if name != _INDEX} for each in written]
        return {_INDEX: indexes.pop(), "release_conditions": rest}
    return {"release_conditions": written}


def _written_condition(condition: Value) -> Value:
    result: Value = {name: item for name, item in condition.items() if name != "properties"}
    if result.get("rollout_percentage") == 100:
        del result["rollout_percentage"]
    leaves = list(condition.get("properties", ()))
    if leaves and leaves[0].get("type") == "cohort" and leaves[0].get("operator") == "in":
        result["cohort"] = key_of(leaves.pop(0)["value"])
    if leaves:
        result["properties"] = [_written_property(each) for each in leaves]
    return in_order(result, "description", "cohort", "properties")


def _written_property(leaf: Value) -> Value:
    if leaf.get("type") == "cohort":
        operator = {} if leaf.get("operator", "in") == "in" else {"operator": leaf["operator"]}
        return {"type": "cohort", **operator, "value": key_of(leaf["value"])}
    if leaf.get("type") == "flag":
        rest = {name: item for name, item in leaf.items() if name != "operator"}
        return {**rest, "key": key_of(leaf["key"])}
    return usual(leaf)


def references(unit: Unit) -> Iterator[Reference]:
    """Yield path, kind and key of what a flag's release conditions name."""
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        path: Path = ("release_conditions", n)
        if "cohort" in condition:
            yield (*path, "cohort"), "cohort", condition["cohort"]
        for m, leaf in enumerate(condition.get("properties") or ()):
            if leaf.get("type") == "cohort":
                yield (*path, "properties", m, "value"), "cohort", leaf.get("value")
            elif leaf.get("type") == "flag":
                yield (*path, "properties", m, "key"), "flag", leaf.get("key")
