"""Insight queries: stored verbatim, changed on read (PostHog: posthog/schema_migrations, apply_dashboard_filters.py).

Reading upgrades every node that has migrations and sets its `version`. In a dashboard with filters the query is merged
with them and dumped whole, so that every field the node knows appears, as null where unset.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Node = dict[str, Any]

VERSIONS = {"TrendsQuery": 5, "StickinessQuery": 5, "RetentionQuery": 2, "FunnelsQuery": 2, "LifecycleQuery": 2}
WRAPPERS = frozenset({"InsightVizNode", "DataTableNode", "DataVisualizationNode"})
SHARED = tuple(
    "aggregation_group_type_index dataColorTheme dateRange filterTestAccounts kind modifiers properties response"
    " samplingFactor tags version".split()
)
KNOWN: dict[str, tuple[str, ...]] = {
    "TrendsQuery": (
        *SHARED,
        "breakdownFilter",
        "calendarHeatmapFilter",
        "compareFilter",
        "conversionGoal",
        "interval",
        "series",
        "trendsFilter",
    ),
    "FunnelsQuery": (*SHARED, "breakdownFilter", "compareFilter", "funnelsFilter", "interval", "series"),
    "RetentionQuery": (*SHARED, "breakdownFilter", "retentionFilter"),
    "PathsQuery": (*SHARED, "funnelPathsFilter", "pathsFilter"),
    "StickinessQuery": (*SHARED, "compareFilter", "interval", "intervalCount", "series", "stickinessFilter"),
    "LifecycleQuery": (*SHARED, "interval", "lifecycleFilter", "series"),
    "EventsNode": tuple(
        "custom_name event fixedProperties kind limit math math_group_type_index math_hogql math_multiplier"
        " math_property math_property_revenue_currency math_property_type name optionalInFunnel orderBy properties"
        " response version".split()
    ),
    "HogQLQuery": tuple("explain filters kind modifiers name query response tags values variables version".split()),
}
RANGE = ("date_from", "date_to", "explicitDate")


def upgrade(node: Any) -> Any:
    """A copy of a stored query as it is read."""
    if isinstance(node, list):
        return [upgrade(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {name: upgrade(value) for name, value in node.items()}
    kind = node.get("kind")
    if kind in VERSIONS and isinstance(node.get("version", 1), int | float | None):
        _migrate(result, str(kind), node.get("version") or 1)
        result["version"] = VERSIONS[str(kind)]
    return result


def _migrate(node: Node, kind: str, version: int) -> None:
    """The migrations that reshape a node of an older version. In place."""
    filters = node.get("retentionFilter")
    if kind == "RetentionQuery" and version < 2 and isinstance(filters, dict) and "showMean" in filters:
        filters["meanRetentionCalculation"] = "simple" if filters.pop("showMean") else "none"
    trends = node.get("trendsFilter")
    if kind == "TrendsQuery" and version < 2 and isinstance(trends, dict) and "hiddenLegendIndexes" in trends:
        hidden = trends.pop("hiddenLegendIndexes")
        hidden = hidden if isinstance(hidden, list) else []
        trends.setdefault("resultCustomizations", {}).update(
            {str(index): {"assignmentBy": "position", "hidden": True} for index in hidden}
        )
    nodes = node.get("series")
    for series in nodes if isinstance(nodes, list) else []:
        if isinstance(series, dict) and "kind" not in series:
            series["kind"] = "ActionsNode" if "id" in series and "event" not in series else "EventsNode"


def source_of(query: Any) -> Node | None:
    """The node that is computed: the source within a wrapper, else the query itself."""
    if not isinstance(query, dict):
        return None
    inner = query.get("source") if query.get("kind") in WRAPPERS else query
    return inner if isinstance(inner, dict) else None


def in_dashboard(query: Any, filters: Node | None) -> Any:
    """The query as a tile of a dashboard with these filters shows it; without filters just as it is."""
    effective = {name: value for name, value in (filters or {}).items() if value}
    if not effective or not isinstance(query, dict):
        return query
    merged = deepcopy(query)
    source = source_of(merged)
    if source is None or source.get("kind") not in KNOWN:
        return query
    _merge_filters(source, effective)
    full = _with_nulls(source)
    return {**merged, "source": full} if query.get("kind") in WRAPPERS else full


def with_variables(query: Any, variables: Any) -> Any:
    """The query with other values for the variables it has; `variables` are by id, as a dashboard keeps them."""
    source = source_of(query)
    own = source.get("variables") if source is not None else None
    if not isinstance(own, dict) or not isinstance(variables, dict):
        return query
    values = {str(each.get("code_name")): each for each in variables.values() if isinstance(each, dict)}

    def put(each: Any) -> Any:
        other = values.get(str(each.get("code_name"))) if isinstance(each, dict) else None
        return each if other is None else {**each, **{key: other[key] for key in ("value", "isNull") if key in other}}

    full = {**(source or {}), "variables": {name: put(each) for name, each in own.items()}}
    return {**query, "source": full} if query.get("kind") in WRAPPERS else full


def _merge_filters(source: Node, filters: Node) -> None:
    sql = source["kind"] == "HogQLQuery"
    target = source.setdefault("filters", {}) if sql else source
    if "date_from" in filters or "date_to" in filters:
        target["dateRange"] = {name: filters.get(name) for name in RANGE}
    properties, own = filters.get("properties"), target.get("properties")
    if properties and own:
        groups = [{"type": "AND", "values": each} if isinstance(each, list) else each for each in (own, properties)]
        target["properties"] = {"type": "AND", "values": groups}
    elif properties:
        target["properties"] = properties
    if filters.get("breakdown_filter") and source["kind"] in ("TrendsQuery", "FunnelsQuery"):
        source["breakdownFilter"] = filters["breakdown_filter"]


def _with_nulls(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_nulls(item) for item in node]
    if not isinstance(node, dict):
        return node
    missing = {name: None for name in KNOWN.get(str(node.get("kind")), ()) if name not in node}
    return {**{name: _with_nulls(value) for name, value in node.items()}, **missing}


def cohorts_in(node: Any) -> Iterator[str]:
    """The ids of the cohorts a query speaks of, in filters and in breakdowns."""
    if isinstance(node, list):
        for item in node:
            yield from cohorts_in(item)
    elif isinstance(node, dict):
        if node.get("type") == "cohort" and isinstance(node.get("value"), int | str):
            yield str(node["value"])
        if node.get("breakdown_type") == "cohort":
            breakdown = node.get("breakdown")
            for each in breakdown if isinstance(breakdown, list) else [breakdown]:
                if isinstance(each, int):
                    yield str(each)
        for value in node.values():
            yield from cohorts_in(value)
