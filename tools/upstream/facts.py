"""The facts that are kept: of each collection of the API what a body may hold, of each query node its fields.

Names only. A field has the values of its enumeration; the list is empty where there are none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from providers.posthog.kinds import KINDS
from tools.upstream.declarations import Declarations
from tools.upstream.shape import Scalar, Shape, merged, ordered, paths
from tools.upstream.zod import Bundle

Facts = dict[str, dict[str, Any]]

# Those of the kinds, and what else changes a flag.
COLLECTIONS = frozenset({kind.collection for kind in KINDS.values()} | {"scheduled_changes"})
FIELDS_DEPTH = 2
VALUES_DEPTH = 4

# The whole series and filters are in the body of a goal, beside what belongs to goals alone.
_GOAL = "MarketingAnalyticsConversionGoalsCreateCreateBody"
_OF_GOALS = {"conversion_goal_id", "conversion_goal_name", "counts_as_customer", "counts_as_revenue", "schema_map"}
_ANSWER = {"response"}  # a query's answer is in its declaration too
_CHART = "AssistantDataVisualization"

# Query nodes by the name that PostHog's declarations give them, with what the command line calls them. The command
# line's own (Assistant...) hold a part of the fields, but with the newest values.
NODES: dict[str, tuple[str, ...]] = {
    "ActionsNode": ("AssistantTrendsActionsNode",),
    "Breakdown": ("AssistantGenericMultipleBreakdownFilter", "AssistantGroupMultipleBreakdownFilter"),
    "BreakdownFilter": ("AssistantTrendsBreakdownFilter", "AssistantFunnelsBreakdownFilter"),
    "ChartAxis": (f"{_CHART}Axis",),
    "ChartSettings": (f"{_CHART}ChartSettings",),
    "CompareFilter": ("CompareFilter",),
    "ConditionalFormattingRule": (),
    "DataTableNode": (),
    "DataVisualizationNode": (f"{_CHART}Node",),
    "DataWarehouseNode": (),
    "DateRange": ("AssistantDateRange",),
    "EventsNode": ("AssistantTrendsEventsNode",),
    "EventsQuery": (),
    "FunnelExclusionActionsNode": (),
    "FunnelExclusionEventsNode": ("AssistantFunnelsExclusionEventsNode",),
    "FunnelPathsFilter": (),
    "FunnelsFilter": ("AssistantFunnelsFilter",),
    "FunnelsQuery": ("AssistantFunnelsQuery",),
    "GoalLine": (f"{_CHART}GoalLine",),
    "GroupNode": ("AssistantTrendsGroupNode", "AssistantFunnelsGroupNode"),
    "HogQLFilters": (),
    "HogQLQuery": (),
    "HogQLQueryModifiers": (),
    "InsightVizNode": ("AssistantInsightVizNode",),
    "LifecycleFilter": ("AssistantLifecycleFilter",),
    "LifecycleQuery": ("AssistantLifecycleQuery",),
    "PathCleaningFilter": ("AssistantPathCleaningFilter",),
    "PathsFilter": ("AssistantPathsFilter",),
    "PathsQuery": ("AssistantPathsQuery",),
    "QueryLogTags": (),
    "RetentionEntity": ("AssistantRetentionEntity",),
    "RetentionFilter": ("AssistantRetentionFilter",),
    "RetentionQuery": ("AssistantRetentionQuery",),
    "RevenueCurrencyPropertyConfig": (),
    "StickinessCriteria": ("StickinessCriteria",),
    "StickinessFilter": ("AssistantStickinessFilter",),
    "StickinessQuery": ("AssistantStickinessQuery",),
    "TableSettings": (f"{_CHART}TableSettings",),
    "TrendsFilter": ("AssistantTrendsFilter",),
    "TrendsFormulaNode": ("TrendsFormulaNode",),
    "TrendsQuery": ("AssistantTrendsQuery",),
    "VizSpecificOptions": (),
    "YAxisSettings": (f"{_CHART}YAxisSettings",),
}


def api(bundle: Bundle, declared: Declarations) -> Facts:
    """Return, by collection: the fields of a body that creates and of one that updates, and what is only answered.

    A collection of which the packages say nothing is left out.
    """
    found = {name: _collection(name, bundle, declared) for name in sorted(COLLECTIONS)}
    return {name: facts for name, facts in found.items() if any(facts.values())}


def _collection(name: str, bundle: Bundle, declared: Declarations) -> dict[str, Any]:
    words = "".join(word.capitalize() for word in name.split("_"))
    answer = declared.answer(f"put_{name.capitalize()}_update")
    bodies = {
        verb: bundle.shape(f"{words}{body}")
        for verb, body in (("create", "CreateBody"), ("update", "PartialUpdateBody"))
        if f"{words}{body}" in bundle.places
    }
    written = {field for body in bodies.values() for field in body.fields}
    create = _fields(bodies["create"]) if bodies else {}
    update = _fields(bodies["update"]) if bodies else {}
    return {
        "create": create,
        "required": sorted(bodies["create"].required) if bodies else [],
        "update": {path: values for path, values in update.items() if create.get(path) != values},
        "only_create": [path for path in create if path not in update],
        "answered": sorted(set(answer.fields) - written),
    }


def _fields(body: Shape) -> dict[str, list[Scalar]]:
    found = dict(paths(body, VALUES_DEPTH))
    return {
        path: ordered(each.values)
        for path, each in sorted(found.items())
        if path.count(".") < FIELDS_DEPTH or each.values
    }


def queries(bundle: Bundle, declared: Declarations) -> Facts:
    """Return query nodes and property filters by name, with their fields and which of those are required."""
    goal = bundle.shape(_GOAL).at("goal")
    whole = {_only(node, "kind"): _without(node, _OF_GOALS) for node in goal.choices}
    found = {name: _node(name, bundle, declared, whole) for name in sorted(NODES)}
    filters = {f"filter {'|'.join(_values(each, 'type'))}": each for each in goal.choices[0].at("properties").choices}
    return {**found, **{name: _described([each]) for name, each in sorted(filters.items())}}


def _node(name: str, bundle: Bundle, declared: Declarations, whole: dict[str, Shape]) -> dict[str, Any]:
    complete = [declared.shape(name)] if name in declared.places else []
    complete += [whole[name]] if name in whole else []
    return _described(complete, (bundle.shape(each) for each in NODES[name]))


def _described(complete: list[Shape], partial: Iterable[Shape] = ()) -> dict[str, Any]:
    every = _without(merged([*complete, *partial]), _ANSWER)
    # What only the assistant has to say is no rule for everybody.
    required = merged(complete).required & set(every.fields)
    return {"required": sorted(required), "fields": {name: ordered(of.values) for name, of in every.fields.items()}}


def _without(shape: Shape, names: set[str]) -> Shape:
    kept = {name: each for name, each in shape.fields.items() if name not in names}
    return Shape(kept, shape.required - names, shape.values)


def _values(shape: Shape, name: str) -> list[str]:
    return [str(value) for value in ordered(shape.fields[name].values)]


def _only(shape: Shape, name: str) -> str:
    [value] = _values(shape, name)
    return value


def text(facts: Any, indent: str = "") -> str:
    """Return facts as JSON in which a field with its values is one line, so that a change is one line too."""
    if not isinstance(facts, dict) or not facts:
        return json.dumps(facts, ensure_ascii=False)
    inner = f"{indent}  "
    lines = [f"{inner}{json.dumps(name)}: {text(each, inner)}" for name, each in facts.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
