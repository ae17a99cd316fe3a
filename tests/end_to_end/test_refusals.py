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
    for arguments in (("preview",), ("up", "--yes", "--skip-preview")):
        refused = project.run(*arguments, "--stack", "sandbox")
        assert refused.returncode != 0
        assert all(problem in refused.stdout + refused.stderr for problem in problems)
        assert "Traceback" not in refused.stdout + refused.stderr
    assert sandbox.writes() == []


def key_with(sandbox: Sandbox, scopes: list[str], **limits: object) -> str:
    answer = sandbox.call("POST", "/_sandbox/keys", {"scopes": scopes, **limits})
    return str(answer["value"])


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("wrong key", "does not accept this personal API key"),
        ("expired key", "does not accept this personal API key"),
        ("under-scoped key", "lacks scopes: add feature_flag:"),
        ("wrong project", "has no project 4711"),
        ("no key", "no personal API key: set POSTHOG_API_KEY"),
    ],
)
def test_a_connection_that_will_not_do_is_one_clear_line(
    project: Project, sandbox: Sandbox, case: str, said: str
) -> None:
    environ = {
        "wrong key": lambda: {"POSTHOG_API_KEY": "phx_wrong"},
        "expired key": lambda: {"POSTHOG_API_KEY": key_with(sandbox, ["*"], expires_at="2020-01-01T00:00:00Z")},
        "under-scoped key": lambda: {"POSTHOG_API_KEY": key_with(sandbox, ["cohort:write", "project:read"])},
        "wrong project": lambda: {"POSTHOG_PROJECT_ID": "4711"},
        "no key": lambda: {"POSTHOG_API_KEY": ""},
    }[case]()
    sandbox.requests()
    refused = project.run("preview", "--stack", "sandbox", environ=environ)
    printed = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert said in printed
    assert "Traceback" not in printed
    assert printed.count("error: ") == printed.count(said)
    assert environ.get("POSTHOG_API_KEY") in (None, "") or environ["POSTHOG_API_KEY"] not in printed
    assert sandbox.writes() == []


def test_a_key_that_may_only_read_does_for_a_preview_and_not_for_an_up(project: Project, sandbox: Sandbox) -> None:
    environ = {"POSTHOG_API_KEY": key_with(sandbox, ["feature_flag:read"])}
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
