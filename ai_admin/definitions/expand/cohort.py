"""Cohorts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import Ref


def expand(unit: Unit, _: World) -> Iterator[Definition]:
    """Yield the cohort; ``properties`` becomes the two levels of groups that flags need."""
    properties = fields(unit, "properties", "filters")
    if "properties" in unit.value:
        leaves = unit.value["properties"]
        properties["filters"] = {"type": "OR", "values": [_group({"type": "AND", "values": leaves})]}
    elif "filters" in unit.value:
        groups = unit.value["filters"]
        properties["filters"] = {
            "type": groups["type"],
            "values": [_group(each) for each in groups["values"]],
        }
    yield resource("cohort", unit.key, unit, properties)


def _group(group: dict[str, Any]) -> dict[str, Any]:
    return {"type": group["type"], "values": [_leaf(each) for each in group["values"]]}


def _leaf(leaf: dict[str, Any]) -> dict[str, Any]:
    negation = leaf.get("negation", False)
    if "cohort" in leaf:
        return {"type": "cohort", "key": "id", "value": Ref("cohort", leaf["cohort"]), "negation": negation}
    if leaf.get("type") == "behavioral":
        did = {"event_type": "events", **leaf, "negation": negation}
        if "event_filters" in leaf:
            did["event_filters"] = [_with_value(each) for each in leaf["event_filters"]]
        if "action" in leaf:
            did |= {"key": Ref("action", did.pop("action")), "event_type": "actions"}
        return did
    operator = leaf.get("operator", "exact")
    return {"type": "person", **_with_value(leaf), "operator": operator, "negation": negation}


def _with_value(leaf: dict[str, Any]) -> dict[str, Any]:
    """PostHog wants a value in every leaf; its own pages write the operator's name where there is none."""
    operator = leaf.get("operator")
    return {**leaf, "value": operator} if operator in ("is_set", "is_not_set") else leaf
