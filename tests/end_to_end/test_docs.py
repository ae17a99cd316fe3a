"""What docs/ says of a run, and its commands, with the real CLI."""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.commands import ai_admin, run_script
from tests.support.documents import blocks
from tests.support.project import CLI, STATE, Project
from tests.support.sandbox import REPOSITORY, Sandbox

ERRORS = REPOSITORY / "docs" / "errors.md"
TESTED_ELSEWHERE = ("clients.md", "history.md", "live-projects.md", "runbook.md")
COMMANDS = [
    block.text
    for page in sorted((REPOSITORY / "docs").glob("*.md"))
    for block in blocks(page)
    # What breaks a state is for test_kill.
    if block.language == "sh" and "stack init" not in block.text and page.name not in TESTED_ELSEWHERE
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    made = Project(tmp_path_factory.mktemp("docs") / "ai", sandbox)
    made.write("flags/good.yaml", "key: good\nrelease_conditions:\n  - rollout_percentage: 10\n")
    made.up()
    return made


def kill_while_it_runs(project: Project) -> None:
    """Start an update, and kill the engine as soon as it holds the stack's lock."""
    up = [str(CLI), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "sandbox"]
    with subprocess.Popen(
        up, cwd=project.folder, env=project.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not list((project.folder / STATE).rglob("locks/**/*.json")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


def test_a_lock_that_a_killed_run_left_is_met_and_removed_as_the_page_says(project: Project, tmp_path: Path) -> None:
    kill_while_it_runs(project)
    refused = project.run("up", "--yes", "--skip-preview", "--stack", "sandbox")
    assert refused.returncode != 0
    assert said("the stack is currently locked by 1 lock(s)", refused)
    for command in "".join(COMMANDS).splitlines():
        words = shlex.split(command)
        if words[:1] == ["ai-admin"]:
            done = ai_admin(project.folder, project.environ, *words[1:])
        elif words:
            done = run_script(command, project.folder, project.environ, tmp_path / "bin")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    ("message", "arguments", "passphrase"),
    [
        ("passphrase must be set with PULUMI_CONFIG_PASSPHRASE", ("--stack", "sandbox"), None),
        ("incorrect passphrase", ("--stack", "sandbox"), "another"),
        ("no stack named 'nowhere' found", ("--stack", "nowhere"), "sandbox"),
    ],
)
def test_pulumis_own_messages_are_those_of_the_page(
    tmp_path: Path, sandbox: Sandbox, message: str, arguments: tuple[str, ...], passphrase: str | None
) -> None:
    project = Project(tmp_path / "ai", sandbox, passphrase=True)
    environ = {name: value for name, value in project.environ.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
    refused = subprocess.run(
        [str(CLI), "preview", *arguments, "--non-interactive"],
        cwd=project.folder,
        env=environ if passphrase is None else {**environ, "PULUMI_CONFIG_PASSPHRASE": passphrase},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode != 0
    assert said(message, refused)


def said(message: str, done: subprocess.CompletedProcess[str]) -> bool:
    return message in done.stdout + done.stderr and f"| `{message}` |" in ERRORS.read_text(encoding="utf-8")
