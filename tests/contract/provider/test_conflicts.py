"""What somebody changed between our reading and our writing is neither overwritten nor deleted, and is said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from providers.posthog.errors import Refused
from providers.posthog.inputs import Metadata, to_inputs
from providers.posthog.provider import PostHogProvider
from tests.support.runs import Runs
from tests.support.samples.world import CRITERIA, TREND
from tests.support.sandbox import Sandbox

WHEN = r"\d+ \w+ 20\d\d, \d\d:\d\d UTC"


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    return Runs(sandbox, {})


def flag(key: str, **more: Any) -> dict[str, Any]:
    conditions = [{"properties": [], "rollout_percentage": 50}]
    properties = {"key": key, "active": True, "release_conditions": conditions, **more}
    return to_inputs(properties, Metadata(f"flag/{key}", f"flags/{key}.yaml:1:1"))


def made(runs: Runs, kind: str, definition: dict[str, Any]) -> tuple[PostHogProvider, str, dict[str, Any]]:
    """An object that is applied and was just read: the provider, the id and the state."""
    provider = runs.new_run(kind)
    created = provider.create(provider.check({}, definition).inputs)
    return provider, created.id or "", {**(created.outs or {})}


def update(provider: PostHogProvider, id_: str, state: dict[str, Any], definition: dict[str, Any]) -> str:
    with pytest.raises(Refused) as raised:
        provider.update(id_, state, provider.check(state, definition).inputs)
    return str(raised.value)


def test_each_field_is_named_with_what_it_was_and_is_and_who_did_it(runs: Runs, sandbox: Sandbox) -> None:
    provider, id_, state = made(runs, "flag", flag("touched", tags=["ai"]))
    oncall = sandbox.key(user="oncall@example.com")
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"active": False}, key=oncall)
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"filters": {"groups": []}})
    sandbox.requests()
    said = update(provider, id_, state, flag("touched", tags=["ops"]))
    assert re.fullmatch(
        rf"flags/touched\.yaml:1:1: flag/touched: FeatureFlag {id_} was changed since it was read: "
        rf"active true -> false \(by oncall@example\.com on {WHEN}\), "
        rf"release_conditions \(by admin@example\.com on {WHEN}\); it was left as it is, run again to see the change",
        said,
    )
    assert sandbox.writes() == []


def test_what_somebody_wrote_does_nothing_to_the_terminal_that_the_engine_prints_to(
    runs: Runs, sandbox: Sandbox
) -> None:
    provider, id_, state = made(runs, "flag", flag("hostile"))
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"name": "\u202edne\x9b8m"})
    said = update(provider, id_, state, flag("hostile", tags=["ops"]))
    assert r'description null -> "\u202edne\x9b8m" (by ' in said
    assert said.isprintable()


def test_the_next_run_sees_the_change_and_puts_it_back(runs: Runs, sandbox: Sandbox) -> None:
    provider, id_, state = made(runs, "flag", flag("seen"))
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"active": False})
    update(provider, id_, state, flag("seen", tags=["ops"]))
    later = runs.new_run("flag")
    read = {**(later.read(id_, state).outs or {})}
    later.update(id_, read, later.check(read, flag("seen", tags=["ops"])).inputs)
    live = sandbox.call("GET", f"feature_flags/{id_}/")
    assert (live["active"], live["tags"]) == (True, ["ops"])


@pytest.mark.parametrize(("active", "writes"), [(True, []), (False, [{"active": False}])])
def test_what_changes_while_it_is_being_adopted_is_left_as_it_is_but_goes_off(
    runs: Runs, sandbox: Sandbox, active: bool, writes: list[dict[str, Any]]
) -> None:
    """What the check has announced and judged is what was there then."""
    key, filters = f"coming-{active}", {"groups": [{"rollout_percentage": 10}]}
    id_ = sandbox.call("POST", "feature_flags/", {"key": key, "filters": filters})["id"]
    provider, wanted = runs.new_run("flag"), flag(key, active=active)
    inputs = provider.check({}, wanted).inputs
    oncall = sandbox.key(user="oncall@example.com")
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"name": "By hand"}, key=oncall)
    sandbox.requests()
    said = rf'Flag {id_} was changed since it was read: description null -> "By hand" \(by oncall@example\.com on'
    with pytest.raises(Refused, match=said):
        provider.create(inputs)
    assert [body for _, _, body in sandbox.writes()] == writes
    later = runs.new_run("flag")
    assert later.create(later.check({}, wanted).inputs).id == str(id_)


def test_what_is_adopted_as_it_is_is_not_read_again(runs: Runs, sandbox: Sandbox) -> None:
    id_ = sandbox.call("POST", "cohorts/", {"name": "As it is", "filters": {"properties": CRITERIA}})["id"]
    provider = runs.new_run("cohort")
    inputs = provider.check({}, {"name": "As it is", "filters": CRITERIA}).inputs
    sandbox.requests()
    assert provider.create(inputs).id == str(id_)
    assert sandbox.requests() == []


def test_what_is_as_wanted_by_now_is_no_conflict(runs: Runs, sandbox: Sandbox) -> None:
    """As after a killed run, where PostHog shows the refresh a copy from before it."""
    provider, id_, state = made(runs, "flag", flag("written"))
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"tags": ["ops"]})
    wanted = provider.check(state, flag("written", tags=["ops"], description="Described")).inputs
    updated = provider.update(id_, state, wanted)
    live = sandbox.call("GET", f"feature_flags/{id_}/")
    assert (live["tags"], live["name"]) == (["ops"], "Described")
    assert provider.diff(id_, updated.outs or {}, wanted).changes is False


DELETED: dict[str, tuple[dict[str, Any], str, dict[str, Any], str]] = {
    "flag": (flag("leaving", active=False), "feature_flags", {"tags": ["mine"]}, r'tags null -> \["mine"\]'),
    "cohort": ({"name": "Leaving", "filters": CRITERIA}, "cohorts", {"description": "Mine."}, "description"),
    "insight": ({"name": "Leaving", "query": TREND}, "insights", {"tags": ["mine"]}, "tags"),
    "event": ({"name": "leaving"}, "event_definitions", {"description": "Mine."}, "description"),
}


@pytest.mark.parametrize("kind", DELETED)
def test_what_somebody_has_just_changed_is_not_deleted(runs: Runs, sandbox: Sandbox, kind: str) -> None:
    definition, collection, theirs, said = DELETED[kind]
    provider, id_, state = made(runs, kind, definition)
    sandbox.call("PATCH", f"{collection}/{id_}/", theirs)
    sandbox.requests()
    with pytest.raises(Refused, match=rf"was changed since it was read: {said}.* \(by admin@example\.com on {WHEN}\)"):
        provider.delete(id_, state)
    assert sandbox.writes() == []
    later = runs.new_run(kind)
    read = later.read(id_, state)
    later.delete(read.id or "", {**(read.outs or {})})
    assert len(sandbox.writes()) == 1


def test_what_changes_nothing_of_ours_is_no_conflict(runs: Runs, sandbox: Sandbox) -> None:
    cohort = {"name": "Recalculated", "filters": CRITERIA}
    provider, id_, state = made(runs, "cohort", cohort)
    sandbox.call("PATCH", f"cohorts/{id_}/", {"name": "Recalculated"})  # recalculates, and counts its version up
    news = provider.check(state, {**cohort, "description": "d"}).inputs
    assert (provider.update(id_, state, news).outs or {})["description"] == "d"


def test_who_may_not_read_the_log_still_learns_of_the_change(
    runs: Runs, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "api_key", sandbox.key(["feature_flag:write", "cohort:write", "project:read"]))
    provider, id_, state = made(runs, "flag", flag("unlogged"))
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"active": False})
    said = update(provider, id_, state, flag("unlogged", tags=["ops"]))
    unread = "PostHog's activity log could not be read: the API key lacks the scope activity_log:read"
    assert f"active true -> false (the object was last changed by admin@example.com; {unread}); " in said
    provider, id_, state = made(runs, "cohort", {"name": "Unlogged", "filters": CRITERIA})
    sandbox.call("PATCH", f"cohorts/{id_}/", {"description": "Mine."})
    said = update(provider, id_, state, {"name": "Unlogged", "filters": CRITERIA, "description": "Ours."})
    assert f'description null -> "Mine." (by somebody; {unread})' in said
