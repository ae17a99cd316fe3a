"""The author's form in, canonical properties out.

What is expected is written out by hand but for defaults: those are the field tables' own, and put in by the same call.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Ref
from tests.unit.definitions.checkouts import Checkout


def test_a_flag_with_variants(checkout: Checkout) -> None:
    checkout.write(
        "flags/f.yaml",
        """
        key: f
        description: " What it decides "
        owner: somebody
        tags: [B, a]
        variants:
          - {key: a, name: First, rollout_percentage: 80, payload: {max: 10.0, deep: [1, {b: 1, a: é}]}}
          - {key: b, rollout_percentage: 20.0, payload: text}
        release_conditions:
          - {description: In, cohort: internal, variant: a, properties: [{key: version, value: [beta]}]}
          - properties:
              - {type: cohort, value: internal, operator: not_in}
              - {type: flag, key: enabled, value: true}
              - {key: usage, operator: is_set}
            rollout_percentage: 25
          - {}
        evaluation_runtime: server
        """,
    )
    flag = checkout.resources()["flag/f"]
    assert flag.properties == KINDS["flag"].canonical(
        {
            "key": "f",
            "description": "What it decides",
            "tags": ["a", "b"],
            "variants": [
                {"key": "a", "name": "First", "rollout_percentage": 80},
                {"key": "b", "rollout_percentage": 20},
            ],
            "release_conditions": [
                {
                    "description": "In",
                    "variant": "a",
                    "rollout_percentage": 100,
                    "properties": [
                        {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "internal")},
                        {"type": "person", "key": "version", "operator": "exact", "value": "beta"},
                    ],
                },
                {
                    "rollout_percentage": 25,
                    "properties": [
                        {"type": "cohort", "key": "id", "operator": "not_in", "value": Ref("cohort", "internal")},
                        {"type": "flag", "key": Ref("flag", "enabled"), "operator": "flag_evaluates_to", "value": True},
                        {"type": "person", "key": "usage", "operator": "is_set"},
                    ],
                },
                {"rollout_percentage": 100, "properties": []},
            ],
            "payloads": {"a": '{"deep":[1,{"a":"é","b":1}],"max":10}', "b": '"text"'},
            "evaluation_runtime": "server",
        }
    )
    assert str(flag.source) == "flags/f.yaml:1:1"


@pytest.mark.parametrize(
    ("written", "payloads"),
    [
        ("payload: 200000", {"true": "200000"}),
        ("payload: 0", {"true": "0"}),
        ("payload: false", {"true": "false"}),
        ("payload: {b: [], a: no}", {"true": '{"a":"no","b":[]}'}),
        ("payload: null", {}),
        ("active: true", {}),
    ],
)
def test_the_payload_of_a_boolean_flag(checkout: Checkout, written: str, payloads: Any) -> None:
    checkout.write("flags/f.yaml", f"key: f\nrelease_conditions: [{{}}]\n{written}\n")
    flag = checkout.resources()["flag/f"].properties
    assert (flag.get("payloads", {}), flag.get("variants", [])) == (payloads, [])


def test_unmanaged_fields_are_left_out(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nunmanaged: [release_conditions, tags]\n")
    flag = checkout.resources()["flag/f"].properties
    assert flag["unmanaged"] == ["release_conditions", "tags"]
    assert not {"release_conditions", "tags"} & flag.keys()


def test_a_cohort_from_properties(checkout: Checkout) -> None:
    checkout.write(
        "cohorts/c.yaml",
        """
        key: c
        name: C
        properties:
          - {key: usage, operator: gt, value: 5, negation: true}
          - {key: version, operator: is_set}
          - {cohort: internal}
          - {type: behavioral, key: ai_used, value: performed_event, time_value: 7, time_interval: day}
        """,
    )
    assert checkout.resources()["cohort/c"].properties == KINDS["cohort"].canonical(
        {
            "name": "C",
            "filters": {
                "type": "OR",
                "values": [
                    {
                        "type": "AND",
                        "values": [
                            {"type": "person", "key": "usage", "operator": "gt", "value": 5, "negation": True},
                            {
                                "type": "person",
                                "key": "version",
                                "operator": "is_set",
                                "value": "is_set",
                                "negation": False,
                            },
                            {"type": "cohort", "key": "id", "value": Ref("cohort", "internal"), "negation": False},
                            {
                                "type": "behavioral",
                                "key": "ai_used",
                                "event_type": "events",
                                "value": "performed_event",
                                "time_value": 7,
                                "time_interval": "day",
                                "negation": False,
                            },
                        ],
                    }
                ],
            },
        }
    )


def test_a_cohort_from_filters(checkout: Checkout) -> None:
    leaf = "{key: version, value: a}"
    checkout.write(
        "cohorts/c.yaml",
        f"key: c\nname: C\nfilters: {{type: AND, values: [{{type: OR, values: [{leaf}]}}, "
        f"{{type: AND, values: [{{cohort: internal, negation: true}}]}}]}}\n",
    )
    person = {"type": "person", "key": "version", "operator": "exact", "value": "a", "negation": False}
    cohort = {"type": "cohort", "key": "id", "value": Ref("cohort", "internal"), "negation": True}
    assert checkout.resources()["cohort/c"].properties["filters"] == {
        "type": "AND",
        "values": [{"type": "OR", "values": [person]}, {"type": "AND", "values": [cohort]}],
    }


def test_events_and_properties(checkout: Checkout) -> None:
    checkout.write(
        "events/other.yaml",
        """
        key: other
        description: Another
        verified: true
        properties:
          model: {type: String, description: Which model, values: [r1]}
          own: {type: Boolean, tags: [B, a]}
        """,
    )
    resources = checkout.resources()
    assert resources["event/other"].properties == KINDS["event"].canonical(
        {"name": "other", "description": "Another", "verified": True}
    )
    assert resources["property/event.own"].properties == KINDS["property"].canonical(
        {"name": "own", "type": "event", "property_type": "Boolean", "tags": ["a", "b"]}
    )
    shared = resources["property/event.model"]
    assert shared.properties["description"] == "Which model"
    assert str(shared.source) == "events/other.yaml:5:10"
    assert resources["property/person.health"].properties["type"] == "person"
    assert "event/installation" not in resources


def test_a_property_described_in_two_files_is_one_resource(checkout: Checkout) -> None:
    checkout.write("events/a.yaml", "key: a\nproperties: {model: {type: String}}\n")
    checkout.write("events/z.yaml", "key: z\nproperties: {model: {type: String, description: Last}}\n")
    shared = checkout.resources()["property/event.model"]
    assert (shared.source.path, shared.properties["description"]) == ("events/a.yaml", "Last")


def test_a_dashboard_and_its_tiles(checkout: Checkout) -> None:
    checkout.write(
        "dashboards/d.yaml",
        """
        key: d
        name: D
        pinned: true
        filters: {date_from: -7d, properties: [{type: cohort, value: internal}]}
        tiles:
          - text: "## Title"
            layout: {w: 12}
          - insight: {key: a, name: A, trends: {series: [{event: ai_used}]}}
          - insight: runs
            layout: {h: 3}
            color: blue
          - insight: {key: b, name: B, trends: {series: [{event: ai_used}]}}
            layout: {x: 0, y: 20, w: 3, h: 2}
            show_description: true
          - text: last
        """,
    )
    resources = checkout.resources()
    assert resources["dashboard/d"].properties == KINDS["dashboard"].canonical(
        {
            "name": "D",
            "pinned": True,
            "filters": {
                "date_from": "-7d",
                "properties": [{"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "internal")}],
            },
        }
    )
    assert resources["tiles/d"].properties == {
        "dashboard": Ref("dashboard", "d"),
        "tiles": [
            {"text": "## Title", "layout": {"x": 0, "y": 0, "w": 12, "h": 1}},
            {"insight": Ref("insight", "a"), "layout": {"x": 0, "y": 1, "w": 6, "h": 5}},
            {"insight": Ref("insight", "runs"), "layout": {"x": 6, "y": 1, "w": 6, "h": 3}, "color": "blue"},
            {"text": "last", "layout": {"x": 6, "y": 4, "w": 6, "h": 1}},
            {"insight": Ref("insight", "b"), "layout": {"x": 0, "y": 20, "w": 3, "h": 2}, "show_description": True},
        ],
    }
    assert resources["insight/runs"].properties["dashboards"] == [Ref("dashboard", "d"), Ref("dashboard", "usage")]
    assert resources["insight/a"].properties["dashboards"] == [Ref("dashboard", "d")]
    assert str(resources["insight/b"].source) == "dashboards/d.yaml:12:14"


def test_an_alert_and_its_notifications(checkout: Checkout) -> None:
    checkout.write(
        "alerts/a.yaml",
        """
        key: a
        name: A
        insight: runs
        condition: relative_increase
        threshold: {upper: 1.0, type: percentage}
        check_ongoing_interval: true
        calculation_interval: hourly
        skip_weekend: true
        notify:
          email: [Oncall@Example.com, admin@example.com]
          slack: {workspace: acme, channel: "#alerts", text: Look}
          webhook: {url: {env: PAGER_URL}}
        """,
    )
    resources = checkout.resources()
    assert resources["alert/a"].properties == KINDS["alert"].canonical(
        {
            "name": "A",
            "insight": Ref("insight", "runs"),
            "subscribed_users": ["admin@example.com", "oncall@example.com"],
            "condition": "relative_increase",
            "threshold": {"type": "percentage", "upper": 1},
            "config": {"type": "TrendsAlertConfig", "series_index": 0, "check_ongoing_interval": True},
            "calculation_interval": "hourly",
            "skip_weekend": True,
        }
    )
    assert resources["notification/a.slack"].properties == KINDS["notification"].canonical(
        {
            "name": "A (Slack)",
            "template": "template-slack",
            "alert": Ref("alert", "a"),
            "inputs": {
                "workspace": "acme",
                "channel": "#alerts",
                "text": "Look",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Look"}}],
            },
        }
    )
    assert resources["notification/a.webhook"].properties["inputs"] == {
        "url": {"env": "PAGER_URL"},
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body": {"event": "{event}"},
    }
    assert str(resources["notification/a.slack"].source) == "alerts/a.yaml:11:10"
    assert "notification/spike.slack" not in resources


@pytest.mark.parametrize(
    ("query", "more", "config"),
    [
        ("sql: {query: select 1}", "", {"type": "HogQLAlertConfig", "evaluation": "last_row"}),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}]}",
            "",
            {"type": "FunnelsAlertConfig", "metric": "conversion_from_start"},
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}]}",
            "series: 1",
            {"type": "FunnelsAlertConfig", "metric": "conversion_from_start", "funnel_step": 1},
        ),
        (
            "trends: {series: [{event: ai_used}, {event: ai_used}]}",
            "series: 1",
            {"type": "TrendsAlertConfig", "series_index": 1},
        ),
    ],
)
def test_an_alert_is_configured_for_the_kind_of_its_insight(
    checkout: Checkout, query: str, more: str, config: Any
) -> None:
    checkout.write("dashboards/d.yaml", f"{{key: d, name: D, tiles: [{{insight: {{key: i, name: I, {query}}}}}]}}\n")
    alert = "key: a\nname: A\ninsight: i\ncondition: absolute_value\nthreshold: {upper: 1}\n"
    checkout.write("alerts/a.yaml", f"{alert}notify: {{email: [a@example.com]}}\n{more}\n")
    assert checkout.resources()["alert/a"].properties["config"] == config


def test_a_filter_of_a_cohort_s_event_has_a_value_where_posthog_wants_one(checkout: Checkout) -> None:
    did = "type: behavioral, key: ai_used, value: performed_event, time_value: 7, time_interval: day"
    filters = "[{type: event, key: model, operator: is_set}, {type: hogql, key: 1 = 1}]"
    checkout.write(
        "cohorts/c.yaml",
        f"key: c\nname: C\nproperties: [{{{did}, event_filters: {filters}}}]\n",
    )
    (group,) = checkout.resources()["cohort/c"].properties["filters"]["values"]
    assert group["values"][0]["event_filters"] == [
        {"type": "event", "key": "model", "operator": "is_set", "value": "is_set"},
        {"type": "hogql", "key": "1 = 1"},
    ]
