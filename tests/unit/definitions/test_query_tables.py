"""PostHog's tables of query nodes and math: what each takes is taken, what it ignores or fails on is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.definitions.checkouts import Checkout

ON_A_PROPERTY = ("sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99")
PER_ACTOR = tuple(
    f"{name}_count_per_actor" for name in ("avg", "min", "max", "median", "p75", "p90", "p95", "p99")
)  # fmt: skip
FUNNEL_ONLY = "first_time_for_user_with_filters"
TRENDS = (
    "total", "dau", "weekly_active", "monthly_active", "unique_session", "unique_group", "first_time_for_user",
    "first_matching_event_for_user", *ON_A_PROPERTY, *PER_ACTOR, "hogql",
)  # fmt: skip
HONOURS = {
    "trends": TRENDS,
    "funnel": ("total", "first_time_for_user", FUNNEL_ONLY),
    "stickiness": ("total", "dau", "unique_group", "hogql"),
    "lifecycle": ("total",),
}
EVENT = {"kind": "EventsNode", "event": "ai_used"}
NODES: dict[str, dict[str, Any]] = {
    "TrendsQuery": {"series": [EVENT]},
    "FunnelsQuery": {"series": [EVENT, EVENT]},
    "RetentionQuery": {"retentionFilter": {}},
    "PathsQuery": {"pathsFilter": {}},
    "StickinessQuery": {"series": [EVENT]},
    "LifecycleQuery": {"series": [EVENT]},
}
EVERY = {
    "properties": [], "filterTestAccounts": True, "samplingFactor": 0.5, "dataColorTheme": 1, "version": 1,
    "modifiers": {}, "tags": {}, "dateRange": {"date_from": "-7d"},
}  # fmt: skip
# Fields that only some nodes have; PostHog saves any, and shows nothing.
SOME: dict[str, tuple[Any, tuple[str, ...]]] = {
    "interval": ("day", ("TrendsQuery", "FunnelsQuery", "StickinessQuery", "LifecycleQuery")),
    "intervalCount": (2, ("StickinessQuery",)),
    "breakdownFilter": ({"breakdown": "model"}, ("TrendsQuery", "FunnelsQuery", "RetentionQuery")),
    "compareFilter": ({"compare": True}, ("TrendsQuery", "FunnelsQuery", "StickinessQuery")),
    "aggregation_group_type_index": (0, ("FunnelsQuery", "RetentionQuery", "PathsQuery", "LifecycleQuery")),
    "trendsFilter": ({}, ("TrendsQuery",)),
    "funnelsFilter": ({}, ("FunnelsQuery",)),
    "retentionFilter": ({}, ("RetentionQuery",)),
    "pathsFilter": ({}, ("PathsQuery",)),
    "stickinessFilter": ({}, ("StickinessQuery",)),
    "lifecycleFilter": ({}, ("LifecycleQuery",)),
    "customAggregationTarget": (False, ("LifecycleQuery",)),
    "calendarHeatmapFilter": ({}, ("TrendsQuery",)),
    "funnelPathsFilter": (
        {"funnelSource": {"kind": "FunnelsQuery", "series": [EVENT, EVENT]}},
        ("PathsQuery",),
    ),
    "response": ({}, ()),
}


def problems(checkout: Checkout, query: dict[str, Any]) -> list[str]:
    insight = {"key": "i", "name": "I", **query}
    checkout.write("dashboards/d.yaml", json.dumps({"key": "d", "name": "D", "tiles": [{"insight": insight}]}))
    return checkout.problems()


def counted(math: str) -> dict[str, Any]:
    """Return a series with this math and what that needs."""
    needs: dict[str, dict[str, Any]] = {
        **{name: {"math_property": "tokens"} for name in ON_A_PROPERTY},
        "unique_group": {"math_group_type_index": 0},
        "hogql": {"math_hogql": "count()"},
    }
    return {"event": "ai_used", "math": math, **needs.get(math, {})}


@pytest.mark.parametrize("query", HONOURS)
def test_a_query_takes_the_math_that_it_honours_and_no_other(checkout: Checkout, query: str) -> None:
    before = [{"event": "ai_used"}] if query == "funnel" else []
    taken = [
        math for math in (*TRENDS, FUNNEL_ONLY) if not problems(checkout, {query: {"series": [*before, counted(math)]}})
    ]
    assert taken == [math for math in (*TRENDS, FUNNEL_ONLY) if math in HONOURS[query]]


@pytest.mark.parametrize("math", [*ON_A_PROPERTY, "unique_group", "hogql"])
def test_math_that_needs_something_is_told_so(checkout: Checkout, math: str) -> None:
    (said,) = problems(checkout, {"trends": {"series": [{"event": "ai_used", "math": math}]}})
    need = {"unique_group": "math_group_type_index", "hogql": "math_hogql"}.get(math, "math_property")
    assert f'insight/i: "{need}" is missing' in said


def test_a_misspelt_math_is_told_the_nearest_that_the_query_knows(checkout: Checkout) -> None:
    (trends,) = problems(checkout, {"trends": {"series": [{"event": "ai_used", "math": "weekly_activ"}]}})
    assert "; write weekly_active (known: " in trends
    (funnel,) = problems(checkout, {"funnel": {"series": [{"event": "ai_used"}, {"event": "ai_used", "math": "totl"}]}})
    assert "; write total (known: total, first_time_for_user or first_time_for_user_with_filters)" in funnel


@pytest.mark.parametrize("kind", NODES)
def test_a_node_takes_its_own_fields_and_no_other(checkout: Checkout, kind: str) -> None:
    fields = {**EVERY, **{name: value for name, (value, _) in SOME.items()}}
    taken = {
        name
        for name, value in fields.items()
        if not problems(
            checkout, {"query": {"kind": "InsightVizNode", "source": {"kind": kind, **NODES[kind], name: value}}}
        )
    }
    assert taken == {*EVERY, *(name for name, (_, kinds) in SOME.items() if kind in kinds)}


@pytest.mark.parametrize("kind", NODES)
def test_a_misspelt_field_of_a_node_is_told_the_nearest(checkout: Checkout, kind: str) -> None:
    source = {"kind": kind, **NODES[kind], "filterTestAccount": True}
    (said,) = problems(checkout, {"query": {"kind": "InsightVizNode", "source": source}})
    assert said.endswith('the key "filterTestAccount" is not known here; write "filterTestAccounts"')


def test_an_sql_filter_has_no_operator(checkout: Checkout) -> None:
    (said,) = problems(
        checkout,
        {"trends": {"series": [EVENT], "properties": [{"type": "hogql", "key": "1 = 1", "operator": "exact"}]}},
    )
    assert 'the key "operator" is not known here' in said
