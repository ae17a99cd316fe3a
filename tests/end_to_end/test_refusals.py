"""What a plain `pulumi preview` and `pulumi up` refuse, in which words, and that nothing was written by then."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    made = Project(tmp_path_factory.mktemp("refusals") / "ai", sandbox)
    made.write("flags/good.yaml", "key: good\nrelease_conditions:\n  - rollout_percentage: 10\n")
    return made


@pytest.fixture
def bad(project: Project) -> Iterator[Path]:
    """A file for a definition that must not stay."""
    path = project.folder / "flags" / "bad.yaml"
    yield path
    path.unlink()


def test_a_bad_definition_is_refused_with_the_words_of_check(
    project: Project, sandbox: Sandbox, bad: Path
) -> None:
    bad.write_text("key: bad\ncolour: red\nrelease_conditions:\n  - {cohort: internal}\n", encoding="utf-8")
    sandbox.requests()
    check = subprocess.run([".venv/bin/ai-admin", "check"], cwd=project.folder, capture_output=True, text=True)
    assert check.returncode == 1
    problems = [line for line in check.stdout.splitlines() if line.startswith("flags/bad.yaml:")]
    assert len(problems) == 2
    refused = project.run("preview", "--stack", "sandbox")
    assert refused.returncode == 1
    assert all(problem in refused.stdout + refused.stderr for problem in problems)
    assert "Traceback" not in refused.stdout + refused.stderr
    assert sandbox.writes() == []


def test_a_key_that_will_not_do_is_one_clear_line(project: Project, sandbox: Sandbox) -> None:
    said = "does not accept this personal API key"
    sandbox.requests()
    refused = project.run("preview", "--stack", "sandbox", environ={"POSTHOG_API_KEY": "phx_wrong"})
    printed = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert said in printed
    assert "Traceback" not in printed
    assert printed.count("error: ") == printed.count(said)
    assert "phx_wrong" not in printed
    assert sandbox.writes() == []


def test_a_key_that_may_only_read_does_for_a_preview_and_not_for_an_up(project: Project, sandbox: Sandbox) -> None:
    key = sandbox.key(["feature_flag:read"])
    environ = {"POSTHOG_API_KEY": key}
    assert project.run("preview", "--stack", "sandbox", environ=environ).returncode == 0
    sandbox.requests()
    refused = project.run("up", "--yes", "--skip-preview", "--stack", "sandbox", environ=environ)
    assert refused.returncode != 0
    assert "lacks scopes: add feature_flag:write" in refused.stdout + refused.stderr
    assert sandbox.writes() == []


def test_a_key_under_the_sandboxs_passphrase_is_refused(project: Project) -> None:
    project.pulumi("stack", "init", "staging")
    project.pulumi("config", "set", "--secret", "ai-admin:api_key", "phx_production", "--stack", "staging")
    refused = project.run("preview", "--stack", "staging")
    assert refused.returncode != 0
    assert "encrypted with the sandbox's passphrase, which everybody knows" in refused.stdout + refused.stderr
    assert "phx_production" not in refused.stdout + refused.stderr


def test_another_stacks_files_do_not_reach_this_project(project: Project, sandbox: Sandbox) -> None:
    project.pulumi("stack", "init", "production")
    sandbox.requests()
    refused = project.run("preview", "--stack", "production")
    assert refused.returncode != 0
    assert f"POSTHOG_HOST={sandbox.url} contradicts" in refused.stdout + refused.stderr
    assert sandbox.requests() == []


@pytest.fixture(scope="module")
def standing(project: Project) -> Project:
    """The project, applied, with several objects: an error is said once, and not for each of them."""
    project.write("flags/another.yaml", "key: another\nrelease_conditions:\n  - rollout_percentage: 10\n")
    project.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    project.write("cohorts/c.yaml", "key: c\nname: C\nproperties: [{key: v, value: 'x'}]\n")
    project.up()
    return project


@pytest.mark.parametrize(
    ("command", "environ", "said"),
    [
        ("up", {"POSTHOG_API_KEY": "phx_wrong"}, "does not accept this personal API key"),
        ("refresh", {"POSTHOG_PROJECT_ID": "2"}, "live in PostHog project 1, but the connection is to project 2"),
        ("destroy", {"POSTHOG_API_KEY": "phx_wrong"}, "does not accept this personal API key"),
    ],
    ids=["up", "refresh", "destroy"],
)
def test_a_stack_that_stands_is_not_touched_through_a_wrong_connection(
    standing: Project, sandbox: Sandbox, command: str, environ: dict[str, str], said: str
) -> None:
    before = standing.outputs()
    sandbox.requests()
    refused = standing.run(command, "--yes", "--skip-preview", "--stack", "sandbox", environ=environ)
    assert refused.returncode != 0
    diagnostics = refused.stdout.split("Diagnostics:")[1].splitlines()
    errors = [line for line in diagnostics if "error: " in line and not line.endswith(" failed")]
    assert len(errors) == 1
    assert said in errors[0]
    assert sandbox.writes() == []
    assert standing.outputs() == before
