"""What a file changes and what is left to PostHog's pages do not fit: it is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from providers.posthog.errors import Refused
from providers.posthog.inputs import PROBLEM, Metadata, to_inputs
from providers.posthog.kinds.flag import ENCRYPTED
from tests.support.runs import Runs
from tests.support.sandbox import NEWER, Sandbox, running_sandbox

A, B = ({"key": key, "rollout_percentage": 100} for key in "ab")
ALL = [{"properties": [], "rollout_percentage": 100}]


def as_b(conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "variant": "b"} for each in conditions]


@pytest.mark.parametrize(
    ("left", "before", "by_hand", "after", "said"),
    [
        (
            "payloads",
            {"variants": [A]},
            {"filters": {"groups": ALL, "multivariate": {"variants": [A]}, "payloads": {"a": "1"}}},
            {"variants": [B]},
            "there is a payload for 'a', and the variants are b",
        ),
        (
            "payloads",
            {"variants": [A]},
            {"filters": {"groups": ALL, "multivariate": {"variants": [A]}, "payloads": {"a": "1"}}},
            {},
            "there is a payload for 'a', and the flag has no variants",
        ),
        (
            "variants",
            {},
            {"filters": {"groups": ALL, "multivariate": {"variants": [A]}}},
            {"release_conditions": as_b(ALL)},
            "the condition 'everybody' serves 'b', and the variants are a",
        ),
        ("archived", {"active": False}, {"archived": True}, {"active": True}, "it would be on and archived"),
        (
            "bucketing_identifier",
            {},
            {"bucketing_identifier": "device_id"},
            {"ensure_experience_continuity": True},
            "its shares would be of devices, for which there is no ensure_experience_continuity",
        ),
    ],
    ids=["another variant", "no variant", "a condition's variant", "archived", "devices"],
)
def test_a_change_that_does_not_fit_is_refused(
    sandbox: Sandbox,
    request: pytest.FixtureRequest,
    left: str,
    before: dict[str, Any],
    by_hand: dict[str, Any],
    after: dict[str, Any],
    said: str,
) -> None:
    runs = Runs(sandbox, {})
    key = f"left-{request.node.callspec.id.replace(' ', '-').replace(chr(39), '')}"

    def wanted(id_: str = "", **more: Any) -> dict[str, Any]:
        meta = Metadata(f"flag/{key}", id=id_)
        return to_inputs({"key": key, "release_conditions": ALL, "unmanaged": [left], **more}, meta)

    provider = runs.new_run("flag")
    created = provider.create(provider.check({}, wanted(**before)).inputs)
    id_ = created.id or ""
    sandbox.call("PATCH", f"feature_flags/{id_}/", by_hand)
    provider = runs.new_run("flag")
    read = {**(provider.read(id_, {**(created.outs or {})}).outs or {})}
    sandbox.requests()
    assert PROBLEM not in provider.check(read, wanted(id_, **{**before, "description": "Not about that"})).inputs
    news = {**provider.check(read, wanted(id_, **after)).inputs}
    assert sandbox.requests() == [], "it is known from the refresh"
    assert news[PROBLEM] == (
        f"flag/{key}: it does not fit what is left to PostHog's pages ({left}): {said}; change the one or the other"
    )
    del news[PROBLEM]
    with pytest.raises(Refused, match="PostHog answered 400"):
        provider.update(id_, read, news)
    taken_back = {**before, **after, left: read.get(left), "unmanaged": []}
    assert PROBLEM not in provider.check(read, wanted(id_, **taken_back)).inputs


def test_a_new_object_can_not_leave_what_posthog_makes_none_without(sandbox: Sandbox) -> None:
    """It is refused beside the plan, and not by PostHog's 400 in the run; what is adopted has it already."""
    query = {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode"}]}}
    insight = sandbox.call("POST", "insights/", {"name": "Left", "query": query})["id"]
    wanted = {"name": "Left to them", "insight": insight, "unmanaged": ["threshold"]}

    def problem() -> str:
        inputs = Runs(sandbox, {}).new_run("alert").check({}, to_inputs(wanted, Metadata("alert/left"))).inputs
        return str(inputs.get(PROBLEM, ""))

    assert problem() == (
        "alert/left: PostHog makes none without threshold, which is left to its pages (unmanaged): write it into the "
        "file for the first up"
    )
    bounds = {"configuration": {"type": "absolute", "bounds": {"upper": 5}}}
    made = {"name": "Left to them", "insight": insight, "threshold": bounds, "subscribed_users": []}
    made |= {"condition": {"type": "absolute_value"}, "config": {"type": "TrendsAlertConfig", "series_index": 0}}
    sandbox.call("POST", "alerts/", made)
    assert problem() == ""


def test_an_adoption_that_does_not_fit_is_refused(sandbox: Sandbox) -> None:
    filters = {"groups": ALL, "multivariate": {"variants": [A]}, "payloads": {"a": "1"}}
    sandbox.call("POST", "feature_flags/", {"key": "left-adopted", "filters": filters})
    provider = Runs(sandbox, {}).new_run("flag")

    def problem(*variants: dict[str, Any]) -> str:
        wanted = {"key": "left-adopted", "release_conditions": ALL, "variants": [*variants], "unmanaged": ["payloads"]}
        return str(provider.check({}, to_inputs(wanted, Metadata("flag/left-adopted"))).inputs.get(PROBLEM, ""))

    assert "there is a payload for 'a', and the variants are b; change the one or the other" in problem(B)
    assert problem(A) == ""


def test_what_did_not_fit_before_is_in_nobodys_way(tmp_path: Path) -> None:
    """Later versions keep a payload without its variant: its flag's rollout goes on."""
    wanted = {"key": "stale", "variants": [A], "release_conditions": ALL, "unmanaged": ["payloads"]}
    with running_sandbox(tmp_path, **NEWER) as sandbox:
        provider = Runs(sandbox, {}).new_run("flag")
        created = provider.create(provider.check({}, to_inputs(wanted, Metadata("flag/stale"))).inputs)
        filters = {"groups": ALL, "multivariate": {"variants": [A]}, "payloads": {"a": "2", "gone": "1"}}
        sandbox.call("PATCH", f"feature_flags/{created.id}/", {"filters": filters})
        provider = Runs(sandbox, {}).new_run("flag")
        read = {**(provider.read(created.id or "", {**(created.outs or {})}).outs or {})}

        def check(**more: Any) -> dict[str, Any]:
            meta = Metadata("flag/stale", id=created.id or "")
            return {**provider.check(read, to_inputs({**wanted, **more}, meta)).inputs}

        news = check(release_conditions=[{"properties": [], "rollout_percentage": 60}])
        assert PROBLEM not in news
        provider.update(created.id or "", read, news)
        live = sandbox.call("GET", f"feature_flags/{created.id}/")["filters"]
        assert (live["groups"][0]["rollout_percentage"], live["payloads"]) == (60, {"a": "2", "gone": "1"})
        new = check(variants=[B])[PROBLEM]
        assert "(payloads): there is a payload for 'a', and the variants are b; change the one" in new, "not so before"


def test_encrypted_payloads_are_no_definitions_and_stay_encrypted(sandbox: Sandbox) -> None:
    """A personal API key reads them in clear; what is sent without the mark PostHog would store so."""
    filters = {"groups": ALL, "payloads": {"true": '"s3cret"'}}
    body = {"key": "sealed", "filters": filters, "is_remote_configuration": True, "has_encrypted_payloads": True}
    id_ = str(sandbox.call("POST", "feature_flags/", body)["id"])
    provider = Runs(sandbox, {}).new_run("flag")
    wanted = {"key": "sealed", "release_conditions": ALL, "is_remote_configuration": True}

    def checked(olds: dict[str, Any], **more: Any) -> dict[str, Any]:
        meta = Metadata("flag/sealed", id=id_ if olds else "")
        return {**provider.check(olds, to_inputs({**wanted, **more}, meta)).inputs}

    refused = "flag/sealed: its payloads are not the file's to say: PostHog keeps them encrypted, and definitions hold "
    refused += "no secrets; write `unmanaged: [payloads]`"
    for payloads in ({}, {"true": '"s3cret"'}, {"true": ENCRYPTED}):
        assert checked({}, payloads=payloads)[PROBLEM] == refused
    created = provider.create(checked({}, unmanaged=["payloads"]))
    state = provider.read(id_, {**(created.outs or {})}).outs or {}
    assert created.id == id_
    fewer = checked({**state}, unmanaged=["payloads"], release_conditions=[{**ALL[0], "rollout_percentage": 10}])
    assert PROBLEM not in fewer
    sandbox.requests()
    provider.update(id_, {**state}, fewer)
    [sent] = [each["body"] for each in sandbox.requests() if each["method"] == "PATCH"]
    assert sent["has_encrypted_payloads"] is True
    assert sent["filters"]["payloads"] == filters["payloads"]
    assert checked({**state}, payloads={"true": '"new"'})[PROBLEM] == refused
    refreshed = provider.read(id_, to_inputs(wanted, Metadata("flag/sealed"))).outs
    assert "s3cret" not in str([created.outs, state, refreshed])
    in_clear = to_inputs({**wanted, "payloads": filters["payloads"]}, Metadata("flag/sealed"))
    assert "s3cret" in str(in_clear)
    assert "s3cret" not in str(provider.read(id_, in_clear).outs), "applied before PostHog kept it encrypted"
