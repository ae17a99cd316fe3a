"""`.ci/apply`, in a repository of its own, with a GitHub on loopback and stand-ins for what plans and applies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges import FakeGitHub, running
from tests.support.sandbox import REPOSITORY


class Checkout:
    """A clone on the way of its branch, what was applied to the stack, and what was called."""

    def __init__(self, folder: Path, github: FakeGitHub) -> None:
        self.folder, self.github = folder, github
        (folder / ".ci").mkdir(parents=True)
        for name in ("apply", "plan"):
            shutil.copy(REPOSITORY / ".ci" / name, folder / ".ci")
        (folder / "tools").symlink_to(REPOSITORY / "tools")
        (folder / "activate").write_text(f"PATH={folder}/bin:{Path(sys.executable).parent}:$PATH\n")
        (folder / "bin").mkdir()
        command = f'echo "$@" >> {folder}/calls\n[ ! -f {folder}/$1 ] || . {folder}/$1'
        for name, script in {"ai-admin": command, "pulumi": f"cat {folder}/history"}.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / "bin" / name).chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.git("commit", "-q", "--allow-empty", "-m", "first")
        self.was_applied()

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, number: int = 0) -> str:
        """Merge another pull request, whose plan was kept."""
        self.git("commit", "-q", "--allow-empty", "-m", "next")
        commit = self.git("rev-parse", "HEAD")
        self.git("update-ref", "refs/remotes/origin/main", commit)
        self.github.merges(commit, number, head=f"head-{number}")
        self.github.keeps(f"plan-staging-{number}-head-{number}", f"head-{number}", {"plan.json": b"{}"})
        return commit

    def was_applied(self, *commits: str | None) -> None:
        """Let Pulumi say that these were applied, the newest first; None: in a folder without Git."""
        updates = [{"kind": "update", "environment": {"git.head": each} if each else {}} for each in commits]
        refresh = {"kind": "refresh", "environment": {"git.head": "somebody's"}}
        (self.folder / "history").write_text(json.dumps([refresh, *updates]))

    def apply(self, commit: str, *plan: str) -> subprocess.CompletedProcess[str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI", "GITLAB"))}
        command = [str(self.folder / ".ci" / "apply"), "staging", commit, *plan]
        environ = {**plain, **self.github.environ}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    def does(self, command: str, script: str) -> None:
        """Let a command of `ai-admin` do this."""
        (self.folder / command).write_text(script)

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    github = FakeGitHub()
    with running(github):
        yield Checkout(tmp_path / "checkout", github)


APPLIED = ["apply --stack staging plans/staging/reviewed.json"]


def test_an_older_commit_is_not_applied_over_a_newer_one(checkout: Checkout) -> None:
    """Two merges, of which the first one's job comes last or is started again, as after a revert."""
    older, newer = checkout.commit(1), checkout.commit(2)
    checkout.was_applied(newer)
    for plan in ((), ("plan.json",)):
        done = checkout.apply(older, *plan)
        assert (done.returncode, checkout.calls) == (1, [])
        assert f"staging has {newer}, which is newer than {older}" in done.stdout
    assert checkout.apply(newer).returncode == 0
    assert checkout.calls == APPLIED


@pytest.mark.parametrize("applied", ["nothing", "older", "the same", "no repository", "not here", "another branch's"])
def test_what_is_not_older_is_applied(checkout: Checkout, applied: str) -> None:
    older, commit = checkout.commit(1), checkout.commit(2)
    checkout.git("commit", "-q", "--allow-empty", "-m", "somebody's own")
    said: dict[str, list[str | None]] = {"nothing": [], "older": [older], "the same": [commit, older]}
    said |= {"no repository": [None], "not here": ["0" * 40], "another branch's": [checkout.git("rev-parse", "HEAD")]}
    checkout.was_applied(*said[applied])
    done = checkout.apply(commit)
    assert (done.returncode, checkout.calls) == (0, APPLIED), done.stderr


def test_a_plan_that_somebody_agreed_to_is_applied(checkout: Checkout) -> None:
    assert checkout.apply(checkout.commit(1), "plan.json").returncode == 0
    assert checkout.calls == ["apply --stack staging plan.json"]


def test_a_clone_that_can_not_tell_applies_nothing(checkout: Checkout, tmp_path: Path) -> None:
    older, newer = checkout.commit(1), checkout.commit(2)
    checkout.was_applied(newer)
    checkout.git("fetch", "-q", "--depth", "1", f"file://{checkout.folder}", "HEAD")
    done = checkout.apply(older)
    assert (done.returncode, checkout.calls) == (1, [])
    assert "fetch-depth: 0" in done.stderr


@pytest.mark.parametrize(("planned", "ended"), [(3, 4), (1, 1)])
def test_what_moved_is_said_with_the_plan_of_now(checkout: Checkout, planned: int, ended: int) -> None:
    """Also where that one is refused, so that nobody can agree to it."""
    checkout.does("apply", "echo 'flag <b>: was changed'; exit 4")
    checkout.does("plan", f"echo '### the plan of now'; exit {planned}")
    assert checkout.apply(checkout.commit(1)).returncode == ended
    said = (checkout.folder / "plans" / "staging" / "moved.md").read_text()
    assert "\n\n    flag <b>: was changed\n\n" in said
    assert said.endswith("\n\n### the plan of now\n")
    assert ("once somebody agrees" in said) is (ended == 4)
    assert [each["body"] for each in checkout.github.comments[1]] == [f"<!-- ai-admin moved staging -->\n{said}"]


def test_why_there_is_no_plan_of_now_is_said(checkout: Checkout) -> None:
    checkout.does("apply", "exit 4")
    checkout.does("plan", "echo 'PostHog does not answer' >&2; exit 1")
    assert checkout.apply(checkout.commit(1)).returncode == 1
    assert "    PostHog does not answer\n" in (checkout.folder / "plans" / "staging" / "moved.md").read_text()


def test_a_history_that_can_not_be_read_applies_nothing(checkout: Checkout) -> None:
    (checkout.folder / "history").unlink()
    done = checkout.apply(checkout.commit(1))
    assert (done.returncode, checkout.calls) == (1, [])
    assert done.stderr.endswith("\n`pulumi stack history` printed no history\n"), "below what Pulumi says"


def test_however_much_moved_fits_into_the_comment(checkout: Checkout) -> None:
    checkout.does("apply", "yes é | head -50000; exit 4")  # lines could hardly be shorter, and each is indented
    checkout.does("plan", "echo \"$@\"; exit 3")
    assert checkout.apply(checkout.commit(1)).returncode == 4
    [comment] = checkout.github.comments[1]
    limit = int(comment["body"].partition("--limit ")[2].split()[0])
    assert len(comment["body"]) + limit < 65_536
