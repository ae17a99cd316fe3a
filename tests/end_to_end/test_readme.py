"""The README, followed word for word in a copy of this checkout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.checkouts import SAMPLES, copy_of_repository, put
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY

COMMANDS = [block.text.strip() for block in blocks(REPOSITORY / "README.md") if block.language == "sh"]
# `make test` is what runs this test.
HERE = "make test"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of this repository with the samples as its definitions, as a fresh clone has them."""
    root = copy_of_repository(tmp_path / "checkout")
    put(SAMPLES, root)
    return root


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
