"""Git's history and PostHog's activity log as one: a real repository, a real sandbox, and the real provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from ai_admin.definitions import load
from ai_admin.review.history import History, Logs, history
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import Resource, State
from ai_admin.review.telling import then_lines
from ai_admin.review.text import plain
from ai_admin.review.then import Then, then
from ai_admin.review.timeline import How
from providers.posthog.errors import UnreadableState
from providers.posthog.history import History as PostHogLog
from providers.posthog.kinds import Ref
from providers.posthog.settings import Settings
from tests.support.past import ANA, BEN, Checkout
from tests.support.runs import Applied, Runs
from tests.support.sandbox import Sandbox

STACK = "production"


class Story:
    """A flag that two people's commits change, that is applied, and that Ben also changes by hand."""

    def __init__(self, folder: Path, sandbox: Sandbox, key: str, adopted: bool = False) -> None:
        self.checkout, self.sandbox, self.key = Checkout(folder, STACK), sandbox, key
        self.runs = Runs(sandbox, {})
        self.checkout.flag(key, 10)
        if adopted:
            groups = [{"description": "Everybody", "properties": [], "rollout_percentage": 10}]
            body = {"key": key, "filters": {"groups": groups}, "_should_create_usage_dashboard": False}
            sandbox.call("POST", "feature_flags/", body, key_of_oncall(sandbox))
            self.commit("Taken over")
        self.checkout.commit("Ten (#1)\n\nReviewed-by: Ben <ben@example.com>")
        self.applied = Applied(self.runs, "flag", self.defined())

    def defined(self) -> dict[str, Any]:
        [flag] = load(self.checkout.folder, STACK).resources
        return flag.properties

    def change(self, share: float, author: str = ANA) -> None:
        self.checkout.flag(self.key, share)
        self.commit(f"{share} (#2)", author)

    def commit(self, message: str, author: str = ANA) -> None:
        """Commit later than all that PostHog logged so far, whose times are finer than Git's seconds."""
        sleep(1 - datetime.now(UTC).microsecond / 1e6)
        self.checkout.commit(message, author, datetime.now(UTC).isoformat())

    def by_hand(self, share: float) -> None:
        groups = [{"description": "Everybody", "properties": [], "rollout_percentage": share}]
        filters = {**self.applied.live()["filters"], "groups": groups}
        self.sandbox.call("PATCH", self.applied.path, {"filters": filters}, key_of_oncall(self.sandbox))

    def logs(self) -> Logs:
        ref = Ref("flag", self.key)
        state = State({ref: Resource(ref, self.applied.id, self.applied.kind.canonical(self.applied.state))})
        return Logs(Reviewed(self.checkout.folder, STACK, Settings({}, self.sandbox.environ), lambda: state))

    def history(self, key: str | None = None, since: str = "") -> History:
        return history(self.checkout.folder, self.key if key is None else key, STACK, since, self.logs)

    def then(self, time: datetime) -> Then:
        [found], unread = then(self.checkout.folder, self.key, time.isoformat(), STACK, self.logs)
        assert unread == ()
        return found


def key_of_oncall(sandbox: Sandbox) -> str:
    """The key of another user than the program's."""
    return sandbox.key(user="oncall@example.com")


def now() -> datetime:
    """The time, later than all that happened so far and earlier than all that will."""
    sleep(0.01)
    found = datetime.now(UTC)
    sleep(0.01)
    return found


def test_one_line_of_time_has_commits_with_their_application_and_what_was_done_by_hand(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    story = Story(tmp_path, sandbox, "ai-first")
    start = now()
    story.by_hand(30)
    by_hand = now()
    story.change(20, BEN)
    story.change(50)
    story.applied.apply(story.defined())
    applied = now()
    soon = (datetime.now(UTC) + timedelta(seconds=0.1)).isoformat()
    scheduled = {"operation": "update_status", "value": False}
    body = {"record_id": story.applied.id, "model_name": "FeatureFlag", "payload": scheduled, "scheduled_at": soon}
    sandbox.call("POST", "scheduled_changes/", body)
    while story.applied.live()["active"]:
        sleep(0.05)
    found = story.history().entries
    assert [(each.how, each.by, [line.text for line in each.lines]) for each in found[:4]] == [
        (How.SCHEDULE, ("PostHog",), ["is switched off"]),
        (How.COMMIT, (ANA,), ['condition "Everybody" from 20 % to 50 %']),
        (How.COMMIT, (BEN,), ['condition "Everybody" from 10 % to 20 %']),
        (How.HAND, ("oncall@example.com",), ['condition "Everybody" from 10 % to 30 %']),
    ]
    made = found[4]
    assert (made.how, made.lines[0].text, len(found)) == (How.COMMIT, "is new", 5)
    assert [len(each.applied) for each in found] == [0, 1, 1, 0, 1]
    assert made.applied[0].at <= start.isoformat() <= found[1].applied[0].at
    assert story.history(since=applied.isoformat()).entries == found[:1]

    assert (story.then(start).differences, story.then(start).known) == ((), True)
    [changed] = story.then(by_hand).differences
    assert changed.change
    assert (changed.sentence.text, changed.change.by) == (
        'condition "Everybody" from 10 % to 30 %', ("oncall@example.com",),
    )  # fmt: skip
    assert story.then(applied).differences == ()
    [off] = story.then(datetime.now(UTC)).differences
    assert off.sentence.text == "is switched off"
    before = story.then(datetime(2026, 10, 1, 13, tzinfo=UTC))
    assert before.allowed
    assert before.allowed.commit
    assert (before.allowed.by, before.allowed.commit.told.reviewers, before.live) == ((ANA,), (BEN,), None)


def test_what_a_run_puts_back_of_an_adopted_flag_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    story = Story(tmp_path, sandbox, "ai-adopted", adopted=True)
    story.by_hand(100)
    story.applied.apply(story.defined())
    assert [(each.how, each.lines[0].text, each.applied) for each in story.history().entries] == [
        (How.PROGRAM, 'condition "Everybody" from 100 % to 10 %', ()),
        (How.HAND, 'condition "Everybody" from 10 % to 100 %', ()),
        (How.COMMIT, "is new", ()),
        (How.HAND, "is made in PostHog", ()),
    ]


def test_a_flag_that_is_gone_is_still_in_the_log(tmp_path: Path, sandbox: Sandbox) -> None:
    story = Story(tmp_path, sandbox, "ai-gone")
    body = {"key": "ai-by-hand", "filters": {"groups": [{"rollout_percentage": 5}]}}
    sandbox.call("POST", "feature_flags/", body, key_of_oncall(sandbox))
    there = now()
    (story.checkout.folder / "flags/ai-gone.yaml").unlink()
    story.commit("Gone")
    story.applied.remove()
    found = story.history().entries
    assert [each.lines[0].text for each in found] == ["its definition is deleted", "is new"]
    assert [len(each.applied) for each in found] == [1, 1]
    [others] = story.history("ai-by-hand").entries
    assert (str(others.ref), others.lines[0].text, others.how) == ("flag/ai-by-hand", "is made in PostHog", How.HAND)
    assert {each.ref.key for each in story.history("").entries} >= {"ai-gone", "ai-by-hand"}
    assert story.then(there).known
    assert story.then(datetime.now(UTC)).live is None


def test_what_the_key_may_not_read_is_said(tmp_path: Path, sandbox: Sandbox) -> None:
    story = Story(tmp_path, sandbox, "ai-unread")
    reader = sandbox.key(["feature_flag:read"])

    def logs() -> Logs:
        settings = Settings({}, {**sandbox.environ, "POSTHOG_API_KEY": reader})
        return Logs(Reviewed(tmp_path, STACK, settings, State))

    found = history(tmp_path, story.key, STACK, logs=logs)
    assert [each.how for each in found.entries] == [How.COMMIT]
    [reason] = found.unread
    assert reason.startswith("PostHog's activity log: PostHog answered 403")
    assert "activity_log:read" in reason


def test_a_state_that_can_not_be_read_takes_only_the_names(tmp_path: Path, sandbox: Sandbox) -> None:
    story = Story(tmp_path, sandbox, "ai-stateless")

    def unreadable() -> State:
        raise UnreadableState("there is no `pulumi` in PATH")

    def logs() -> Logs:
        return Logs(Reviewed(tmp_path, STACK, Settings({}, sandbox.environ), unreadable))

    found = history(tmp_path, story.key, STACK, logs=logs)
    assert [len(each.applied) for each in found.entries] == [1], "PostHog itself keeps a flag's key unique"
    assert found.unread == (
        "what was applied to production, so that objects have PostHog's names: there is no `pulumi` in PATH",
    )


def test_what_was_made_and_deleted_again_is_known_by_the_name_that_its_file_gave_it(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    story = Story(tmp_path, sandbox, "ai-beside-the-cohort")
    cohort = "key: gone-again\nname: Gone again\nproperties: [{key: $browser, value: Chrome}]\n"
    story.checkout.write("cohorts/gone-again.yaml", cohort)
    story.commit("A cohort")
    [defined] = [each for each in load(tmp_path, STACK).resources if each.kind == "cohort"]
    applied = Applied(story.runs, "cohort", defined.properties)
    there = now()
    (tmp_path / "cohorts/gone-again.yaml").unlink()
    story.commit("No cohort")
    applied.remove()
    body = {"name": "Gone again", "filters": sandbox.call("GET", applied.path)["filters"]}
    other = sandbox.call("POST", "cohorts/", body, key_of_oncall(sandbox))["id"]
    found = story.history("gone-again").entries
    assert [(each.how, each.lines[0].text) for each in found] == [
        (How.COMMIT, "its definition is deleted"),
        (How.COMMIT, "is new"),
    ], "somebody else's of the same name is another one"
    assert [len(each.applied) for each in found] == [1, 1]
    [then_there], _ = then(tmp_path, "gone-again", there.isoformat(), STACK, story.logs)
    assert (then_there.known, then_there.live is None) == (True, False)
    [afterwards], _ = then(tmp_path, "gone-again", datetime.now(UTC).isoformat(), STACK, story.logs)
    assert afterwards.live is None

    sandbox.call("PATCH", f"cohorts/{other}/", {"deleted": True}, key_of_oncall(sandbox))
    assert story.history("gone-again").entries == found, "nor when it is deleted"
    story.checkout.write("cohorts/gone-again.yaml", cohort + "description: The second.\n")
    story.commit("A cohort again")
    [defined] = [each for each in load(tmp_path, STACK).resources if each.kind == "cohort"]
    second = Applied(story.runs, "cohort", defined.properties)
    ref = Ref("cohort", "gone-again")
    state = State({ref: Resource(ref, second.id, second.kind.canonical(second.state))})
    logs = partial(Logs, Reviewed(tmp_path, STACK, Settings({}, sandbox.environ), lambda: state))
    [standing], _ = then(tmp_path, "gone-again", datetime.now(UTC).isoformat(), STACK, logs)
    assert (standing.live or {}).get("description") == "The second."


def test_what_was_adopted_and_deleted_by_hand_is_in_the_history_of_what_was_made_anew(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    story = Story(tmp_path, sandbox, "ai-beside-the-adopted")
    text = "key: adopted\nname: Adopted\nproperties: [{key: $os, value: Linux}]\n"
    story.checkout.write("cohorts/adopted.yaml", text)
    [defined] = [each for each in load(tmp_path, STACK).resources if each.kind == "cohort"]
    body = {"name": "Adopted", "filters": {"properties": defined.properties["filters"]}}
    id_ = sandbox.call("POST", "cohorts/", body, key_of_oncall(sandbox))["id"]
    story.commit("Take over the cohort")
    sandbox.call("PATCH", f"cohorts/{id_}/", {"deleted": True}, key_of_oncall(sandbox))
    hand = (How.HAND, "is deleted in PostHog", 0)
    assert told(story.history("cohort/adopted"))[:2] == [hand, (How.COMMIT, "is new", 0)]

    anew = Applied(story.runs, "cohort", defined.properties)
    ref = Ref("cohort", "adopted")
    state = State({ref: Resource(ref, anew.id, anew.kind.canonical(anew.state))})
    logs = partial(Logs, Reviewed(tmp_path, STACK, Settings({}, sandbox.environ), lambda: state))
    found = history(tmp_path, "adopted", STACK, logs=logs)
    assert told(found)[:3] == [(How.PROGRAM, "is made in PostHog", 0), hand, (How.COMMIT, "is new", 0)]


def told(found: History) -> list[tuple[How, str, int]]:
    """How each entry was done, the first thing that it says, and how often it was applied."""
    return [(each.how, each.lines[0].text, len(each.applied)) for each in found.entries]


def test_what_shares_an_id_and_a_name_in_the_log_is_told_once(tmp_path: Path, sandbox: Sandbox) -> None:
    """A dashboard and its tiles, and a holdout and the experiment that has its number."""
    board = sandbox.call("POST", "dashboards/", {"name": "Twice"})["id"]
    share = [{"properties": [], "rollout_percentage": 5}]
    holdout = sandbox.call("POST", "experiment_holdouts/", {"name": "Kept out", "filters": share})["id"]
    there = now().isoformat()
    sandbox.call("PATCH", f"dashboards/{board}/", {"name": "Once"})
    sandbox.call("PATCH", f"experiment_holdouts/{holdout}/", {"name": "Held out"})
    ids = {"dashboard": board, "tiles": board, "experiment": holdout, "holdout": holdout}
    refs = {Ref(kind, "alike"): str(id_) for kind, id_ in ids.items()}
    state = State({ref: Resource(ref, id_, {}) for ref, id_ in refs.items()})
    logs = Logs(Reviewed(tmp_path, STACK, Settings({}, sandbox.environ), lambda: state))
    assert sorted((each.ref.kind, each.lines[0].text) for each in logs.read({*refs}, [], "alike", there)) == [
        ("dashboard", "name from Twice to Once"),
        ("holdout", 'name from "Kept out" to "Held out"'),
    ]


def test_what_can_not_be_read_of_then_is_not_known_instead_of_not_there(tmp_path: Path, sandbox: Sandbox) -> None:
    story = Story(tmp_path, sandbox, "ai-only-logged")
    there = now().isoformat()
    ref = Ref("flag", story.key)
    state = State({ref: Resource(ref, story.applied.id, story.applied.kind.canonical(story.applied.state))})

    def with_scopes(*scopes: str) -> partial[Logs]:
        key = sandbox.key([*scopes])
        settings = Settings({}, {**sandbox.environ, "POSTHOG_API_KEY": key})
        return partial(Logs, Reviewed(tmp_path, STACK, settings, lambda: state))

    for scopes, why in ((("activity_log:read",), "feature_flag:read"), (("feature_flag:read",), "activity_log:read")):
        [found], [reason] = then(tmp_path, story.key, there, STACK, with_scopes("user:read", "project:read", *scopes))
        assert (found.known, found.live, found.unread) == (False, None, "what PostHog held is not known")
        assert why in reason
        assert "  ? what PostHog held is not known" in then_lines(found, there, plain)


def test_of_what_is_gone_for_good_only_what_its_log_says_is_known(tmp_path: Path, sandbox: Sandbox) -> None:
    checkout = Checkout(tmp_path, STACK)
    checkout.write("experiments/holdouts/kept-out.yaml", "key: kept-out\nname: Second\nexclusion_percentage: 5\n")
    checkout.commit("A holdout")
    share = [{"properties": [], "rollout_percentage": 9}]
    id_ = sandbox.call("POST", "experiment_holdouts/", {"name": "First", "filters": share})["id"]
    there = now().isoformat()
    sandbox.call("PATCH", f"experiment_holdouts/{id_}/", {"name": "Second"})
    later = now().isoformat()
    sandbox.call("DELETE", f"experiment_holdouts/{id_}/")
    ref = Ref("holdout", "kept-out")
    logs = partial(
        Logs,
        Reviewed(tmp_path, STACK, Settings({}, sandbox.environ), lambda: State({ref: Resource(ref, str(id_), {})})),
    )
    [found], [unread] = then(tmp_path, str(ref), there, STACK, logs)
    assert [each.sentence.text for each in found.differences] == ["name from Second to First"]
    said = "PostHog held one, and its log does not say what the rest of it was then"
    assert (found.unread, unread) == (said, f"holdout kept-out: {said}")
    [found], [unread] = then(tmp_path, str(ref), later, STACK, logs)
    assert (found.live, found.differences) == ({}, ())
    assert unread == "holdout kept-out: PostHog held one, and its log does not say what it was then"
    gone = then(tmp_path, str(ref), now().isoformat(), STACK, logs)
    assert (gone[0][0].live, gone[0][0].known, gone[1]) == (None, True, ())


def test_a_log_that_may_not_go_back_to_then_is_said(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(tmp_path, sandbox, "ai-long-ago")
    there = now().isoformat()
    untouched, unread = then(tmp_path, story.key, there, STACK, story.logs)
    assert (untouched[0].unread, unread) == ("", ())
    story.by_hand(30)
    whole = PostHogLog.log

    def newest(*asked: Any) -> Iterator[dict[str, Any]]:
        yield from (each for each in whole(*asked) if each["created_at"].replace("Z", "+00:00") > there)

    monkeypatch.setattr(PostHogLog, "log", newest)
    [found], [said] = then(tmp_path, story.key, there, STACK, story.logs)
    assert said.endswith(": PostHog's log has nothing of it from before, and may not go back so far")
    assert "  PostHog held what the file says, as far as that is known" in then_lines(found, there, plain)
    [found], unread = then(tmp_path, story.key, now().isoformat(), STACK, story.logs)
    assert (found.unread, unread) == ("", ()), "nothing changed since then"
