"""What PostHog would refuse in an alert, or accept and never evaluate."""

from __future__ import annotations

import pytest

from ai_admin.definitions.check import check
from tests.unit.definitions.checkouts import Checkout

INSIGHTS = """
    key: d
    name: D
    tiles:
      - insight: {key: two, name: Two, trends: {series: [{event: ai_used}, {event: ai_used}]}}
      - insight: {key: ratio, name: R, trends: {series: [{event: ai_used}, {event: ai_used}], formula: A / B}}
      - insight: {key: total, name: T, trends: {series: [{event: ai_used}], display: BoldNumber}}
      - insight: {key: steps, name: S, funnel: {series: [{event: ai_used}, {event: ai_used}]}}
      - insight:
          key: rate
          name: C
          funnel: {series: [{event: ai_used}, {event: ai_used}], funnelsFilter: {funnelVizType: trends}}
      - insight:
          key: times
          name: C
          funnel: {series: [{event: ai_used}, {event: ai_used}], funnelsFilter: {funnelVizType: time_to_convert}}
      - insight: {key: back, name: B, retention: {target: {event: ai_used}}}
      - insight: {key: spend, name: S, sql: {query: select 1}}
    """


def alert(text: str) -> str:
    """Return an alert in one line, in flow form; » marks the place of its problem."""
    parts = {"name": "A", "condition": "absolute_value", "threshold": "{upper: 5}"}
    parts["notify"] = "{email: [oncall@example.com]}"
    given = {part.lstrip("»").partition(":")[0] for part in text.split(", ")}
    rest = "".join(f", {name}: {value}" for name, value in parts.items() if name not in given)
    return f"{{key: a, {text}{rest}}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("insight: two, series: »2", 'the insight "two" has 2 series, so no series 2; write 0 to 1'),
        ("insight: ratio, series: »1", 'the insight "ratio" has 1 formula, so no formula 1; write 0, or remove it'),
        (
            "insight: »times",
            'the funnel "times" is shown as time_to_convert, and PostHog has alerts on steps and trends only; '
            "write funnelVizType: steps or trends in the insight",
        ),
        (
            "insight: steps, condition: »relative_decrease",
            'relative_decrease compares with before, and the funnel "steps" is one figure and not a course over time; '
            "write absolute_value, or funnelVizType: trends in the insight",
        ),
        (
            "insight: runs, threshold: {lower: »5, upper: 5}",
            "the lower bound 5 is not below the upper bound 5; write less than 5, or remove one of the two",
        ),
        (
            "insight: runs, notify: {webhook: {url: »http://example.com/x}}",
            "http to example.com sends what it carries in the clear; write https://example.com/x",
        ),
        (
            "insight: runs, notify: {webhook: {url: »'https://[::1/'}}",
            '"https://[::1/" is not a web address; write https://<host>/<path>, or {env: NAME_OF_A_VARIABLE}',
        ),
    ],
)
def test_an_alert_that_breaks_a_rule(checkout: Checkout, text: str, expected: str) -> None:
    checkout.write("dashboards/d.yaml", INSIGHTS)
    marked = alert(text)
    checkout.write("alerts/a.yaml", marked.replace("»", ""))
    assert checkout.problems() == [f"alerts/a.yaml:1:{marked.index('»') + 1}: alert/a: {expected}"]


@pytest.mark.parametrize(
    "text",
    [
        "insight: two, series: 1",
        "insight: runs, condition: relative_increase, threshold: {upper: 0.5, type: percentage}",
        "insight: rate, condition: relative_decrease",
        "insight: total, threshold: {lower: 1, upper: 2}",
        "insight: steps, threshold: {lower: 0.5}, name: Less than 0.5 % of visitors run AI",
        "insight: spend, series: 0",
        "insight: runs, notify: {webhook: {url: http://127.0.0.1:8080/hook}}",
        "insight: runs, notify: {webhook: {url: 'http://[::1]:8080/hook'}}",
        "insight: runs, notify: {webhook: {url: {env: PAGER_URL}}}",
        "insight: runs, notify: {slack: {workspace: acme, channel: C0123456}}",
        "insight: runs, notify: {slack: {workspace: acme, channel: 'C0123456|#ops'}}",
    ],
)
def test_an_alert_that_keeps_them(checkout: Checkout, text: str) -> None:
    checkout.write("dashboards/d.yaml", INSIGHTS)
    checkout.write("alerts/a.yaml", alert(text))
    assert checkout.problems() == []


@pytest.mark.parametrize(
    "bounds", ["lower: 0.5", "lower: 0.5, upper: 0.7", "lower: 150", "lower: 0, upper: 100", "upper: -5", "upper: 120"]
)
def test_no_bound_of_a_funnel_blocks_and_a_fraction_is_noted(checkout: Checkout, bounds: str) -> None:
    """PostHog takes each, so that an old project may have it: an older version of ours applied them, too."""
    checkout.write("dashboards/d.yaml", INSIGHTS)
    checkout.write("alerts/a.yaml", alert(f"insight: steps, threshold: {{{bounds}}}"))
    checked = check(checkout.root)
    assert checked.problems == ()
    assert [each.message.rpartition(": ")[2] for each in checked.notes] == [
        f"{bound} is {bound} %" for bound in ("0.5", "0.7") if bound in bounds
    ]
    if checked.notes:
        assert str(checked.notes[0]).endswith(
            "alert/a: note: the values of a funnel are per cent, 0 to 100: 0.5 is 0.5 %; write 50 for 50 %; "
            'if 0.5 % is meant, say "0.5 %" in the alert\'s name'
        )


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("threshold: {upper: 5}", ["5 is 500 %"]),
        ("threshold: {lower: 2, upper: 5}", ["2 is 200 %", "5 is 500 %"]),
        ("threshold: {upper: 0.05}", []),
        ("threshold: {upper: 5}, name: Above 500 %", []),
        ("threshold: {upper: 5, type: percentage}, condition: relative_increase", []),
    ],
)
def test_a_bound_far_above_a_fraction_shown_as_per_cent_is_noted(
    checkout: Checkout, text: str, notes: list[str]
) -> None:
    shown = "{series: [{event: ai_used}], trendsFilter: {aggregationAxisFormat: percentage_scaled}}"
    checkout.write("insights/share.yaml", f"{{key: share, name: Share, trends: {shown}}}")
    checkout.write("alerts/a.yaml", alert(f"insight: share, {text}"))
    checked = check(checkout.root)
    assert checked.problems == ()
    assert [each.message.rpartition(": ")[2] for each in checked.notes] == notes
    if notes == ["5 is 500 %"]:
        assert str(checked.notes[0]).endswith(
            'write 0.05 for 5 %; if 500 % is meant, say "500 %" in the alert\'s name'
        )


def test_a_bound_with_a_sign_for_per_cent_is_no_plain_number(checkout: Checkout) -> None:
    checkout.write("dashboards/d.yaml", INSIGHTS)
    checkout.write("alerts/a.yaml", alert("insight: ratio, threshold: {upper: 5%}"))
    [problem] = checkout.problems()
    assert problem.endswith(
        'found the text "5%"; write 0.05 where the values are fractions, 5 where they are per cent'
    )


def test_an_alert_on_a_broken_insight_is_not_blamed(checkout: Checkout) -> None:
    checkout.write("dashboards/d.yaml", INSIGHTS.replace("series: [{event: ai_used}], display", "serie: 1, display"))
    checkout.write("alerts/a.yaml", alert("insight: total, series: 7"))
    assert {line.split(": ")[1] for line in checkout.problems()} == {"insight/total"}
