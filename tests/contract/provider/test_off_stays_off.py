"""C3: a flag that somebody switched off is held, also where it was off when it was applied last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.posthog.inputs import PROBLEM, Metadata, to_inputs
from providers.posthog.safety import CONSENTED, ON
from tests.support.runs import Runs
from tests.support.sandbox import Sandbox


@pytest.fixture
def runs(sandbox: Sandbox) -> Iterator[Runs]:
    own_key = sandbox.api_key
    yield Runs(sandbox, {})
    sandbox.api_key = own_key


def definition(key: str, switch: str, **more: Any) -> dict[str, Any]:
    conditions = [{"properties": [], "rollout_percentage": 100}]
    properties = {"key": key, "active": True, "release_conditions": conditions, **more}
    return to_inputs(properties, Metadata(f"flag/{key}", f"flags/{key}.yaml:1:1", switch=switch))


def applied_off(runs: Runs, key: str) -> tuple[str, dict[str, Any], str]:
    """A flag that was applied switched off: its id, the state, and when that was known."""
    provider = runs.new_run("flag")
    created = provider.create(provider.check({}, definition(key, "", active=False)).inputs)
    return created.id or "", {**(created.outs or {})}, datetime.now(UTC).isoformat()


def switch(runs: Runs, id_: str, *states: bool) -> None:
    key = runs.sandbox.call("POST", "/_sandbox/keys", {"scopes": ["*"], "user": "oncall@example.com"})["value"]
    for active in states:
        runs.sandbox.call("PATCH", f"feature_flags/{id_}/", {"active": active}, key=key)


def changes(runs: Runs, id_: str, state: dict[str, Any], wanted: dict[str, Any], consent: str = "") -> bool:
    """Say whether a careful stack's next run changes the flag."""
    runs.warnings.clear()
    provider = runs.new_run("flag", careful="true", disposable="", consent=consent)
    read = {**(provider.read(id_, state).outs or {})}
    inputs = provider.check(read, wanted).inputs
    changed = provider.diff(id_, read, inputs).changes is not False
    assert changed or PROBLEM not in inputs, "what is held is not refused as well"
    return changed


def test_a_flag_that_was_on_in_between_is_held(runs: Runs) -> None:
    """Off in its file and applied, on by `ai-admin on`, and off by hand again: no file was about that."""
    id_, state, when = applied_off(runs, "between")
    assert changes(runs, id_, state, definition("between", when))
    switch(runs, id_, True, False)
    runs.sandbox.requests()
    assert not changes(runs, id_, state, definition("between", when, tags=["ai"]))
    asked = [each["path"].partition("?")[0].rpartition("projects/1/")[2] for each in runs.sandbox.requests()]
    assert asked.count("activity_log/") == 2, "since when, and by whom"
    [line] = runs.warnings
    assert "left as it is, since it is off in PostHog (by oncall@example.com, 20" in line
    assert "; what else its file changes waits as well: tags; to keep it off" in line
    assert line.endswith("to switch it on, add on/between to ai-admin:consent in the stack's configuration")
    assert changes(runs, id_, state, definition("between", when), consent="on/between")
    assert changes(runs, id_, state, definition("between", datetime.now(UTC).isoformat()))


def test_a_consent_holds_for_one_return(runs: Runs) -> None:
    id_, state, _ = applied_off(runs, "used")
    assert changes(runs, id_, state, definition("used", ON), consent="on/used")
    assert not changes(runs, id_, state, definition("used", CONSENTED), consent="on/used")
    assert "to switch it on, take on/used, which is used up, out of the stack's configuration" in runs.warnings[0]


def test_without_the_log_what_was_touched_since_is_held(runs: Runs) -> None:
    id_, state, when = applied_off(runs, "unlogged")
    runs.sandbox.api_key = runs.sandbox.call("POST", "/_sandbox/keys", {"scopes": ["feature_flag:write"]})["value"]
    assert changes(runs, id_, state, definition("unlogged", when))
    switch(runs, id_, True, False)
    assert not changes(runs, id_, state, definition("unlogged", when))
    assert "lacks the scope activity_log:read" in runs.warnings[0]
