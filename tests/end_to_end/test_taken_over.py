"""A project that somebody made, taken over by the real command and engine; then changed by hand, and pulled."""

from __future__ import annotations

import random
from pathlib import Path

from tests.campaigns.strangers import Stranger
from tests.support.project import Project
from tests.support.sandbox import Sandbox


def test_a_project_is_adopted_without_a_write_and_a_change_by_hand_becomes_the_files(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    stranger = Stranger(sandbox, random.Random("somebody"))
    stranger.make_project(2)
    project = Project(tmp_path / "ours", sandbox)
    for other in ("staging", "production"):
        (project.folder / f"Pulumi.{other}.yaml").unlink()
    taken = project.ai_admin("pull", "--all")
    assert taken.returncode == 0, taken.stderr
    sandbox.requests()
    project.up()
    assert sandbox.writes() == []
    cohorts = {ref.key: id_ for ref, id_ in stranger.world.items() if ref.kind == "cohort"}
    for key, id_ in cohorts.items():
        sandbox.call("PATCH", f"cohorts/{id_}/", {"name": f"Changed {key}"}, key=stranger.key)
    drifted = project.ai_admin("drift")
    assert drifted.returncode == 1, drifted.stderr
    assert drifted.stderr == ""  # the state says which cohort is which, whatever it is called now
    assert all(f"Changed {key}" in drifted.stdout for key in cohorts)
    assert project.ai_admin("pull").returncode == 0
    [gone, *_] = (id_ for ref, id_ in stranger.world.items() if ref.kind == "annotation")
    sandbox.call("PATCH", f"annotations/{gone}/", {"deleted": True}, key=stranger.key)
    asked = project.ai_admin("pull")
    assert asked.returncode == 1
    assert "it was removed in PostHog; --delete removes it from its file, too" in asked.stderr
    assert " goes\n" in project.ai_admin("pull", "--delete").stdout
    assert set(project.preview()["changeSummary"]) == {"same"}
