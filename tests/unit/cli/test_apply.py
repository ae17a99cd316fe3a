"""`ai-admin apply` where there is nothing to apply, and `ai-admin plan` where its plan can't be kept."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.review import applying, bound
from ai_admin.review import plan as review
from ai_admin.review.changes import Action, Change, Outlook
from ai_admin.review.report import Entry, Report
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import State
from ai_admin.run import Plan
from providers.posthog.errors import UnreadableState
from providers.posthog.kinds import Ref
from providers.posthog.session import Session
from providers.posthog.settings import Settings
from tests.support.past import Checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.chdir(tmp_path)
    return Checkout(tmp_path, "production", "staging")


def run(*arguments: str, command: str = "apply") -> Result:
    return CliRunner().invoke(cli, [command, *arguments])


def test_the_plan_of_another_stack_is_named_before_what_this_one_lacks(checkout: Checkout) -> None:
    texts = dict.fromkeys(("host", "project", "settings"), "x")
    parts: dict[str, object] = {"definitions": {}, "refused": [], "changes": {}, "unknown": []}
    plan = {"version": bound.VERSION, "stack": "production", **texts, **parts}
    checkout.write("plan.json", json.dumps(plan))
    done = run("plan.json", "--stack", "staging")
    assert done.exit_code == 4
    assert done.stderr.startswith("nothing was applied:\n  the plan is for stack production, and this is staging\n")
    assert "host" not in done.stderr
    checkout.write("plan.json", json.dumps({**plan, "stack": "elsewhere"}))
    done = run("plan.json")
    assert done.exit_code == 4
    assert "the plan is for stack elsewhere, which this checkout does not have" in done.stderr


def test_a_plan_of_another_version_is_something_that_moved(checkout: Checkout) -> None:
    checkout.write("plan.json", json.dumps({"version": 1}))
    done = run("plan.json", "--stack", "staging")
    assert done.exit_code == 4
    assert done.stderr.startswith("nothing was applied:\n  plan.json was written by another version of ai-admin; make")
    assert run("plan.json").stderr == done.stderr, "it does not say for which stack it was made"


def test_where_posthog_can_not_be_asked_the_flags_that_files_switch_off_are_named(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", "key: ai\nactive: false\n")
    hint = "to have ai off all the same: ai-admin off --as-written --stack staging"
    assert hint not in run("--stack", "staging").stderr
    checkout.flag("ai", 10, "active: false\n")
    done = run("--stack", "staging")
    assert done.exit_code == 1
    assert hint in done.stderr
    checkout.write("flags/theirs.yaml", "key: [theirs\n")
    assert hint in run("--stack", "staging").stderr


@pytest.mark.parametrize("version", [bound.VERSION, 1])
@pytest.mark.parametrize("project", ["1", "2"])
def test_what_a_plan_does_not_apply_goes_off_all_the_same_in_the_project_that_it_is_for(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, project: str, version: int
) -> None:
    def planned(project: str, refused: tuple[str, ...] = ()) -> review.Planned:
        said = Report("production", "https://eu.posthog.com", project, (), 0, refused, (), {}, 1)
        there = Reviewed(checkout.folder, "production", Settings({}, {}), State)
        return review.Planned(there, Plan(()), Outlook(()), cast(Session, SimpleNamespace()), said)

    switched: list[dict[str, str]] = []
    checkout.flag("ai", 10, "active: false\n")
    plan = json.loads(bound.text(planned("1", ("too many",))))
    checkout.write("plan.json", json.dumps({**plan, "version": version}))
    where = SimpleNamespace(host="https://eu.posthog.com", project_id=project)
    stack = SimpleNamespace(client=SimpleNamespace(connection=where))
    monkeypatch.setattr("ai_admin.cli.apply.planned", lambda *_, **__: planned(project))
    monkeypatch.setattr("ai_admin.cli.apply.to_switch", lambda *_: stack)
    monkeypatch.setattr("ai_admin.cli.apply.still_on", lambda *_: [{"key": "ai"}])

    def off(_: object, flags: list[dict[str, str]]) -> list[str]:
        switched.extend(flags)
        return ["ai"]

    monkeypatch.setattr("ai_admin.cli.apply.switch_off_all", off)
    done = run("plan.json")
    other = "another version of ai-admin" if version == 1 else "the plan is for project 1, and this is 2"
    if project == "1":
        assert (done.exit_code, switched) == (4, [{"key": "ai"}])
        assert done.stderr.startswith("nothing else was applied:\n")
    else:
        assert (done.exit_code, switched) == (4, [])
        assert other in done.stderr
        assert "to have ai off all the same: ai-admin off --as-written --stack production" in done.stderr


def test_a_plan_for_a_folder_that_is_not_there_is_wrong_use(checkout: Checkout) -> None:
    done = run("--stack", "staging", "--out", "missing/plan.json", command="plan")
    assert (done.exit_code, "missing/plan.json can't be written" in done.stderr) == (2, True), done.stderr


def test_a_flag_that_the_plan_changes_and_that_stays_off_fails_the_run(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planned(action: Action) -> review.Planned:
        live, wanted = {"key": "ai", "active": action is Action.UPDATE}, {"key": "ai", "active": True}
        change = Change(Ref("flag", "ai"), action, "7", live=live, wanted=wanted)
        said = Report("production", "https://eu.posthog.com", "1", (Entry(change),), 0, (), (), {}, 1)
        there = Reviewed(checkout.folder, "production", Settings({}, {}), State)
        return review.Planned(there, Plan(()), Outlook((change,)), cast(Session, SimpleNamespace()), said)

    checkout.write("plan.json", bound.text(planned(Action.UPDATE)))
    monkeypatch.setattr("ai_admin.cli.apply.planned", lambda *_, **__: planned(Action.HOLD))
    monkeypatch.setattr("ai_admin.cli.apply.apply_plan", lambda *_: applying.Result())
    done = run("plan.json")
    why = "flag/ai: the plan changes it, and it is left as it is, since it was switched off in PostHog"
    assert (done.exit_code, done.stderr) == (1, f"error: {why}\n")
    assert done.stdout.endswith("nothing applied in 0 s\n")
    checkout.write("plan.json", bound.text(planned(Action.HOLD)))
    assert run("plan.json").exit_code == 0, "the plan said that it stays off"


def test_what_waits_for_approval_is_counted_apart(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = {"key": "ai", "active": True}
    change = Change(Ref("flag", "ai"), Action.UPDATE, "7", live=flag, wanted=flag)
    said = Report("production", "https://eu.posthog.com", "1", (Entry(change),), 0, (), (), {}, 1)
    there = Reviewed(checkout.folder, "production", Settings({}, {}), State)
    found = review.Planned(there, Plan(()), Outlook((change,)), cast(Session, SimpleNamespace()), said)
    monkeypatch.setattr("ai_admin.cli.apply.planned", lambda *_, **__: found)
    for result, ended in (
        (applying.Result(waiting=["flag/ai"]), ": 1 waits for approval in PostHog in 0 s"),
        (applying.Result(done=["flag/b"], waiting=["flag/a", "flag/c"]), "1 object applied, 2 wait for approval in "),
    ):
        monkeypatch.setattr("ai_admin.cli.apply.apply_plan", lambda *_, result=result: result)
        done = run("--stack", "production", "--yes")
        assert (done.exit_code, ended in done.stdout) == (0, True), done.stdout


def test_what_was_applied_is_counted_as_in_the_plan(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of one change and one adoption was followed by "2 objects applied"."""
    flag = {"key": "ai", "active": True}
    changes = (
        Change(Ref("flag", "a"), Action.UPDATE, "7", live=flag, wanted=flag),
        Change(Ref("flag", "b"), Action.ADOPT, "8", live=flag, wanted=flag),
        Change(Ref("property", "c"), Action.CREATE, wanted={"name": "c", "type": 1}),
    )
    said = Report("production", "https://eu.posthog.com", "1", tuple(map(Entry, changes)), 0, (), (), {}, 1)
    there = Reviewed(checkout.folder, "production", Settings({}, {}), State)
    found = review.Planned(there, Plan(()), Outlook(changes), cast(Session, SimpleNamespace()), said)
    monkeypatch.setattr("ai_admin.cli.apply.planned", lambda *_, **__: found)
    result = applying.Result(done=["flag/a", "flag/b", "property/c"])
    monkeypatch.setattr("ai_admin.cli.apply.apply_plan", lambda *_: result)
    last = run("--stack", "production", "--yes").stdout.splitlines()[-1]
    assert last == "production: 1 object applied, 1 is adopted as it is, 1 is not in PostHog yet in 0 s"


@pytest.mark.parametrize("goes_off", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_what_files_switch_off_goes_off_where_pulumi_does_not_begin(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, begun: bool, goes_off: bool
) -> None:
    """Another run has the lock, or there is no Pulumi."""

    def up(*_: object) -> applying.Result:
        if not begun:
            raise UnreadableState("`pulumi` can't be started: gone")
        return applying.Result(code=255, errors=["the stack is currently locked by 1 lock(s)"])

    flag = {"key": "ai", "active": True}
    change = Change(Ref("flag", "ai"), Action.UPDATE, "7", live=flag, wanted=flag)
    said = Report("production", "https://eu.posthog.com", "1", (Entry(change),), 0, (), (), {}, 1)
    there = Reviewed(checkout.folder, "production", Settings({}, {}), State)
    found = review.Planned(there, Plan(()), Outlook((change,)), cast(Session, SimpleNamespace()), said)
    where = SimpleNamespace(host="https://eu.posthog.com", project_id="1")
    stack = SimpleNamespace(client=SimpleNamespace(connection=where))
    switched: list[dict[str, str]] = []
    checkout.flag("ai", 10, "active: false\n")
    monkeypatch.setattr("ai_admin.cli.apply.planned", lambda *_, **__: found)
    monkeypatch.setattr("ai_admin.cli.apply.to_switch", lambda *_: stack)
    monkeypatch.setattr("ai_admin.cli.apply.still_on", lambda *_: [{"key": "ai"}])

    def off(_: object, flags: list[dict[str, str]]) -> list[str]:
        switched.extend(flags)
        return ["ai"] * goes_off

    monkeypatch.setattr("ai_admin.cli.apply.switch_off_all", off)
    monkeypatch.setattr("ai_admin.cli.apply.apply_plan", up)
    done = run("--stack", "production", "--yes")
    assert (done.exit_code, switched) == (1, [{"key": "ai"}])
    assert ("nothing else " in done.output) == goes_off, "PostHog may refuse that, too"
