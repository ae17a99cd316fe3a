"""Queries: a shorthand where one says it, else the raw node."""

from __future__ import annotations

from typing import Any

from ai_admin.definitions.expand.query import NODES, RETENTION, SINGLE_BREAKDOWN, VIEW
from ai_admin.definitions.query import SHORTHANDS
from providers.posthog.kinds import Ref

Node = dict[str, Any]
_SHORTHAND_OF = {kind: name for name, kind in SHORTHANDS.items()}
_DATES = ("date_from", "date_to")
_ENTITY = {"id", "type", "name", "custom_name", "properties"}


def shorthand(query: Node) -> Node:
    """Return what an insight says of its query: ``{trends: ...}``, ``{sql: ...}`` or ``{query: ...}``."""
    source = query.get("source") or {}
    around = query.keys() - {"kind", "source"}
    name = _SHORTHAND_OF.get(str(source.get("kind")))
    if name == "sql" and query.get("kind") == "DataVisualizationNode" and around <= set(VIEW):
        return {"sql": {**_own(brief(source)), **{each: query[each] for each in VIEW if each in query}}}
    if name not in (None, "sql") and query.get("kind") == "InsightVizNode" and not around:
        node = _own(brief(source))
        node |= _dates(node)
        for sugar in (_breakdown, _trends, _retention):
            node = sugar(str(source["kind"]), node)
        return {str(name): node}
    return {"query": brief(query)}


def brief(value: Any, inside: str = "") -> Any:
    """Return a part of a query or a metric with references as keys, and without what stands to reason.

    The inverse of ``expand.query.complete``; ``inside`` is the key that the part stands under.
    """
    if isinstance(value, list):
        return [brief(item, inside) for item in value]
    if not isinstance(value, dict):
        return value.key if isinstance(value, Ref) else value
    result = {name: brief(item, name) for name, item in value.items()}
    if value.get("kind") == "ActionsNode" and isinstance(value.get("id"), Ref):
        return {"action": result.pop("id"), **{name: item for name, item in result.items() if name != "kind"}}
    if inside in NODES and result.get("kind") == "EventsNode":
        del result["kind"]
        if "event" not in result and inside in (
            "source",
            "numerator",
            "denominator",
            "start_event",
            "completion_event",
        ):
            result = {"event": None, **result}  # a metric's node names its event, or says that it has none
    if value.get("type") == "cohort" and isinstance(value.get("value"), Ref):
        result.pop("key", None)
        if result.get("operator") == "in":
            del result["operator"]
    return result


def _own(node: Node) -> Node:
    return {name: item for name, item in node.items() if name != "kind"}


def _dates(node: Node) -> Node:
    dates = node.get("dateRange")
    return dict(node.pop("dateRange")) if dates and dates.keys() <= set(_DATES) else {}


def _breakdown(kind: str, node: Node) -> Node:
    if kind not in ("TrendsQuery", "FunnelsQuery", "RetentionQuery") or "breakdownFilter" not in node:
        return node
    item = _single(kind, node["breakdownFilter"])
    rest = {name: each for name, each in node.items() if name != "breakdownFilter"}
    return node if item is None else {**rest, "breakdown": item}


def _single(kind: str, given: Node) -> Node | None:
    """Return the one breakdown that a filter stands for, None where it says more than that."""
    many = given.get("breakdowns")
    if many is not None:
        if kind == "FunnelsQuery" or given.keys() != {"breakdowns"} or len(many) != 1 or "type" not in many[0]:
            return None
        return _typed(many[0])
    ours = {theirs: name for name, theirs in SINGLE_BREAKDOWN.items()}
    if not given.keys() <= {"breakdown", "breakdown_type", *ours} or "breakdown_type" not in given:
        return None
    chosen, type_ = given.get("breakdown"), given["breakdown_type"]
    if type_ == "cohort" and isinstance(chosen, list) and len(chosen) == 1:
        chosen = chosen[0]
    elif type_ == "cohort" or kind != "FunnelsQuery":
        return None
    if not isinstance(chosen, str | int):
        return None
    return _typed({"property": chosen, "type": type_, **{ours[name]: given[name] for name in ours if name in given}})


def _typed(item: Node) -> Node:
    return {name: each for name, each in item.items() if (name, each) != ("type", "event")}


def _trends(kind: str, node: Node) -> Node:
    if kind != "TrendsQuery" or "trendsFilter" not in node:
        return node
    inner = dict(node["trendsFilter"])
    rest = {name: item for name, item in node.items() if name != "trendsFilter"}
    if "display" in inner:
        rest["display"] = inner.pop("display")
    formulas = inner.get("formulaNodes")
    if formulas and not {"formula", "formulas"} & inner.keys():
        del inner["formulaNodes"]
        alone = len(formulas) == 1 and formulas[0].keys() == {"formula"}
        rest |= {"formula": formulas[0]["formula"]} if alone else {"formulas": formulas}
    return {**rest, "trendsFilter": inner} if inner else rest


def _retention(kind: str, node: Node) -> Node:
    if kind != "RetentionQuery" or "retentionFilter" not in node:
        return node
    inner = dict(node["retentionFilter"])
    rest = {name: item for name, item in node.items() if name != "retentionFilter"}
    target, returning = inner.get("targetEntity"), inner.get("returningEntity")
    if _nameable(target) and _nameable(returning):  # who names the target alone means the same for both
        rest["target"] = _entity(inner.pop("targetEntity"))
        inner.pop("returningEntity")
        if returning != target:
            rest["returning"] = _entity(returning)
    for name in RETENTION:
        if name in inner:
            rest[name] = inner.pop(name)
    return {**rest, "retentionFilter": inner} if inner else rest


def _nameable(entity: Any) -> bool:
    return isinstance(entity, dict) and entity.keys() <= _ENTITY and entity.get("type") in ("events", "actions")


def _entity(entity: Any) -> Node:
    rest = {name: item for name, item in entity.items() if name not in ("id", "type")}
    return {"action" if entity["type"] == "actions" else "event": entity.get("id"), **rest}
