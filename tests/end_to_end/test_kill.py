"""The engine killed in the middle of an `up`: the next one completes, and nothing is there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import blocks
from tests.support.project import CLI, STATE, Project
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox

FLAGS = 30


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """One for each test: what a killed run of another test left would be counted here."""
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Project:
    made = Project(tmp_path / "ai", sandbox)
    made.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    for number in range(FLAGS):
        cohort = f"key: c-{number}\nname: Cohort {number}\nproperties: [{{key: v, value: '{number}'}}]\n"
        made.write(f"cohorts/c-{number}.yaml", cohort)
        made.write(f"flags/f-{number}.yaml", f"key: f-{number}\nrelease_conditions: [{{cohort: c-{number}}}]\n")
    return made


def test_what_a_killed_up_left_is_found_and_completed(project: Project, sandbox: Sandbox) -> None:
    chance = random.Random(7)
    for _ in range(3):
        sandbox.requests()
        command = [str(CLI), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "sandbox"]
        up = subprocess.Popen(
            command, cwd=project.folder, env=project.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_writes(sandbox, chance.randrange(1, 12))
        up.send_signal(signal.SIGKILL)
        if up.wait() == 0:  # it had nothing more to do
            break
        refused = project.run("up", "--yes", "--skip-preview", "--stack", "sandbox")
        if "failed to load checkpoint" in refused.stderr:
            start_over(project)
        else:
            assert "pulumi cancel" in refused.stdout + refused.stderr
            project.pulumi("cancel", "--yes", "--stack", "sandbox")
    project.up()
    for collection, name in (("cohorts", "name"), ("feature_flags", "key")):
        counts = Counter(item[name] for item in sandbox.items(collection))
        assert len(counts) == FLAGS
        assert set(counts.values()) == {1}
    sandbox.requests()
    project.up()
    assert sandbox.writes() == []


def start_over(project: Project) -> None:
    """Do what docs/errors.md says where a killed engine left half a state file."""
    [command] = [block.text for block in blocks(REPOSITORY / "docs" / "errors.md") if "stack init" in block.text]
    subprocess.run(["bash", "-e", "-c", command], cwd=project.folder, env=project.environ, check=True)


def test_a_broken_state_is_replaced_by_what_is_in_posthog(project: Project, sandbox: Sandbox) -> None:
    project.up()
    [checkpoint] = (project.folder / STATE).rglob("stacks/ai-admin/sandbox.json")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    assert "failed to load checkpoint" in project.run("preview", "--stack", "sandbox").stderr
    start_over(project)
    sandbox.requests()
    project.up()
    assert sandbox.writes() == []
    assert len(project.outputs()) == 2 * FLAGS + 1


def wait_for_writes(sandbox: Sandbox, count: int) -> None:
    """Wait until so many more writes came in, or no more come."""
    seen = 0
    quiet_since = time.monotonic()
    while seen < count and time.monotonic() - quiet_since < 10:
        new = len(sandbox.writes())
        if new:
            seen, quiet_since = seen + new, time.monotonic()
        time.sleep(0.01)


def test_a_provider_without_its_engine_writes_no_more(project: Project, sandbox: Sandbox) -> None:
    command = [str(CLI), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "sandbox"]
    up = subprocess.Popen(
        command, cwd=project.folder, env=project.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for_writes(sandbox, 1)
    up.send_signal(signal.SIGKILL)
    up.wait()
    time.sleep(1)  # what was under way may still arrive
    sandbox.requests()
    time.sleep(2)
    assert sandbox.writes() == []
