"""The workflow of drift: its own step, with a GitHub on loopback, and a stand-in for what compares."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.commands import run_script
from tests.support.forges import FakeGitHub, running
from tests.support.sandbox import REPOSITORY
from tests.support.workflows import workflow

[STEP] = [step["run"] for step in workflow("drift")["jobs"]["drift"]["steps"] if "run" in step]
TITLE = "PostHog differs from the files: production"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    forge = FakeGitHub()
    with running(forge):
        yield forge


def run(github: FakeGitHub, root: Path, code: int, said: str) -> int:
    """Run the step where `ai-admin drift` ends so and says this; return its exit code."""
    (root / ".ci").mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / ".ci" / "drift", root / ".ci")
    if not (root / "tools").exists():
        (root / "tools").symlink_to(REPOSITORY / "tools")
    (root / "bin").mkdir(exist_ok=True)
    (root / "activate").write_text(f'PATH={root}/bin:{Path(sys.executable).parent}:$PATH\n')
    (root / "said").write_text(said)
    (root / "bin" / "ai-admin").write_text(f"#!/bin/sh\necho \"$@\" >> {root}/calls\ncat {root}/said\nexit {code}\n")
    (root / "bin" / "ai-admin").chmod(0o755)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI", "GITLAB"))}
    return run_script(STEP, root, {**plain, **github.environ, "STACK": "production"}, root / "stand-ins").returncode


def test_one_issue_is_opened_updated_and_closed(github: FakeGitHub, tmp_path: Path) -> None:
    assert run(github, tmp_path, 0, "") == 0
    assert github.issues == {}
    for said in ("flag ai: from 10 % to 50 % by @grace", "flag ai and flag beta"):
        assert run(github, tmp_path, 1, f"{said}\n") == 0
        [issue] = github.issues.values()
        assert (issue["title"], issue["state"], issue["labels"]) == (TITLE, "open", ["drift"])
        assert issue["body"].endswith(f"\n\n    {said}\n"), "indented, it is no markup and mentions nobody"
        assert "pull" not in issue["body"], "that is proposed by the command, where it is the right thing to do"
    assert run(github, tmp_path, 0, "") == 0
    assert issue["state"] == "closed"
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {".ci", "activate", "bin", "calls", "plans", "said", "stand-ins", "tools"}, "plans/ is ignored"
    assert set((tmp_path / "calls").read_text().splitlines()) == {"drift --stack production"}


def test_what_is_not_known_changes_no_issue_and_fails(github: FakeGitHub, tmp_path: Path) -> None:
    run(github, tmp_path, 1, "flag ai\n")
    before = dict(github.issues[1])
    assert run(github, tmp_path, 3, "PostHog does not answer\n") == 3
    assert github.issues == {1: before}


def test_gitlab_runs_the_same() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    assert jobs["drift"]["script"] == [STEP]
