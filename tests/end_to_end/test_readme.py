"""The README, followed word for word in a copy of this checkout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.checkouts import SAMPLES, copy_of_repository, installed, put, small_demo
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY, Sandbox

README = blocks(REPOSITORY / "README.md")
# `make test` is what runs this test.
HERE = "make test\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository with the samples as its definitions, committed: a fresh clone, once it is set up."""
    root = installed(copy_of_repository(tmp_path_factory.mktemp("readme") / "checkout"))
    put(SAMPLES, root)
    small_demo(root)
    for command in ("init --quiet", "add --all", "commit --quiet --message clone"):
        subprocess.run(["git", *command.split()], cwd=root, env=environ(), check=True)
    return root


def environ() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "POSTHOG_", "AI_ADMIN_"))
    }
    roles = ("AUTHOR", "COMMITTER")
    return {**kept, **{f"GIT_{role}_{what}": f"a@{what.lower()}" for role in roles for what in ("NAME", "EMAIL")}}


def follow(root: Path, heading: str, yours: dict[str, str]) -> str:
    """Do what a part of the README says, in one shell: run the commands, write and edit the files.

    ``yours`` gives the values that stand in for a reader's own, by what the README writes. Returns what was printed.
    """
    lines = ["set -e"]
    for number, step in enumerate(block for block in README if block.heading == heading and block.text != HERE):
        path = step.edits or step.attributes.get("file")
        if path:
            text = step.applied((root / path).read_text(encoding="utf-8")) if step.edits else step.text
            saved = root.parent / f"{number}.yaml"
            saved.write_text(text, encoding="utf-8")
            lines.append(f"cp {saved} {path}")
        else:
            lines.append(step.text)
    script = "\n".join(lines)
    for example, value in yours.items():
        assert example in script
        script = script.replace(example, value)
    done = subprocess.run(["bash", "-c", script], cwd=root, env=environ(), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readme_works_word_for_word(copy: Path) -> None:
    """Daily loop A1, and what comes before it."""
    assert HERE in [block.text for block in README]
    assert "inst-0001" in follow(copy, "Two commands", {})
    try:
        said = follow(copy, "A first change", {})
    finally:
        subprocess.run(["make", "stop"], cwd=copy, check=True)
    for expected in ("no problems", "from 50 % to 60 %", "1 object applied", "The sandbox is stopped"):
        assert expected in said


def test_your_own_posthog_works_word_for_word(copy: Path, sandbox: Sandbox) -> None:
    """Daily loop A7: a sandbox plays the reader's PostHog."""
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=copy, check=True)
    state = copy.parent / "state"
    state.mkdir()
    yours = {
        "https://eu.posthog.com": sandbox.url,
        "12345": sandbox.project_id,
        "s3://my-bucket": f"file://{state}",
        "phx_your_key": sandbox.api_key,
    }
    assert "ai-enabled created" in follow(copy, "Your own PostHog", yours)
    assert [flag["key"] for flag in sandbox.items("feature_flags")] == ["ai-enabled"]
    left = subprocess.run(["git", "status", "--porcelain"], cwd=copy, capture_output=True, text=True, check=True)
    assert left.stdout == ""
    log = subprocess.run(["git", "show", "--stat"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert "Pulumi.production.yaml" in log
    assert sandbox.api_key not in "".join(path.read_text("utf-8") for path in copy.glob("Pulumi.*.yaml"))
