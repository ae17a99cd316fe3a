"""What a careful stack asks about: what is live already, and who is served otherwise.

By the program's plan and the provider, without an engine; that a refused run of the engine sends nothing is for
``tests/end_to_end/test_safety.py``. The tests share a sandbox, and each has a stack and definitions of its own.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from providers.posthog.errors import Refused
from providers.posthog.kinds import Ref
from tests.support.sandbox import Sandbox
from tests.support.stack import Stack


@pytest.fixture
def careful(stack: Stack) -> Stack:
    stack.configure(careful="true")
    return stack


@pytest.fixture(scope="module")
def colleague(sandbox: Sandbox) -> str:
    """The key of somebody else."""
    return sandbox.user("colleague@example.com", role="admin")


def refused(stack: Stack) -> str:
    """Return why an `up` is refused, by the program or for an object by the provider."""
    with pytest.raises((AssertionError, Refused)) as refusal:
        stack.up()
    return str(refusal.value)


def refused_with(stack: Stack, *consents: str) -> str:
    stack.configure(consent=" ".join(consents))
    return refused(stack)


def live(sandbox: Sandbox, key: str) -> dict[str, Any]:
    [found] = [each for each in sandbox.items("feature_flags") if each["key"] == key]
    return dict(found)


def test_a_colleagues_flag_is_the_base_of_a_first_run(careful: Stack, sandbox: Sandbox, colleague: str) -> None:
    """B1: off, 10 %, three variants with payloads; the file has a key and one condition."""
    variants = [{"key": key, "rollout_percentage": share} for key, share in (("a", 40), ("b", 30), ("c", 30))]
    filters = {
        "groups": [{"properties": [], "rollout_percentage": 10}],
        "multivariate": {"variants": variants},
        "payloads": {"a": "1", "b": "2", "c": "3"},
    }
    body = {"key": "checkout-v2", "active": False, "filters": filters}
    before = sandbox.call("POST", "feature_flags/", body, key=colleague)
    careful.write("flag", "checkout-v2", release_conditions=[{}])
    sandbox.requests()
    assert "add rollout/checkout-v2/0-100 to ai-admin:consent" in refused(careful)
    assert sandbox.writes() == []
    assert live(sandbox, "checkout-v2")["filters"] == before["filters"]
    careful.up("rollout/checkout-v2/0-100")
    assert live(sandbox, "checkout-v2")["active"] is True


def test_a_flag_that_is_live_as_the_file_says_is_adopted(careful: Stack, sandbox: Sandbox, colleague: str) -> None:
    """B2: at 100 % for everybody and for a cohort, on a later run of a careful stack."""
    careful.write("cohort", "beta", name="Beta", properties=[{"key": "channel", "value": "beta"}])
    careful.up()
    cohort = int(careful.resources[Ref("cohort", "beta")]["id"])
    member = {"type": "cohort", "key": "id", "value": cohort, "operator": "in"}
    groups = [{"properties": [], "rollout_percentage": 100}, {"properties": [member], "rollout_percentage": 100}]
    sandbox.call("POST", "feature_flags/", {"key": "b2", "filters": {"groups": groups}}, key=colleague)
    careful.write("flag", "b2", release_conditions=[{}, {"cohort": "beta"}])
    sandbox.requests()
    careful.up()
    assert "flag/b2: adopts FeatureFlag" in "".join(careful.warnings)
    assert sandbox.writes() == []


def test_two_stacks_do_not_own_one_project(careful: Stack, sandbox: Sandbox) -> None:
    """B6: also where this run's project comes from the environment."""
    config = f"config:\n  ai-admin:host: {sandbox.url}\n  ai-admin:project_id: {sandbox.project_id}\n"
    staging = careful.root / "Pulumi.staging.yaml"
    staging.write_text(config)
    careful.write("flag", "b6", release_conditions=[{"rollout_percentage": 10}])
    sandbox.requests()
    said = refused(careful)
    assert "is stack staging's (Pulumi.staging.yaml), so it can't be stack sandbox's as well" in said
    assert sandbox.requests() == []
    staging.write_text(config.replace(f"project_id: {sandbox.project_id}", "project_id: 4711"))
    careful.up()


@pytest.mark.parametrize("named", [("project_id", "4711"), ("host", "https://eu.posthog.com"), ("moved_from", "x")])
def test_a_run_of_another_settings_file_agrees_with_the_stacks_own(
    careful: Stack, sandbox: Sandbox, named: tuple[str, str]
) -> None:
    """`--config-file`: a refresh, and a destroy, would go by the stack's own."""
    (name, other), usual = named, careful.root / "Pulumi.sandbox.yaml"
    careful.write("flag", "b7", release_conditions=[{"rollout_percentage": 10}])
    usual.write_text(f"config:\n  ai-admin:{name}: {other}\n")
    sandbox.requests()
    assert f"Pulumi.sandbox.yaml says ai-admin:{name}={other}, and this run has " in refused(careful)
    assert sandbox.requests() == []
    usual.write_text(f"config:\n  ai-admin:host: {sandbox.url}/\n  ai-admin:project_id: '0{sandbox.project_id}'\n")
    careful.up()
    usual.unlink()
    careful.up()


def test_a_cohorts_change_and_a_payloads_zeros_ask_for_consent(careful: Stack, sandbox: Sandbox) -> None:
    """D1 and D3 in one run: no rollout changes, but one is for other people and one is another number."""
    careful.write("cohort", "d1", name="D1", properties=[{"key": "channel", "value": "beta"}])
    for key, share in (("d1-a", 50), ("d1-b", 100)):
        careful.write("flag", key, release_conditions=[{"cohort": "d1", "rollout_percentage": share}])
    careful.write("flag", "d3-cap", payload=200000, release_conditions=[{}])
    careful.up()
    wider = {"key": "channel", "value": ["beta", "stable", "internal"]}
    careful.write("cohort", "d1", name="D1", properties=[wider])
    careful.write("flag", "d3-cap", payload=200000000, release_conditions=[{}])
    sandbox.requests()
    said = refused(careful)
    assert sandbox.writes() == []
    assert "cohort/d1 changes who is in a release condition of flags that are on" in said
    assert "flag/d1-a (50 %), flag/d1-b (100 %)" in said
    assert "add payload/d3-cap/true/200000-200000000 to" in said
    code = re.search(r"targeting/d1/\w+", said)
    assert code
    careful.up(code[0], "payload/d3-cap/true/200000-200000000")
    assert json.loads(live(sandbox, "d3-cap")["filters"]["payloads"]["true"]) == 200000000


def test_a_holdout_that_keeps_fewer_out_asks_for_consent(careful: Stack, sandbox: Sandbox, colleague: str) -> None:
    def write(share: int) -> None:
        careful.write("holdout", "kept-out", name="Kept out", exclusion_percentage=share)

    variants = [{"key": key, "rollout_percentage": 50} for key in ("control", "test")]
    careful.write("flag", "kept-out", variants=variants, release_conditions=[{}], unmanaged=["holdout"])
    careful.write("experiment", "kept-out", name="Kept out", flag="kept-out", holdout="kept-out")
    write(10)
    careful.up()
    assert live(sandbox, "kept-out")["filters"]["holdout"]["exclusion_percentage"] == 10
    write(5)
    sandbox.requests()
    assert "add withhold/kept-out/10-5 to ai-admin:consent" in refused(careful)
    assert sandbox.writes() == []
    filters = [{"properties": [], "rollout_percentage": 5}]
    sandbox.call("PATCH", careful.path("holdout/kept-out"), {"filters": filters}, key=colleague)
    careful.up()
    write(2)
    careful.up("withhold/kept-out/5-2")
    assert live(sandbox, "kept-out")["filters"]["holdout"]["exclusion_percentage"] == 2
    careful.configure(consent="none")
    careful.write("experiment", "kept-out", name="Kept out", flag="kept-out")
    assert "add withhold/kept-out/2-0 to ai-admin:consent" in refused(careful)
    sandbox.call("PATCH", careful.path("experiment/kept-out"), {"holdout_id": None}, key=colleague)
    careful.up()


def kept_out(stack: Stack, *keys: str, share: int = 5) -> None:
    """Write a holdout, and flags with an experiment each that is in it."""
    [holdout, *_] = keys
    stack.write("holdout", holdout, name=holdout, exclusion_percentage=share)
    variants = [{"key": key, "rollout_percentage": 50} for key in ("control", "test")]
    for key in keys:
        stack.write("flag", key, variants=variants, release_conditions=[{}], unmanaged=["holdout"])
        stack.write("experiment", key, name=key, flag=key, holdout=holdout)


def share_in(sandbox: Sandbox, key: str) -> Any:
    return (live(sandbox, key)["filters"].get("holdout") or {}).get("exclusion_percentage")


def test_a_holdout_that_somebody_raised_is_not_put_back_in_passing(
    careful: Stack, sandbox: Sandbox, colleague: str
) -> None:
    """To keep people out of AI is a switch-off in part."""
    kept_out(careful, "raised", "raised-too", "raised-off")
    careful.up()
    sandbox.call("PATCH", careful.path("flag/raised-off"), {"active": False}, key=colleague)
    raised = {"filters": [{"properties": [], "rollout_percentage": 40}]}
    sandbox.call("PATCH", careful.path("holdout/raised"), raised, key=colleague)
    sandbox.requests()
    said = refused(careful)
    assert "holdout/raised: a holdout keeps 40 % of all out of raised and 40 % of all out of raised-too in" in said
    assert "would keep out 5 %; write `exclusion_percentage: 40` to leave that so; to consent, add" in said
    assert "add withhold/raised/40-5 and withhold/raised-too/40-5 to ai-admin:consent" in said
    assert careful.change("holdout/raised").refused == said
    assert sandbox.writes() == []
    assert "add withhold/raised/40-5 and" in refused_with(careful, "withhold/raised/40-5")
    careful.up("withhold/raised/40-5", "withhold/raised-too/40-5")
    assert share_in(sandbox, "raised") == 5


def test_a_holdout_that_somebody_raised_is_lowered_by_no_consent_to_other_figures(
    careful: Stack, sandbox: Sandbox, colleague: str
) -> None:
    kept_out(careful, "higher")
    careful.up()
    raised = {"filters": [{"properties": [], "rollout_percentage": 40}]}
    sandbox.call("PATCH", careful.path("holdout/higher"), raised, key=colleague)
    kept_out(careful, "higher", share=10)
    assert "add withhold/higher/40-10 to" in refused(careful)
    kept_out(careful, "higher", share=50)
    careful.up()
    assert share_in(sandbox, "higher") == 50
    raised["filters"][0]["rollout_percentage"] = 60
    sandbox.call("PATCH", careful.path("holdout/higher"), raised, key=colleague)
    careful.write("experiment", "higher", name="higher", flag="higher")
    careful.remove("holdout", "higher")
    assert "add withhold/higher/60-0 to" in refused_with(careful, "withhold/higher/50-0")
    assert share_in(sandbox, "higher") == 60
    careful.up("withhold/higher/50-0", "withhold/higher/60-0")
    assert share_in(sandbox, "higher") is None


def test_a_holdout_that_somebody_gave_an_experiment_is_not_taken_from_its_flag_in_passing(
    careful: Stack, sandbox: Sandbox, colleague: str
) -> None:
    careful.write("holdout", "large", name="large", exclusion_percentage=40)
    kept_out(careful, "given")
    careful.up()
    large = {"holdout_id": int(careful.path("holdout/large").split("/")[1])}
    sandbox.call("PATCH", careful.path("experiment/given"), large, key=colleague)
    assert share_in(sandbox, "given") == 40
    sandbox.requests()
    said = refused(careful)
    assert (
        "experiment/given: a holdout keeps 40 % of all out of given in PostHog, and would keep out 5 %; write" in said
    )
    assert "add withhold/given/40-5 to ai-admin:consent" in said
    assert careful.change("experiment/given").refused == said
    careful.write("experiment", "given", name="given", flag="given")
    assert "add withhold/given/40-0 to ai-admin:consent" in refused_with(careful, "withhold/given/5-0")
    assert sandbox.writes() == []
    careful.write("experiment", "given", name="given", flag="given", unmanaged=["holdout"])
    careful.up()
    careful.write("experiment", "given", name="given", flag="given", holdout="given")
    assert "add withhold/given/40-5 to ai-admin:consent" in refused(careful)
    kept_out(careful, "given", share=45)
    careful.remove("holdout", "large")
    assert careful.change("experiment/given").refused == careful.change("holdout/large").refused == ""
    careful.up()
    assert share_in(sandbox, "given") == 45


def test_a_new_experiment_keeps_no_fewer_out_of_a_flag_than_posthog(
    careful: Stack, sandbox: Sandbox, colleague: str
) -> None:
    careful.write("holdout", "theirs", name="theirs", exclusion_percentage=40)
    kept_out(careful, "beforehand")
    careful.remove("experiment", "beforehand")
    careful.up()
    path, filters = careful.path("flag/beforehand"), live(sandbox, "beforehand")["filters"]
    holdout = {"id": int(careful.path("holdout/theirs").split("/")[1]), "exclusion_percentage": 40}
    sandbox.call("PATCH", path, {"filters": {**filters, "holdout": holdout}}, key=colleague)
    kept_out(careful, "beforehand")
    assert "add withhold/beforehand/40-5 to ai-admin:consent" in refused(careful)
    careful.up("withhold/beforehand/40-5")
    assert share_in(sandbox, "beforehand") == 5


def test_a_static_cohort_keeps_its_members_under_another_key(careful: Stack, sandbox: Sandbox) -> None:
    """D4: members that were put in by hand are in no file."""
    careful.write("cohort", "d4", name="D4", is_static=True)
    careful.write("flag", "d4", release_conditions=[{"cohort": "d4"}])
    careful.write("flag", "d4-other", release_conditions=[{"rollout_percentage": 10}])
    careful.up()
    path = careful.path("cohort/d4")
    members = [each["uuid"] for each in sandbox.call("GET", "persons/?limit=2")["results"]]
    sandbox.call("PATCH", f"{path}add_persons_to_static_cohort/", {"person_ids": members})
    careful.remove("cohort", "d4")
    careful.write("cohort", "d4-new", name="D4", is_static=True)
    careful.write("flag", "d4", release_conditions=[{"cohort": "d4-new"}])
    sandbox.requests()
    said = refused(careful)
    assert "a static cohort would go with 2 members that are in PostHog alone" in said
    assert "`renamed_from: d4`" in said
    assert "add members/d4/2 to ai-admin:consent" in said
    careful.write("cohort", "d4-new", name="D4", is_static=True, renamed_from="d4")
    careful.up()
    assert sandbox.writes() == []
    assert careful.path("cohort/d4-new") == path
    assert sandbox.call("GET", path)["count"] == 2


def test_a_flag_goes_off_beside_one_that_somebody_turned_down(careful: Stack, sandbox: Sandbox, colleague: str) -> None:
    """C1: only the provider finds that the other one would jump back, and refuses that alone."""
    named = {"properties": [{"key": "channel", "value": "beta"}]}
    careful.write("flag", "down", release_conditions=[{"rollout_percentage": 70}])
    careful.write("flag", "going", release_conditions=[{"rollout_percentage": 20}])
    careful.write("cohort", "named", name="Named", **named)
    careful.up("rollout/down/0-70")
    careful.configure(consent="none")
    groups = [{"properties": [], "rollout_percentage": 0}]
    down = careful.path("flag/down")
    sandbox.call("PATCH", down, {"filters": {"groups": groups}}, key=colleague)
    careful.write("flag", "going", active=False, release_conditions=[{"rollout_percentage": 20}])
    careful.write("cohort", "named", name="Renamed", **named)
    assert "release condition 1 is at 0 % in PostHog and would grow to 70 %" in refused(careful)
    assert live(sandbox, "going")["active"] is False
    assert live(sandbox, "down")["filters"]["groups"][0]["rollout_percentage"] == 0
    assert "Renamed" in [each["name"] for each in sandbox.items("cohorts")]
    groups[0]["rollout_percentage"] = 100
    sandbox.call("PATCH", down, {"filters": {"groups": groups}}, key=colleague)
    careful.write("flag", "down", release_conditions=[{"rollout_percentage": 100}])
    sandbox.requests()
    careful.up()
    assert sandbox.writes() == [], "the file says what is there"


def test_conditions_that_a_file_takes_back_grow_from_what_posthog_has(
    careful: Stack, sandbox: Sandbox, colleague: str
) -> None:
    careful.write("flag", "taken-back", unmanaged=["release_conditions"])
    careful.up()
    for share, code in ((20, "rollout/taken-back/20-100"), (80, "")):
        groups = [{"properties": [], "rollout_percentage": share}]
        sandbox.call("PATCH", careful.path("flag/taken-back"), {"filters": {"groups": groups}}, key=colleague)
        careful.write("flag", "taken-back", release_conditions=[{}])
        if code:
            assert f"add {code} to" in refused(careful)
    careful.up()


def test_a_cohort_that_somebody_else_uses_is_found_before_anything_is_deleted(
    careful: Stack, sandbox: Sandbox, colleague: str
) -> None:
    for key in ("late", "later"):
        careful.write("cohort", key, name=key, properties=[{"key": "channel", "value": "beta"}])
    careful.up()
    member = {
        "type": "cohort",
        "key": "id",
        "operator": "in",
        "value": int(careful.resources[Ref("cohort", "late")]["id"]),
    }
    body = {"key": "theirs", "filters": {"groups": [{"properties": [member]}]}}
    theirs = sandbox.call("POST", "feature_flags/", body, key=colleague)
    for key in ("late", "later"):
        careful.remove("cohort", key)
    sandbox.requests()
    assert f"cohort/late can't be deleted: the flag 'theirs' ({theirs['id']}) uses it" in refused(careful)
    assert sandbox.writes() == []


def test_a_flag_that_somebody_deleted_is_not_created_on(careful: Stack, sandbox: Sandbox, colleague: str) -> None:
    careful.write("flag", "tokens", release_conditions=[{"rollout_percentage": 10}])
    careful.up()
    path = careful.path("flag/tokens")
    sandbox.call("PATCH", path, {"deleted": True}, key=colleague)
    sandbox.requests()
    said = refused(careful)
    assert "flag/tokens: it was deleted in PostHog (by colleague@example.com on " in said
    assert f"to have it back on, add on/tokens/{path.split('/')[1]} to ai-admin:consent" in said
    assert sandbox.writes() == []


def test_many_deletions_take_a_consent_to_just_these_and_a_flag_is_off_before(careful: Stack, sandbox: Sandbox) -> None:
    for key in ("one", "two"):
        careful.write("cohort", f"gone-{key}", name=f"Gone {key}", properties=[{"key": "channel", "value": key}])
    careful.write("flag", "gone", release_conditions=[{"cohort": "gone-one"}])
    careful.up()
    for kind, key in (("flag", "gone"), ("cohort", "gone-one"), ("cohort", "gone-two")):
        careful.remove(kind, key)
    sandbox.requests()
    said = refused(careful)
    assert "a flag would be deleted while it is on" in said
    assert re.search(r"3 of \d+ objects would be deleted, 1 may be in one run: .* add delete/3/\w+ to", said)
    assert sandbox.writes() == []
    careful.write("flag", "gone", active=False, release_conditions=[{"cohort": "gone-one"}])
    for key in ("one", "two"):
        careful.write("cohort", f"gone-{key}", name=f"Gone {key}", properties=[{"key": "channel", "value": key}])
    careful.up()
    for kind, key in (("flag", "gone"), ("cohort", "gone-one"), ("cohort", "gone-two")):
        careful.remove(kind, key)
    [code] = re.findall(r"add (delete/3/\w+) to", refused(careful))
    careful.up(code)
    assert [ref for ref in careful.resources if ref.key.startswith("gone")] == []
    assert "gone" not in {item["key"] for item in sandbox.items("feature_flags")}
    assert not {"Gone one", "Gone two"} & {item["name"] for item in sandbox.items("cohorts")}
