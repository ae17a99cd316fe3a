"""`.ci/plan`: what it leaves, with a stand-in for what plans."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.sandbox import REPOSITORY


def test_why_there_is_no_plan_is_left_where_git_ignores_it(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "plan", tmp_path / ".ci")
    (tmp_path / "activate").write_text("ai-admin() { echo 'flags/a.yaml:1:1: <b>' >&2; return 3; }\n")
    command = [str(tmp_path / ".ci" / "plan"), "production", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "flags/a.yaml:1:1: <b>\n")
    said = (tmp_path / "plans" / "production" / "plan.md").read_text()
    assert said.endswith("### `production`: no plan\n\n    flags/a.yaml:1:1: <b>\n")
    assert {each.name for each in tmp_path.iterdir()} == {".ci", "activate", "plans"}
    assert "/plans/" in (REPOSITORY / ".gitignore").read_text().splitlines()
