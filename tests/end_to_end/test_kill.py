"""A run killed in the middle: the next one completes, nothing is there twice, and what it left behind is explained."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.kills import Campaign, descendants, role_of
from tests.support.documents import blocks
from tests.support.project import CLI, STATE, Project
from tests.support.sandbox import NEWER, REPOSITORY, Sandbox, running_sandbox

FLAGS = 12
CHECKPOINT = "stacks/ai-admin/sandbox.json"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """One for each test: what a killed run of another test left would be counted here."""
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Project:
    """One whose runs are processes as people's are."""
    return flags_on_cohorts(Project(tmp_path / "ai", sandbox, forked=False))


def flags_on_cohorts(made: Project) -> Project:
    made.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    for number in range(FLAGS):
        cohort = f"key: c-{number}\nname: Cohort {number}\nproperties: [{{key: v, value: '{number}'}}]\n"
        made.write(f"cohorts/c-{number}.yaml", cohort)
        made.write(f"flags/f-{number}.yaml", f"key: f-{number}\nrelease_conditions: [{{cohort: c-{number}}}]\n")
    return made


def test_what_a_killed_up_left_is_found_and_completed(tmp_path: Path) -> None:
    """One kill of the campaign's (``tests/campaigns/kills.py``)."""
    with running_sandbox(tmp_path / "sandbox", **NEWER) as sandbox:
        tally = Campaign(tmp_path / "ai", sandbox, 3, {}).run(1)
    assert tally.problems == []


def killed_after(project: Project, sandbox: Sandbox, writes: int) -> set[int]:
    """Start an `up`, kill its engine once so many writes came in, and return the processes that it had started."""
    sandbox.requests()
    command = [str(CLI), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "sandbox"]
    up = subprocess.Popen(
        command, cwd=project.folder, env=project.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seen, until = 0, time.monotonic() + 60
    while seen < writes:
        assert up.poll() is None, "it ended before"
        assert time.monotonic() < until, "no writes come in"
        seen += len(sandbox.writes())
        time.sleep(0.01)
    started = set(descendants(up.pid))
    up.send_signal(signal.SIGKILL)
    up.wait()
    return started


def test_a_provider_without_its_engine_writes_no_more_and_ends(project: Project, sandbox: Sandbox) -> None:
    started = killed_after(project, sandbox, 1)
    sandbox.requests()
    until = time.monotonic() + 20
    while any(map(role_of, started)):
        assert time.monotonic() < until, "some of what the engine started is still there"
        time.sleep(0.1)
    # What was under way arrives, and no more of what was queued: the SDK's server has four threads.
    assert len(sandbox.writes()) <= 4


def processes_of(project: Project) -> list[int]:
    """Return the processes that a project's runs started: all have its Pulumi home in their environment."""
    mark = f"PULUMI_HOME={project.environ['PULUMI_HOME']}\0".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
            except OSError:  # it has just ended, or is somebody else's
                continue
    return found


def all_end(project: Project) -> bool:
    """Say whether every process of a project's runs ends soon; what does not is ended here."""
    until = time.monotonic() + 10
    while (left := processes_of(project)) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return not left


def test_nothing_is_left_of_a_preview_that_nobody_reads_to_the_end(project: Project) -> None:
    """Daily loop G4."""
    command = ["bash", "-c", "pulumi preview --non-interactive --stack sandbox | head -1"]
    subprocess.run(command, cwd=project.folder, env=project.environ, stdout=subprocess.DEVNULL, check=True)
    assert all_end(project)
    # Until its first request the provider is the SDK's alone: this one ends while its provider starts.
    for later in (0, 0.2):
        preview = subprocess.Popen(
            [str(CLI), "preview", "--non-interactive", "--stack", "sandbox"],
            cwd=project.folder,
            env=project.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while "provider" not in descendants(preview.pid).values():
            assert preview.poll() is None, "it ended before"
            time.sleep(0.02)
        time.sleep(later)
        preview.send_signal(signal.SIGPIPE)
        preview.wait()
        assert all_end(project), f"{later} s after its provider began to start"


def say(project: Project, command: str) -> None:
    """Do what the block of docs/errors.md with this command says."""
    [block] = [block.text for block in blocks(REPOSITORY / "docs" / "errors.md") if command in block.text]
    subprocess.run(["bash", "-e", "-c", block], cwd=project.folder, env=project.environ, check=True)


def test_a_broken_state_and_a_lost_one_are_mended_as_the_page_says(tmp_path: Path, sandbox: Sandbox) -> None:
    project = flags_on_cohorts(Project(tmp_path / "ai", sandbox))
    project.environ["PULUMI_BACKEND_URL"] = project.environ["PULUMI_BACKEND_URL"].removesuffix("?metadata=skip")
    project.up()
    [attributes] = (project.folder / STATE).rglob(f"{CHECKPOINT}.attrs")
    attributes.write_bytes(b"")
    assert "failed to load checkpoint" in project.run("preview", "--stack", "sandbox").stderr
    say(project, "sandbox.json.attrs")
    assert len(project.outputs()) == 2 * FLAGS + 1

    say(project, "stack init")
    assert project.outputs() == {}
    sandbox.requests()
    project.up()
    assert sandbox.writes() == []
    assert len(project.outputs()) == 2 * FLAGS + 1
