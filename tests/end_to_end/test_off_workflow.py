"""What CI runs to switch a flag: each `run:` of the workflow ``off``, and of the first job of ``apply``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run_script
from tests.support.oncall import FILE, OnCall
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox
from tests.support.workflows import workflow


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def oncall(tmp_path: Path, sandbox: Sandbox) -> OnCall:
    made = OnCall(tmp_path / "checkout", sandbox)
    (made.folder / ".gitignore").write_text(".venv\n")
    (made.folder / ".ci").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "summary", made.folder / ".ci")
    made.commit()
    (made.folder / ".venv").symlink_to(REPOSITORY / ".venv")
    made.remote(tmp_path / "remote")
    return made


def steps(
    oncall: OnCall, job: dict[str, Any], tmp_path: Path, **given: str
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the scripts of a job, each with the variables that the file gives it."""
    inputs = {
        "${{ secrets.POSTHOG_API_KEY }}": oncall.sandbox.api_key,
        "${{ github.token }}": "token",
        "${{ matrix.stack }}": "production",
        "${{ inputs.dependents && '--with-dependents' || '' }}": given.get("dependents", ""),
        **{f"${{{{ inputs.{name} }}}}": value for name, value in given.items()},
    }
    github = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_RUN_ID": "7", "GITHUB_ACTOR": "grace"}
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "GITHUB_"))}
    done = {}
    for step in (step for step in job["steps"] if "run" in step):
        variables = {name: inputs[value] for name, value in {**job.get("env", {}), **step.get("env", {})}.items()}
        assert "${{" not in step["run"], "what somebody typed is a variable, and no part of a script"
        done[step["name"]] = run_script(step["run"], oncall.folder, {**plain, **github, **variables}, tmp_path / "bin")
    return done


def test_off_from_the_browser(oncall: OnCall, tmp_path: Path) -> None:
    """C2: production's flag goes off without staging, and the pull request is made."""
    job = workflow("off")["jobs"]["switch"]
    given = {"key": "ai", "stack": "production", "switch": "off", "reason": "cost; $(touch hacked) `touch hacked`"}
    done = steps(oncall, job, tmp_path, **given)
    assert {name: each.returncode for name, each in done.items()} == {"Switch": 0, "Pull request": 0}, done
    assert not oncall.is_on("ai")
    assert "\n    ai is off since" in (tmp_path / "summary").read_text()
    assert oncall.git("log", "-1", "--format=%s", "origin/off/ai-7").strip() == f"Switch off ai: {given['reason']}"
    assert oncall.git("diff", "--name-only", "main", "origin/off/ai-7").split() == ["flags/ai.yaml"]
    assert (tmp_path / "bin" / "gh.calls").read_text() == "pr create --fill --head off/ai-7\n"
    assert not (oncall.folder / "hacked").exists()


def test_off_from_the_browser_with_what_depends_on_it(oncall: OnCall, tmp_path: Path) -> None:
    """C5: what PostHog wants off first goes off first, and into the same pull request."""
    [base] = [item["id"] for item in oncall.sandbox.items("feature_flags")]
    oncall.create("user", {"type": "flag", "key": str(base), "value": True, "operator": "flag_evaluates_to"})
    oncall.write("user", "key: user\nrelease_conditions: [{properties: [{type: flag, key: ai, value: true}]}]\n")
    oncall.commit()
    job = workflow("off")["jobs"]["switch"]
    given = {"key": "ai", "stack": "production", "switch": "off", "reason": "cost"}
    assert steps(oncall, job, tmp_path, **given)["Switch"].returncode == 1
    done = steps(oncall, job, tmp_path, **given, dependents="--with-dependents")
    assert {name: each.returncode for name, each in done.items()} == {"Switch": 0, "Pull request": 0}, done
    assert (oncall.is_on("ai"), oncall.is_on("user")) == (False, False)
    changed = oncall.git("diff", "--name-only", "main", "origin/off/ai-7").split()
    assert changed == ["flags/ai.yaml", "flags/user.yaml"]


def test_on_from_the_browser_makes_the_pull_request_even_where_it_takes_one(oncall: OnCall, tmp_path: Path) -> None:
    oncall.settings("  ai-admin:careful: true\n")
    oncall.run("off", "ai")
    oncall.commit()
    job = workflow("off")["jobs"]["switch"]
    done = steps(oncall, job, tmp_path, key="ai", stack="production", switch="on", reason="fixed")
    assert (done["Switch"].returncode, done["Pull request"].returncode) == (1, 0)
    assert oncall.git("show", "origin/on/ai-7:flags/ai.yaml") == FILE
    assert not oncall.is_on("ai")


def test_a_flag_that_is_not_there_makes_no_pull_request(oncall: OnCall, tmp_path: Path) -> None:
    job = workflow("off")["jobs"]["switch"]
    done = steps(oncall, job, tmp_path, key="--as-written", stack="production", switch="off", reason="?")
    assert done["Switch"].returncode == 4
    assert "no file was edited" in done["Pull request"].stdout
    assert not (tmp_path / "bin" / "gh.calls").exists()


def test_c2_a_merge_switches_off_before_staging(oncall: OnCall, tmp_path: Path) -> None:
    """C2: off reaches production although staging's `up` is refused, and although a file is broken."""
    jobs = workflow("apply")["jobs"]
    oncall.write("ai", FILE.replace("key: ai\n", "key: ai\nactive: false\n"))
    oncall.write("broken", "key: [\n")
    assert jobs["off"]["uses"] == "./.github/workflows/as-written.yml"
    done = steps(oncall, workflow("as-written")["jobs"]["off"], tmp_path, stack="production")
    assert done["What the files switch off"].returncode == 0
    assert not oncall.is_on("ai")
    assert "needs" not in jobs["off"]
    assert "concurrency" not in {*jobs["off"], *workflow("apply")}, "a run that is under way would be waited for"
    assert jobs["off"]["strategy"]["matrix"]["stack"] == ["production", "staging"]
    assert jobs["staging"]["needs"] == "off"
    assert jobs["staging"]["if"] == "${{ !cancelled() && needs.off.result != 'skipped' }}", "it may well have failed"
    assert jobs["production"]["if"] == "${{ !cancelled() && needs.staging.result == 'success' }}"


def test_the_workflow_may_do_no_more_than_it_needs() -> None:
    read = workflow("off")
    assert read["permissions"] == {}
    assert read["jobs"]["switch"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    with_key = [
        step.get("name") for step in read["jobs"]["switch"]["steps"] if "POSTHOG_API_KEY" in step.get("env", {})
    ]
    assert with_key == ["Switch"]
