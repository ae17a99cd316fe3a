"""What people are told by a plain `pulumi preview` and `pulumi up`: adoptions, failures, and what waits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.project import STATE, Project
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox

UP = ("up", "--yes", "--skip-preview", "--stack", "sandbox")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Project:
    return Project(tmp_path / "ai", sandbox)


def flag(rollout: int, key: str = "known") -> str:
    return f"key: {key}\nrelease_conditions:\n  - rollout_percentage: {rollout}\n"


def applied(project: Project) -> list[dict[str, Any]]:
    """Our resources as the state file holds them."""
    [path] = (project.folder / STATE).rglob("stacks/ai-admin/sandbox.json")
    resources = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
    return [resource for resource in resources if "/posthog:" in resource["type"]]


def diagnostics(printed: str) -> list[str]:
    """The lines of the summary at the end, without the names of resources above them."""
    return [line.strip() for line in printed.split("Diagnostics:")[1].splitlines() if line.startswith("    ")]


def test_an_adoption_is_announced_and_a_moved_line_is_no_change(project: Project, sandbox: Sandbox) -> None:
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

    state = applied(project)
    project.write("flags/known.yaml", f"# Moved by two lines.\n\n{flag(20)}adopt: '{id_}'\n")
    shown = project.pulumi("preview", "--diff", "--stack", "sandbox")
    assert "flag/known" not in shown
    assert "2 unchanged" in shown
    project.up()
    assert [(each["inputs"], each["outputs"]) for each in applied(project)] == [
        (each["inputs"], each["outputs"]) for each in state
    ]


def test_a_failure_is_one_line_what_refers_to_it_waits_and_the_rest_is_applied(
    project: Project, sandbox: Sandbox
) -> None:
    project.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    project.write("cohorts/c.yaml", "key: c\nname: C\nproperties: [{key: v, value: 'x'}]\n")
    project.write("flags/needs-c.yaml", "key: needs-c\nrelease_conditions: [{cohort: c}]\n")
    tiles = "tiles: [{insight: {key: i, name: I, sql: {query: select 1}}}]\n"
    project.write("dashboards/board.yaml", f"key: board\nname: Board\n{tiles}")
    # Waits for the tiles: the SDK ends a program that waits for something that fails.
    when = "frequency: weekly\nbyweekday: [monday]\nstart_date: 2026-01-05T08:00:00Z\n"
    board = "dashboard: board\ninsights: [i]\ntarget: {email: [admin@example.com]}\n"
    project.write("subscriptions/weekly.yaml", f"key: weekly\ntitle: Weekly\n{board}{when}")
    for name in ("one", "two", "three"):
        project.write(f"flags/{name}.yaml", flag(20, name))
    strike(sandbox, "POST")
    done = project.run(*UP)
    assert done.returncode == 1
    assert (
        "error: Exception calling application: flags/needs-c.yaml:1:1: flag/needs-c: left out, as it refers to "
        "cohort/c, which was not applied; run again once that is there"
    ) in diagnostics(done.stdout)
    assert "Traceback" not in done.stdout
    assert {each["key"] for each in sandbox.items("feature_flags")} == {"one", "two", "three"}

    requests.delete(f"{sandbox.url}/_sandbox/faults", timeout=10)
    project.up()
    assert {each["key"] for each in sandbox.items("feature_flags")} == {"one", "two", "three", "needs-c"}

    strike(sandbox, "PATCH")
    project.edit("cohorts/c.yaml", "value: 'x'", "value: 'y'")  # needs-c does not change
    project.write("cohorts/new.yaml", "key: new\nname: New\nproperties: [{key: v, value: 'z'}]\n")
    for name in ("one", "two"):
        project.write(f"flags/{name}.yaml", flag(30, name))
    done = project.run(*UP)
    assert done.returncode == 1
    errors = [line for line in diagnostics(done.stdout) if line.startswith("error: ")]
    assert [line for line in errors if line != "error: update failed"] == [
        "error: Exception calling application: cohorts/c.yaml:1:1: cohort/c: "
        f"PostHog answered 400 to PATCH /api/projects/1/cohorts/{project.outputs()['cohort/c']['id']}/: Bad Request; "
        "correct the definition"
    ]
    assert "Traceback" not in done.stdout
    groups = {each["key"]: each["filters"]["groups"][0] for each in sandbox.items("feature_flags")}
    assert [groups[key]["rollout_percentage"] for key in ("one", "two", "three")] == [30, 30, 20]
    assert "New" in {each["name"] for each in sandbox.items("cohorts")}


def strike(sandbox: Sandbox, method: str) -> None:
    """Let PostHog refuse all such requests for cohorts."""
    rule = {"kind": "error_before", "methods": [method], "path": "/(cohorts|dashboards)/", "status": 400}
    requests.put(f"{sandbox.url}/_sandbox/faults", json={"seed": 1, "rules": [rule]}, timeout=10).raise_for_status()


def test_a_change_under_approval_is_no_failure(project: Project, sandbox: Sandbox) -> None:
    project.write("flags/known.yaml", flag(20))
    project.up()
    sandbox.call("PATCH", "/_sandbox/settings", {"approvals": True})
    project.write("flags/known.yaml", flag(30))
    [said] = [line for line in diagnostics(project.up()) if "waits for approval" in line]
    [request] = sandbox.items("change_requests")
    link = f"{sandbox.url}/project/1/approvals/{request['id']}"
    assert re.fullmatch(
        rf"warning: flags/known.yaml:1:1: flag/known: waits for approval since 20[0-9 :-]+ UTC: {link}", said
    )
    sandbox.call("POST", f"change_requests/{request['id']}/approve/", {})
    applied_at_last = project.up()
    assert "Diagnostics:" not in applied_at_last
    assert "2 unchanged" in applied_at_last


def test_the_exit_codes_are_those_of_the_page_and_the_sdks_steps_are_shown_on_request(project: Project) -> None:
    """Each message of the SDK's is a call that the program waits for, four for each resource, shown or not."""
    page = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    table = page.split("## Exit codes of Pulumi\n")[1].split("\n## ")[0]
    documented = set(map(int, re.findall(r"^\| (\d+) \|", table, re.M)))
    project.write("flags/known.yaml", flag(20))
    preview = ("preview", "--stack", "sandbox")
    usual = project.run(*preview, "--debug")
    seen = {
        usual.returncode: 0,
        project.run("preview", "--stack", "nowhere").returncode: 6,
    }
    said = "debug: registering resource: ty=pulumi-python:dynamic/posthog:FeatureFlag"
    assert said not in usual.stdout
    asked = project.run(*preview, "--debug", "--expect-no-changes", environ={"AI_ADMIN_TRACEBACK": "1"})
    assert said in asked.stdout
    seen[asked.returncode] = 7
    project.write("flags/known.yaml", "key: known\ncolour: red\n")
    seen[project.run(*preview).returncode] = 1
    assert all(code == expected for code, expected in seen.items())
    assert set(seen) == documented
