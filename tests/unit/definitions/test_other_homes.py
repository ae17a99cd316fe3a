"""What stands in places of its own: insights on no dashboard, buttons on one, and events of any name."""

from __future__ import annotations

import pytest

from providers.posthog.kinds import Ref
from tests.unit.definitions.checkouts import Checkout

ALONE = "key: alone\nname: Alone\nowner: ai\ntrends: {series: [{event: ai_used}]}\n"


def test_an_insight_in_a_file_of_its_own_is_on_no_dashboard(checkout: Checkout) -> None:
    """Daily loop B8."""
    checkout.write("insights/alone.yaml", ALONE)
    found = checkout.resources()["insight/alone"]
    assert "dashboards" not in found.properties
    assert str(found.source) == "insights/alone.yaml:1:1"
    assert found.properties["query"]["source"]["series"] == [{"kind": "EventsNode", "event": "ai_used"}]


def test_a_tile_an_alert_and_a_subscription_name_it_by_its_key(checkout: Checkout) -> None:
    checkout.write("insights/alone.yaml", ALONE)
    checkout.write("dashboards/usage.yaml", "key: usage\nname: Usage\ntiles: [{insight: alone}]")
    checkout.write(
        "alerts/spike.yaml",
        """
        key: spike
        name: Spike
        insight: alone
        condition: absolute_value
        threshold: {upper: 5}
        notify: {email: [oncall@example.com]}
        """,
    )
    checkout.write(
        "subscriptions/weekly.yaml",
        """
        key: weekly
        title: Weekly
        insight: alone
        target: {email: [a@example.com]}
        frequency: weekly
        start_date: 2026-09-07T08:00:00Z
        """,
    )
    found = checkout.resources()
    assert found["insight/alone"].properties["dashboards"] == [Ref("dashboard", "usage")]
    assert found["alert/spike"].properties["insight"] == Ref("insight", "alone")
    assert found["subscription/weekly"].properties["insight"] == Ref("insight", "alone")


def test_it_differs_per_stack(checkout: Checkout) -> None:
    checkout.write("insights/alone.yaml", f"{ALONE}stacks: {{staging: {{name: S, trends: {{interval: week}}}}}}")
    assert checkout.resources()["insight/alone"].properties["name"] == "Alone"
    found = checkout.resources("staging")["insight/alone"].properties
    assert (found["name"], found["query"]["source"]["interval"]) == ("S", "week")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("key: runs\nname: R\nsql: {query: SELECT 1}", '1:6: insight/runs: the insight key "runs" is taken'),
        ("key: i\nname: I\nsql: {query: SELECT 1}\ntrends: {series: [{event: x}]}", "3:1: insight/i: an insight has"),
        ("key: i\nname: I", "1:1: insight/i: an insight has exactly one of"),
        ("key: i\nname: I\ntrends: {series: [{event: ai_usd}]}", '3:27: insight/i: the catalogue knows no event'),
        ("key: i\nname: I\nlayout: {w: 6}\nsql: {query: SELECT 1}", '3:1: insight/i: the key "layout" is not known'),
    ],
)  # fmt: skip
def test_what_is_wrong_in_it_is_said_at_its_place(checkout: Checkout, text: str, problem: str) -> None:
    checkout.write("insights/i.yaml", text)
    found = [line for line in checkout.problems() if "insights/i.yaml" in line]
    assert any(problem in line for line in found), found


def test_an_insight_in_a_file_that_cannot_be_read_is_not_missed(checkout: Checkout) -> None:
    checkout.write("insights/alone.yaml", "key: alone\nname: [\n")
    checkout.write("dashboards/usage.yaml", "key: usage\nname: Usage\ntiles: [{insight: alone}, {insight: runs}]")
    (checkout.root / "alerts/spike.yaml").unlink()
    assert [line.partition(":")[0] for line in checkout.problems()] == ["dashboards/usage.yaml", "insights/alone.yaml"]


def test_a_button_is_a_tile_as_low_as_a_text(checkout: Checkout) -> None:
    """Daily loop F1."""
    checkout.write(
        "dashboards/usage.yaml",
        """
        key: usage
        name: Usage
        tiles:
          - insight: {key: runs, name: Runs, trends: {series: [{event: ai_used}]}}
          - button: {url: https://example.com/runbook, text: Runbook, placement: right, style: primary}
        """,
    )
    tiles = checkout.resources()["tiles/usage"].properties
    assert tiles["tiles"][1] == {
        "button": {"url": "https://example.com/runbook", "text": "Runbook", "placement": "right"},
        "layout": {"x": 6, "y": 0, "w": 6, "h": 1},
    }
    assert "exclusive_tiles" not in tiles


def test_a_dashboard_can_keep_its_tiles_to_itself(checkout: Checkout) -> None:
    checkout.write("dashboards/other.yaml", "key: other\nname: O\nexclusive_tiles: true\ntiles: [{text: a}]")
    found = checkout.resources()
    assert found["tiles/other"].properties["exclusive_tiles"] is True
    assert "exclusive_tiles" not in found["dashboard/other"].properties


ODD = ("order placed", "$pageview", "[App] opened", "cart/checkout.done", "größer als", "a: b", "42", "a=b", "x::y")


@pytest.mark.parametrize("name", ODD)
def test_an_event_may_have_any_name(checkout: Checkout, name: str) -> None:
    checkout.write("events/odd.yaml", f"key: '{name}'\nproperties: {{n: {{type: Numeric}}}}")
    series = f"{{event: '{name}', math: sum, math_property: n}}"
    checkout.write("insights/i.yaml", f"key: i\nname: I\ntrends: {{series: [{series}]}}")
    checkout.write("actions/a.yaml", f"key: a\nname: A\nsteps: [{{event: '{name}'}}]")
    leaf = f"{{type: behavioral, key: '{name}', value: performed_event, time_value: 7, time_interval: day}}"
    checkout.write("cohorts/c.yaml", f"key: c\nname: C\nproperties: [{leaf}]")
    assert checkout.resources()[f"event/{name}"].properties["name"] == name


def test_an_event_that_nobody_describes_is_asked_for_where_it_can_be_described(checkout: Checkout) -> None:
    checkout.write("insights/i.yaml", "key: i\nname: I\ntrends: {series: [{event: order placed}]}")
    assert checkout.problems() == [
        'insights/i.yaml:3:27: insight/i: the catalogue knows no event "order placed"; '
        "describe it in a file of events/, with this name as its key"
    ]


@pytest.mark.parametrize("name", ["order placed", "[App] opened", "plain"])
def test_an_event_in_a_file_that_cannot_be_read_is_not_missed(checkout: Checkout, name: str) -> None:
    checkout.write("events/odd.yaml", f"key: '{name}'\nproperties: [\n")
    checkout.write("insights/i.yaml", f"key: i\nname: I\ntrends: {{series: [{{event: '{name}'}}]}}")
    assert [line.partition(":")[0] for line in checkout.problems()] == ["events/odd.yaml"]
