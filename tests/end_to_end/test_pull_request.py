"""A whole pull request, by the workflows' own steps: opened, commented, merged, applied, and what happens in between.

Git repositories of the test's own, the real CLI, a sandbox for each stack, and a GitHub on loopback. One story: the
tests are in its order.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.posthog.kinds import KINDS
from tests.support.commands import run_script
from tests.support.forges import FakeGitHub, FakeGitLab, running
from tests.support.oncall import COMMAND
from tests.support.project import CLI
from tests.support.pythons import virtualenv
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox
from tests.support.workflows import Done, Runner, every_job
from tools.toolchain.shell import lean_home

STACKS = ("production", "staging")
CHECKOUT = ("__main__.py", "activate", "ai_admin", "providers", "schemas", "tools", ".ci", ".github", "Pulumi.yaml")
READS = sorted({"project", "activity_log", "integration", "organization_member", *(k.scope for k in KINDS.values())})
WHO = re.compile(r"by grace@(<!-- -->)?example\.com on ")


class Story:
    """A repository on GitHub, and people who open and merge pull requests."""

    def __init__(self, folder: Path, github: FakeGitHub, sandboxes: dict[str, Sandbox]) -> None:
        self.github, self.sandboxes = github, sandboxes
        self.work, origin = folder / "work", folder / "origin.git"
        self.work.mkdir()
        for name in CHECKOUT:
            source = REPOSITORY / name
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(source, self.work / name, ignore=ignored) if source.is_dir() else shutil.copy(
                source, self.work
            )
        (self.work / ".gitignore").write_text(".venv\n.toolchain\n__pycache__/\n/plans/\n")
        for stack, sandbox in sandboxes.items():
            config = f"config:\n  ai-admin:host: {sandbox.url}\n  ai-admin:project_id: {sandbox.project_id}\n"
            (self.work / f"Pulumi.{stack}.yaml").write_text(config)
        for key in ("ai", "beta"):
            self.write(key, 10)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", str(origin))
        (folder / "state").mkdir()
        self.runner = Runner(origin, github, folder / "runner")
        self.runner.variables = {"PULUMI_BACKEND_URL": f"file://{folder}/state"}
        lean_home(folder / "home")
        left_out = ("POSTHOG_", "PULUMI_", "GITHUB_", "AI_ADMIN_", "GITLAB_", "CI")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        self.runner.environ = {**plain, "PULUMI_HOME": str(folder / "home")}
        self.graces_keys = {}
        for stack, sandbox in sandboxes.items():
            reading = sandbox.key([f"{scope}:read" for scope in READS])
            self.graces_keys[stack] = sandbox.user("grace@example.com")
            secrets = {"PULUMI_CONFIG_PASSPHRASE": "a passphrase", "PAGER_WEBHOOK_URL": ""}
            for environment, key in ((stack, sandbox.api_key), (f"{stack}-moved", sandbox.api_key)):
                self.runner.secrets[environment] = {**secrets, "POSTHOG_API_KEY": key}
            self.runner.secrets[f"{stack}-preview"] = {**secrets, "POSTHOG_API_KEY": str(reading)}
            self.runner.secrets[f"{stack}-off"] = {"POSTHOG_API_KEY": sandbox.api_key}
            github.reviewers.add(f"{stack}-moved")
            self.pulumi(stack, "stack", "init", stack)

    def pulumi(self, stack: str, *arguments: str) -> None:
        """Run the Pulumi CLI in the checkout."""
        environ = {
            **self.runner.environ,
            **self.runner.variables,
            **self.runner.secrets[stack],
            "PATH": f"{CLI.parent}{os.pathsep}{self.runner.environ['PATH']}",
        }
        command = [str(CLI), *arguments, "--non-interactive"]
        subprocess.run(command, cwd=self.work, env=environ, check=True, capture_output=True)

    def ai_admin(self, stack: str, *arguments: str) -> str:
        """Run `ai-admin` in the checkout of somebody who may only read."""
        path = f"{CLI.parent}{os.pathsep}{self.runner.environ['PATH']}"
        environ = {**self.runner.environ, **self.runner.variables, **self.runner.secrets[f"{stack}-preview"]}
        command = [str(COMMAND), *arguments]
        done = subprocess.run(command, cwd=self.work, env={**environ, "PATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.work, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, key: str, share: int, more: str = "") -> None:
        folder = self.work / "flags"
        folder.mkdir(exist_ok=True)
        text = f"key: {key}\n{more}release_conditions: [{{rollout_percentage: {share}}}]\n"
        (folder / f"{key}.yaml").write_text(text)

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def share(self, stack: str, key: str) -> int:
        [found] = [each for each in self.sandboxes[stack].items("feature_flags") if each["key"] == key]
        return int(found["filters"]["groups"][0]["rollout_percentage"])

    def by_hand(self, stack: str, key: str, share: int) -> None:
        [found] = [each for each in self.sandboxes[stack].items("feature_flags") if each["key"] == key]
        body = {"filters": {"groups": [{"properties": [], "rollout_percentage": share}]}}
        self.sandboxes[stack].call("PATCH", f"feature_flags/{found['id']}/", body, key=self.graces_keys[stack])

    def open(self, number: int, head: str, fork: bool = False) -> dict[str, Any]:
        """GitHub tests a merge of the pull request; return the event, with that commit."""
        self.git("switch", "-q", "--detach", "origin/main")
        self.git("merge", "-q", "--no-ff", "-m", "Test", head)
        merge = self.git("rev-parse", "HEAD")
        self.git("push", "-q", "-f", "origin", f"HEAD:refs/pull/{number}/merge")
        base = self.git("rev-parse", "origin/main")
        repository = "mallory/ai-admin" if fork else self.github.repository
        pull = {"number": number, "head": {"sha": head, "repo": {"full_name": repository}}, "base": {"sha": base}}
        return {"pull_request": pull, "merge": merge}

    def check(self, event: dict[str, Any]) -> None:
        """Run what the workflow of a pull request does before the plans, which takes nothing from it but the stacks."""
        merge = event["merge"]
        changed = self.runner.run("preview", "changed", merge, event=event)
        assert json.loads(changed.outputs["stacks"]) == sorted(STACKS)
        check = self.runner.run("preview", "check", merge, event=event)
        assert not check.failed, check.said
        assert ".ci/run" not in check.steps

    def preview(self, event: dict[str, Any], stacks: Sequence[str] = STACKS) -> list[str]:
        """Make the plans of a pull request and its comment, and return the comments of machines."""
        merge, number = event["merge"], event["pull_request"]["number"]
        for stack in stacks:
            context = {"matrix": {"stack": stack}, "strategy": {"job-total": len(STACKS)}}
            plan = self.runner.run("preview", "plan", merge, event=event, **context)
            assert not plan.failed, plan.said
            assert f"### `{stack}`" in plan.summary
        comment = self.runner.run("preview", "comment", merge, event=event, needs={"plan": {"result": "success"}})
        assert not comment.failed, comment.said
        return [each["body"] for each in self.github.comments[number]]

    def merge(self, number: int, head: str) -> str:
        self.git("switch", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number}", head)
        self.git("push", "-q", "origin", "main")
        commit = self.git("rev-parse", "HEAD")
        self.github.merges(commit, number, head)
        return commit

    def reviewed(self, stack: str, commit: str) -> Done:
        """Apply a merge to a stack, as `apply` calls `up`."""
        return self.runner.run("up", "reviewed", commit, inputs={"stack": stack})

    def off(self, stack: str, commit: str) -> Done:
        """Switch off what the branch has off, in a run of this commit, as `apply` does before and `up` does after."""
        return self.runner.run("as-written", "off", commit, inputs={"stack": stack})

    def agreed(self, stack: str, commit: str, reviewed: Done) -> Done:
        """Apply what moved, once the environment's reviewers agree."""
        needs = {"reviewed": {"outputs": reviewed.outputs}}
        return self.runner.run("up", "moved", commit, inputs={"stack": stack}, needs=needs)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder, github = tmp_path_factory.mktemp("pull-request"), FakeGitHub()
    with ExitStack() as stack:
        stack.enter_context(running(github))
        sandboxes = {name: stack.enter_context(running_sandbox(folder / f"posthog-{name}")) for name in STACKS}
        yield Story(folder, github, sandboxes)


def test_what_came_without_a_pull_request_waits_for_somebody_to_agree(story: Story) -> None:
    commit = story.commit("First")
    reviewed = story.reviewed("staging", commit)
    assert (reviewed.failed, reviewed.outputs["moved"]) == (False, "true"), reviewed.said
    assert "**flag ai** is new" in reviewed.summary
    assert story.sandboxes["staging"].items("feature_flags") == []
    agreed = story.agreed("staging", commit, reviewed)
    assert not agreed.failed, agreed.said
    assert "staging: 2 objects applied" in agreed.summary
    assert [story.share("staging", key) for key in ("ai", "beta")] == [10, 10]
    (story.work / ".venv").symlink_to(virtualenv())
    story.pulumi("production", "up", "--yes", "--skip-preview", "--stack", "production")


def test_a_pull_request_has_one_comment_with_the_plans(story: Story) -> None:
    story.git("switch", "-q", "-c", "more-ai")
    story.write("ai", 25)
    event = story.open(1, story.commit("AI for a quarter"))
    story.check(event)
    [comment] = story.preview(event, ["staging"])
    assert comment.count('condition "everybody" from 10 % to 25 %') == 1
    story.git("switch", "-q", "more-ai")
    story.write("ai", 30)
    [comment] = story.preview(story.open(1, story.commit("AI for three in ten")))
    for stack in STACKS:
        assert f"<!-- ai-admin plan {stack} -->" in comment
    assert comment.count('condition "everybody" from 10 % to 30 %') == 2
    assert "25 %" not in comment


def test_the_merge_applies_what_was_reviewed_and_asks_where_something_moved(story: Story) -> None:
    commit = story.merge(1, story.git("rev-parse", "more-ai"))
    staging = story.reviewed("staging", commit)
    assert (staging.failed, staging.outputs["moved"]) == (False, ""), staging.said
    assert '~ flag ai: condition "everybody" from 10 % to 30 %' in staging.summary
    assert story.share("staging", "ai") == 30
    story.by_hand("production", "ai", 55)
    production = story.reviewed("production", commit)
    assert (production.failed, production.outputs["moved"]) == (False, "true"), production.said
    assert story.share("production", "ai") == 55
    plans, moved = (each["body"] for each in story.github.comments[1])
    assert "from 10 % to 30 %" in plans
    assert moved.startswith("<!-- ai-admin moved production -->\n")
    assert WHO.search(moved)
    assert 'from 55 % to 30 %' in moved
    story.github.reviewers.remove("production-moved")
    assert "asks nobody" in story.agreed("production", commit, production).said
    assert story.share("production", "ai") == 55
    story.github.reviewers.add("production-moved")
    agreed = story.agreed("production", commit, production)
    assert not agreed.failed, agreed.said
    assert story.share("production", "ai") == 30


def test_a_switch_off_goes_first_and_does_not_make_the_plan_another_one(story: Story) -> None:
    story.git("switch", "-q", "-c", "ai-off")
    story.write("ai", 30, "active: false\n")
    head = story.commit("AI off")
    story.preview(story.open(2, head), ["production"])
    commit = story.merge(2, head)
    off = story.off("production", story.git("rev-parse", "main^"))  # an older run's, whose own files have it on
    assert not off.failed, off.said
    [ai] = [each for each in story.sandboxes["production"].items("feature_flags") if each["key"] == "ai"]
    assert not ai["active"]
    reviewed = story.reviewed("production", commit)
    assert (reviewed.failed, reviewed.outputs["moved"]) == (False, ""), reviewed.said


def test_an_older_run_that_is_started_again_takes_nothing_back(story: Story) -> None:
    """What the newest commit says is on stays on, and what was applied last stays applied."""
    switched_off = story.git("rev-parse", "main")
    older = story.git("rev-parse", "main^")
    again = story.reviewed("production", older)
    assert (again.failed, again.outputs["moved"]) == (True, "")
    assert f"production has {switched_off}, which is newer than {older}" in again.summary
    story.write("ai", 30)
    story.commit("AI on again")
    [ai] = [each for each in story.sandboxes["production"].items("feature_flags") if each["key"] == "ai"]
    story.sandboxes["production"].call("PATCH", f"feature_flags/{ai['id']}/", {"active": True})
    off = story.off("production", switched_off)
    assert "no flag is on whose file says that it is off" in off.said


def test_what_was_changed_by_hand_becomes_a_pull_request(story: Story) -> None:
    """Drift opens an issue, `ai-admin pull` writes the change into the file, and the merge closes the issue."""
    story.by_hand("production", "beta", 15)
    story.git("switch", "-q", "-c", "from-posthog", "main")
    drift = story.runner.run("drift", "drift", story.git("rev-parse", "HEAD"), matrix={"stack": "production"})
    assert not drift.failed, drift.said
    [issue] = story.github.issues.values()
    assert (issue["title"], issue["state"]) == ("PostHog differs from the files: production", "open")
    assert "beta" in issue["body"]
    assert WHO.search(issue["body"])
    story.ai_admin("production", "pull", "--stack", "production")
    assert story.git("diff", "--name-only") == "flags/beta.yaml"
    head = story.commit("What grace changed")
    [comment] = story.preview(story.open(5, head), ["production"])
    assert "nothing changes" in comment
    commit = story.merge(5, head)
    reviewed = story.reviewed("production", commit)
    assert (reviewed.failed, reviewed.outputs["moved"]) == (False, ""), reviewed.said
    assert (story.share("production", "beta"), story.share("staging", "beta")) == (15, 10)
    drift = story.runner.run("drift", "drift", commit, matrix={"stack": "production"})
    assert not drift.failed, drift.said
    assert issue["state"] == "closed"


def test_a_fork_is_checked_and_gets_no_plan(story: Story) -> None:
    story.git("switch", "-q", "-c", "fork")
    story.write("beta", 20, "actve: true\n")
    event = story.open(3, story.commit("From a fork"), fork=True)
    check = story.runner.run("preview", "check", event["merge"], event=event)
    assert check.failed
    assert "::error file=flags/beta.yaml,line=2,col=1,title=flag/beta (schema)::" in check.said
    with pytest.raises(AssertionError, match="preview/plan does not run"):
        story.runner.run("preview", "plan", event["merge"], event=event, matrix={"stack": "production"})


def test_a_plan_that_can_not_be_made_says_why_in_the_comment(story: Story) -> None:
    story.git("switch", "-q", "fork")
    event = story.open(4, story.git("rev-parse", "HEAD"))
    context = {"matrix": {"stack": "production"}, "strategy": {"job-total": 2}}
    plan = story.runner.run("preview", "plan", event["merge"], event=event, **context)
    assert plan.failed
    assert plan.summary.startswith("<!-- ai-admin plan production -->\n### `production`: no plan\n")
    assert '    flags/beta.yaml:2:1: flag/beta: the key "actve" is not known here' in plan.summary


def test_code_scanning_gets_the_problems(story: Story) -> None:
    story.runner.variables["CODE_SCANNING"] = "true"
    done = story.runner.run("code-scanning", "definitions", story.git("rev-parse", "fork"))
    assert not done.failed, done.said
    [scan] = json.loads((done.folder / "check.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in scan["results"]] == ["schema"]


GITLAB: dict[str, Any] = yaml.safe_load((REPOSITORY / ".gitlab-ci.yml").read_text(encoding="utf-8"))


class GitLabRunner:
    """Runs the jobs of ``.gitlab-ci.yml`` for the same repository."""

    def __init__(self, story: Story, gitlab: FakeGitLab) -> None:
        self.story, self.gitlab = story, gitlab
        self.count = 0

    def run(
        self, job: str, commit: str, environment: str = "", variables: Mapping[str, str] = {}, code: int = 0
    ) -> Path:
        """Run the script of a job, which must end so, and return its folder."""
        body = GITLAB[job]
        body = {**GITLAB.get(body.get("extends"), {}), **body}
        script, after = (
            "\n".join(each for part in parts for each in body.get(part, []) if not each.startswith("make setup"))
            for parts in (("before_script", "script"), ("after_script",))
        )
        self.count += 1
        folder = self.story.runner.folder / f"gitlab-{self.count}"
        subprocess.run(["git", "clone", "-q", str(self.story.runner.origin), str(folder)], check=True)
        subprocess.run(["git", "checkout", "-q", "--detach", commit], cwd=folder, check=True)
        (folder / ".venv").symlink_to(virtualenv())
        (folder / ".toolchain").symlink_to(REPOSITORY / ".toolchain")
        environ = {
            **self.story.runner.environ,
            **self.story.runner.variables,
            **self.gitlab.environ,
            **self.story.runner.secrets.get(environment, {}),
            **body.get("variables", {}),
            "CI_COMMIT_SHA": commit,
            "CI_PIPELINE_ID": "30",
            **variables,
        }
        for text, ended in ((script, code), (after, 0)):
            done = run_script(text, folder, environ, self.story.runner.folder / "bin")
            assert done.returncode == ended, done.stdout + done.stderr
        return folder


def test_gitlab_does_the_same(story: Story) -> None:
    """Check, plan, note, switch-offs, the reviewed plan, what moved, and the kill switch."""
    gitlab = FakeGitLab()
    with running(gitlab):
        runner = GitLabRunner(story, gitlab)
        story.git("switch", "-q", "main")
        story.write("beta", 40)
        head = story.commit("More beta")
        assert json.loads((runner.run("check", head) / "gl-code-quality-report.json").read_text()) == []
        planned = runner.run("plan", head, "staging-preview", {"STACK": "staging"})
        plan = planned / "plans" / "staging" / "plan.json"
        moved = {"iid": 3, "state": "merged", "sha": head, "merge_commit_sha": head, "squash_commit_sha": None}
        moved |= {"target_branch": "main", "merged_at": "2026-11-27T12:00:00.000Z"}
        pipeline = {"id": 20, "source": "merge_request_event", "project_id": 7, "sha": head}
        gitlab.tables |= {
            f"repository/commits/{head}/merge_requests": [moved],
            "merge_requests/3/pipelines": [{**pipeline, "ref": "refs/merge-requests/3/head"}],
            "pipelines/20/jobs": [{"id": 201, "name": "plan: [staging]", "finished_at": "2026-11-27T11:00:00.000Z"}],
            "jobs/201/artifacts/plans/staging/plan.json": json.loads(plan.read_text()),
        }
        runner.run("off", head, "staging-off", {"STACK": "staging"})
        story.by_hand("staging", "beta", 5)
        applied = runner.run("staging", head, "staging", code=4)
        assert story.share("staging", "beta") == 5
        [note] = gitlab.notes
        assert note["body"].startswith("<!-- ai-admin moved staging -->")
        assert 'from 5 % to 40 %' in note["body"]
        gitlab.tables |= {
            "pipelines/30/jobs": [{"id": 301, "name": "staging"}],
            "jobs/301/artifacts/plans/staging/plan.json": json.loads(
                (applied / "plans" / "staging" / "plan.json").read_text()
            ),
        }
        runner.run("staging moved", head, "staging")
        assert story.share("staging", "beta") == 40
        runner.run("staging", head, "staging")  # started again, it finds nothing to apply
        elsewhere = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{story.runner.origin}.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://oauth2:a-token@gitlab.example.com/acme/ai-admin.git",
        }
        given = {"FLAG": "beta", "STACK": "staging", "REASON": "cost; $(touch hacked)", "DEPENDENTS": "yes"}
        named = {"CI_SERVER_HOST": "gitlab.example.com", "CI_PROJECT_PATH": "acme/ai-admin", "GITLAB_USER_NAME": "Ada"}
        more = {"CI_DEFAULT_BRANCH": "main", "GITLAB_USER_EMAIL": "ada@example.com"}
        subprocess.run(
            ["git", "config", "receive.advertisePushOptions", "true"], cwd=story.runner.origin, check=True
        )
        folder = runner.run("switch", head, "staging-off", given | named | more | elsewhere)
        assert not (folder / "hacked").exists()
        story.git("fetch", "-q", "origin")
        assert story.git("log", "-1", "--format=%s", "origin/off/beta-30") == f"Switch off beta: {given['REASON']}"
        [beta] = [each for each in story.sandboxes["staging"].items("feature_flags") if each["key"] == "beta"]
        assert not beta["active"]


def test_gitlab_notes_what_was_planned(story: Story, tmp_path: Path) -> None:
    gitlab = FakeGitLab()
    with running(gitlab):
        [script] = GITLAB["comment"]["script"]
        for stack in STACKS:
            (tmp_path / "plans" / stack).mkdir(parents=True)
            (tmp_path / "plans" / stack / "plan.md").write_text(f"<!-- ai-admin plan {stack} -->\n")
        (tmp_path / "tools").symlink_to(REPOSITORY / "tools")
        environ = {**story.runner.environ, **gitlab.environ, "CI_MERGE_REQUEST_IID": "3"}
        for _ in range(2):
            done = run_script(script, tmp_path, environ, tmp_path / "bin")
            assert done.returncode == 0, done.stderr
    assert [each["body"] for each in gitlab.notes] == [
        "<!-- ai-admin plans -->\n<!-- ai-admin plan production -->\n\n<!-- ai-admin plan staging -->\n"
    ]


def test_every_script_of_every_workflow_was_run(story: Story) -> None:
    """By this story, or by the test that is named here."""
    elsewhere = {
        "off/switch": "test_off_workflow.py",
        "preview/check: .ci/run": "the run that this test is part of",
    }
    scripts = {
        f"{name}: {step['run']}": step["run"]
        for name, job in every_job().items()
        for step in job.get("steps", ())
        if "run" in step
    }
    left = [name for name, script in scripts.items() if script not in story.runner.scripts]
    assert [name for name in left if not name.startswith(tuple(elsewhere))] == []
