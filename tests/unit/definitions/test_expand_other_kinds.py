"""Actions, experiments, subscriptions and annotations: the author's form in, canonical properties out."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Ref
from tests.unit.definitions.checkouts import Checkout

AI = {"kind": "EventsNode", "event": "ai_used"}
FAILED = {"kind": "ActionsNode", "id": Ref("action", "failed")}


@pytest.fixture
def checkout(checkout: Checkout) -> Checkout:
    return checkout.with_flag_and_action()


def test_an_action_is_written_as_posthog_has_it(checkout: Checkout) -> None:
    filters = [{"type": "event", "key": "success", "value": False}]
    assert checkout.resources()["action/failed"].properties == KINDS["action"].canonical(
        {"name": "Failed", "steps": [{"event": "ai_used", "properties": filters}]}
    )


def test_an_experiment(checkout: Checkout) -> None:
    checkout.write(
        "experiments/x.yaml",
        """
        key: x
        name: X
        hypothesis: It helps
        flag: ab
        metrics:
          - {name: Share, metric_type: ratio, numerator: {action: failed}, denominator: {event: ai_used}}
          - {name: Steps, metric_type: funnel, series: [{event: ai_used}, {action: failed}]}
        metrics_secondary:
          - name: Back
            metric_type: retention
            start_event: {event: ai_used}
            completion_event:
              event: ai_used
              properties: [{type: cohort, value: internal}]
            retention_window_start: 1
            retention_window_end: 7
            retention_window_unit: day
        exposure_criteria: {exposure_config: {event: ai_used}}
        start_date: 2026-09-07
        stacks:
          production: {start_date: null, exposure_criteria: {exposure_config: {event: null, action: failed}}}
        """,
    )
    back = {
        "name": "Back",
        "metric_type": "retention",
        "start_event": AI,
        "completion_event": {
            **AI,
            "properties": [{"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "internal")}],
        },
        "retention_window_start": 1,
        "retention_window_end": 7,
        "retention_window_unit": "day",
        "start_handling": "first_seen",
    }
    expected: dict[str, Any] = {
        "name": "X",
        "hypothesis": "It helps",
        "flag": Ref("flag", "ab"),
        "metrics": [
            {
                "kind": "ExperimentMetric",
                "name": "Share",
                "metric_type": "ratio",
                "numerator": FAILED,
                "denominator": AI,
            },
            {"kind": "ExperimentMetric", "name": "Steps", "metric_type": "funnel", "series": [AI, FAILED]},
        ],
        "metrics_secondary": [{"kind": "ExperimentMetric", **back}],
        "exposure_criteria": {"exposure_config": {"kind": "ExperimentEventExposureConfig", "event": "ai_used"}},
        "start_date": "2026-09-07T00:00:00Z",
    }
    canonical = KINDS["experiment"].canonical
    assert checkout.resources()["experiment/x"].properties == canonical(expected)
    draft = {name: value for name, value in expected.items() if name != "start_date"}
    assert checkout.resources("production")["experiment/x"].properties == canonical(
        {**draft, "exposure_criteria": {"exposure_config": FAILED}}
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("insight: runs", {"content_type": "insight", "insight": Ref("insight", "runs")}),
        (
            "dashboard: usage",
            {
                "content_type": "dashboard",
                "dashboard": Ref("dashboard", "usage"),
                "dashboard_export_insights": [Ref("insight", "runs")],
            },
        ),
    ],
)
def test_a_subscription(checkout: Checkout, written: str, expected: dict[str, Any]) -> None:
    checkout.write(
        "subscriptions/s.yaml",
        f"key: s\ntitle: S\n{written}\ntarget: {{email: [b@example.com, A@example.com]}}\n"
        "frequency: weekly\nbyweekday: [friday, monday]\nstart_date: 2026-09-07T10:00:00+02:00\n",
    )
    assert checkout.resources()["subscription/s"].properties == {
        "title": "S",
        "target_type": "email",
        "target_value": "a@example.com,b@example.com",
        "frequency": "weekly",
        "byweekday": ["monday", "friday"],
        "start_date": "2026-09-07T08:00:00Z",
        "enabled": True,
        **expected,
    }


def test_a_subscription_to_slack_names_the_workspace(checkout: Checkout) -> None:
    slack = "{slack: {workspace: acme, channel: '#ai'}}"
    text = f"key: s\ntitle: S\ninsight: runs\ntarget: {slack}\nfrequency: daily\nstart_date: 2026-09-07\n"
    checkout.write("subscriptions/s.yaml", text)
    properties = checkout.resources()["subscription/s"].properties
    assert {name: properties[name] for name in ("target_type", "target_value", "workspace")} == {
        "target_type": "slack",
        "target_value": "#ai",
        "workspace": "acme",
    }


def test_a_subscription_to_what_posthogs_ai_answers(checkout: Checkout) -> None:
    text = "key: s\ntitle: S\nprompt: Which costs grew?\ntarget: {teams: {url: {env: TEAMS}}}\n"
    more = "delivery_config: {include_images: false, include_feedback: true}\nsend_test_now: true\n"
    checkout.write("subscriptions/s.yaml", f"{text}frequency: daily\nstart_date: 2026-09-07\n{more}")
    properties = checkout.resources()["subscription/s"].properties
    expected = {
        "content_type": "ai_prompt",
        "prompt": "Which costs grew?",
        "target_type": "teams",
        "target_value": {"env": "TEAMS"},
        "delivery_config": {"include_images": False},
        "send_test_now": True,
    }
    assert {name: properties.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("written", "scope"),
    [
        ("", {}),
        ("insight: runs", {"scope": "dashboard_item", "insight": Ref("insight", "runs")}),
        ("dashboard: usage", {"scope": "dashboard", "dashboard": Ref("dashboard", "usage")}),
    ],
)
def test_an_annotation_is_of_the_project_or_of_what_it_names(checkout: Checkout, written: str, scope: Any) -> None:
    checkout.write("annotations/o.yaml", f"key: o\ncontent: O\ndate_marker: 2026-09-07\n{written}\n")
    assert checkout.resources()["annotation/o"].properties == {
        "content": "O",
        "date_marker": "2026-09-07T00:00:00Z",
        **scope,
    }


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("trends: {series: [{action: failed, math: dau}]}", ("series", 0)),
        ("funnel: {series: [{event: ai_used}, {action: failed}]}", ("series", 1)),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}], "
            "funnelsFilter: {exclusions: [{action: failed, funnelFromStep: 0, funnelToStep: 1}]}}",
            ("funnelsFilter", "exclusions", 0),
        ),
        ("lifecycle: {series: [{action: failed}]}", ("series", 0)),
        ("stickiness: {series: [{kind: ActionsNode, action: failed}]}", ("series", 0)),
    ],
)
def test_an_insight_counts_an_action_by_its_key(checkout: Checkout, query: str, place: tuple[Any, ...]) -> None:
    text = f"key: d\nname: D\ntiles: [{{insight: {{key: i, name: I, {query}}}}}]\n"
    checkout.write("dashboards/d.yaml", text)
    node = checkout.resources()["insight/i"].properties["query"]["source"]
    for step in place:
        node = node[step]
    assert {name: node[name] for name in ("kind", "id")} == FAILED
    assert "action" not in node
    checkout.write("dashboards/d.yaml", text.replace("action: failed", "action: fialed"))
    [problem] = checkout.problems()
    assert 'there is no action "fialed"; write "failed"' in problem


def test_a_retention_starts_with_an_action_by_its_key(checkout: Checkout) -> None:
    tile = "{insight: {key: i, name: I, retention: {target: {action: failed}, returning: {event: ai_used}}}}"
    checkout.write("dashboards/d.yaml", f"key: d\nname: D\ntiles: [{tile}]\n")
    settings = checkout.resources()["insight/i"].properties["query"]["source"]["retentionFilter"]
    assert settings["targetEntity"] == {"id": Ref("action", "failed"), "type": "actions"}
    assert settings["returningEntity"] == {"id": "ai_used", "type": "events"}


def test_a_cohort_of_those_who_did_an_action(checkout: Checkout) -> None:
    leaf = "{type: behavioral, action: failed, value: performed_event, time_value: 7, time_interval: day}"
    checkout.write("cohorts/c.yaml", f"key: c\nname: C\nproperties: [{leaf}]\n")
    [group] = checkout.resources()["cohort/c"].properties["filters"]["values"]
    assert group["values"] == [
        {
            "type": "behavioral",
            "key": Ref("action", "failed"),
            "event_type": "actions",
            "value": "performed_event",
            "time_value": 7,
            "time_interval": "day",
            "negation": False,
        }
    ]


def test_what_refers_comes_after_what_it_refers_to(checkout: Checkout) -> None:
    metric = "{name: M, metric_type: mean, source: {action: failed}}"
    checkout.write("experiments/x.yaml", f"key: x\nname: X\nflag: ab\nmetrics: [{metric}]\n")
    checkout.write("annotations/o.yaml", "key: o\ncontent: O\ndate_marker: 2026-09-07\ninsight: runs\n")
    order = list(checkout.resources())
    assert order.index("action/failed") < order.index("experiment/x")
    assert order.index("flag/ab") < order.index("experiment/x")
    assert order.index("insight/runs") < order.index("annotation/o")
