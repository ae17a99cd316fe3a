"""What PostHog would refuse of actions, experiments and subscriptions, or take and make nothing of."""

from __future__ import annotations

import pytest
import yaml

from ai_admin.definitions.check import check
from tests.unit.definitions.checkouts import Checkout

FORMS = {
    "actions": {"key": "n", "name": "N", "steps": "[{event: ai_used}]"},
    "experiments": {"key": "x", "name": "X", "flag": "ab"},
    "subscriptions": {
        "key": "s",
        "title": "S",
        "target": "{email: [a@example.com]}",
        "frequency": "daily",
        "start_date": "2026-09-07",
    },
}
MEAN = "{name: M, metric_type: mean, source: {event: ai_used%s}%s}"
RETENTION = (
    "{name: R, metric_type: retention, start_event: {event: ai_used}, completion_event: {event: ai_used}, "
    "retention_window_start: 7, retention_window_end: »%s, retention_window_unit: day}"
)


def form(folder: str, text: str) -> str:
    """Return a definition in one line, in flow form, with what its kind needs; » marks the place of its problem."""
    given = yaml.load(f"{{{text.replace('»', '')}}}", yaml.BaseLoader)
    rest = "".join(f", {name}: {value}" for name, value in FORMS[folder].items() if name not in given)
    return f"{{{text}{rest}}}\n"


CASES = [
    ("actions", "name: »Failed", "action/failed has the same name (actions/failed.yaml:2:7); choose another name"),
    (
        "actions",
        "steps: [{event: ai_used, properties: [{type: event, key: »mdel, value: r1}]}]",
        'the catalogue knows no property "mdel" of the event ai_used; write "model"',
    ),
    (
        "actions",
        "steps: [{event: ai_used, properties: [{type: event, key: model, value: »r9}]}]",
        '"model" is never the text "r9" (values in the catalogue: r1 or v3); write r1 or v3',
    ),
    (
        "experiments",
        f"metrics: [{MEAN % ('', '')}], metrics_secondary: [{(MEAN % ('', '')).replace('M', '»M', 1)}]",
        'a metric is called "M" already; choose another name',
    ),
    (
        "experiments",
        f"metrics: [{MEAN % (', math: »avg, math_property: tokens', ', threshold: 5')}]",
        "a threshold means nothing for the math avg; write total or sum, or remove threshold",
    ),
    (
        "experiments",
        f"metrics: [{MEAN % ('', ', threshold: 5, »upper_bound_percentile: 0.9')}]",
        "with a threshold an installation reaches it or not, so there are no percentiles; "
        "remove upper_bound_percentile, or threshold",
    ),
    (
        "experiments",
        f"metrics: [{MEAN % (', math: sum, math_property: »model', '')}]",
        'sum needs numbers, and "model" is of type String; write a Numeric property, such as tokens',
    ),
    ("experiments", f"metrics_secondary: [{RETENTION % 1}]", "1 is before 7; write 7 or more"),
    (
        "experiments",
        "metrics: [{name: M, metric_type: mean, source: {action: »fialed}}]",
        'there is no action "fialed"; write "failed"',
    ),
    (
        "experiments",
        "exposure_criteria: {exposure_config: {event: ai_used, properties: [{type: cohort, value: »interna}]}}",
        'there is no cohort "interna"; write "internal"',
    ),
    (
        "experiments",
        "start_date: 2026-09-07T08:00:00Z, end_date: »2026-09-07T09:00:00+02:00",
        "end_date is not after start_date; write a time after 2026-09-07T08:00:00Z",
    ),
    (
        "experiments",
        "flag: abc, excluded_variants: [»blu]",
        'the flag "abc" has no variant "blu"; write "blue"',
    ),
    (
        "experiments",
        "flag: abc, excluded_variants: [»control]",
        '"control" is what the others are compared with, and cannot be excluded; '
        "remove it, or write another baseline_variant_key into stats_config",
    ),
    (
        "experiments",
        "flag: abc, »excluded_variants: [blue, red]",
        "every variant but control is excluded, so that there is nothing to compare it with; remove one of them",
    ),
    ("subscriptions", "insight: »runz", 'there is no insight "runz"; write "runs"'),
    (
        "subscriptions",
        "insight: runs, until_date: »2026-09-06",
        "until_date is not after start_date; write a time after 2026-09-07",
    ),
    (
        "subscriptions",
        "insight: runs, »prompt: Which costs grew",
        "a subscription sends one insight, one dashboard, or the answer to one prompt; keep one of insight and prompt",
    ),
    (
        "subscriptions",
        "prompt: Which costs grew, »summary_enabled: true",
        "PostHog's AI writes the answer to a prompt itself, and adds no summary to it; remove summary_enabled",
    ),
    (
        "subscriptions",
        "prompt: Which costs grew, delivery_config: {»post_all_insights_in_main_message: true}, "
        "target: {slack: {workspace: acme, channel: '#ai'}}",
        "the answer to a prompt has no insights to post; remove post_all_insights_in_main_message",
    ),
    (
        "subscriptions",
        "prompt: Which costs grew, delivery_config: {»include_posthog_hint: false}",
        "PostHog hints at itself in Slack only; remove include_posthog_hint",
    ),
]


@pytest.fixture
def checkout(checkout: Checkout) -> Checkout:
    return checkout.with_flag_and_action()


@pytest.mark.parametrize(("folder", "text", "expected"), CASES)
def test_a_problem_is_said_where_it_stands(checkout: Checkout, folder: str, text: str, expected: str) -> None:
    checkout.write(
        "dashboards/other.yaml",
        """
        key: other
        name: Other
        tiles: [{insight: {key: elsewhere, name: E, trends: {series: [{event: ai_used}]}}}]
        """,
    )
    checkout.write(
        "flags/abc.yaml",
        """
        key: abc
        variants:
          - {key: control, rollout_percentage: 50}
          - {key: blue, rollout_percentage: 30}
          - {key: red, rollout_percentage: 20}
        release_conditions: [{}]
        """,
    )
    line = form(folder, text)
    checkout.write(f"{folder}/wrong.yaml", line.replace("»", ""))
    subject = f"{folder[:-1]}/{FORMS[folder]['key']}"
    assert checkout.problems() == [f"{folder}/wrong.yaml:1:{line.index('»') + 1}: {subject}: {expected}"]


def test_a_dashboard_with_many_insights_needs_a_choice(checkout: Checkout) -> None:
    tile = "{insight: {key: i%d, name: I, trends: {series: [{event: ai_used}]}}}"
    tiles = ", ".join(tile % number for number in range(11))
    checkout.write("dashboards/many.yaml", f"key: many\nname: Many\ntiles: [{tiles}]\n")
    checkout.write("subscriptions/s.yaml", form("subscriptions", "dashboard: many"))
    assert checkout.problems() == [
        'subscriptions/s.yaml:1:1: subscription/s: the dashboard "many" shows 11 insights, and PostHog sends at most '
        "10; name the ones to send: insights: [i0, i1, i2, i3, i4, i5, i6, i7, i8, i9]"
    ]
    checkout.write("subscriptions/s.yaml", form("subscriptions", "dashboard: many, insights: [i6]"))
    assert checkout.problems() == []


def test_a_subscription_names_a_slack_channel_as_posthogs_pages_do(checkout: Checkout) -> None:
    target = "target: {slack: {workspace: acme, channel: 'C0123ABCD|#ai'}}"
    checkout.write("subscriptions/s.yaml", form("subscriptions", f"insight: runs, {target}"))
    assert checkout.problems() == []


def test_the_flag_of_a_running_experiment_may_be_switched_off(checkout: Checkout) -> None:
    off = (
        "key: ab\nactive: false\nvariants: [{key: control, rollout_percentage: 50}, {key: b, rollout_percentage: 50}]\n"
    )
    checkout.write("flags/ab.yaml", f"{off}release_conditions: [{{}}]\n")
    text = "start_date: 2026-09-07"
    checkout.write("experiments/x.yaml", form("experiments", text))
    checked = check(checkout.root)
    assert checked.problems == ()
    [note] = map(str, checked.notes)
    assert 'experiment/x: note: its flag "ab" is off: nobody comes into the experiment, and a draft ' in note
    for text in ("start_date: 2026-09-07, end_date: 2026-10-07", "name: Draft"):
        checkout.write("experiments/x.yaml", form("experiments", text))
        assert check(checkout.root).notes == ()


def test_an_experiment_may_leave_variants_out(checkout: Checkout) -> None:
    variants = ", ".join(f"{{key: {key}, rollout_percentage: {share}}}" for key, share in VARIANTS.items())
    checkout.write("flags/ab.yaml", f"key: ab\nvariants: [{variants}]\nrelease_conditions: [{{}}]\n")
    checkout.write("experiments/x.yaml", form("experiments", "excluded_variants: [b]"))
    assert checkout.problems() == []
    assert checkout.resources()["experiment/x"].properties["excluded_variants"] == ["b"]


VARIANTS = {"control": 50, "a": 30, "b": 20}


def test_an_experiment_takes_a_flag_whose_variants_are_left_to_posthog(checkout: Checkout) -> None:
    checkout.write("flags/ab.yaml", "key: ab\nunmanaged: [variants]\nrelease_conditions: [{}]\n")
    checkout.write("experiments/x.yaml", form("experiments", "name: X"))
    assert checkout.problems() == []
