"""What will change a flag in PostHog by itself is named in a plan, in the drift and beside the flag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from click.testing import CliRunner

from ai_admin.cli.show import show
from ai_admin.definitions import load
from ai_admin.review import standing
from ai_admin.review.as_json import as_json
from ai_admin.review.comparison import Comparison
from ai_admin.review.drift import as_json as drift_json
from ai_admin.review.drift import drift
from ai_admin.review.drift import text as drift_text
from ai_admin.review.live import Project
from ai_admin.review.markdown import markdown
from ai_admin.review.plan import planned_for
from ai_admin.review.text import text
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.kinds import Ref
from tests.support.policies import policy_for
from tests.support.sandbox import Sandbox
from tests.support.stack import NAME_OF_STACK, Stack

_NUMBERS = count(1)
ALL: dict[str, Any] = {"release_conditions": [{"description": "Everybody", "rollout_percentage": 50}]}
WHEN, AT = "2099-01-02T03:04:00Z", "at 2 Jan 2099, 03:04 UTC by a scheduled change of "


@pytest.fixture
def key() -> str:
    """A key that no other test's flag has."""
    return f"coming-{next(_NUMBERS)}"


def schedule(sandbox: Sandbox, id_: str, operation: str, value: Any) -> str:
    """Schedule a change, and return who did."""
    payload = {"operation": operation, "value": value}
    body = {"record_id": id_, "model_name": "FeatureFlag", "payload": payload, "scheduled_at": WHEN}
    return str(sandbox.call("POST", "scheduled_changes/", body)["created_by"]["email"])


def id_of(stack: Stack, key: str) -> str:
    return str(stack.resources[Ref("flag", key)]["id"])


def page(stack: Stack, key: str) -> str:
    return f"{stack.sandbox.url}/project/{stack.sandbox.project_id}/feature_flags/{id_of(stack, key)}"


def drifted(stack: Stack) -> Any:
    client = Client(resolve(stack.settings))
    definitions = load(stack.root, NAME_OF_STACK).resources
    return drift(NAME_OF_STACK, Comparison(Project(client), definitions, stack.state, {}))


def shown(stack: Stack, key: str, monkeypatch: pytest.MonkeyPatch) -> standing.Standing:
    monkeypatch.setattr(standing, "planned", lambda *_, **__: stack.plan(False))
    return standing.survey(stack.root, [NAME_OF_STACK], f"flag/{key}").objects[Ref("flag", key)][NAME_OF_STACK]


def test_a_scheduled_change_is_named_wherever_people_look(
    stack: Stack, sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a flag that stays as it is, a plan says only that it comes on while its file has it off."""
    stack.write("flag", key, active=False, **ALL)
    stack.write("flag", f"{key}-on", **ALL)
    stack.up()
    by = schedule(sandbox, id_of(stack, key), "update_status", True)
    schedule(sandbox, id_of(stack, key), "update_status", False)
    group = {"description": "Ours", "properties": [], "rollout_percentage": 5}
    schedule(sandbox, id_of(stack, f"{key}-on"), "add_release_condition", {"groups": [group]})
    on = f"will be switched on {AT}{by}; cancel it there: {page(stack, key)}"
    new = f'will change {AT}{by}: condition "Ours" is new: 5 %; cancel it there: {page(stack, f"{key}-on")}'
    off = f"will be switched off {AT}{by}; cancel it there: {page(stack, key)}"
    report = stack.plan().report
    assert [each.named for each in report.coming] == [f"flag {key} {on}"]
    assert f"\n  flag {key} {on}\n" in f"{text(report)}\n"
    assert f"flag {key} will be switched on at 2 Jan 2099" in markdown(report)
    [told] = json.loads(as_json(report))["coming"]
    data = {"how": "schedule", "at": WHEN, "again": None, "by": by, "url": page(stack, key)}
    assert told == {"name": f"flag/{key}", "sentence": on, **data}
    assert not stack.plan(False).report.coming, "nobody is shown it"
    sandbox.requests()
    found = drifted(stack)
    assert len([each for each in sandbox.requests() if "/scheduled_changes/" in each["path"]]) == 1
    assert [each.named for each in found.coming] == [f"flag {key} {on}", f"flag {key}-on {new}"]
    assert f"  flag {key} {on}\n" in drift_text(found, False)
    assert [each["sentence"] for each in json.loads(drift_json(found))["coming"]] == [on, new]
    assert (found.entries, found.unread) == ((), ()), "nothing differs yet"
    assert [each.line for each in shown(stack, key, monkeypatch).coming] == [on, off]
    assert [each.line for each in shown(stack, f"{key}-on", monkeypatch).coming] == [new]
    monkeypatch.chdir(stack.root)
    assert f"\n    {on}\n    {off}\n" in CliRunner().invoke(show, [f"flag/{key}"]).stdout
    found = json.loads(CliRunner().invoke(show, [f"flag/{key}", "--json"]).stdout)["objects"]
    said = [each["sentence"] for each in found[f"flag/{key}"][NAME_OF_STACK]["coming"]]
    assert said == [on, off]
    stack.write("flag", f"{key}-on", description="More", **ALL)
    assert [each.line for each in stack.plan().report.coming] == [on, new], "the plan touches it"


def test_a_flag_that_stays_off_by_hand_is_named_where_a_schedule_switches_it_on(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    stack.write("flag", key, **ALL)
    stack.up()
    sandbox.call("PATCH", stack.path(f"flag/{key}"), {"active": False})
    schedule(sandbox, id_of(stack, key), "update_status", True)
    assert [each.line.partition(" at ")[0] for each in stack.plan().report.coming] == ["will be switched on"]
    assert not drifted(stack).coming, "it is on then, as its file says"


def test_what_posthog_will_refuse_when_it_is_due_is_no_change(
    stack: Stack, sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.write("flag", key, **ALL)
    stack.up()
    for operation, value in (("unheard_of", 1), ("add_release_condition", "x"), ("update_variants", {"variants": 3})):
        schedule(sandbox, id_of(stack, key), operation, value)
    said = [each.line.partition(" at ")[0] for each in shown(stack, key, monkeypatch).coming]
    assert said == ["will change"] * 3
    assert not drifted(stack).coming


def test_variants_that_a_schedule_changes_are_said(
    stack: Stack, sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = [{"key": "a", "rollout_percentage": 90}, {"key": "b", "rollout_percentage": 10}]
    stack.write("flag", key, variants=variants, **ALL)
    stack.up()
    half = [{**each, "rollout_percentage": 50} for each in variants]
    schedule(sandbox, id_of(stack, key), "update_variants", {"variants": half})
    [told] = shown(stack, key, monkeypatch).coming
    assert ": variant a from 90 % to 50 %, variant b from 10 % to 50 %; cancel it" in told.line.replace('"', "")


def test_a_change_that_waits_for_approval_is_named_until_the_flag_is_another(
    stack: Stack, sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.write("flag", key, **ALL)
    stack.up()
    groups = [{"description": "Everybody", "properties": [], "rollout_percentage": 100}]
    with policy_for(sandbox, "feature_flag.update"):
        with pytest.raises(AssertionError, match="409"):
            sandbox.call("PATCH", stack.path(f"flag/{key}"), {"active": True, "filters": {"groups": groups}})
        [found] = drifted(stack).coming
        assert found.line.startswith("would change by a change of ")
        assert ' UTC: condition "Everybody" from 50 % to 100 %; reject it there: ' in found.line
        assert (found.as_data()["how"], found.as_data()["at"]) == ("approval", None)
        [told] = shown(stack, key, monkeypatch).coming
        assert told.line == found.line
        assert not stack.plan().report.coming, "the plan is not about the flag"
        stack.write("flag", key, release_conditions=[{**ALL["release_conditions"][0], "rollout_percentage": 100}])
        assert not stack.plan().report.coming, "it is what the plan asks for"
        sandbox.call("PATCH", stack.path(f"flag/{key}"), {"name": "Another."})
        assert not shown(stack, key, monkeypatch).coming, "PostHog does not carry it out any more"


@contextmanager
def not_listed(sandbox: Sandbox, path: str, status: int) -> Iterator[None]:
    rule = {"kind": "error_before", "status": status, "path": path}
    sandbox.call("PUT", "/_sandbox/faults", {"rules": [rule]})
    try:
        yield
    finally:
        sandbox.call("DELETE", "/_sandbox/faults")


@pytest.mark.parametrize(("path", "what"), [
    ("/scheduled_changes/", "a scheduled change"), ("/change_requests/", "a change that waits for approval"),
])  # fmt: skip
def test_what_the_key_may_not_read_is_a_sentence_and_no_failure(
    stack: Stack, sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch, path: str, what: str
) -> None:
    stack.write("flag", key, active=False, **ALL)
    stack.up()
    with not_listed(sandbox, path, 403):
        report, found, flag = stack.plan().report, drifted(stack), shown(stack, key, monkeypatch)
    for lines in (report.warnings, found.unread, flag.unread):
        assert [line.startswith(f"whether {what} changes {key} is not known: ") for line in lines] == [True]
    assert (report.blocked, found.unknown, flag.state) == (False, (), standing.OFF)
    with not_listed(sandbox, path, 402):
        known = drifted(stack).unread
    assert known == () or path == "/scheduled_changes/", "a project without approvals has none that wait"


def test_nothing_is_asked_where_no_flag_needs_it(stack: Stack, sandbox: Sandbox, key: str) -> None:
    stack.write("flag", key, **ALL)
    stack.up()
    sandbox.requests()
    stack.plan()
    planned_for(stack._reviewed(), count=False)
    assert not [each for each in sandbox.requests() if "/scheduled_changes/" in each["path"]]


def test_a_flag_that_waits_to_be_made_says_so(
    stack: Stack, sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.write("flag", key, **ALL)
    with policy_for(sandbox, "feature_flag.enable"):
        stack.up()
        [told] = shown(stack, key, monkeypatch).coming
        assert told.line.startswith("would be made by a change of ")
        assert not drifted(stack).coming
