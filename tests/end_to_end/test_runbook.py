"""docs/runbook.md: each of its commands, in its order, with the samples' definitions on a careful stack."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.checkouts import SAMPLES
from tests.support.commands import run_script
from tests.support.documents import blocks
from tests.support.project import Project
from tests.support.sandbox import REPOSITORY, Sandbox

RUNBOOK = REPOSITORY / "docs" / "runbook.md"
COMMANDS = [block.text for block in blocks(RUNBOOK) if block.language == "sh"]
KEY = "ai-enhancement-enabled"


def git(project: Project, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=project.folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_each_command_of_the_runbook(tmp_path: Path, sandbox: Sandbox) -> None:
    """The flag need not be in the state: that is what on-call can't wait for."""
    project = Project(tmp_path / "ai", sandbox, definitions=SAMPLES)
    path = f"flags/{KEY}.yaml"
    settings = project.folder / "Pulumi.production.yaml"
    settings.write_text(settings.read_text().replace("https://eu.posthog.com", sandbox.url))
    project.pulumi("stack", "init", "production")
    group = {"properties": [], "rollout_percentage": 50}
    made = sandbox.call("POST", "feature_flags/", {"key": KEY, "filters": {"groups": [group]}})
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True)
    (project.folder / ".gitignore").write_text("*\n!flags/\n!flags/*\n")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("config", "user.name", "Ada"),
        ("config", "user.email", "ada@example.com"),
        ("remote", "add", "origin", str(tmp_path / "remote")),
        ("add", "--all"),
        ("commit", "-q", "-m", "As it is."),
    ):
        git(project, *arguments)
    before = (project.folder / path).read_text()
    switches = []
    for command in COMMANDS:
        done = run_script(command, project.folder, project.environ, tmp_path / "bin")
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        switches.append(sandbox.call("GET", f"feature_flags/{made['id']}/")["active"])
    assert switches == [False] * (len(COMMANDS) - 1) + [True]
    assert "active: false" in git(project, "show", f"origin/off/{KEY}:{path}")
    assert (tmp_path / "bin" / "gh.calls").read_text() == "pr create --fill\n"
    assert (project.folder / path).read_text() == before


def test_the_exit_codes_of_the_runbook_are_those_of_the_command() -> None:
    from ai_admin.cli.off import off
    from ai_admin.cli.switching import LEFT, NO_FLAG, NOT_IN_FILE

    rows = [line.split("|")[1].strip() for line in RUNBOOK.read_text().splitlines() if line.startswith("| ")]
    assert rows[1:] == [str(code) for code in (0, LEFT, 2, NOT_IN_FILE, NO_FLAG)]
    assert all(f"{code} " in (off.__doc__ or "") for code in (LEFT, NOT_IN_FILE, NO_FLAG))
