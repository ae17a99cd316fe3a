"""Feature flags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import Ref
from providers.posthog.kinds.normal import json_text

# Written once for the whole flag, and PostHog's only in each condition.
_FOR_EVERY_CONDITION = ("aggregation_group_type_index",)


def expand(unit: Unit, _: World) -> Iterator[Definition]:
    """Yield the flag: payloads become JSON text by variant, cohorts and flags in conditions become
    references.
    """
    value = unit.value
    index = {name: value[name] for name in _FOR_EVERY_CONDITION if name in value}
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
