"""What a careful stack asks about, with the real CLI: what is live already, and who is served otherwise.

The tests share a sandbox, and each has a stack and definitions of its own.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from tests.support.project import Project
from tests.support.sandbox import Sandbox

PREVIEW, UP = ("preview",), ("up", "--yes", "--skip-preview")
KNOWN = "key: installation\ntype: person\nproperties: {channel: {type: String}}\n"


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    made = Project(tmp_path_factory.mktemp("careful") / "ai", sandbox)
    made.configure("careful", "true")
    made.write("events/installation.yaml", KNOWN)
    return made


@pytest.fixture(scope="module")
def colleague(sandbox: Sandbox) -> str:
    """The key of somebody else."""
    user = {"email": "colleague@example.com", "role": "admin"}
    return str(sandbox.call("POST", "/_sandbox/users", user)["personal_api_key"])


def refused(project: Project, *arguments: str) -> str:
    run = project.run(*arguments, "--stack", "sandbox")
    assert run.returncode != 0, run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    return run.stdout.split("Diagnostics:")[1]


def live(sandbox: Sandbox, key: str) -> dict[str, Any]:
    [found] = [each for each in sandbox.items("feature_flags") if each["key"] == key]
    return dict(found)


def consent(project: Project, codes: str) -> None:
    project.configure("consent", codes)


def test_a_colleagues_flag_is_the_base_of_a_first_run(project: Project, sandbox: Sandbox, colleague: str) -> None:
    """B1: off, 10 %, three variants with payloads; the file has a key and one condition."""
    variants = [{"key": key, "rollout_percentage": share} for key, share in (("a", 40), ("b", 30), ("c", 30))]
    filters = {
        "groups": [{"properties": [], "rollout_percentage": 10}],
        "multivariate": {"variants": variants},
        "payloads": {"a": "1", "b": "2", "c": "3"},
    }
    body = {"key": "checkout-v2", "active": False, "filters": filters}
    before = sandbox.call("POST", "feature_flags/", body, key=colleague)
    project.write("flags/checkout-v2.yaml", "key: checkout-v2\nrelease_conditions: [{}]\n")
    sandbox.requests()
    assert "add rollout/checkout-v2/0-100 to ai-admin:consent" in refused(project, *UP)
    assert sandbox.writes() == []
    assert live(sandbox, "checkout-v2")["filters"] == before["filters"]
    consent(project, "rollout/checkout-v2/0-100")
    project.up()
    assert live(sandbox, "checkout-v2")["active"] is True


def test_a_flag_that_is_live_as_the_file_says_is_adopted(project: Project, sandbox: Sandbox, colleague: str) -> None:
    """B2: at 100 % for everybody and for a cohort, on a later run of a careful stack."""
    project.write("cohorts/beta.yaml", "key: beta\nname: Beta\nproperties: [{key: channel, value: beta}]\n")
    project.up()
    cohort = int(project.outputs()["cohort/beta"]["id"])
    member = {"type": "cohort", "key": "id", "value": cohort, "operator": "in"}
    groups = [{"properties": [], "rollout_percentage": 100}, {"properties": [member], "rollout_percentage": 100}]
    sandbox.call("POST", "feature_flags/", {"key": "b2", "filters": {"groups": groups}}, key=colleague)
    project.write("flags/b2.yaml", "key: b2\nrelease_conditions: [{}, {cohort: beta}]\n")
    sandbox.requests()
    assert "adopts FeatureFlag" in project.up()
    assert sandbox.writes() == []


def test_two_stacks_do_not_own_one_project(project: Project, sandbox: Sandbox) -> None:
    """B6: also where this run's project comes from the environment."""
    config = f"config:\n  ai-admin:host: {sandbox.url}\n  ai-admin:project_id: {sandbox.project_id}\n"
    project.write("Pulumi.staging.yaml", config)
    project.write("flags/b6.yaml", "key: b6\nrelease_conditions: [{rollout_percentage: 10}]\n")
    sandbox.requests()
    said = refused(project, *UP)
    assert "is stack staging's (Pulumi.staging.yaml), so it can't be stack sandbox's as well" in said
    assert sandbox.requests() == []
    project.write("Pulumi.staging.yaml", config.replace(f"project_id: {sandbox.project_id}", "project_id: 4711"))
    project.pulumi(*PREVIEW, "--stack", "sandbox")


def test_a_cohorts_change_and_a_payloads_zeros_ask_for_consent(project: Project, sandbox: Sandbox) -> None:
    """D1 and D3 in one run: no rollout changes, but one is for other people and one is another number."""
    cohort = "key: d1\nname: D1\nproperties: [{key: channel, value: beta}]\n"
    project.write("cohorts/d1.yaml", cohort)
    for key, share in (("d1-a", 50), ("d1-b", 100)):
        project.write(
            f"flags/{key}.yaml", f"key: {key}\nrelease_conditions: [{{cohort: d1, rollout_percentage: {share}}}]\n"
        )
    cap = "key: d3-cap\npayload: 200000\nrelease_conditions: [{}]\n"
    project.write("flags/d3-cap.yaml", cap)
    project.up()
    project.write("cohorts/d1.yaml", cohort.replace("beta}", "[beta, stable, internal]}"))
    project.write("flags/d3-cap.yaml", cap.replace("200000", "200000000"))
    sandbox.requests()
    said = refused(project, *UP)
    assert sandbox.writes() == []
    assert "cohort/d1 changes who is in a release condition of flags that are on" in said
    assert "flag/d1-a (50 %), flag/d1-b (100 %)" in said
    assert "add payload/d3-cap/true/200000-200000000 to" in said
    code = re.search(r"targeting/d1/\w+", said)
    assert code
    consent(project, f"{code[0]} payload/d3-cap/true/200000-200000000")
    project.up()
    assert json.loads(live(sandbox, "d3-cap")["filters"]["payloads"]["true"]) == 200000000


def test_a_static_cohort_keeps_its_members_under_another_key(project: Project, sandbox: Sandbox) -> None:
    """D4: members that were put in by hand are in no file."""
    project.write("cohorts/d4.yaml", "key: d4\nname: D4\nis_static: true\n")
    project.write("flags/d4.yaml", "key: d4\nrelease_conditions: [{cohort: d4}]\n")
    project.write("flags/d4-other.yaml", "key: d4-other\nrelease_conditions: [{rollout_percentage: 10}]\n")
    project.up()
    id_ = project.outputs()["cohort/d4"]["id"]
    people = [person(sandbox, name) for name in ("d4-one", "d4-two")]
    sandbox.call("PATCH", f"cohorts/{id_}/add_persons_to_static_cohort/", {"person_ids": people})
    (project.folder / "cohorts" / "d4.yaml").unlink()
    project.write("cohorts/d4-new.yaml", "key: d4-new\nname: D4\nis_static: true\n")
    project.write("flags/d4.yaml", "key: d4\nrelease_conditions: [{cohort: d4-new}]\n")
    sandbox.requests()
    said = refused(project, *UP)
    assert "a static cohort would go with 2 members that are in PostHog alone" in said
    assert "`renamed_from: d4`" in said
    assert "add members/d4/2 to ai-admin:consent" in said
    project.write("cohorts/d4-new.yaml", "key: d4-new\nname: D4\nis_static: true\nrenamed_from: d4\n")
    project.up()
    assert sandbox.writes() == []
    assert project.outputs()["cohort/d4-new"]["id"] == id_
    assert sandbox.call("GET", f"cohorts/{id_}/")["count"] == 2


def person(sandbox: Sandbox, distinct_id: str) -> str:
    """Make a person as an SDK does, and return their id."""
    event = {"api_key": sandbox.project_api_key, "event": "seen", "distinct_id": distinct_id, "properties": {}}
    assert requests.post(f"{sandbox.url}/i/v0/e/", json=event, timeout=10).ok
    [found] = sandbox.call("GET", f"persons/?distinct_id={distinct_id}")["results"]
    return str(found["uuid"])


def test_a_stack_is_destroyed_with_consent_or_because_it_is_disposable(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> None:
    """D5: this stack is not careful; the sandbox's own says that it is disposable."""
    project = Project(tmp_path_factory.mktemp("disposable") / "ai", sandbox)
    project.pulumi("config", "rm", "ai-admin:disposable", "--stack", "sandbox")
    project.write("flags/d5.yaml", "key: d5\nrelease_conditions: [{rollout_percentage: 10}]\n")
    project.up()
    said = refused(project, "destroy", "--yes", "--skip-preview")
    assert f"add destroy/{sandbox.project_id} to ai-admin:consent" in said
    assert live(sandbox, "d5")["active"] is True
    project.configure("disposable", "true")
    project.up()
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "sandbox")
    assert "d5" not in {each["key"] for each in sandbox.items("feature_flags")}


def test_a_flag_goes_off_beside_one_that_somebody_turned_down(
    project: Project, sandbox: Sandbox, colleague: str
) -> None:
    """C1: only the provider finds that the other one would jump back, and refuses that alone."""
    project.write("flags/down.yaml", "key: down\nrelease_conditions: [{rollout_percentage: 70}]\n")
    project.write("flags/going.yaml", "key: going\nrelease_conditions: [{rollout_percentage: 20}]\n")
    project.write("cohorts/named.yaml", "key: named\nname: Named\nproperties: [{key: channel, value: beta}]\n")
    consent(project, "rollout/down/0-70")
    project.up()
    consent(project, "none")
    groups = [{"properties": [], "rollout_percentage": 0}]
    down = f"feature_flags/{live(sandbox, 'down')['id']}/"
    sandbox.call("PATCH", down, {"filters": {"groups": groups}}, key=colleague)
    project.edit("flags/going.yaml", "key: going\n", "key: going\nactive: false\n")
    project.edit("cohorts/named.yaml", "name: Named", "name: Renamed")
    assert "release condition 1 is at 0 % in PostHog and would grow to 70 %" in refused(project, *UP)
    assert live(sandbox, "going")["active"] is False
    assert live(sandbox, "down")["filters"]["groups"][0]["rollout_percentage"] == 0
    assert "Renamed" in [each["name"] for each in sandbox.items("cohorts")]
    groups[0]["rollout_percentage"] = 100
    sandbox.call("PATCH", down, {"filters": {"groups": groups}}, key=colleague)
    project.edit("flags/down.yaml", "70", "100")
    sandbox.requests()
    project.up()
    assert sandbox.writes() == [], "the file says what is there"
