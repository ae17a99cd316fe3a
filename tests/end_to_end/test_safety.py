"""Safety gates with the real CLI, on one careful stack. The tests run in this order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.sandbox import Sandbox

PREVIEW, UP = ("preview",), ("up", "--yes", "--skip-preview")
SOME = "properties: [{key: version, value: '1'}]"


def flag(key: str, share: int = 100, more: str = "") -> str:
    return f"key: {key}\nrelease_conditions: [{{rollout_percentage: {share}}}]\n{more}"


CHAIN = ("base", "middle", "end")


def chain(project: Project, off: str = "") -> None:
    """Write three flags of which each but the first depends on the one before."""
    on = "{rollout_percentage: 10, properties: [{type: flag, key: %s, value: true}]}"
    for key, condition in zip(CHAIN, ("{rollout_percentage: 10}", on % "base", on % "middle"), strict=True):
        project.write(f"flags/{key}.yaml", f"key: {key}\n{off}release_conditions: [{condition}]\n")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    made = Project(tmp_path_factory.mktemp("safety") / "ai", sandbox)
    made.configure("careful", "true")
    made.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {version: {type: String}}\n")
    made.write("cohorts/early.yaml", f"key: early\nname: Early\n{SOME}\n")
    made.write("cohorts/late.yaml", f"key: late\nname: Late\n{SOME}\n")
    made.write("flags/ai.yaml", flag("ai"))
    made.write("flags/model.yaml", flag("model", 10))
    made.write("flags/tokens.yaml", flag("tokens", 10))
    chain(made)
    made.up()
    return made


@pytest.fixture
def restored(project: Project) -> Iterator[None]:
    """Puts the definitions back after a test."""
    files = {path: path.read_text() for folder in ("flags", "cohorts") for path in (project.folder / folder).iterdir()}
    yield
    for folder in ("flags", "cohorts"):
        for path in (project.folder / folder).iterdir():
            path.unlink()
    for path, text in files.items():
        path.write_text(text)


def refused(project: Project, *arguments: str) -> str:
    """Return the error of a run that must be refused."""
    run = project.run(*arguments, "--stack", "sandbox")
    assert run.returncode != 0, run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    return run.stdout.split("Diagnostics:")[1]


def recorded(project: Project) -> dict[str, Any]:
    """Return what the program says was applied last."""
    [stack] = (each for each in project.state() if each["type"] == "pulumi:pulumi:Stack")
    found: dict[str, Any] = json.loads(stack["outputs"]["__manifest"])
    return found


def live(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in sandbox.items("feature_flags")}


@pytest.mark.usefixtures("restored")
def test_everything_unsafe_is_said_at_once_and_the_second_time(project: Project, sandbox: Sandbox) -> None:
    project.edit("flags/model.yaml", "rollout_percentage: 10", "rollout_percentage: 90")
    project.write("flags/new.yaml", flag("new", 100))
    (project.folder / "flags" / "tokens.yaml").unlink()
    (project.folder / "flags" / "ai.yaml").rename(project.folder / "flags" / "ai-enabled.yaml")
    project.edit("flags/ai-enabled.yaml", "key: ai\n", "key: ai-enabled\ndescription: Changed as well.\n")
    sandbox.requests()
    for _ in range(2):
        said = refused(project, *UP)
        for code in ("delete/2/", "remove/tokens ", "remove/ai ", "rollout/model/10-90 ", "rollout/new/0-100 "):
            assert f"to consent, add {code}" in said
        assert "2 of 9 objects would be deleted, 1 may be in one run" in said
        assert "`renamed_from: ai`" in said
    assert sandbox.writes() == []


@pytest.mark.usefixtures("restored")
def test_a_flag_is_switched_off_whatever_else_is_refused(project: Project, sandbox: Sandbox) -> None:
    project.edit("flags/ai.yaml", "key: ai\n", "key: ai\nactive: false\ndescription: Not applied.\n")
    project.edit("flags/model.yaml", "rollout_percentage: 10", "rollout_percentage: 90")
    (project.folder / "cohorts" / "late.yaml").unlink()
    said = refused(project, *UP)
    assert "rollout/model/10-90" in said
    assert "flag/ai is switched off all the same" in said
    assert live(sandbox)["ai"]["active"] is False
    assert live(sandbox)["ai"]["name"] == ""
    assert live(sandbox)["model"]["filters"]["groups"][0]["rollout_percentage"] == 10
    assert {item["name"] for item in sandbox.items("cohorts")} == {"Early", "Late"}


def test_what_was_switched_off_comes_back_with_one_consent(project: Project, sandbox: Sandbox) -> None:
    """C6: the refused run that switched it off is known: to come back to what was on before takes one consent."""
    sandbox.requests()
    said = refused(project, *UP)
    assert "a flag that was switched off would be on again, for all that it served before" in said
    assert "add on/ai to ai-admin:consent" in said
    assert sandbox.writes() == []
    project.configure("consent", "on/ai")
    project.up()
    assert live(sandbox)["ai"]["active"] is True


def test_a_flag_that_says_its_former_key_stays_the_same_object(project: Project, sandbox: Sandbox) -> None:
    before = live(sandbox)["model"]
    project.edit("flags/model.yaml", "key: model\n", "key: model-version\nrenamed_from: model\n")
    sandbox.requests()
    project.configure("consent", "redraw/model-version/model rename/model/model-version")
    project.up()
    path = f"/api/projects/{sandbox.project_id}/feature_flags/{before['id']}/"
    assert sandbox.writes() == [("PATCH", path, {"key": "model-version"})]
    assert live(sandbox)["model-version"]["id"] == before["id"]
    assert {"flag/model-version"} == {name for name in project.outputs() if "model" in name}
    project.up()
    assert sandbox.writes() == []


def test_what_the_engine_left_alone_was_not_applied(project: Project, sandbox: Sandbox) -> None:
    """A targeted `up` applies one flag; what the files say of another one or of a cohort was not applied."""
    project.edit("flags/tokens.yaml", "key: tokens\n", "key: tokens\nactive: false\n")
    project.edit("cohorts/early.yaml", "value: '1'", "value: '2'")
    before = recorded(project)
    project.write("flags/model.yaml", flag("model-version", 20))
    urn = "urn:pulumi:sandbox::ai-admin::pulumi-python:dynamic/posthog:FeatureFlag::flag/model-version"
    project.pulumi(*UP, "--stack", "sandbox", "--target", urn)
    assert live(sandbox)["model-version"]["filters"]["groups"][0]["rollout_percentage"] == 20
    assert live(sandbox)["tokens"]["active"] is True
    assert {name for name, entry in recorded(project).items() if entry != before.get(name)} == {"flag/model-version"}
    project.edit("cohorts/early.yaml", "value: '2'", "value: '1'")
    (project.folder / "flags" / "tokens.yaml").unlink()
    assert "a flag would be deleted while it is on" in refused(project, *PREVIEW)
    project.write("flags/tokens.yaml", flag("tokens", 10))


@pytest.mark.parametrize("how", [("--run-program",), ("--target", "**cohort/early", "--target-dependents")])
def test_a_careful_stack_is_not_destroyed_without_consent(
    project: Project, sandbox: Sandbox, how: tuple[str, ...]
) -> None:
    sandbox.requests()
    said = refused(project, "destroy", "--yes", "--skip-preview", *how)
    assert f"add destroy/{sandbox.project_id} to ai-admin:consent" in said
    assert sandbox.writes() == []


def test_flags_that_depend_on_one_another_are_switched_off_together(project: Project, sandbox: Sandbox) -> None:
    """PostHog switches no flag off while another one that is on depends on it; in a refused run the same holds."""
    chain(project, "active: false\n")
    project.edit("flags/tokens.yaml", "rollout_percentage: 10", "rollout_percentage: 90")
    assert "flag/base is switched off all the same" in refused(project, *UP)
    assert [live(sandbox)[key]["active"] for key in CHAIN] == [False, False, False]
    project.edit("flags/tokens.yaml", "rollout_percentage: 90", "rollout_percentage: 10")
    chain(project)
    project.up()
    chain(project, "active: false\n")
    project.up()
    assert [live(sandbox)[key]["active"] for key in CHAIN] == [False, False, False]


def test_a_careful_stack_is_destroyed_with_consent_that_was_applied(project: Project, sandbox: Sandbox) -> None:
    consent = f"destroy/{sandbox.project_id}"
    project.configure("consent", consent)
    assert consent in refused(project, "destroy", "--yes", "--skip-preview")
    project.up()
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "sandbox")
    assert live(sandbox) == {}
    assert sandbox.items("cohorts") == []
    for key in CHAIN:
        (project.folder / "flags" / f"{key}.yaml").unlink()


def test_a_stack_is_destroyed_with_consent_or_because_it_is_disposable(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> None:
    """D5: this stack is not careful; the sandbox's own says that it is disposable."""
    project = Project(tmp_path_factory.mktemp("disposable") / "ai", sandbox)
    project.configure("disposable", "false")
    project.write("flags/d5.yaml", flag("d5", 10))
    project.up()
    said = refused(project, "destroy", "--yes", "--skip-preview")
    assert f"add destroy/{sandbox.project_id} to ai-admin:consent" in said
    assert live(sandbox)["d5"]["active"] is True
    project.configure("disposable", "true")
    project.up()
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "sandbox")
    assert "d5" not in live(sandbox)


def follow(project: Project, stack: str, passphrase: str, text: str) -> dict[str, str]:
    environ = {"PULUMI_CONFIG_PASSPHRASE": passphrase}
    project.pulumi("stack", "init", stack, environ=environ)
    settings = Path(project.folder / f"Pulumi.{stack}.yaml")
    salt = re.search(r"^encryptionsalt: .*$", settings.read_text(), re.M)
    assert salt
    settings.write_text(f"{salt[0]}\n{text}")
    return environ


def test_production_is_not_ahead_of_staging_whose_passphrase_is_another(project: Project, sandbox: Sandbox) -> None:
    production = follow(project, "production", "one", "config: {ai-admin:follows: staging}\n")
    project.write("flags/ai.yaml", f"{flag('ai', 50)}stacks: {{staging: {{release_conditions: [{SHARE}]}}}}\n")
    preview = project.run("preview", "--stack", "production", environ=production)
    assert "this stack follows staging, and there is no such stack in this backend" in preview.stdout
    staging = follow(project, "staging", "another", "config: {}\n")
    preview = project.run("preview", "--stack", "production", environ=production)
    assert "this stack follows staging, and nothing was applied to it yet" in preview.stdout
    assert "add unfollowed/staging to ai-admin:consent" in preview.stdout
    project.pulumi(*UP, "--stack", "staging", environ=staging)
    sandbox.requests()
    run = project.run(*UP, "--stack", "production", environ=production)
    assert run.returncode != 0
    assert "would be at 50 %, ahead of the 20 % that staging has: flag/ai" in run.stdout
    assert "add ahead/ai/50-20 to ai-admin:consent" in run.stdout
    assert sandbox.writes() == []


def test_a_preview_of_production_says_that_staging_comes_first(project: Project, sandbox: Sandbox) -> None:
    """Files that have it for both are applied to staging first: the preview shows the plan all the same."""
    production, staging = {"PULUMI_CONFIG_PASSPHRASE": "one"}, {"PULUMI_CONFIG_PASSPHRASE": "another"}
    project.write("flags/ai.yaml", flag("ai", 50))
    preview = project.pulumi(*PREVIEW, "--stack", "production", environ=production)
    assert "its files have it, so apply staging first" in preview
    project.pulumi(*UP, "--stack", "staging", environ=staging)
    project.pulumi(*UP, "--stack", "production", environ=production)


SHARE = "{rollout_percentage: 20}"
