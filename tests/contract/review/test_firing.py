"""What a plan says of alerts that would fire at other times, over events of a sandbox that computes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai_admin.review.as_json import as_json
from ai_admin.review.markdown import markdown
from ai_admin.review.text import text
from providers.posthog.settings import Settings
from tests.support.sandbox import Sandbox
from tests.support.stack import Stack

DAY = timedelta(days=1)
# Runs on the days before today, the last one first.
RUNS = [1, 1, 9, 1, 6, 6, 1, 3]


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    batch = [
        {"event": "ran", "distinct_id": "p-1", "timestamp": (noon - (ago + 1) * DAY).isoformat(), "properties": {}}
        for ago, number in enumerate(RUNS)
        for _ in range(number)
    ]
    body = {"api_key": sandbox.project_api_key, "historical_migration": True, "batch": batch}
    sandbox.call("POST", "/batch/", body)


def write(stack: Stack, upper: float, math: str | None = None, query: Any = None, **more: Any) -> None:
    stack.write("event", "ran")
    series = {"event": "ran", **({"math": math} if math else {})}
    query = query or {"trends": {"series": [series], "interval": "day"}}
    stack.write("insight", "runs", name="Runs", **query)
    alert = {"insight": "runs", "condition": "absolute_value", "threshold": {"upper": upper}, "notify": {}, **more}
    stack.write("alert", "many", name="Many runs", **alert)


@pytest.fixture
def applied(stack: Stack, runs: None) -> Stack:
    write(stack, 2)
    stack.up()
    return stack


def lines(stack: Stack) -> list[str]:
    report = stack.plan(count=True).report
    told = [line for line in text(report).splitlines() if "fired" in line]
    changes = json.loads(as_json(report))["changes"]
    shown = [line for change in changes for line in change["sentences"] if "fired" in line]
    assert [line.strip() for line in told] == shown
    assert all(line in markdown(report) for line in shown)
    return shown


def queries(stack: Stack) -> int:
    return sum(each["path"].endswith("/query/") for each in stack.sandbox.requests())


def test_a_bound_says_how_often_it_would_have_been_passed(applied: Stack) -> None:
    write(applied, 5)
    applied.sandbox.requests()
    said = "over the last 30 days it would have fired 2 times instead of 3 times, at 3 of 30 checks instead of 4"
    assert lines(applied) == [said]
    assert queries(applied) == 1


def test_a_new_alert_on_a_new_insight_says_what_it_is_for_also_where_posthog_is_not_asked(stack: Stack) -> None:
    notify = {"email": ["admin@example.com"], "webhook": {"url": "https://pager.example.com/secret"}}
    stack.write("event", "ran")
    stack.write("insight", "new", name="New", trends={"series": [{"event": "ran"}]})
    bound = {"condition": "absolute_value", "threshold": {"upper": 2}}
    stack.write("alert", "newer", name="Newer", insight="new", notify=notify, **bound)
    unseen = "    when it would have fired is not known: its insight, or what that refers to, is new too\n"
    for asks in (True, False):
        said = text(stack.plan(count=asks).report)
        assert "    watches insight new, fires above 2, tells admin@example.com and a webhook\n" in said
        assert (unseen in said) is asks
        assert "secret" not in said


def test_what_goes_says_what_it_was_worth(applied: Stack) -> None:
    write(applied, 2, enabled=False)
    so_far = "over the last 30 days it would have fired 3 times, at 4 of 30 checks (above 2) so far"
    assert lines(applied) == [f"{so_far}; it is switched off"]
    applied.remove("alert", "many")
    assert lines(applied) == [so_far]


def test_an_insight_says_it_of_the_alerts_that_watch_it(applied: Stack) -> None:
    write(applied, 2, math="dau")
    said = "over the last 30 days it would have fired 0 times instead of 3 times, at 0 of 30 checks instead of 4"
    assert lines(applied) == [f"alert many: {said}"]
    assert queries(applied) >= 2


SINGLE = {"trends": {"series": [{"event": "ran"}], "date_from": "-7d", "trendsFilter": {"display": "BoldNumber"}}}


def test_where_each_check_takes_a_query_a_plan_asks_few(stack: Stack, runs: None) -> None:
    write(stack, 2, query=SINGLE, calculation_interval="weekly")
    stack.up()
    write(stack, 1000, query=SINGLE, calculation_interval="weekly")
    stack.sandbox.requests()
    [line] = lines(stack)
    mondays = 5 if " 5 checks" in line else 4
    said = "over the last 30 days it would have fired 0 times instead of 1 time"
    assert line == f"{said}, at 0 of {mondays} checks instead of 1"
    assert queries(stack) in (5, 6)  # each Monday's, and the one that asks for the timezone
    write(stack, 1000, query=SINGLE, calculation_interval="daily")
    [line] = lines(stack)
    assert line.endswith("is not known: it takes a query for each of about 30 checks: see ai-admin backtest")


def test_nothing_is_asked_where_nothing_of_it_changes(applied: Stack) -> None:
    write(applied, 2, skip_weekend=False, owner="somebody")
    applied.write("flag", "other", release_conditions=[{"rollout_percentage": 10}])
    applied.sandbox.requests()
    assert lines(applied) == []
    assert queries(applied) == 0


def test_a_key_that_may_not_ask_is_said(applied: Stack) -> None:
    write(applied, 5)
    kinds = ["alert", "insight", "event_definition", "property_definition"]
    scopes = [f"{each}:read" for each in (*kinds, "activity_log", "organization_member", "project")]
    key = applied.sandbox.key(scopes)
    applied.settings = Settings(applied.settings.stack, {**applied.sandbox.environ, "POSTHOG_API_KEY": key})
    [line] = lines(applied)
    assert line.startswith("when it would have fired is not known: ")
    assert "query:read" in line


def test_a_posthog_with_too_many_requests_holds_up_no_plan(applied: Stack) -> None:
    alert = {"insight": "runs", "condition": "absolute_value", "notify": {}}
    applied.write("alert", "more", name="More runs", threshold={"upper": 6}, **alert)
    applied.up()
    write(applied, 5)
    applied.write("alert", "more", name="More runs", threshold={"upper": 7}, **alert)
    rule = {"kind": "error_before", "path": "/query/", "status": 429, "retry_after": 1800}
    applied.sandbox.requests()
    with applied.sandbox.faults(rule):
        told = lines(applied)
        asked = queries(applied)
    assert len(told) == 2
    assert all(line.startswith("when it would have fired is not known: ") for line in told)
    assert asked == 1
