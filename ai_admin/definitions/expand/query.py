"""Query nodes in full: shorthands written out, ``kind`` on every node, cohorts as references."""

from __future__ import annotations

from typing import Any

from ai_admin.definitions.query import Node, Query, query_of
from providers.posthog.kinds import Ref

VIEW = ("display", "chartSettings", "tableSettings")
_SUGAR = {"date_from", "date_to", "breakdown", "formula", "formulas", "display", "target", "returning"}
RETENTION = ("period", "totalIntervals", "retentionType")
NODES = ("series", "nodes", "exclusions", "source", "numerator", "denominator", "start_event", "completion_event")
SINGLE_BREAKDOWN = {
    "group_type_index": "breakdown_group_type_index",
    "histogram_bin_count": "breakdown_histogram_bin_count",
    "normalize_url": "breakdown_normalize_url",
}


def full_query(insight: Node) -> Node:
    """Return the node that PostHog stores for an insight's shorthand or raw query: always in a wrapper."""
    query = query_of(insight)
    if query is None:
        return {}
    return _written_out(query) if query.shorthand else complete(insight["query"])


def complete(value: Any, inside: str = "") -> Any:
    """Return a part of a query or a metric with its nodes named, and cohorts and actions referenced.

    ``inside`` is the key it stands under.
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
    if result.get("type") == "cohort" and isinstance(result.get("value"), str):
        return {"operator": "in", **result, "key": "id", "value": Ref("cohort", result["value"])}
    if result.get("type") == "cohort" and "property" in result:
        result["property"] = _cohort(result["property"])
    if result.get("breakdown_type") == "cohort" and "breakdown" in result:
        chosen = result["breakdown"]
        result["breakdown"] = [_cohort(item) for item in (chosen if isinstance(chosen, list) else [chosen])]
    return result


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
    if kind == "FunnelsQuery" or type_ == "cohort":  # funnels read only the single form, and cohorts stand only there
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
