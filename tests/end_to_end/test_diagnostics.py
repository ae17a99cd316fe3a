"""What people are told by a plain `pulumi preview` and `pulumi up`: adoptions, failures, and what waits.

The tests run in this order on one stack.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from providers.posthog.inputs import NAME
from providers.posthog.kinds.base import APPLIED
from tests.support.project import Project
from tests.support.sandbox import REPOSITORY, Sandbox

UP, PREVIEW = ("up", "--yes", "--skip-preview", "--stack", "sandbox"), ("preview", "--stack", "sandbox")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    return Project(tmp_path_factory.mktemp("diagnostics") / "ai", sandbox)


def flag(rollout: int, key: str = "known") -> str:
    return f"key: {key}\nrelease_conditions:\n  - rollout_percentage: {rollout}\n"


def applied(project: Project) -> list[tuple[Any, Any]]:
    """The inputs and outputs of our resources in the state, without what was applied before an approval.

    The inputs of what a run changed have its metadata.
    """
    resources = [each for each in project.state() if "/posthog:" in each["type"]]
    return [({**each["inputs"], NAME: None}, {**each["outputs"], APPLIED: None}) for each in resources]


def diagnostics(printed: str) -> list[str]:
    """The lines of the summary at the end, without the names of resources above them."""
    return [line.strip() for line in printed.split("Diagnostics:")[1].splitlines() if line.startswith("    ")]


def test_an_adoption_is_announced_a_change_under_approval_is_no_failure_and_a_moved_line_no_change(
    project: Project, sandbox: Sandbox
) -> None:
    groups = [{"properties": [], "rollout_percentage": 10}]
    id_ = sandbox.call("POST", "feature_flags/", {"key": "known", "filters": {"groups": groups}})["id"]
    project.write("flags/known.yaml", flag(20))
    said = (
        f"flags/known.yaml:1:1: flag/known: adopts FeatureFlag {id_}, which exists in PostHog; "
        'would change: release_conditions [{"properties": [], "rollout_percentage": 10}] -> '
        '[{"properties": [], "rollout_percentage": 20}]'
    )
    sandbox.requests()
    assert [line for line in diagnostics(project.up()) if ": " in line] == [f"warning: {said}"]
    assert [method for method, _, _ in sandbox.writes()] == ["PATCH"]
    state = json.dumps(applied(project))

    sandbox.call("PATCH", "/_sandbox/settings", {"approvals": True})
    project.write("flags/known.yaml", flag(30))
    [said] = [line for line in diagnostics(project.up()) if "waits for approval" in line]
    [request] = sandbox.items("change_requests")
    link = f"{sandbox.url}/project/1/approvals/{request['id']}"
    assert re.fullmatch(
        rf"warning: flags/known.yaml:1:1: flag/known: waits for approval since 20[0-9 :-]+ UTC: {link}", said
    )
    sandbox.call("POST", f"change_requests/{request['id']}/approve/", {})
    sandbox.call("PATCH", "/_sandbox/settings", {"approvals": False})
    sandbox.requests()

    project.write("flags/known.yaml", f"# Moved by two lines.\n\n{flag(30)}adopt: '{id_}'\n")
    applied_at_last = project.up()
    assert "Diagnostics:" not in applied_at_last
    assert "2 unchanged" in applied_at_last
    assert sandbox.writes() == []
    changed = state.replace('"rollout_percentage": 20', '"rollout_percentage": 30')
    assert json.loads(json.dumps(applied(project))) == json.loads(changed)


def test_a_failure_is_one_line_what_refers_to_it_waits_and_the_rest_is_applied(
    project: Project, sandbox: Sandbox
) -> None:
    """Of a cohort that can't be made, what refers to it is left out; of one that can't be changed, it keeps its id."""
    leaf = {"type": "person", "key": "v", "value": "x", "operator": "exact"}
    criteria = {"properties": {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}}
    old = sandbox.call("POST", "cohorts/", {"name": "Old", "filters": criteria})["id"]
    project.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    for key in ("new", "old"):
        cohort = f"key: {key}\nname: {key.title()}\nproperties: [{{key: v, value: 'x'}}]\n"
        project.write(f"cohorts/{key}.yaml", cohort)
        project.write(f"flags/needs-{key}.yaml", f"key: needs-{key}\nrelease_conditions: [{{cohort: {key}}}]\n")
    tiles = "tiles: [{insight: {key: i, name: I, sql: {query: select 1}}}]\n"
    project.write("dashboards/board.yaml", f"key: board\nname: Board\n{tiles}")
    # Waits for the tiles: the SDK ends a program that waits for something that fails.
    when = "frequency: weekly\nbyweekday: [monday]\nstart_date: 2026-01-05T08:00:00Z\n"
    board = "dashboard: board\ninsights: [i]\ntarget: {email: [admin@example.com]}\n"
    project.write("subscriptions/weekly.yaml", f"key: weekly\ntitle: Weekly\n{board}{when}")
    for name in ("one", "two", "three"):
        project.write(f"flags/{name}.yaml", flag(20, name))
    refusal = {"kind": "error_before", "status": 400}
    with sandbox.faults({**refusal, "methods": ["POST"], "path": "/(cohorts|dashboards)/"}):
        done = project.run(*UP)
    assert done.returncode == 1
    assert (
        "error: Exception calling application: flags/needs-new.yaml:1:1: flag/needs-new: left out, as it refers to "
        "cohort/new, which was not applied; run again once that is there"
    ) in diagnostics(done.stdout)
    assert "Traceback" not in done.stdout
    flags = {"known", "one", "two", "three", "needs-old"}
    assert {each["key"] for each in sandbox.items("feature_flags")} == flags

    project.edit("cohorts/old.yaml", "value: 'x'", "value: 'y'")  # needs-old does not change
    for name in ("one", "two"):
        project.write(f"flags/{name}.yaml", flag(30, name))
    with sandbox.faults({**refusal, "methods": ["PATCH"], "path": "/cohorts/"}):
        done = project.run(*UP)
    assert done.returncode == 1
    errors = [line for line in diagnostics(done.stdout) if line.startswith("error: ")]
    assert [line for line in errors if line != "error: update failed"] == [
        "error: Exception calling application: cohorts/old.yaml:1:1: cohort/old: "
        f"PostHog answered 400 to PATCH /api/projects/1/cohorts/{old}/: Bad Request; correct the definition"
    ]
    assert "Traceback" not in done.stdout
    groups = {each["key"]: each["filters"]["groups"][0] for each in sandbox.items("feature_flags")}
    assert groups.keys() == {*flags, "needs-new"}
    assert [groups[key]["rollout_percentage"] for key in ("one", "two", "three")] == [30, 30, 20]
    assert "New" in {each["name"] for each in sandbox.items("cohorts")}


def test_the_exit_codes_are_those_of_the_page_and_the_sdks_steps_are_shown_on_request(project: Project) -> None:
    """Each message of the SDK's is a call that the program waits for, four for each resource, shown or not."""
    page = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    table = page.split("## Exit codes of Pulumi\n")[1].split("\n## ")[0]
    documented = set(map(int, re.findall(r"^\| (\d+) \|", table, re.M)))
    project.configure("careful", "true")
    project.write("flags/known.yaml", flag(90))
    usual = project.run(*PREVIEW, "--debug")
    project.configure("careful", "false")
    asked = project.run(*PREVIEW, "--debug", "--expect-no-changes", environ={"AI_ADMIN_TRACEBACK": "1"})
    said = "debug: registering resource: ty=pulumi-python:dynamic/posthog:FeatureFlag"
    assert (said in usual.stdout, said in asked.stdout) == (False, True)
    nowhere = project.run("preview", "--stack", "nowhere")
    seen = [run.returncode for run in (usual, nowhere, asked)]
    assert seen == [1, 6, 7]
    assert {0, *seen} == documented, "0 is what every `up` above ended with that was to succeed"
