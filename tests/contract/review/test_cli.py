"""`ai-admin plan` with the real Pulumi CLI, whose engine never runs: state, secrets, exit codes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from ai_admin.review.state import State, read
from providers.posthog.errors import UnreadableState
from tests.support.commands import ai_admin
from tests.support.project import STATE, Project
from tests.support.pythons import OURS
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    made = Project(tmp_path_factory.mktemp("project") / "ai", sandbox, passphrase=True)
    made.write("flags/cli.yaml", "key: cli\nrelease_conditions: [{rollout_percentage: 10}]\n")
    return made


def plan(project: Project, *options: str, **environ: str | None) -> subprocess.CompletedProcess[str]:
    given = {**project.environ, **{name: value for name, value in environ.items() if value is not None}}
    for name in (name for name, value in environ.items() if value is None):
        del given[name]
    return ai_admin(project.folder, given, "plan", "--stack", "sandbox", *options)


def test_the_first_run_has_everything_as_new_and_tells_schedules_so(project: Project) -> None:
    done = plan(project, "--expect-no-changes")
    assert done.returncode == 3
    assert "+ flag cli is new" in done.stdout
    assert "\x1b" not in done.stdout
    assert plan(project).returncode == 0


def test_what_is_taken_over_is_a_change_and_what_posthog_has_not_met_is_none(
    project: Project, sandbox: Sandbox
) -> None:
    """Of neither is anything sent; but what is taken over is the stack's from then on."""
    body = {"key": "cli", "filters": {"groups": [{"rollout_percentage": 10}]}, "_should_create_usage_dashboard": False}
    made = sandbox.call("POST", "feature_flags/", body)
    properties, flag = project.folder / "events" / "people.yaml", project.folder / "flags" / "cli.yaml"
    text = flag.read_text()
    project.write("events/people.yaml", "key: people\ntype: person\nproperties: {plan: {type: String}}\n")
    taken = plan(project, "--expect-no-changes")
    flag.unlink()
    done = plan(project, "--expect-no-changes")
    flag.write_text(text)
    properties.unlink()
    sandbox.call("PATCH", f"feature_flags/{made['id']}/", {"deleted": True})
    assert (taken.returncode, "1 is adopted as it is" in taken.stdout) == (3, True), taken.stdout
    assert "+ property person.plan is not in PostHog yet" in done.stdout
    assert done.returncode == 0, done.stdout


def test_who_waits_at_a_terminal_is_told_for_what(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_admin.cli.text.PATIENCE", 0.02)
    done = ai_admin(project.folder, project.environ, "plan", "--stack", "sandbox", terminal=True)
    assert re.match(r"comparing the files with the project of sandbox: \d+ s so far\n", done.stderr)


def test_each_form_is_printed_and_a_problem_is_exit_code_1(project: Project) -> None:
    assert json.loads(plan(project, "--format", "json").stdout)["changes"][0]["action"] == "create"
    assert plan(project, "--format", "markdown").stdout.startswith("<!-- ai-admin plan sandbox -->")
    project.write("flags/bad.yaml", "key: bad\n")
    done = plan(project)
    as_json, as_markdown = (plan(project, "--format", form) for form in ("json", "markdown"))
    (project.folder / "flags" / "bad.yaml").unlink()
    assert done.returncode == as_json.returncode == as_markdown.returncode == 1
    assert json.loads(as_json.stdout)["problems"][1].startswith("flags/bad.yaml:")
    assert as_markdown.stdout.startswith("<!-- ai-admin plan sandbox -->\n### `sandbox`: no plan\n")
    assert "\n    flags/bad.yaml:" in as_markdown.stdout
    assert done.stderr.startswith("the definitions have problems:\nflags/bad.yaml:")
    assert done.stdout == ""


def test_a_key_that_is_a_secret_of_the_stack_is_decrypted_by_pulumi(project: Project) -> None:
    name, key = "ai-admin:api_key", project.environ["POSTHOG_API_KEY"]
    # Not with the sandbox's passphrase, which everybody knows.
    own = {"PULUMI_CONFIG_PASSPHRASE": "our own"}
    project.pulumi("stack", "init", "secret", environ=own)
    project.pulumi("config", "set", "--secret", name, key, "--stack", "secret", environ=own)
    assert key not in (project.folder / "Pulumi.secret.yaml").read_text(encoding="utf-8")
    asked = ("--stack", "secret")
    done = plan(project, *asked, POSTHOG_API_KEY=None, PULUMI_CONFIG_PASSPHRASE="our own")
    assert done.returncode == 0, done.stderr
    assert "+ flag cli is new" in done.stdout
    assert key not in done.stdout
    wrong = plan(project, *asked, POSTHOG_API_KEY=None, PULUMI_CONFIG_PASSPHRASE="another")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("ai-admin:api_key of secret can't be decrypted: ")
    assert "Traceback" not in wrong.stderr


def test_a_stack_that_the_backend_does_not_know_is_one_of_which_nothing_was_applied(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    assert read(project.folder, "production") == State()


def test_a_backend_that_can_not_be_read_is_said_in_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {**project.environ, "PULUMI_BACKEND_URL": f"file://{tmp_path}/nowhere"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnreadableState) as raised:
        read(project.folder, "sandbox")
    assert "\n" not in str(raised.value)


def test_an_interrupt_ends_a_plan_that_waits_for_posthog(project: Project) -> None:
    """Threads wait for answers then, and Python waits for these."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {**project.environ, "POSTHOG_HOST": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        command = [str(OURS / "bin" / "ai-admin"), "plan", "--stack", "sandbox"]
        process = subprocess.Popen(
            command,
            cwd=project.folder,
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background of a shell it is ignored, by what they start as well.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        waiting, _ = silent.accept()
        with process, waiting:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=40)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_what_keeps_pulumi_from_a_run_is_said_with_what_to_do(project: Project) -> None:
    """A lock that a killed run has left, and a wrong passphrase."""

    def apply(**environ: str) -> str:
        done = ai_admin(project.folder, {**project.environ, **environ}, "apply", "--yes", "--stack", "sandbox")
        assert done.returncode == 1
        assert done.stdout.endswith(": nothing applied in 0 s\n")
        return done.stderr

    locks = project.folder / STATE / ".pulumi" / "locks" / "organization" / "ai-admin" / "sandbox"
    locks.mkdir(parents=True, exist_ok=True)
    lock = locks / "of-a-killed-run.json"
    lock.write_text('{"pid": 1, "username": "ana", "hostname": "laptop", "timestamp": "2026-11-28T10:00:00Z"}')
    said = apply()
    assert "created by ana@laptop" in said
    assert said.endswith("if no `up` of sandbox runs any more: `pulumi cancel --stack sandbox`, and apply again\n")
    lock.unlink()
    wrong = apply(PULUMI_CONFIG_PASSPHRASE="wrong")
    assert wrong.endswith("is not the one that the secrets of sandbox are encrypted with\n")
