"""Query nodes, in full and in short: shorthands, ``kind`` on every node, references to cohorts and actions."""

from __future__ import annotations

import re
from typing import Any

from ai_admin.definitions.query import Node, Query, query_of
from ai_admin.definitions.sql.text import without_comments
from ai_admin.definitions.unreadable import at, is_readable
from providers.posthog.kinds import Ref
from providers.posthog.kinds.insight import SHORTHANDS

VIEW = ("display", "chartSettings", "tableSettings")
_SUGAR = {"date_from", "date_to", "breakdown", "formula", "formulas", "display", "target", "returning"}
RETENTION = ("period", "totalIntervals", "retentionType")
NODES = ("series", "nodes", "exclusions", "source", "numerator", "denominator", "start_event", "completion_event")
SINGLE_BREAKDOWN = {
    "group_type_index": "breakdown_group_type_index",
    "histogram_bin_count": "breakdown_histogram_bin_count",
    "normalize_url": "breakdown_normalize_url",
}
_SHORTHAND_OF = {kind: name for name, kind in SHORTHANDS.items()}
_DATES = ("date_from", "date_to")
_ENTITY = {"id", "type", "name", "custom_name", "properties"}

_VARIABLE = re.compile(r"\{\s*variables\.(\w+)\s*\}")


def full_query(insight: Node) -> Node:
    """Return the node that PostHog stores for an insight's shorthand or raw query: always in a wrapper."""
    query = query_of(insight)
    if query is None:
        return {}
    return _written_out(query) if query.shorthand else complete(insight["query"])


def complete(value: Any, inside: str = "") -> Any:
    """Return a part of a query or a metric with its nodes named, and cohorts and actions referenced.

    ``inside`` is the key it is under.
    """
    if isinstance(value, list):
        return [complete(item, inside) for item in value]
    if not isinstance(value, dict):
        return value
    result = {name: complete(item, name) for name, item in value.items()}
    if isinstance(result.get("action"), str):
        key = result.pop("action")
        return {"kind": "ActionsNode", "id": Ref("action", key), **result}
    if inside in NODES and "kind" not in result:
        result = {"kind": "EventsNode", **result}
    if result.get("kind") == "HogQLQuery":
        own, named = result.get("variables") or {}, variables(result)
        by_id = [item for item in own.values() if "variableId" in item]
        ours = [{"variableId": Ref("insight_variable", each), "code_name": each, **own.get(each, {})} for each in named]
        result |= {"variables": [*by_id, *ours]} if named else {}
    if result.get("type") == "cohort" and isinstance(result.get("value"), str):
        return {"operator": "in", **result, "key": "id", "value": Ref("cohort", result["value"])}
    if result.get("type") == "cohort" and "property" in result:
        result["property"] = _cohort(result["property"])
    if result.get("breakdown_type") == "cohort" and "breakdown" in result:
        chosen = result["breakdown"]
        result["breakdown"] = [_cohort(item) for item in (chosen if isinstance(chosen, list) else [chosen])]
    return result


def variables(node: Node) -> list[str]:
    """Return the code names of the variables of an SQL query, in its text or with a value, except those by their ids.

    A variable's definition has its code name as its key.
    """
    text, own = node.get("query"), node.get("variables") or {}
    if not isinstance(text, str) or not is_readable(own, *own.values()):
        return []
    known = [at(item, "code_name") for item in own.values() if "variableId" in item]
    valued = [name for name, item in own.items() if "variableId" not in item]
    return [name for name in dict.fromkeys([*_in_text(text), *valued]) if name not in known]


def _in_text(sql: str) -> list[str]:
    return _VARIABLE.findall(without_comments(sql))


def _written_variables(node: Node) -> Node:
    """Return what a file says of an SQL query's variables: of those in files, what is more than their name."""
    found: Node = {}
    for item in node["variables"]:
        if isinstance(item["variableId"], Ref):
            key = item["variableId"].key
            more = {name: each for name, each in item.items() if name not in ("variableId", "code_name")}
            if more or key not in _in_text(str(node.get("query"))):
                found[key] = more
        else:
            found[item["variableId"]] = item
    return found


def _cohort(key: Any) -> Any:
    return Ref("cohort", key) if isinstance(key, str) and key != "all" else key


def _written_out(query: Query) -> Node:
    value = query.node
    own = {name: item for name, item in value.items() if name not in _SUGAR and name not in VIEW}
    node: Node = {"kind": query.kind, **own}
    if query.kind == "HogQLQuery":
        return _wrapped(complete(node), {name: value[name] for name in VIEW if name in value})
    dates = {name: value[name] for name in ("date_from", "date_to") if name in value}
    if dates:
        node["dateRange"] = {**node.get("dateRange", {}), **dates}
    if "breakdown" in value:
        node["breakdownFilter"] = _breakdown(query.kind, value["breakdown"])
    if query.kind == "TrendsQuery":
        shown = {"display": value["display"]} if "display" in value else {}
        computed = _formula_nodes(value)
        if shown or computed:
            node["trendsFilter"] = {**node.get("trendsFilter", {}), **shown, **computed}
    if query.kind == "RetentionQuery":
        node = _retention(node, value)
    return _wrapped(complete(node), {})


def _wrapped(node: Node, view: Node) -> Node:
    kind = "DataVisualizationNode" if node["kind"] == "HogQLQuery" else "InsightVizNode"
    return {"kind": kind, "source": node, **view}


def _formula_nodes(value: Node) -> Node:
    texts = value.get("formulas") or ([value["formula"]] if "formula" in value else [])
    nodes = [{"formula": each} if isinstance(each, str) else each for each in texts]
    return {"formulaNodes": nodes} if nodes else {}


def _breakdown(kind: str, item: Node) -> Node:
    type_ = item.get("type", "event")
    if kind == "FunnelsQuery" or type_ == "cohort":  # funnels read only the single form, and cohorts occur only there
        rest = {theirs: item[ours] for ours, theirs in SINGLE_BREAKDOWN.items() if ours in item}
        return {"breakdown": item["property"], "breakdown_type": type_, **rest}
    return {"breakdowns": [{**item, "type": type_}]}


def _retention(node: Node, value: Node) -> Node:
    own = {name: node.pop(name) for name in RETENTION if name in node}
    entities: Node = {}
    if "target" in value:
        entities["targetEntity"] = entities["returningEntity"] = _entity(value["target"])
    if "returning" in value:
        entities["returningEntity"] = _entity(value["returning"])
    given = node.get("retentionFilter", {})
    return {**node, "retentionFilter": {**own, **entities, **given}}


def _entity(value: Node) -> Node:
    rest = {name: item for name, item in value.items() if name not in ("event", "action")}
    if "action" in value:
        return {"id": Ref("action", value["action"]), "type": "actions", **rest}
    return {"id": value.get("event"), "type": "events", **rest}


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
        node = _short_breakdown(str(source["kind"]), node)
        part, short = _SHORTER.get(str(source["kind"]), ("", dict))
        if part in node:
            inner = dict(node.pop(part))
            node |= short(inner)
            node |= {part: inner} if inner else {}
        return {str(name): node}
    return {"query": brief(query)}


def brief(value: Any, inside: str = "") -> Any:
    """Return a part of a query or a metric with references as keys, and without what is implied.

    The inverse of ``complete``; ``inside`` is the key that the part is under.
    """
    if isinstance(value, list):
        return [brief(item, inside) for item in value]
    if not isinstance(value, dict):
        return value.key if isinstance(value, Ref) else value
    result = {name: brief(item, name) for name, item in value.items()}
    if value.get("kind") == "ActionsNode" and isinstance(value.get("id"), Ref):
        return {"action": result.pop("id"), **{name: item for name, item in result.items() if name != "kind"}}
    if isinstance(value.get("variables"), list):
        del result["variables"]
        result |= {"variables": said} if (said := _written_variables(value)) else {}
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


def _short_breakdown(kind: str, node: Node) -> Node:
    if kind not in ("TrendsQuery", "FunnelsQuery", "RetentionQuery") or "breakdownFilter" not in node:
        return node
    item = _single(kind, node["breakdownFilter"])
    rest = {name: each for name, each in node.items() if name != "breakdownFilter"}
    return node if item is None else {**rest, "breakdown": item}


def _single(kind: str, given: Node) -> Node | None:
    """Return the one breakdown that a filter means, None where it says more than that."""
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


def _short_trends(inner: Node) -> Node:
    """Return what a file says in short of a trendsFilter, and leave in that the rest."""
    said = {"display": inner.pop("display")} if "display" in inner else {}
    formulas = inner.get("formulaNodes")
    if formulas and not {"formula", "formulas"} & inner.keys():
        del inner["formulaNodes"]
        alone = len(formulas) == 1 and formulas[0].keys() == {"formula"}
        said |= {"formula": formulas[0]["formula"]} if alone else {"formulas": formulas}
    return said


def _short_retention(inner: Node) -> Node:
    """Return what a file says in short of a retentionFilter, and leave in that the rest."""
    said: Node = {}
    target, returning = inner.get("targetEntity"), inner.get("returningEntity")
    if _nameable(target) and _nameable(returning):  # who names the target alone means the same for both
        said["target"] = _short_entity(inner.pop("targetEntity"))
        inner.pop("returningEntity")
        if returning != target:
            said["returning"] = _short_entity(returning)
    return said | {name: inner.pop(name) for name in RETENTION if name in inner}


_SHORTER = {"TrendsQuery": ("trendsFilter", _short_trends), "RetentionQuery": ("retentionFilter", _short_retention)}
"""By the kind of a query, the part of which a file may say something in short, and what says that."""


def _nameable(entity: Any) -> bool:
    return isinstance(entity, dict) and entity.keys() <= _ENTITY and entity.get("type") in ("events", "actions")


def _short_entity(entity: Any) -> Node:
    rest = {name: item for name, item in entity.items() if name not in ("id", "type")}
    return {"action" if entity["type"] == "actions" else "event": entity.get("id"), **rest}
