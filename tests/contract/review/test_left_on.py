"""A refused run adopts no flag to switch it off, and says which of those that are to be off stay on."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions import load
from ai_admin.run import Run, left_on
from ai_admin.safety.following import Followed
from tests.support.sandbox import Sandbox
from tests.support.stack import NAME_OF_STACK, Stack

ALL: dict[str, Any] = {"release_conditions": [{"rollout_percentage": 50}]}


def said(stack: Stack) -> list[str]:
    run = Run(stack.root, NAME_OF_STACK, stack.settings, stack.manifest, _nobody, False, stack.warnings.append)
    return [*left_on(run, load(stack.root, NAME_OF_STACK).resources)]


def _nobody(stack: str) -> Followed:
    raise AssertionError(f"nothing follows {stack}")


def test_a_flag_that_a_run_would_adopt_to_switch_it_off_is_named(stack: Stack, sandbox: Sandbox) -> None:
    for key, active in (("left-on", True), ("left-off", False)):
        sandbox.call("POST", "feature_flags/", {"key": key, "active": active})
        stack.write("flag", key, active=False, **ALL)
    stack.write("flag", "left-new", active=False, **ALL)
    sandbox.requests()
    assert said(stack) == [
        "flags/left-on.yaml:1:1: flag/left-on is on in PostHog, and a run that is refused adopts nothing, not even to "
        "switch it off: `ai-admin off left-on --stack sandbox` does at once"
    ]
    stack.configure(adoption="forbidden")
    assert said(stack) == []


def test_a_flag_that_was_applied_is_not_named_and_nothing_is_asked(stack: Stack, sandbox: Sandbox) -> None:
    stack.write("flag", "left-applied", **ALL)
    stack.up()
    stack.write("flag", "left-applied", active=False, **ALL)
    sandbox.requests()
    assert said(stack) == []
    assert sandbox.requests() == []


def test_where_posthog_does_not_answer_it_is_said_of_which_flags_that_is_not_known(
    stack: Stack, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked long: it may be why the run is refused, and else the run has not asked it yet."""
    stack.write("flag", "left-one", active=False, **ALL)
    stack.write("flag", "left-two", active=False, **ALL)
    stack.write("flag", "left-alone", **ALL)
    not_known = [
        "whether PostHog has flag/left-one and flag/left-two on is not known, and a run that is refused adopts "
        "nothing, not even to switch it off: `ai-admin off --as-written --stack sandbox` switches off what is on"
    ]
    down = {"kind": "error_before", "status": 503, "path": "feature_flags"}
    sandbox.call("PUT", "/_sandbox/faults", {"seed": 1, "rules": [down]})
    monkeypatch.setattr("ai_admin.run.LOOKING", 0.0)
    sandbox.requests()
    assert said(stack) == not_known
    assert len(sandbox.requests()) == 1
    stack.configure(host="https://posthog.example.com")  # the environment says another one
    assert said(stack) == not_known
