"""The provider through the real dynamic-provider server, against the real sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from providers.posthog.inputs import HOST, PROJECT, UNREAD
from providers.posthog.matching import in_order
from tests.support.plugin import UNKNOWN, Plugin, running_plugin
from tests.support.sandbox import Sandbox

NO, UNSAID = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_UNKNOWN


def flag(key: str, **properties: Any) -> dict[str, Any]:
    return {"key": key, "release_conditions": [{"properties": [], "rollout_percentage": 50}], **properties}


class Refusal:
    """What the engine is told when a call fails."""

    text = ""


@contextmanager
def refused() -> Iterator[Refusal]:
    """Expect that the call in the block fails."""
    refusal = Refusal()
    with pytest.raises(grpc.RpcError) as raised:
        yield refusal
    refusal.text = cast(grpc.Call, raised.value).details() or ""


def applied(plugin: Plugin, kind: str, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Check and create as an `up` does; return id and outputs."""
    return plugin.create(kind, plugin.check(kind, properties))


def changes(plugin: Plugin, kind: str, id_: str, olds: dict[str, Any], properties: dict[str, Any]) -> Any:
    return plugin.diff(kind, id_, olds, plugin.check(kind, properties))


def test_created_and_read_back_nothing_differs(plugin: Plugin, sandbox: Sandbox) -> None:
    wanted = flag(
        "round-trip",
        description=" A flag ",
        tags=["Ops", "ai"],
        variants=[{"key": "a", "rollout_percentage": 30}, {"key": "b", "rollout_percentage": 70}],
        payloads={"a": '{"limit":1000}'},
    )
    id_, outs = applied(plugin, "flag", wanted)
    assert id_.isdigit()
    _, read, inputs = plugin.read("flag", id_, outs)
    assert read == outs
    assert inputs == {name: value for name, value in outs.items() if name not in (PROJECT, HOST)}
    assert changes(plugin, "flag", id_, read, wanted).changes == NO


def test_a_change_is_left_to_the_engine_to_show_in_detail(plugin: Plugin) -> None:
    id_, outs = applied(plugin, "flag", flag("detail"))
    answer = changes(plugin, "flag", id_, outs, flag("detail", active=False))
    assert answer.changes == UNSAID
    assert not answer.replaces


def test_an_edited_rollout_is_one_patch_of_the_filters_alone(plugin: Plugin, sandbox: Sandbox) -> None:
    id_, outs = applied(plugin, "flag", flag("rollout", payloads={"true": "1"}))
    sandbox.requests()
    edited = flag("rollout", payloads={"true": "1"}, release_conditions=[{"rollout_percentage": 60}])
    news = plugin.check("flag", edited)
    plugin.update("flag", id_, outs, news)
    path = f"/api/projects/{sandbox.project_id}/feature_flags/{id_}/"
    condition = {"properties": [], "rollout_percentage": 60, "aggregation_group_type_index": None}
    [(method, sent_to, sent)] = sandbox.writes()
    assert (method, sent_to, set(sent)) == ("PATCH", path, {"filters"})
    assert (sent["filters"]["groups"], sent["filters"]["payloads"]) == ([condition], {"true": "1"})


def test_what_somebody_deleted_is_gone(plugin: Plugin, sandbox: Sandbox) -> None:
    id_, outs = applied(plugin, "flag", flag("deleted-elsewhere"))
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"deleted": True})
    with running_plugin(sandbox.environ) as later:
        assert later.read("flag", id_, outs)[0] == ""


def test_an_unknown_reference_counts_as_a_change_and_passes_the_check(plugin: Plugin) -> None:
    condition = {"properties": [{"type": "cohort", "value": UNKNOWN}]}
    checked = plugin.check("flag", flag("unknown", release_conditions=[condition]))
    [condition] = in_order(checked["release_conditions"])
    assert condition["properties"][0]["value"] == UNKNOWN
    assert plugin.diff("flag", "1", plugin.check("flag", flag("unknown")), checked).changes == UNSAID


def test_an_error_is_one_line_with_posthogs_own_words(plugin: Plugin) -> None:
    with refused() as refusal:
        applied(plugin, "flag", flag("refused key!"))
    details = refusal.text
    assert "Only letters, numbers, hyphens (-) & underscores (_) are allowed; " in details
    assert "Traceback" not in details
    assert len(details.strip().splitlines()) == 1


def test_a_key_that_posthog_does_not_know_is_said_without_showing_it(sandbox: Sandbox) -> None:
    with running_plugin({**sandbox.environ, "POSTHOG_API_KEY": "phx_wrong"}) as plugin:
        [problem] = plugin.problems("flag", flag("never"))
        with refused() as refusal:
            plugin.create("flag", flag("never"))
    for text in (problem, refusal.text):
        assert "does not accept this personal API key" in text
        assert "phx_wrong" not in text


@pytest.mark.parametrize("kind", ["flag", "dashboard"])  # one that is read with its list, and one that is not
def test_a_refresh_that_is_not_let_in_says_why_in_one_line(sandbox: Sandbox, kind: str) -> None:
    scopes = ["cohort:read"]
    key = sandbox.key(scopes)
    limited = sandbox.key(scoped_teams=[4711])
    scope = {"flag": "feature_flag", "dashboard": "dashboard"}[kind]
    for environ, said in (
        ({"POSTHOG_API_KEY": "phx_wrong"}, "does not accept this personal API key"),
        ({"POSTHOG_API_KEY": key}, f"lacks scopes: add {scope}:read"),
        ({"POSTHOG_API_KEY": limited}, "is limited to project 4711"),
        ({"POSTHOG_PROJECT_ID": "4711"}, "has no project 4711"),
    ):
        with running_plugin({**sandbox.environ, **environ}) as plugin, refused() as refusal:
            plugin.read(kind, "1", {"key": "k", "name": "n"})
        assert said in refusal.text
        assert len(refusal.text.strip().splitlines()) == 1


def test_the_stacks_configuration_says_where_and_a_contradicting_variable_is_refused(sandbox: Sandbox) -> None:
    config = {"ai-admin:host": sandbox.url, "ai-admin:project_id": sandbox.project_id}
    with running_plugin({"POSTHOG_API_KEY": sandbox.api_key, "PULUMI_PROJECT": "ai-admin"}) as plugin:
        plugin.configure(config)
        assert applied(plugin, "flag", flag("configured"))[0]
    environ = {**sandbox.environ, "PULUMI_PROJECT": "ai-admin", "POSTHOG_PROJECT_ID": "77"}
    with running_plugin(environ) as plugin:
        plugin.configure(config)
        [problem] = plugin.problems("flag", flag("elsewhere"))
    assert "POSTHOG_PROJECT_ID=77 contradicts" in problem


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({PROJECT: "99"}, "live in PostHog project 99, but the connection is to project 1"),
        ({HOST: "https://eu.posthog.com"}, "live in the PostHog at https://eu.posthog.com, but the connection is to"),
    ],
)
def test_a_state_of_another_project_is_neither_read_nor_changed_nor_deleted(
    plugin: Plugin, place: dict[str, str], said: str
) -> None:
    id_, outs = applied(plugin, "flag", flag(f"foreign{len(said)}"))
    foreign = {**outs, **place}
    for call in (
        lambda: plugin.read("flag", id_, foreign),
        lambda: plugin.update("flag", id_, foreign, {**outs, "active": False}),
        lambda: plugin.delete("flag", id_, foreign),
    ):
        with refused() as refusal:
            call()
        assert said in refusal.text
    assert plugin.read("flag", id_, outs)[1] == outs
    assert plugin.read("flag", id_, {**outs, "project_id": f"0{outs['project_id']}"})[0] == id_, "another spelling"


def test_a_state_from_before_hosts_were_kept_gets_the_host(plugin: Plugin, sandbox: Sandbox) -> None:
    id_, outs = applied(plugin, "flag", flag("older"))
    assert outs[HOST] == sandbox.url
    older = {name: value for name, value in outs.items() if name != HOST}
    assert plugin.read("flag", id_, older)[1] == outs
    assert plugin.update("flag", id_, older, flag("older", active=False))[HOST] == sandbox.url


def test_a_posthog_that_moved_is_the_one_that_the_state_names(sandbox: Sandbox) -> None:
    before = "https://posthog.example.com"
    with running_plugin({**sandbox.environ, "PULUMI_PROJECT": "ai-admin"}) as plugin:
        plugin.configure({"ai-admin:moved_from": f"{before}/"})
        id_, outs = applied(plugin, "flag", flag("moved"))
        assert plugin.read("flag", id_, {**outs, HOST: before})[1] == outs
        with refused() as refusal:
            plugin.read("flag", id_, {**outs, HOST: "https://eu.posthog.com"})
    assert "live in the PostHog at https://eu.posthog.com" in refusal.text


@pytest.mark.parametrize("why", ["left by the reviewed plan", "unread"])
def test_the_state_learns_where_a_posthog_moved_of_what_is_not_read_as_well(
    plugin: Plugin, sandbox: Sandbox, tmp_path: Path, why: str
) -> None:
    """Else it is refused once ``moved_from`` is removed."""
    before, environ = "https://posthog.example.com", dict(sandbox.environ)
    id_, outs = applied(plugin, "action", {"name": why, "steps": [{"event": "asked"}]})
    if why == "unread":
        scopes = ["feature_flag:read", "project:read"]
        environ["POSTHOG_API_KEY"] = sandbox.key(scopes)
    else:
        plan = tmp_path / "plan.json"
        plan.write_text(json.dumps({"changes": {}, "left": [""]}))
        environ["AI_ADMIN_PLAN"] = str(plan)
    with running_plugin({**environ, "PULUMI_PROJECT": "ai-admin"}) as later:
        later.configure({"ai-admin:moved_from": before})
        _, read, _ = later.read("action", id_, {**outs, HOST: before})
    assert ("403" in read.pop(UNREAD, "")) == (why == "unread")
    assert read == outs


def test_a_flag_goes_off_without_the_plan_and_a_colleagues_edit_of_it_stays(
    plugin: Plugin, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Somebody switched it on and edited it since the plan, which is about something else."""
    wanted = flag("unplanned", active=False)
    id_, outs = applied(plugin, "flag", wanted)
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"active": True, "name": "Theirs."})
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"changes": {}}))
    with running_plugin({**sandbox.environ, "AI_ADMIN_PLAN": str(plan)}) as later:
        _, read, _ = later.read("flag", id_, outs)
        inputs = later.check("flag", wanted, read)
        with refused() as refusal:
            later.update("flag", id_, read, inputs)
    assert "the reviewed plan does not change it" in refusal.text
    assert refusal.text.endswith("; it is off in PostHog")
    live = sandbox.call("GET", f"feature_flags/{id_}/")
    assert (live["active"], live["name"]) == (False, "Theirs.")


def test_a_thousand_reads_are_answered_from_one_paged_list(plugin: Plugin, sandbox: Sandbox) -> None:
    ids = [applied(plugin, "flag", flag(f"many-{number}")) for number in range(120)]
    with running_plugin(sandbox.environ) as later:
        sandbox.requests()
        for id_, outs in ids:
            assert later.read("flag", id_, outs)[0] == id_
    listed = len(sandbox.items("feature_flags"))
    reads = [entry for entry in sandbox.requests() if entry["method"] == "GET" and "limit=1000" not in str(entry)]
    # One per page, one for archived flags, and none per flag; nor one to see whether the key and the project will do.
    assert len(reads) == -(-listed // 100) + 1


def test_a_property_waits_until_posthog_has_met_it(plugin: Plugin, sandbox: Sandbox) -> None:
    wanted = {"name": "tokens_left", "type": "event", "property_type": "Numeric", "description": "Tokens left today."}
    id_, outs = applied(plugin, "property", wanted)
    assert id_ == "pending:event.tokens_left"
    with running_plugin(sandbox.environ) as later:
        inputs = {name: value for name, value in outs.items() if name not in (PROJECT, HOST)}
        assert later.read("property", id_, outs) == (id_, outs, inputs)
    event = {"event": "met", "properties": {"distinct_id": "i", "tokens_left": "many"}}
    sandbox.capture(event)
    with running_plugin(sandbox.environ) as later:
        real, read, _ = later.read("property", id_, outs)
        assert real != id_
        assert read["property_type"] == "String"
        assert changes(later, "property", real, read, wanted).changes == UNSAID
        later.update("property", real, read, later.check("property", wanted))
    [definition] = [item for item in sandbox.items("property_definitions") if item["name"] == "tokens_left"]
    assert (definition["property_type"], definition["description"]) == ("Numeric", "Tokens left today.")
