"""``ai-admin simulate``: events through PostHog's SDK, to a sandbox and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from tests.support.checkouts import sample_checkout
from tests.support.sandbox import Sandbox


@pytest.fixture
def root(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(sample_checkout(tmp_path))
    monkeypatch.setenv("POSTHOG_HOST", sandbox.url)
    monkeypatch.setenv("POSTHOG_PROJECT_ID", str(sandbox.project_id))
    monkeypatch.setenv("POSTHOG_API_KEY", sandbox.api_key)
    return tmp_path


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["simulate", *arguments])


def test_all_events_arrive_once_with_their_times_and_persons(root: Path, sandbox: Sandbox) -> None:
    asked = ("--events", "2500", "--installations", "9", "--days", "3", "--until", "2026-03-04", "--json")
    done = simulate(*asked)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["events"], said["start"], said["end"]) == (
        2500,
        "2026-03-01T00:00:00+00:00",
        "2026-03-04T00:00:00+00:00",
    )
    assert simulate(*asked).exit_code == 0
    events = sandbox.call("GET", "events/?event=ai_enhancement_used&limit=3000")["results"]
    assert len(events) == 2500
    assert (
        "2026-03-01"
        <= min(each["timestamp"] for each in events)
        < max(each["timestamp"] for each in events)
        < "2026-03-04"
    )
    persons = {each["name"]: each["properties"] for each in sandbox.call("GET", "persons/?limit=100")["results"]}
    newest = events[0]["distinct_id"]
    assert persons[newest]["last_active"][:19] == events[0]["timestamp"][:19]


def test_nothing_goes_to_what_is_no_sandbox(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_HOST", "https://posthog.example")
    done = simulate("--events", "1")
    assert done.exit_code == 1
    assert "nothing was sent to stack sandbox (project" in done.output
    assert "it is no sandbox on this machine" in done.output


def test_nothing_is_sent_of_what_is_still_to_come(root: Path, sandbox: Sandbox) -> None:
    sandbox.requests()
    done = simulate("--events", "5", "--until", "2126-11-26")
    assert done.exit_code == 2
    assert "--until 2126-11-26T00:00 is still to come" in done.output
    assert sandbox.requests() == []


def test_no_key_is_wrong_use(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHOG_API_KEY")
    assert simulate("--events", "1").exit_code == 2
