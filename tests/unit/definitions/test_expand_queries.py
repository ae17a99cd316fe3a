"""Queries as their author wrote them in, the nodes that PostHog stores out."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import Ref
from tests.unit.definitions.checkouts import Checkout

COHORT = {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "internal")}


@pytest.mark.parametrize(
    ("written", "node"),
    [
        (
            "trends: {series: [{event: ai_used, math: dau, name: R}], interval: week, date_from: -30d, date_to: -1d}",
            {
                "kind": "TrendsQuery",
                "series": [{"kind": "EventsNode", "event": "ai_used", "math": "dau", "name": "R"}],
                "interval": "week",
                "dateRange": {"date_from": "-30d", "date_to": "-1d"},
            },
        ),
        (
            "trends: {series: [{event: ai_used}, {event: null}], formula: A / B, display: ActionsTable, "
            "trendsFilter: {decimalPlaces: 2}, breakdown: {property: model}}",
            {
                "kind": "TrendsQuery",
                "series": [{"kind": "EventsNode", "event": "ai_used"}, {"kind": "EventsNode"}],
                "trendsFilter": {"decimalPlaces": 2, "display": "ActionsTable", "formulaNodes": [{"formula": "A / B"}]},
                "breakdownFilter": {"breakdowns": [{"property": "model", "type": "event"}]},
            },
        ),
        (
            "trends: {series: [{event: ai_used}], formulas: [{formula: A * 2, custom_name: Twice}], "
            "breakdown: {property: internal, type: cohort}, properties: [{type: cohort, value: internal}]}",
            {
                "kind": "TrendsQuery",
                "series": [{"kind": "EventsNode", "event": "ai_used"}],
                "trendsFilter": {"formulaNodes": [{"formula": "A * 2", "custom_name": "Twice"}]},
                "breakdownFilter": {"breakdown": [Ref("cohort", "internal")], "breakdown_type": "cohort"},
                "properties": [COHORT],
            },
        ),
        (
            "trends: {series: [{kind: GroupNode, operator: OR, nodes: [{event: ai_used}, {kind: ActionsNode, id: 3}]}],"
            " properties: {type: AND, values: "
            "[{type: OR, values: [{type: cohort, value: internal, operator: not_in}]}]}}",
            {
                "kind": "TrendsQuery",
                "series": [
                    {
                        "kind": "GroupNode",
                        "operator": "OR",
                        "nodes": [{"kind": "EventsNode", "event": "ai_used"}, {"kind": "ActionsNode", "id": 3}],
                    }
                ],
                "properties": {
                    "type": "AND",
                    "values": [{"type": "OR", "values": [{**COHORT, "operator": "not_in"}]}],
                },
            },
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}], breakdown: {property: model}, funnelsFilter: "
            "{exclusions: [{event: $pageview, funnelFromStep: 0, funnelToStep: 1}]}}",
            {
                "kind": "FunnelsQuery",
                "series": [{"kind": "EventsNode", "event": "ai_used"}] * 2,
                "breakdownFilter": {"breakdown": "model", "breakdown_type": "event"},
                "funnelsFilter": {
                    "exclusions": [
                        {"kind": "EventsNode", "event": "$pageview", "funnelFromStep": 0, "funnelToStep": 1}
                    ]
                },
            },
        ),
        (
            "retention: {target: {event: ai_used}, period: Week, totalIntervals: 6, retentionType: "
            "retention_first_time, retentionFilter: {cumulative: true}}",
            {
                "kind": "RetentionQuery",
                "retentionFilter": {
                    "targetEntity": {"id": "ai_used", "type": "events"},
                    "returningEntity": {"id": "ai_used", "type": "events"},
                    "period": "Week",
                    "totalIntervals": 6,
                    "retentionType": "retention_first_time",
                    "cumulative": True,
                },
            },
        ),
        (
            "retention: {target: {event: ai_used, name: Run}, returning: {event: null}}",
            {
                "kind": "RetentionQuery",
                "retentionFilter": {
                    "targetEntity": {"id": "ai_used", "type": "events", "name": "Run"},
                    "returningEntity": {"type": "events"},
                },
            },
        ),
        ("lifecycle: {series: [{event: ai_used}]}",
         {"kind": "LifecycleQuery", "series": [{"kind": "EventsNode", "event": "ai_used"}]}),
        ("stickiness: {series: [{event: ai_used}], stickinessFilter: {computedAs: cumulative}}",
         {"kind": "StickinessQuery", "series": [{"kind": "EventsNode", "event": "ai_used"}],
          "stickinessFilter": {"computedAs": "cumulative"}}),
        ("paths: {pathsFilter: {stepLimit: 3}}", {"kind": "PathsQuery", "pathsFilter": {"stepLimit": 3}}),
    ],
)  # fmt: skip
def test_a_shorthand_is_written_out(checkout: Checkout, written: str, node: Any) -> None:
    checkout.write("dashboards/d.yaml", f"{{key: d, name: D, tiles: [{{insight: {{key: i, name: I, {written}}}}}]}}\n")
    query = checkout.resources()["insight/i"].properties["query"]
    assert query == {"kind": "InsightVizNode", "source": node}


def test_an_sql_insight(checkout: Checkout) -> None:
    sql = "{query: 'select {filters}', filters: {dateRange: {date_from: -7d}}, display: BoldNumber, "
    sql += "tableSettings: {transpose: true}}"
    checkout.write("dashboards/d.yaml", f"{{key: d, name: D, tiles: [{{insight: {{key: i, name: I, sql: {sql}}}}}]}}\n")
    assert checkout.resources()["insight/i"].properties["query"] == {
        "kind": "DataVisualizationNode",
        "source": {
            "kind": "HogQLQuery",
            "query": "select {filters}",
            "filters": {"dateRange": {"date_from": "-7d"}},
        },
        "display": "BoldNumber",
        "tableSettings": {"transpose": True},
    }


def test_a_raw_query_is_kept_with_kinds_and_references_filled_in(checkout: Checkout) -> None:
    raw = (
        "{kind: InsightVizNode, source: {kind: TrendsQuery, series: [{kind: EventsNode, event: ai_used}], "
        "properties: [{type: cohort, value: internal}]}}"
    )
    checkout.write(
        "dashboards/d.yaml", f"{{key: d, name: D, tiles: [{{insight: {{key: i, name: I, query: {raw}}}}}]}}\n"
    )
    assert checkout.resources()["insight/i"].properties["query"] == {
        "kind": "InsightVizNode",
        "source": {
            "kind": "TrendsQuery",
            "series": [{"kind": "EventsNode", "event": "ai_used"}],
            "properties": [COHORT],
        },
    }
