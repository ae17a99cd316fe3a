"""The README, followed word for word in a copy of this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY

COMMANDS = [block.text.strip() for block in blocks(REPOSITORY / "README.md") if block.language == "sh"]
# `make test` is what runs this test.
HERE = "make test"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what git tracks, with the packages and the CLI that are installed here already."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        target = tmp_path / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, target)
    return tmp_path / "checkout"


def test_the_readme_works_word_for_word(copy: Path) -> None:
    assert HERE in COMMANDS
    script = "\n".join(["set -e", *(command for command in COMMANDS if command != HERE)])
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "POSTHOG_", "AI_ADMIN_"))
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=copy, env=environ, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("inst-0001", "no problems", "unchanged", "The sandbox is stopped"):
        assert said in done.stdout
