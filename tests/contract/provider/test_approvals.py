"""Changes that PostHog puts under approval: they wait and are no failure, are asked for once, and come to an end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from providers.posthog.errors import Refused
from providers.posthog.inputs import PROBLEM, Metadata, to_inputs
from providers.posthog.provider import PostHogProvider
from tests.support.runs import Runs
from tests.support.sandbox import Sandbox

_NUMBERS = count(1)


class Run:
    """One definition of a flag in one `up` after the other; each has a provider of its own, that remembers nothing."""

    def __init__(self, sandbox: Sandbox, key: str) -> None:
        self.sandbox, self.key = sandbox, key
        self.runs = Runs(sandbox, {})
        self.id = ""
        self.state: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        self.said: list[str] = []

    def definition(self, rollout: int, active: bool = True) -> dict[str, Any]:
        conditions = [{"properties": [], "rollout_percentage": rollout}]
        properties = {"key": self.key, "active": active, "release_conditions": conditions}
        return to_inputs(properties, Metadata(f"flag/{self.key}", f"flags/{self.key}.yaml:1:1"))

    def refreshed(self, **config: str) -> PostHogProvider:
        """Return the provider of a run that has just read what PostHog holds."""
        self.sandbox.requests()
        self.said.clear()
        provider = self.runs.new_run("flag", warn=self.said.append, **config)
        if self.id:
            found = provider.read(self.id, self.state)
            self.id, self.state, self.inputs = found.id or "", {**(found.outs or {})}, {**(found.inputs or {})}
        return provider

    def up(self, definition: dict[str, Any], problem: str = "", **config: str) -> bool:
        """Bring the flag to what the definition says; False: there was nothing to do. ``problem`` refuses the rest."""
        provider = self.refreshed(**config)
        inputs = {**provider.check(self.inputs, definition).inputs, **({PROBLEM: problem} if problem else {})}
        if not self.id:
            created = provider.create(inputs)
            self.id, self.state = created.id or "", {**(created.outs or {})}
        elif not self._differs(provider, inputs):
            return False
        else:
            self.state = {**(provider.update(self.id, self.state, inputs).outs or {})}
        return True

    def preview(self, definition: dict[str, Any]) -> bool:
        """Say whether a preview shows a change."""
        provider = self.refreshed()
        inputs = provider.check(self.inputs, definition).inputs
        return not self.id or self._differs(provider, inputs)

    def _differs(self, provider: PostHogProvider, inputs: dict[str, Any]) -> bool:
        """Return whether the engine plans an update: where it is not told, it compares the inputs itself."""
        changes = provider.diff(self.id, self.state, inputs).changes
        return any(self.state.get(name) != value for name, value in inputs.items()) if changes is None else changes

    def refused(self, definition: dict[str, Any], **config: str) -> str:
        """Return why an `up` fails."""
        with pytest.raises(Refused) as raised:
            self.up(definition, **config)
        return str(raised.value)

    def live(self) -> list[dict[str, Any]]:
        return [flag for flag in self.sandbox.items("feature_flags") if flag["key"] == self.key]


@pytest.fixture
def run(sandbox: Sandbox) -> Iterator[Run]:
    yield Run(sandbox, f"gated-{next(_NUMBERS)}")
    approvals(sandbox, True)
    for request in waiting(sandbox):  # one creation that waits keeps every other from being asked for
        sandbox.call("POST", f"change_requests/{request}/cancel/", {})


@pytest.fixture
def standing(run: Run) -> Run:
    """A flag at 20 % that is applied, in a project whose changes need an approval from now on."""
    approvals(run.sandbox, False)
    run.up(run.definition(20))
    approvals(run.sandbox, True)
    return run


def approvals(sandbox: Sandbox, on: bool) -> None:
    sandbox.call("PATCH", "/_sandbox/settings", {"approvals": on})


@contextmanager
def policies(sandbox: Sandbox, *actions: str) -> Iterator[None]:
    rule = {"approver_config": {"quorum": 1, "users": [1]}, "allow_self_approve": True}
    made = [sandbox.call("POST", "approval_policies/", {"action_key": each, **rule}) for each in actions]
    yield
    for policy in made:
        sandbox.call("DELETE", f"approval_policies/{policy['id']}/")


@pytest.fixture
def gated(standing: Run) -> Iterator[Run]:
    """A flag at 20 % that is applied, in a project with policies for rollouts and for switching flags off."""
    with policies(standing.sandbox, "feature_flag.update", "feature_flag.disable"):
        yield standing


@pytest.fixture
def coming_on(sandbox: Sandbox) -> Iterator[None]:
    """A project with a policy for switching flags on."""
    approvals(sandbox, True)
    with policies(sandbox, "feature_flag.enable"):
        yield


def waiting(sandbox: Sandbox) -> list[str]:
    return [request["id"] for request in sandbox.items("change_requests") if request["state"] == "pending"]


def decide(sandbox: Sandbox, verdict: str, **body: str) -> str:
    """Decide the one request that waits, as somebody does on PostHog's page."""
    [request] = waiting(sandbox)
    sandbox.call("POST", f"change_requests/{request}/{verdict}/", body)
    return request


def rollout(flag: dict[str, Any]) -> int:
    return int(flag["filters"]["groups"][0]["rollout_percentage"])


def test_a_change_waits_is_asked_for_once_and_is_done_when_approved(standing: Run, sandbox: Sandbox) -> None:
    wanted = standing.definition(30)
    standing.up(wanted)
    [request] = waiting(sandbox)
    link = f"{sandbox.url}/project/{sandbox.project_id}/approvals/{request}"
    [said] = standing.said
    assert said.startswith(f"flags/{standing.key}.yaml:1:1: flag/{standing.key}: waits for approval since 20")
    assert said.endswith(link)
    assert rollout(standing.live()[0]) == 20

    assert standing.preview(wanted)  # it still is a change, and is said to be under way
    assert standing.said == [said]
    standing.up(wanted)
    assert standing.said == [said]
    assert sandbox.writes() == []

    decide(sandbox, "approve")
    assert not standing.preview(wanted)
    assert standing.said == []
    assert not standing.up(wanted)
    assert rollout(standing.live()[0]) == 30


def test_a_new_flag_waits_and_is_found_when_approved(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, True)
    wanted = run.definition(30, active=False)
    run.up(wanted)
    assert run.id == f"waiting:{waiting(sandbox)[0]}"
    assert not run.up(wanted)
    assert sandbox.writes() == []
    assert "waits for approval since 20" in run.said[0]
    decide(sandbox, "approve")
    assert not run.up(wanted)
    [live] = run.live()
    assert run.id == str(live["id"])
    assert run.said == []


def test_what_two_policies_gate_is_asked_for_one_after_the_other(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, True)
    wanted = run.definition(30)  # new, with a rollout, and switched on
    for _ in range(2):
        run.up(wanted)
        assert len(waiting(sandbox)) == 1
        assert len(run.said) == 1
    decide(sandbox, "approve")
    assert not run.live()[0]["active"]
    run.up(wanted)
    decide(sandbox, "approve")
    assert not run.up(wanted)
    [live] = run.live()
    assert (live["active"], rollout(live)) == (True, 30)


def test_two_gated_changes_of_a_flag_are_asked_for_one_after_the_other(standing: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, False)
    standing.up(standing.definition(20, active=False))
    approvals(sandbox, True)
    wanted = standing.definition(40)
    for _ in range(2):
        standing.up(wanted)
        decide(sandbox, "approve")
    assert not standing.up(wanted)
    assert (standing.live()[0]["active"], rollout(standing.live()[0])) == (True, 40)


def test_a_switch_off_does_not_wait_for_the_policy_of_what_else_changes(standing: Run, sandbox: Sandbox) -> None:
    wanted = standing.definition(30, active=False)
    standing.up(wanted)
    [live] = standing.live()
    assert (live["active"], rollout(live)) == (False, 20)
    [said] = standing.said
    assert ": it is off in PostHog; the rest of its change: waits for approval since 20" in said
    decide(sandbox, "approve")
    assert not standing.up(wanted)
    [live] = standing.live()
    assert (live["active"], rollout(live)) == (False, 30)


def test_a_flag_that_is_taken_over_goes_off_though_the_rest_waits(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, False)
    groups = [{"properties": [], "rollout_percentage": 20}]
    sandbox.call("POST", "feature_flags/", {"key": run.key, "filters": {"groups": groups}})
    approvals(sandbox, True)
    run.up(run.definition(30, active=False))
    [live] = run.live()
    assert (live["active"], rollout(live), len(waiting(sandbox))) == (False, 20, 1)


def test_a_switch_off_that_needs_an_approval_waits_for_its_own_alone(gated: Run, sandbox: Sandbox) -> None:
    wanted = gated.definition(30, active=False)
    for _ in range(2):
        gated.up(wanted)
        assert [body for _, _, body in sandbox.writes()] == [{"active": False}]
        [said] = gated.said
        assert f"flag/{gated.key}: its switch-off waits for approval since 20" in said
        assert said.endswith("; until then it is on, and nothing else of its change is sent")
        assert len(waiting(sandbox)) == 1
    assert gated.preview(wanted)
    assert gated.said == [said]
    decide(sandbox, "approve")
    gated.up(wanted)
    assert ": waits for approval since 20" in gated.said[0]
    decide(sandbox, "approve")
    assert not gated.up(wanted)
    [live] = gated.live()
    assert (live["active"], rollout(live)) == (False, 30)


def test_a_switch_off_that_waits_is_said_beside_what_is_refused(gated: Run, sandbox: Sandbox) -> None:
    """The file left the switch to PostHog's pages so far, so that nothing was known of it."""
    left = gated.definition(20)
    gated.up({**left, "active": None, "unmanaged": ["active"]})
    problem = "The rest of it is refused."
    said = gated.refused(gated.definition(20, active=False), problem=problem)
    assert said == f"{problem}; its switch-off waits for approval"
    assert len(waiting(sandbox)) == 1


def test_a_switch_off_that_was_rejected_is_asked_for_again_once_the_flag_is_another_one(
    gated: Run, sandbox: Sandbox
) -> None:
    wanted = gated.definition(20, active=False)
    gated.up(wanted)
    decide(sandbox, "reject", reason="it works")
    for _ in range(2):
        assert 'the change was rejected by admin@example.com ("it works"): ' in gated.refused(wanted)
        assert waiting(sandbox) == []
    gated.preview(wanted)
    assert "the change was rejected" in gated.said[0]
    sandbox.call("PATCH", f"feature_flags/{gated.id}/", {"tags": ["broken"]})
    gated.up(wanted)
    decide(sandbox, "approve")
    assert not gated.live()[0]["active"]


@pytest.mark.usefixtures("coming_on")
@pytest.mark.parametrize("problem", ["", "The rest of it is refused."])
def test_a_new_flag_that_is_to_be_off_by_now_does_not_come_on_by_an_approval(
    run: Run, sandbox: Sandbox, problem: str
) -> None:
    run.up(run.definition(30))
    wanted = run.definition(30, active=False)
    assert run.preview(wanted)
    place = f"flags/{run.key}.yaml:1:1: flag/{run.key}: "
    assert run.said[-1].startswith(f"{place}it would be switched on by a change that waits for approval since 20")
    assert len(waiting(sandbox)) == 1, "a preview changes nothing"
    said = run.refused(wanted, problem=problem)
    assert said.startswith(problem or place)
    assert "its creation, which would have switched it on, was taken back; run again to create it off" in said
    assert waiting(sandbox) == []
    run.up(wanted)
    assert not run.live()[0]["active"]


@pytest.mark.usefixtures("coming_on")
@pytest.mark.parametrize(("rollout", "problem"), [(20, ""), (30, ""), (20, "The rest of it is refused.")])
def test_a_flag_that_is_to_be_off_again_does_not_come_on_by_an_approval(
    run: Run, sandbox: Sandbox, rollout: int, problem: str
) -> None:
    run.up(run.definition(20, active=False))
    run.up(run.definition(20))
    wanted = run.definition(rollout, active=False)
    assert run.preview(wanted)
    [said] = run.said
    place = f"flags/{run.key}.yaml:1:1: flag/{run.key}: "
    assert said.startswith(f"{place}it would be switched on by a change that waits for approval since 20")
    assert said.endswith(", which is taken back")
    assert len(waiting(sandbox)) == 1
    if problem:
        assert run.refused(wanted, problem=problem) == problem
    else:
        run.up(wanted)
    assert waiting(sandbox) == []
    assert not run.up(wanted)
    assert not run.live()[0]["active"]
    run.up(run.definition(20))
    assert len(waiting(sandbox)) == 1, "nobody rejected it: it is asked for again"


@pytest.mark.usefixtures("coming_on")
def test_a_request_to_switch_a_flag_on_that_is_not_ours_to_take_back_fails_the_run(run: Run, sandbox: Sandbox) -> None:
    run.up(run.definition(20, active=False))
    key = sandbox.key(user="oncall@example.com")
    with pytest.raises(AssertionError, match="409"):
        sandbox.call("PATCH", f"feature_flags/{run.id}/", {"active": True}, key=key)
    [request] = waiting(sandbox)
    said = run.refused(run.definition(20, active=False))
    assert f"/approvals/{request}" in said
    assert "; reject it there" in said
    decide(sandbox, "reject", reason="not ours")
    assert not run.up(run.definition(20, active=False))


def test_what_was_rejected_is_said_and_not_asked_for_again(standing: Run, sandbox: Sandbox) -> None:
    wanted = standing.definition(30)
    standing.up(wanted)
    request = decide(sandbox, "reject", reason="too risky")
    assert standing.preview(wanted)
    [said] = standing.said
    assert 'the change was rejected by admin@example.com ("too risky"): ' in said
    assert f"pulumi config set ai-admin:ask_again {request}" in said
    assert "too risky" in standing.refused(wanted)
    assert sandbox.writes() == []


def test_it_is_asked_for_again_when_the_definition_changes(standing: Run, sandbox: Sandbox) -> None:
    standing.up(standing.definition(30))
    decide(sandbox, "reject", reason="too much")
    standing.up(standing.definition(25))
    assert "waits for approval" in standing.said[0]
    decide(sandbox, "approve")
    assert rollout(standing.live()[0]) == 25


def test_it_is_asked_for_again_when_the_stack_says_so(standing: Run, sandbox: Sandbox) -> None:
    standing.up(standing.definition(30))
    request = decide(sandbox, "reject", reason="too early")
    standing.up(standing.definition(30), ask_again=request)
    decide(sandbox, "approve")
    assert rollout(standing.live()[0]) == 30


def test_a_request_for_something_else_stands_in_the_way(standing: Run, sandbox: Sandbox) -> None:
    standing.up(standing.definition(30))
    [request] = waiting(sandbox)
    said = standing.refused(standing.definition(35))
    assert "another change waits for approval since 20" in said
    assert request in said
    decide(sandbox, "reject", reason="superseded")
    standing.up(standing.definition(35))
    decide(sandbox, "approve")
    assert rollout(standing.live()[0]) == 35


def test_a_new_flag_that_changes_while_it_waits_is_not_asked_for_twice(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, True)
    run.up(run.definition(30, active=False))
    assert "the definition has changed since" in run.refused(run.definition(40, active=False))
    assert len(waiting(sandbox)) == 1
    decide(sandbox, "cancel")
    run.refreshed()
    assert run.id == ""  # gone: the engine makes it anew
    run.up(run.definition(40, active=False))
    decide(sandbox, "approve")
    assert rollout(run.live()[0]) == 40


def test_a_new_flag_taken_out_of_the_files_is_no_longer_asked_for(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, True)
    run.up(run.definition(30, active=False))
    run.refreshed().delete(run.id, run.state)
    assert waiting(sandbox) == []
    assert run.live() == []
    again = Run(sandbox, run.key)
    again.up(run.definition(30, active=False))
    assert len(waiting(sandbox)) == 1, "nobody rejected it: it is asked for again"


def test_who_lost_the_state_does_not_ask_twice(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, True)
    run.up(run.definition(30))
    again = Run(sandbox, run.key)
    again.up(run.definition(30))
    assert again.id == run.id
    [request] = waiting(sandbox)
    assert request in run.id


def test_what_refers_to_a_flag_that_waits_is_left_out_with_the_reason(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, True)
    run.up(run.definition(30, active=False))
    condition = {"properties": [{"type": "flag", "key": run.id, "operator": "flag_evaluates_to", "value": True}]}
    child = {"key": "child", "active": False, "release_conditions": [condition]}
    provider = run.refreshed()
    with pytest.raises(Refused) as raised:
        provider.create(provider.check({}, child).inputs)
    assert "left out, as it refers to an object whose creation waits for approval" in str(raised.value)


def test_without_the_right_to_read_requests_nothing_is_asked_for_twice(
    standing: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = standing.definition(30)
    standing.up(wanted)
    with monkeypatch.context() as limited:
        limited.setattr(sandbox, "api_key", sandbox.key(["feature_flag:write", "project:read"]))
        standing.up(wanted)
    [said] = standing.said
    assert "waits for approval since 20" in said
    assert len(waiting(sandbox)) == 1


def test_requests_that_can_not_be_read_hold_up_no_switch_off(
    standing: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of `diff` would end the whole run, and a flag that goes off needs no request to be read."""
    monkeypatch.setattr("providers.posthog.client.ATTEMPTS", 1)
    rule = {"kind": "error_before", "status": 500, "path": "change_requests"}
    with sandbox.faults(rule):
        assert standing.preview(standing.definition(30))
        assert "PostHog answered 500 to GET" in standing.refused(standing.definition(30))
        asked = [each["path"] for each in sandbox.requests()]
        assert len([path for path in asked if "/change_requests/" in path]) == 1
        standing.up(standing.definition(20, active=False))
    [live] = standing.live()
    assert (live["active"], rollout(live)) == (False, 20)


def test_a_project_without_approvals_is_asked_once_a_run(run: Run, sandbox: Sandbox) -> None:
    approvals(sandbox, False)
    run.up(run.definition(20))
    run.up(run.definition(30))
    paths = [entry["path"] for entry in sandbox.requests()]
    assert len([path for path in paths if "/change_requests/" in path]) == 1
