"""PostHog's tables of query nodes and math: what each takes is taken, what it ignores or fails on is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.posthog.kinds import Ref
from tests.unit.definitions.checkouts import Checkout

ON_A_PROPERTY = ("sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99")
PER_ACTOR = tuple(
    f"{name}_count_per_actor" for name in ("avg", "min", "max", "median", "p75", "p90", "p95", "p99")
)  # fmt: skip
OF_GROUPS = ("unique_group", "first_time_for_group", "first_matching_event_for_group")
FUNNEL_ONLY = "first_time_for_user_with_filters"
TRENDS = (
    "total", "dau", "weekly_active", "monthly_active", "unique_session", *OF_GROUPS, "first_time_for_user",
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
        **{name: {"math_group_type_index": 0} for name in OF_GROUPS},
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


@pytest.mark.parametrize("math", [*ON_A_PROPERTY, *OF_GROUPS, "hogql"])
def test_math_that_needs_something_is_told_so(checkout: Checkout, math: str) -> None:
    (said,) = problems(checkout, {"trends": {"series": [{"event": "ai_used", "math": math}]}})
    needs = {**dict.fromkeys(OF_GROUPS, "math_group_type_index"), "hogql": "math_hogql"}
    need = needs.get(math, "math_property")
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


@pytest.mark.parametrize("operator", ["starts_with", "not_starts_with", "ends_with", "not_ends_with"])
def test_insights_compare_the_ends_of_a_text(checkout: Checkout, operator: str) -> None:
    leaf = {"type": "event", "key": "model", "operator": operator, "value": "v"}
    assert problems(checkout, {"trends": {"series": [{**EVENT, "properties": [leaf]}]}}) == []
    (said,) = problems(checkout, {"trends": {"series": [{**EVENT, "properties": [{**leaf, "value": ["v"]}]}]}})
    assert "this operator looks for one text, not a list" in said
    (said,) = problems(checkout, {"trends": {"series": [{**EVENT, "properties": [{**leaf, "key": "tokens"}]}]}})
    assert f'the operator {operator} does not fit "tokens", which is of type Numeric' in said


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (
            {"type": "event", "key": "tokens", "operator": "min", "value": 5},
            "it is PostHog's other name of gte; write gte",
        ),
        (
            {"type": "flag", "key": "enabled", "operator": "flag_evaluates_to", "value": True},
            "in insights it is true whatever the flag says; write {type: feature, key: $feature/<flag key>",
        ),
        ({"type": "empty"}, "it matches everything; remove the filter"),
        (
            {"type": "log_attribute", "key": "a", "operator": "exact", "value": "b"},
            "only PostHog's own lists of logs know it; write event, and a property of the event",
        ),
        (
            {"type": "person_metadata", "key": "name", "operator": "is_set"},
            "created_at is all that PostHog itself knows of a person; what the product says of one is of type person",
        ),
        (
            {"type": "hogql", "key": "1 = 1", "value": 1},
            'the key "value" is not known here; remove it',
        ),
    ],
)
def test_a_filter_that_means_nothing_in_insights_is_told_what_does(
    checkout: Checkout, leaf: dict[str, Any], expected: str
) -> None:
    said = problems(checkout, {"trends": {"series": [EVENT], "properties": [leaf]}})
    assert any(expected in each for each in said), said


def test_groups_may_have_their_names_beside_their_keys(checkout: Checkout) -> None:
    leaf = {"type": "group", "key": "$group_key", "operator": "exact", "value": "a7", "group_type_index": 0}
    named = {**leaf, "group_key_names": {"a7": "Acme"}}
    assert problems(checkout, {"trends": {"series": [EVENT], "properties": [named]}}) == []


BETA = {"type": "cohort", "value": "internal"}
ROWS: dict[str, dict[str, Any]] = {
    "EventsQuery": {"select": ["*"], "event": "ai_used", "properties": [BETA]},
    "ActorsQuery": {"select": ["id"], "properties": [BETA], "orderBy": ["id DESC"], "limit": 10},
    "TracesQuery": {"dateRange": {"date_from": "-7d"}, "properties": [BETA], "filterTestAccounts": True},
    "HogQLQuery": {"query": "select 1"},
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_table_has_rows_of_what_a_control_plane_looks_at(checkout: Checkout, kind: str) -> None:
    assert problems(checkout, {"query": {"kind": "DataTableNode", "source": {"kind": kind, **ROWS[kind]}}}) == []
    source = checkout.resources()["insight/i"].properties["query"]["source"]
    assert source["kind"] == kind
    if "properties" in ROWS[kind]:
        assert source["properties"][0]["value"] == Ref("cohort", "internal")
        wrong = {**ROWS[kind], "properties": [{**BETA, "value": "interna"}]}
        (said,) = problems(checkout, {"query": {"kind": "DataTableNode", "source": {"kind": kind, **wrong}}})
        assert 'there is no cohort "interna"; write "internal"' in said


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"kind": "PersonsNode"}, "it is PostHog's older form of ActorsQuery; write ActorsQuery"),
        ({"kind": "ErrorTrackingQuery"}, "only PostHog's own pages on errors make it; write HogQLQuery"),
        ({"kind": "EventQuery"}, "; write EventsQuery (known: EventsQuery, ActorsQuery, TracesQuery or HogQLQuery)"),
        (
            {"kind": "ActorsQuery", "properties": [{"type": "event", "key": "model", "value": "r1"}]},
            "a table of persons looks at person, cohort or hogql",
        ),
        ({"kind": "TracesQuery", "traceId": "x"}, 'the key "traceId" is not known here'),
    ],
)
def test_what_a_table_can_not_show_is_told_what_does(
    checkout: Checkout, source: dict[str, Any], expected: str
) -> None:
    said = problems(checkout, {"query": {"kind": "DataTableNode", "source": source}})
    assert any(expected in each for each in said), said


BY_POSITION = {"0": {"assignmentBy": "position", "color": "preset-1"}}
BY_VALUE = {"a": {"assignmentBy": "value", "hidden": True}}


@pytest.mark.parametrize(
    "shown",
    [
        lambda colours: {
            "funnel": {"series": [EVENT, EVENT], "funnelsFilter": {"resultCustomizations": colours}},
        },
        lambda colours: {"sql": {"query": "select 1", "chartSettings": {"resultCustomizations": colours}}},
    ],
)
def test_funnels_and_sql_are_coloured_by_value_only(checkout: Checkout, shown: Any) -> None:
    assert problems(checkout, shown(BY_VALUE)) == []
    (said,) = problems(checkout, shown(BY_POSITION))
    assert said.endswith(
        "funnels and SQL insights are coloured by value only: PostHog fails on a position; write value"
    )


def test_trends_are_coloured_by_position_as_well(checkout: Checkout) -> None:
    for colours in (BY_VALUE, BY_POSITION):
        shown = {"series": [EVENT], "trendsFilter": {"resultCustomizations": colours}}
        assert problems(checkout, {"trends": shown}) == []


def test_an_sql_filter_has_no_operator(checkout: Checkout) -> None:
    (said,) = problems(
        checkout,
        {"trends": {"series": [EVENT], "properties": [{"type": "hogql", "key": "1 = 1", "operator": "exact"}]}},
    )
    assert 'the key "operator" is not known here' in said
