"""Safety gates with the real CLI, on one careful stack. The tests run in this order."""

from __future__ import annotations

import json
from collections.abc import Iterator
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


UNSAFE = ("delete/2/", "remove/tokens ", "remove/ai ", "rollout/model/10-90 ", "rollout/new/0-100 ")


@pytest.mark.usefixtures("restored")
def test_everything_unsafe_is_said_at_once_and_the_second_time_and_flags_go_off_all_the_same(
    project: Project, sandbox: Sandbox
) -> None:
    """The second run has flags to switch off, which it does, and nothing else.

    PostHog switches no flag off while another one that is on depends on it; in a refused run the same holds.
    """
    project.edit("flags/model.yaml", "rollout_percentage: 10", "rollout_percentage: 90")
    project.write("flags/new.yaml", flag("new", 100))
    (project.folder / "flags" / "tokens.yaml").unlink()
    (project.folder / "flags" / "ai.yaml").rename(project.folder / "flags" / "ai-enabled.yaml")
    project.edit("flags/ai-enabled.yaml", "key: ai\n", "key: ai-enabled\ndescription: Changed as well.\n")
    before = live(sandbox)
    sandbox.requests()
    said = refused(project, *UP)
    assert [code for code in UNSAFE if f"to consent, add {code}" not in said] == []
    assert "2 of 9 objects would be deleted, 1 may be in one run" in said
    assert "`renamed_from: ai`" in said
    assert sandbox.writes() == []
    (project.folder / "flags" / "ai-enabled.yaml").unlink()
    (project.folder / "cohorts" / "late.yaml").unlink()
    project.write("flags/ai.yaml", flag("ai", more="active: false\ndescription: Not applied.\n"))
    chain(project, "active: false\n")
    theirs = sandbox.call("POST", "feature_flags/", {"key": "theirs"})["id"]
    project.write("flags/theirs.yaml", flag("theirs", more="active: false\n"))
    before = live(sandbox)
    sandbox.requests()
    said = refused(project, *UP)
    assert "flag/theirs is on in PostHog, and a run that is refused adopts nothing" in said
    assert [code for code in UNSAFE if code != "remove/ai " and f"to consent, add {code}" not in said] == []
    for key in ("ai", "base"):
        assert f"flag/{key} is switched off all the same" in said
    assert [body for _, _, body in sandbox.writes()] == [{"active": False}] * 4
    after = live(sandbox)
    assert {key for key, each in after.items() if not each["active"]} == {"ai", *CHAIN}
    assert [after[key]["name"] for key in after] == [before[key]["name"] for key in after]
    sandbox.call("PATCH", f"feature_flags/{theirs}/", {"deleted": True})


def test_what_was_switched_off_comes_back_with_one_consent_and_a_former_key_is_the_same_object(
    project: Project, sandbox: Sandbox
) -> None:
    """C6: the refused run that switched it off is known, so that the consent is needed, and none for flags at 10 %.

    What is said without the consent is for ``test_off.py``.
    """
    before = live(sandbox)["model"]
    project.edit("flags/model.yaml", "key: model\n", "key: model-version\nrenamed_from: model\n")
    project.configure("consent", "on/ai redraw/model-version/model rename/model/model-version")
    sandbox.requests()
    assert "is needed by nothing" not in project.up()
    path = f"/api/projects/{sandbox.project_id}/feature_flags/{before['id']}/"
    writes = sandbox.writes()
    assert [body for _, _, body in writes].count({"active": True}) == 1 + len(CHAIN)
    assert [write for write in writes if write[2] != {"active": True}] == [("PATCH", path, {"key": "model-version"})]
    assert live(sandbox)["ai"]["active"] is True
    assert live(sandbox)["model-version"]["id"] == before["id"]
    assert {"flag/model-version"} == {name for name in project.outputs() if "model" in name}


def test_what_the_engine_left_alone_was_not_applied(project: Project, sandbox: Sandbox) -> None:
    """A targeted `up` applies one flag; what the files say of another one or of a cohort was not applied.

    What it sends is that one's change alone: the former key in its file is no change any more.
    """
    project.edit("flags/tokens.yaml", "key: tokens\n", "key: tokens\nactive: false\n")
    project.edit("cohorts/early.yaml", "value: '1'", "value: '2'")
    before = recorded(project)
    project.edit("flags/model.yaml", "rollout_percentage: 10", "rollout_percentage: 20")
    sandbox.requests()
    urn = "urn:pulumi:sandbox::ai-admin::pulumi-python:dynamic/posthog:FeatureFlag::flag/model-version"
    project.pulumi(*UP, "--stack", "sandbox", "--target", urn)
    [(_, _, sent)] = sandbox.writes()
    assert sent.keys() == {"filters"}
    assert live(sandbox)["model-version"]["filters"]["groups"][0]["rollout_percentage"] == 20
    assert live(sandbox)["tokens"]["active"] is True
    assert {name for name, entry in recorded(project).items() if entry != before.get(name)} == {"flag/model-version"}
    assert recorded(project)["flag/tokens"]["active"] is True, "by which its deletion is judged"


def test_a_careful_stack_is_destroyed_with_consent_that_was_applied(project: Project, sandbox: Sandbox) -> None:
    """Neither where the program runs before it, nor in part; flags that depend on one another are off together then."""
    destroy, consent = ("destroy", "--yes", "--skip-preview"), f"destroy/{sandbox.project_id}"
    sandbox.requests()
    assert f"add {consent} to ai-admin:consent" in refused(project, *destroy, "--run-program")
    project.configure("consent", consent)
    in_part = refused(project, *destroy, "--target", "**cohort/early", "--target-dependents")
    assert f"add {consent} to ai-admin:consent" in in_part
    assert sandbox.writes() == []
    chain(project, "active: false\n")
    project.up()
    assert [live(sandbox)[key]["active"] for key in CHAIN] == [False, False, False]
    project.pulumi(*destroy, "--stack", "sandbox")
    assert live(sandbox) == {}
    assert sandbox.items("cohorts") == []
    for key in CHAIN:
        (project.folder / "flags" / f"{key}.yaml").unlink()


def test_a_stack_is_not_ahead_of_the_one_it_follows_whose_passphrase_is_another(
    project: Project, sandbox: Sandbox
) -> None:
    project.configure("careful", "false")
    project.configure("follows", "staging")
    shares = "stacks: {staging: {release_conditions: [{rollout_percentage: 20}]}}\n"
    project.write("flags/ai.yaml", flag("ai", 50))
    assert "this stack follows staging, and there is no such stack in this backend" in refused(project, *PREVIEW)
    staging = {"PULUMI_CONFIG_PASSPHRASE": "another"}
    (project.folder / "Pulumi.staging.yaml").unlink()  # which names another PostHog
    project.pulumi("stack", "init", "staging", environ=staging)
    said = refused(project, *PREVIEW)
    assert "this stack follows staging, and nothing was applied to it yet" in said
    assert "add unfollowed/staging to ai-admin:consent" in said
    project.write("flags/ai.yaml", flag("ai", 50, shares))
    project.pulumi(*UP, "--stack", "staging", environ=staging)
    sandbox.requests()
    said = refused(project, *UP)
    assert "would be at 50 %, ahead of the 20 % that staging has: flag/ai" in said
    assert "add ahead/ai/50-20 to ai-admin:consent" in said
    assert sandbox.writes() == []
