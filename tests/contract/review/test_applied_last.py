"""What was applied last stays known where somebody changes PostHog and a run does not put that back."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ai_admin.definitions import load
from ai_admin.definitions.saving import save
from ai_admin.review import reading
from ai_admin.review.comparison import Comparison
from ai_admin.review.drift import as_json, drift
from ai_admin.review.drift import text as drift_text
from ai_admin.review.live import Project
from ai_admin.review.pull import pull, told
from ai_admin.review.takeover import take_over
from ai_admin.review.text import text
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.errors import Refused
from providers.posthog.kinds import Ref
from tests.support.sandbox import Sandbox
from tests.support.stack import NAME_OF_STACK, Stack

_NUMBERS = count(1)
HALF: dict[str, Any] = {"release_conditions": [{"description": "Everybody", "rollout_percentage": 50}]}


class Hands:
    """Somebody who works on PostHog's pages."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.email = f"bob-{next(_NUMBERS)}@example.com"
        self._sandbox = sandbox
        self._key = sandbox.user(self.email, role="admin")

    def patch(self, path: str, **body: Any) -> None:
        self._sandbox.call("PATCH", path, body, key=self._key)


@pytest.fixture
def bob(sandbox: Sandbox) -> Hands:
    return Hands(sandbox)


@pytest.fixture
def key(stack: Stack) -> str:
    """The key of a flag that is applied, beside another one."""
    name = f"recorded-{next(_NUMBERS)}"
    stack.write("flag", name, description="Before", **HALF)
    stack.write("flag", f"{name}-other", description="Other", **HALF)
    stack.up()
    return name


def compared(stack: Stack) -> Comparison:
    definitions = load(stack.root, NAME_OF_STACK).resources
    return Comparison(Project(Client(resolve(stack.settings))), definitions, stack.state, {})


def drifted(stack: Stack) -> str:
    return drift_text(drift(NAME_OF_STACK, compared(stack)), True)


def pulled(stack: Stack, delete: bool = False) -> list[Ref]:
    comparison = compared(stack)
    result = pull(stack.root, NAME_OF_STACK, comparison, [*comparison.differences()], delete)
    save(stack.root, result.texts, result.read)
    assert not result.refused
    return result.written


def path(stack: Stack, key: str) -> Path:
    return stack.root / "flags" / f"{key}.yaml"


def test_a_flag_that_stays_off_is_off_by_hand_after_an_up_too(stack: Stack, bob: Hands, key: str) -> None:
    bob.patch(stack.path(f"flag/{key}"), active=False)
    for _ in range(2):
        stack.up()
        assert f"is switched off by {bob.email}" in drifted(stack)
    assert pulled(stack) == [Ref("flag", key)]
    assert "active: false" in path(stack, key).read_text()


def test_a_consent_switches_a_flag_on_once_and_who_switched_it_off_stays_known(
    stack: Stack, sandbox: Sandbox, bob: Hands, key: str
) -> None:
    """C3: of two flags that are off by hand the consent is for one, which is off by hand again afterwards."""
    alan, flag, other = Hands(sandbox), stack.path(f"flag/{key}"), stack.path(f"flag/{key}-other")
    stack.configure(careful="true")
    for each in (flag, other):
        bob.patch(each, active=False)
    stack.up()
    sandbox.requests()
    stack.warnings.clear()
    stack.up(f"on/{key}")
    assert [line for line in stack.warnings if f"flag/{key}: left as it is" in line] == []
    assert f"flag/{key}-other: left as it is, since it is off in PostHog (by {bob.email} on " in stack.warnings[-1]
    assert [body for _, _, body in sandbox.writes()] == [{"active": True}]
    alan.patch(flag, active=False)
    sandbox.requests()
    stack.up()
    assert f"take on/{key}, which is used up, out of the stack's configuration" in "".join(stack.warnings)
    assert sandbox.writes() == []
    said = drifted(stack)
    for somebody in (bob, alan):
        assert f"is switched off by {somebody.email}" in said, "no run makes that what was applied last"


def test_off_by_hand_and_then_in_the_file_is_nothing_to_do(
    stack: Stack, sandbox: Sandbox, bob: Hands, key: str
) -> None:
    """C3: it stays off until the file says off; back on is then an intended change, under the usual rules.

    The other flag was switched off in PostHog and in its file at once, as `ai-admin off` does.
    """
    alan, flag = Hands(sandbox), stack.path(f"flag/{key}")
    slow: dict[str, Any] = {"release_conditions": [{"rollout_percentage": 20}]}  # who comes back to it needs no consent
    stack.write("flag", key, **slow)
    stack.up()
    stack.configure(careful="true")
    bob.patch(flag, active=False)
    sandbox.call("PATCH", stack.path(f"flag/{key}-other"), {"active": False})
    stack.write("flag", key, active=False, **slow)
    stack.write("flag", f"{key}-other", description="Other", active=False, **HALF)
    sandbox.requests()
    stack.up()
    assert "left as it is" not in "".join(stack.warnings)
    assert sandbox.writes() == []
    stack.write("flag", key, **slow)
    sandbox.call("PATCH", flag, {"active": True})
    alan.patch(flag, active=False)
    sandbox.requests()
    stack.up()
    assert f"left as it is, since it is off in PostHog (by {alan.email} on " in "".join(stack.warnings)
    assert sandbox.writes() == []
    stack.write("flag", f"{key}-other", description="Other", **HALF)
    stack.up(f"on/{key}", f"on/{key}-other")
    assert [body for _, _, body in sandbox.writes()] == [{"active": True}] * 2


def test_what_a_file_follows_is_what_was_applied_last(stack: Stack, bob: Hands, key: str) -> None:
    bob.patch(stack.path(f"flag/{key}"), active=False)
    stack.up()
    pulled(stack)
    stack.up()
    assert "nothing changes" in text(stack.plan(False).report)
    stack.write("flag", key, description="Before", **HALF)
    assert bob.email not in text(stack.plan(False).report)
    assert "PostHog holds what was applied last" in drifted(stack)
    assert "ai-admin pull" not in drifted(stack), "it would write nothing"


@pytest.mark.parametrize("edited", [False, True])
def test_a_run_that_fails_makes_no_change_by_hand_an_applied_one(
    stack: Stack, bob: Hands, key: str, edited: bool
) -> None:
    """With an edit of the file too, what was applied last is neither in PostHog nor in the file."""
    if edited:
        stack.write("flag", key, description="After", **HALF)
    bob.patch(stack.path(f"flag/{key}"), name="Theirs", tags=["theirs"])
    before = text(stack.plan(False).report), drifted(stack)
    assert bob.email in before[0]
    assert before[1].count(f"by {bob.email}") == 2
    rule = {"kind": "error_before", "status": 403, "methods": ["PATCH"], "path": "/feature_flags/"}
    with stack.sandbox.faults(rule), pytest.raises(Refused):
        stack.up()
    assert (text(stack.plan(False).report), drifted(stack)) == before
    stack.up()
    assert "nothing changes" in text(stack.plan(False).report)


def test_what_a_file_takes_back_from_posthogs_pages_was_set_there(stack: Stack, bob: Hands, key: str) -> None:
    """No file said it, so that neither is it as it was applied nor did the file alone change."""
    stack.write("flag", key, description="Before", unmanaged=["active", "release_conditions"])
    stack.up()
    groups = [{"description": "Everybody", "properties": [], "rollout_percentage": 5}]
    bob.patch(stack.path(f"flag/{key}"), active=False, filters={"groups": groups})
    stack.write("flag", key, description="Before", **HALF)
    said = drifted(stack)
    by_bob = f"in the file, which takes it back from PostHog's pages, where it was set by {bob.email} on "
    assert f"is switched on {by_bob}" in said
    assert f'condition "Everybody" from 5 % to 50 % {by_bob}' in said
    assert "holds what was applied last" not in said
    assert 'condition "Everybody" from 5 % to 50 %\n' in text(stack.plan(False).report), "in the words of a plan"
    comparison = compared(stack)
    [found] = json.loads(as_json(drift(NAME_OF_STACK, comparison)))["differing"]
    values = {each["field"]: (each["file"], each["posthog"], each["taken_back"]) for each in found["fields"]}
    assert values == {"active": (True, False, True), "release_conditions": (50, 5, True)}
    [brought] = [told(comparison, each) for each in comparison.differences()]
    by_bob = f", which was left to PostHog's pages, by {bob.email} on "
    assert brought[0].startswith(f"is switched off{by_bob}"), "of a pull: what the file becomes"
    assert brought[1].startswith(f'condition "Everybody" from 50 % to 5 %{by_bob}')
    assert pulled(stack) == [Ref("flag", key)]
    assert "active: false" in path(stack, key).read_text()
    assert key not in drifted(stack).replace(f"{key}-other", "")


def test_a_flag_that_was_deleted_is_known_as_that_after_an_up_too(stack: Stack, bob: Hands, key: str) -> None:
    bob.patch(stack.path(f"flag/{key}"), deleted=True)
    with pytest.raises(Refused):
        stack.up()
    assert f"was removed in PostHog (by {bob.email}" in drifted(stack)
    about = reading.about(stack.entry(f"flag/{key}"))
    assert f"was deleted in PostHog (by {bob.email}" in about
    assert "made anew" not in about, "the run refuses that"
    assert pulled(stack, delete=True) == [Ref("flag", key)]
    assert not path(stack, key).exists()


def test_what_is_in_no_file_any_more_goes_and_is_not_left_alone(stack: Stack, key: str) -> None:
    stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": "internal"}])
    stack.up()
    stack.remove("cohort", key)
    stack.remove("flag", key)
    said = drifted(stack)
    assert ": 2 differ" in said
    assert f"- flag {key}\n    is in no file any more" in said
    assert f": {key}" not in said.split("left alone")[-1]
    taken = take_over(stack.root, NAME_OF_STACK, compared(stack))
    assert not any(key in path for path in taken.texts)
    assert sum("is in no file any more" in str(each) for each in taken.left) == 2


def test_a_property_that_posthog_has_met_since_is_in_its_file_and_was_changed_by_nobody(
    stack: Stack, sandbox: Sandbox
) -> None:
    """Its id in the state is provisional, and nothing was sent of it."""
    described = {"speed": {"type": "Numeric", "description": "In tokens a second."}}
    stack.write("event", "answered", properties=described)
    stack.up()
    assert "nothing differs" in drifted(stack)
    event = {"event": "answered", "distinct_id": "p-1", "properties": {"speed": 3}}
    sandbox.capture(event)
    result = take_over(stack.root, NAME_OF_STACK, compared(stack))
    assert [str(each) for each in result.left if each.kind == "property"] == []
    file = stack.root / "events" / "answered.yaml"
    before = file.read_text()
    rule = {"kind": "error_before", "status": 403, "methods": ["PATCH"], "path": "/property_definitions/"}
    for _ in range(2):  # the second time the state has its id
        said = text(stack.plan(False).report)
        assert 'description is "In tokens a second." (was not set)' in said
        assert "changed on PostHog's pages" not in said
        assert pulled(stack) == []
        assert file.read_text() == before
        assert "ai-admin pull" not in drifted(stack), "it would write nothing"
        with sandbox.faults(rule), pytest.raises(Refused):
            stack.up()
    stack.up()
    assert "nothing differs" in drifted(stack)
