"""Off is off, and stays off: with the real CLI, on a careful stack, and a second person in PostHog.

The letters are those of the cases that the tests stand for.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.project import Project
from tests.support.sandbox import Sandbox, running_sandbox

UP, PREVIEW = ("up", "--yes", "--skip-preview", "--stack", "sandbox"), ("preview", "--stack", "sandbox")
FLAGS = ("ai", "ai-slow")
EVENT = "key: installation\ntype: person\nproperties: {version: {type: String}}\n"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Project]:
    """A sandbox's data, and in it, applied, a careful stack with a kill switch at 100 %, a slow rollout at 20 %, and a
    cohort. Each test has a copy of both.
    """
    folder = tmp_path_factory.mktemp("prepared")
    with running_sandbox(folder / "sandbox") as running:
        made = careful(folder / "ai", running)
    return folder / "sandbox", made


@pytest.fixture
def sandbox(tmp_path: Path, prepared: tuple[Path, Project]) -> Iterator[Sandbox]:
    with running_sandbox(shutil.copytree(prepared[0], tmp_path / "sandbox")) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox, prepared: tuple[Path, Project]) -> Project:
    return prepared[1].copied(tmp_path / "ai", sandbox)


def careful(folder: Path, sandbox: Sandbox) -> Project:
    made = Project(folder, sandbox)
    made.configure("careful", "true")
    made.write("events/installation.yaml", EVENT)
    made.write("cohorts/early.yaml", "key: early\nname: Early\nproperties: [{key: version, value: '1'}]\n")
    made.write("flags/ai.yaml", flag("ai", 100))
    made.write("flags/ai-slow.yaml", flag("ai-slow", 20))
    made.up()
    return made


def flag(key: str, share: int, more: str = "") -> str:
    return f"key: {key}\n{more}release_conditions: [{{rollout_percentage: {share}}}]\n"


def live(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in sandbox.items("feature_flags")}


def colleague(sandbox: Sandbox, email: str = "grace@example.com") -> str:
    """Another person's key."""
    made = sandbox.call("POST", "/_sandbox/users", {"email": email})
    return str(made["personal_api_key"])


def off_by_hand(sandbox: Sandbox, flag: str, key: str) -> None:
    """Switch a flag off as the person with this key."""
    sandbox.call("PATCH", f"feature_flags/{live(sandbox)[flag]['id']}/", {"active": False}, key=key)


def consent(project: Project, *codes: str) -> None:
    project.configure("consent", " ".join(codes))


def test_c1_a_flag_goes_off_while_a_colleagues_file_is_broken(project: Project, sandbox: Sandbox) -> None:
    """C1: it goes off, by a whole and by a targeted `up`; everything else is refused as before."""
    project.write("dashboards/board.yaml", "key: board\nname: Board\nintervall: day\n")
    project.edit("flags/ai.yaml", "key: ai\n", "key: ai\nactive: false\ndescription: Not applied.\n")
    project.edit("flags/ai-slow.yaml", "20", "30")
    sandbox.requests()
    switches_off_alone(project, sandbox, "ai")
    project.write("dashboards/board.yaml", "key: [\n")
    project.write("flags/ai-slow.yaml", flag("ai-slow", 30, "active: false\n"))
    urn = "urn:pulumi:sandbox::ai-admin::pulumi-python:dynamic/posthog:FeatureFlag::flag/ai-slow"
    switches_off_alone(project, sandbox, "ai-slow", "--target", urn)
    (project.folder / "dashboards" / "board.yaml").unlink()
    project.up()
    now = live(sandbox)
    assert (now["ai"]["active"], now["ai"]["name"]) == (False, "Not applied.")
    assert now["ai-slow"]["filters"]["groups"][0]["rollout_percentage"] == 30


def switches_off_alone(project: Project, sandbox: Sandbox, key: str, *arguments: str) -> None:
    done = project.run(*UP, *arguments)
    assert done.returncode != 0
    assert "the definitions have problems:" in done.stdout
    assert "dashboards/board.yaml" in done.stdout
    assert f"flag/{key} is switched off all the same" in done.stdout
    assert [(method, body) for method, _, body in sandbox.writes()] == [("PATCH", {"active": False})]


def test_c1_a_flag_goes_off_while_something_else_cannot_be_read(project: Project, sandbox: Sandbox) -> None:
    """C1: a key that may write flags is enough, whatever else is wrong with it, or with PostHog."""
    project.edit("flags/ai.yaml", "key: ai\n", "key: ai\nactive: false\n")
    project.write("events/installation.yaml", EVENT.replace("String", "String, description: Not applied."))
    failing = {"kind": "error_before", "status": 403, "path": "/property_definitions"}
    requests.put(f"{sandbox.url}/_sandbox/faults", json={"seed": 1, "rules": [failing]}, timeout=10).raise_for_status()
    sandbox.requests()
    for arguments, said in ((PREVIEW, "flag/ai is not off yet: `pulumi up --skip-preview`"), (UP, "1 updated")):
        done = project.run(*arguments)
        assert done.returncode != 0
        assert "property/person.version: left as it is, as what PostHog holds is not known: PostHog an" in done.stdout
        assert said in done.stdout
    assert [(method, body) for method, _, body in sandbox.writes()] == [("PATCH", {"active": False})]
    requests.delete(f"{sandbox.url}/_sandbox/faults", timeout=10).raise_for_status()
    scopes = ["feature_flag:write", "event_definition:read", "property_definition:read"]
    key = sandbox.call("POST", "/_sandbox/keys", {"scopes": [*scopes, "project:read", "user:read"]})["value"]
    project.edit("flags/ai-slow.yaml", "key: ai-slow\n", "key: ai-slow\nactive: false\n")
    done = project.run(*UP, environ={"POSTHOG_API_KEY": key})
    assert done.returncode != 0
    assert "lacks scopes: add cohort:write" in done.stdout
    assert "flag/ai-slow is switched off all the same" in done.stdout
    assert not live(sandbox)["ai-slow"]["active"]


def test_a_switch_off_by_hand_is_not_undone_in_passing(project: Project, sandbox: Sandbox) -> None:
    """C3, and C4 on a careful stack: a flag is held, named with who and when, and the rest of the run goes on.

    One consent is enough to come back to what was on, also at 100 %; and it is for once.
    """
    key = colleague(sandbox)
    for name in FLAGS:
        off_by_hand(sandbox, name, key)
    project.edit("cohorts/early.yaml", "name: Early", "name: Earliest")
    before = {name: (project.folder / "flags" / f"{name}.yaml").read_text() for name in FLAGS}
    # The same flag under another key; a new key of the other one would draw anew who is in its 20 %.
    project.edit("flags/ai.yaml", "key: ai\n", "key: ai-2\nrenamed_from: ai\n")
    project.edit("flags/ai-slow.yaml", "key: ai-slow\n", "key: ai-slow\ndescription: Not applied while held.\n")
    sandbox.requests()
    for arguments in (PREVIEW, UP):
        said = project.run(*arguments)
        assert said.returncode == 0, said.stdout
        lines = [line for line in said.stdout.split("Diagnostics:")[1].splitlines() if "left as it is" in line]
        assert len(lines) == len(FLAGS)
        for file, name in (("ai", "ai-2"), ("ai-slow", "ai-slow")):
            held = f"flags/{file}.yaml:1:1: flag/{name}: left as it is, since it is off in PostHog"
            [line] = [line for line in lines if f"{held} (by grace@example.com on " in line]
            assert f"add on/{name} to ai-admin:consent" in line
    assert [body for _, _, body in sandbox.writes()] == [{"name": "Earliest"}]
    for name, text in before.items():
        project.write(f"flags/{name}.yaml", text)
    consent(project, "on/ai")
    again = project.up()
    assert "create" not in again
    assert "flag/ai: left as it is" not in again
    assert "flag/ai-slow: left as it is" in again
    assert [body for _, _, body in sandbox.writes()] == [{"active": True}]
    off_by_hand(sandbox, "ai", colleague(sandbox, "alan@example.com"))
    sandbox.requests()
    assert "take on/ai, which is used up, out of the stack's configuration" in project.up()
    assert sandbox.writes() == []
    assert not live(sandbox)["ai-slow"]["active"]
    drift = project.ai_admin("drift").stdout
    for name in ("grace", "alan"):
        assert f"is switched off by {name}@example.com" in drift, "no run makes that what was applied last"


def test_c3_off_and_then_in_the_file_is_nothing_to_do(project: Project, sandbox: Sandbox) -> None:
    """C3: it stays off until the file says off; back on is then an intended change, under the usual rules."""
    off_by_hand(sandbox, "ai-slow", colleague(sandbox))
    project.edit("flags/ai-slow.yaml", "key: ai-slow\n", "key: ai-slow\nactive: false\n")
    command = [".venv/bin/ai-admin", "off", "ai", "--stack", "sandbox"]
    subprocess.run(command, cwd=project.folder, env=project.environ, check=True)
    sandbox.requests()
    assert "left as it is" not in project.up()
    assert sandbox.writes() == []
    project.edit("flags/ai-slow.yaml", "active: false\n", "")
    sandbox.call("PATCH", f"feature_flags/{live(sandbox)['ai-slow']['id']}/", {"active": True})
    off_by_hand(sandbox, "ai-slow", colleague(sandbox, "alan@example.com"))
    sandbox.requests()
    assert "left as it is, since it is off in PostHog (by alan@example.com on " in project.up()
    assert sandbox.writes() == []
    project.edit("flags/ai.yaml", "active: false\n", "")
    consent(project, "on/ai-slow", "on/ai")
    project.up()
    assert [body for _, _, body in sandbox.writes()] == [{"active": True}] * 2


def test_c1_what_a_refused_run_switched_off_is_known_to_be_off(project: Project, sandbox: Sandbox) -> None:
    """C1, C6: taken back in the files, it is an intended return, and nobody is said to have switched it off by hand."""
    before = (project.folder / "flags" / "ai.yaml").read_text()
    project.write("dashboards/board.yaml", "key: [\n")
    project.edit("flags/ai.yaml", "key: ai\n", "key: ai-2\nrenamed_from: ai\nactive: false\n")
    assert project.run(*UP).returncode != 0
    assert not live(sandbox)["ai"]["active"]
    (project.folder / "dashboards" / "board.yaml").unlink()
    project.write("flags/ai.yaml", before)
    refused = project.run(*PREVIEW)
    assert "a flag that was switched off would be on again" in refused.stdout
    assert "add on/ai to ai-admin:consent" in refused.stdout
    assert "delete" not in refused.stdout
