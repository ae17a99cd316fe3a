"""Cohorts."""

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
    key_of,
    resource,
    usual,
)
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition, Path
from providers.posthog.kinds import KINDS, Ref

_WITHOUT_VALUE = ("is_set", "is_not_set")


def expand(unit: Unit, _: Index) -> Iterator[Definition]:
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
    return {**leaf, "value": operator} if operator in _WITHOUT_VALUE else leaf


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per cohort: one list of properties where all of them must match."""
    for key, properties in gathered.of("cohort").items():
        value = for_file(KINDS["cohort"], properties, "filters")
        criteria = properties.get("filters")
        if criteria:
            groups = [{**each, "values": [*map(_written_leaf, each.get("values", ()))]} for each in criteria["values"]]
            if criteria["type"] == "OR" and len(groups) == 1 and groups[0].get("type") == "AND":
                value["properties"] = groups[0]["values"]
            else:
                value["filters"] = {**criteria, "values": groups}
        yield file("cohort", key, value)


def _written_leaf(leaf: Value) -> Value:
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
    return usual(_without_value(result))


def _without_value(leaf: Value) -> Value:
    bare = leaf.get("operator") in _WITHOUT_VALUE
    return {name: item for name, item in leaf.items() if not (bare and name == "value")}


def references(unit: Unit) -> Iterator[Reference]:
    """Yield path, kind and key of the cohorts and actions that a cohort's leaves name."""
    for path, leaf in cohort_leaves(unit):
        for kind in ("cohort", "action"):
            if kind in leaf:
                yield (*path, kind), kind, leaf[kind]


def cohort_leaves(unit: Unit) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every leaf of a cohort's criteria with its path."""
    for n, leaf in enumerate(unit.value.get("properties") or ()):
        yield ("properties", n), leaf
    for n, group in enumerate((unit.value.get("filters") or {}).get("values") or ()):
        for m, leaf in enumerate(group.get("values") or ()):
            yield ("filters", "values", n, "values", m), leaf
