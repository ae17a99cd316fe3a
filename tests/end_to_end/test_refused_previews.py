"""A preview shows all refusals of a change together with the plan."""

from __future__ import annotations

import re

import pytest

from tests.support.project import Project
from tests.support.sandbox import Sandbox

PREVIEW, UP = ("preview",), ("up", "--yes", "--skip-preview")


def flag(key: str, share: int = 10) -> str:
    return f"key: {key}\nrelease_conditions: [{{rollout_percentage: {share}}}]\n"


def failed(project: Project, *arguments: str, **environ: str) -> str:
    """Return what a run printed that must fail; what is said meanwhile stands once more under Diagnostics."""
    run = project.run(*arguments, "--stack", "sandbox", environ=environ)
    assert run.returncode != 0, run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    progress, diagnostics = run.stdout.split("Diagnostics:")
    return "".join(line for line in progress.splitlines(True) if "error: " not in line) + diagnostics


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    return Project(tmp_path_factory.mktemp("refused") / "ai", sandbox)


def test_all_that_can_not_be_adopted_is_named_in_one_preview(project: Project, sandbox: Sandbox) -> None:
    """B5: three names that two cohorts each have; what does not depend on them is applied."""
    project.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    leaf = {"type": "person", "key": "v", "value": "theirs", "operator": "exact"}
    criteria = {"properties": {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}}
    names = ("One", "Two", "Three")
    for name in (*names, *names):
        sandbox.call("POST", "cohorts/", {"name": name, "filters": criteria})
    for name in names:
        project.write(
            f"cohorts/{name.lower()}.yaml",
            f"key: {name.lower()}\nname: {name}\nproperties: [{{key: v, value: ours}}]\n",
        )
    project.write("cohorts/free.yaml", "key: free\nname: Free\nproperties: [{key: v, value: ours}]\n")
    project.write("flags/on-one.yaml", "key: on-one\nrelease_conditions: [{cohort: one}]\n")
    project.write("flags/alone.yaml", flag("alone"))
    sandbox.requests()
    printed = failed(project, *PREVIEW)
    assert sandbox.writes() == []
    for name in names:
        line = rf"cohorts/{name.lower()}.yaml:1:1: cohort/{name.lower()}: 2 objects in PostHog could be this one: "
        assert len(re.findall(line, printed)) == 1
    assert re.search(r"FeatureFlag +flag/alone +create", printed)
    assert re.search(r"Cohort +cohort/free +create", printed)
    printed = failed(project, *UP)
    assert all(f"cohort/{name.lower()}: 2 objects in PostHog" in printed for name in names)
    assert {"flag/alone", "cohort/free"} <= project.outputs().keys()
    assert {each["key"] for each in sandbox.items("feature_flags")} == {"alone"}


def test_what_is_refused_is_in_the_plan_and_so_is_the_rest(project: Project, sandbox: Sandbox) -> None:
    """D6: `git revert` of a new flag, while other changes are open, one of them too big a step.

    The provider, which would refuse the same step, does not end the plan there.
    """
    project.configure("careful", "true")
    project.write("flags/d6-jumps.yaml", flag("d6-jumps"))
    project.write("flags/d6-stays.yaml", flag("d6-stays"))
    project.write("flags/d6-reverted.yaml", flag("d6-reverted"))
    project.up()
    (project.folder / "flags" / "d6-reverted.yaml").unlink()
    project.write("flags/d6-jumps.yaml", flag("d6-jumps", 90))
    project.write("flags/d6-stays.yaml", flag("d6-stays", 20))
    project.write("flags/token-budget.yaml", flag("token-budget", 20))
    sandbox.requests()
    printed = failed(project, *PREVIEW, PULUMI_CONTINUE_ON_ERROR="false")
    assert re.search(r"FeatureFlag +flag/d6-jumps +update", printed)
    assert re.search(r"FeatureFlag +flag/d6-reverted +delete", printed)
    assert re.search(r"FeatureFlag +flag/d6-stays +update", printed)
    assert re.search(r"FeatureFlag +flag/token-budget +create", printed)
    assert printed.count("a flag would be deleted while it is on") == 1
    assert printed.count("rollout/d6-jumps/10-90") == 1
    assert sandbox.writes() == []
