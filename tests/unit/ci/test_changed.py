"""What a pull request runs is decided by what it touches: the workflow's own step, in a repository of the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.sandbox import REPOSITORY
from tests.support.workflows import evaluated

WORKFLOW = REPOSITORY / ".github" / "workflows" / "preview.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
[STEP] = [step for step in JOBS["check"]["steps"] if step.get("id") == "changed"]


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def write(root: Path, path: str, text: str = "key: x\n") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def merged_into(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is merged into: one commit."""
    root = tmp_path_factory.mktemp("changed") / "repository"
    write(root, ".ci/changed")
    shutil.copy(REPOSITORY / ".ci" / "changed", root / ".ci" / "changed")
    shutil.copytree(REPOSITORY / "providers", root / "providers", ignore=shutil.ignore_patterns("__pycache__"))
    for path in ("flags/ai.yaml", "README.md", *(f"Pulumi.{name}yaml" for name in ("", "sandbox.", "live.", "test."))):
        write(root, path)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "before")
    git(root, "tag", "before")
    return root


@pytest.fixture
def repository(merged_into: Path) -> Path:
    """The same for each test: nothing is changed yet."""
    git(merged_into, "reset", "--quiet", "--hard", "before")
    git(merged_into, "clean", "--quiet", "--force", "-d")
    return merged_into


def decided(root: Path, **event: dict[str, str]) -> dict[str, object]:
    """Commit what was changed, run the workflow's step, and return what it gives to the next ones."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "after", "--allow-empty")
    output = root / "output"
    base = str(evaluated(STEP["env"]["BASE"], {"github": {"event": event}}))
    environ = {**os.environ, "GITHUB_OUTPUT": str(output), "BASE": base}
    subprocess.run(["bash", "-e", "-c", STEP["run"]], cwd=root, env=environ, check=True)
    lines = output.read_text(encoding="utf-8").splitlines()
    return {name: json.loads(value) for name, value in (line.split("=", 1) for line in lines)}


@pytest.mark.parametrize(
    ("path", "product"),
    [
        ("flags/ai.yaml", False),
        ("flags/team/new.yaml", False),
        ("experiments/holdouts/one.yaml", False),
        ("Pulumi.live.yaml", False),
        ("Pulumi.new.yaml", False),
        ("Pulumi.sandbox.yaml", True),
        ("Pulumi.yaml", True),
        ("README.md", True),
        ("docs/samples/flags/ai.yaml", True),
        (".ci/changed2", True),
        ("schemas/flag.schema.json", True),
    ],
)
def test_the_products_tests_run_where_the_product_changes(repository: Path, path: str, product: bool) -> None:
    write(repository, path, "changed\n")
    assert decided(repository)["product"] is product


def test_switching_off_is_a_change_of_a_definition_alone(repository: Path) -> None:
    """Daily loop A2: the kill switch is a green pull request, in about a minute."""
    write(repository, "flags/ai.yaml", "key: x\nactive: false\n")
    assert decided(repository) == {"product": False, "stacks": ["live", "test"]}


def test_a_removed_file_is_a_change_and_a_moved_one_two(repository: Path) -> None:
    (repository / "README.md").rename(repository / "flags" / "README.md")
    assert decided(repository)["product"] is True


def test_in_a_merge_queue_every_commit_counts(repository: Path) -> None:
    """A pull request that is rebased comes as several commits."""
    write(repository, "README.md", "changed\n")
    decided(repository)
    write(repository, "flags/ai.yaml", "changed\n")
    assert decided(repository, merge_group={"base_sha": "before"})["product"] is True


def test_what_can_not_be_compared_is_a_change_of_the_product(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    git(repository, "init", "--quiet")
    assert decided(repository)["product"] is True


def test_the_check_that_is_required_leaves_out_steps_and_not_itself() -> None:
    check = JOBS["check"]
    assert not check.keys() & {"if", "needs"}
    steps = {step["run"]: step.get("if") for step in check["steps"] if "run" in step}
    assert steps[".ci/run"] == "steps.changed.outputs.product == 'true'"
    assert [run for run, condition in steps.items() if condition] == [".ci/run"]
    assert '.venv/bin/ai-admin check --format "$FORM"' in steps
