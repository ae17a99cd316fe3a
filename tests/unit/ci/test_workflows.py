"""What holds for every workflow: who may do what, and what is pinned."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support.sandbox import REPOSITORY
from tests.support.workflows import WORKFLOWS, evaluated, every_job, workflow

JOBS = every_job()
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in WORKFLOWS.glob("*.yml")}
ACTION = REPOSITORY / ".github" / "actions" / "setup" / "action.yml"
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.get("steps", [])
    return found


def secrets(value: Any) -> set[str]:
    return set(re.findall(r"secrets\.(\w+)", str(value)))


@pytest.mark.parametrize("name", JOBS)
def test_a_job_may_do_what_it_says_and_nothing_else(name: str) -> None:
    assert workflow(name.partition("/")[0])["permissions"] == {}, "what a job does not ask for it does not have"
    permissions = JOBS[name]["permissions"]
    assert permissions["contents"] == ("write" if name == "off/switch" else "read")


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_and_leaves_no_token_behind(name: str) -> None:
    job = JOBS[name]
    assert "timeout-minutes" in job or "uses" in job
    for step in steps(job):
        if step.get("uses", "").startswith("actions/checkout@") and name != "off/switch":
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", JOBS)
def test_secrets_are_those_of_an_environment_and_only_in_the_step_that_needs_them(name: str) -> None:
    job = JOBS[name]
    outside = {key: value for key, value in job.items() if key != "steps"}
    assert secrets(outside) == set()
    if any(secrets(step) for step in steps(job)):
        assert "environment" in job
        assert [step["name"] for step in steps(job) if secrets(step) and "run" not in step] == []


def test_a_token_that_writes_is_not_beside_a_key_in_a_pull_request() -> None:
    """Nor is there a workflow that runs a fork's files with our rights."""
    for name, job in JOBS.items():
        if name.startswith(("preview/", "code-scanning/")) and "write" in job["permissions"].values():
            assert not secrets(job)
    assert not any("pull_request_target" in text or "workflow_run" in text for text in TEXTS.values())


def test_what_people_typed_is_no_part_of_a_script() -> None:
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]
    scripts = [step["run"] for job in (*JOBS.values(), action) for step in steps(job) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_actions_are_pinned_by_commit_with_the_version_beside() -> None:
    for text in (*TEXTS.values(), ACTION.read_text(encoding="utf-8")):
        for line in re.findall(r"uses: (.*)", text):
            assert line.startswith("./") or re.fullmatch(rf"{PINNED.pattern} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit() -> None:
    found = set(re.findall(PINNED, "\n".join((*TEXTS.values(), ACTION.read_text(encoding="utf-8")))))
    assert len({each.partition("@")[0] for each in found}) == len(found)


def test_a_merge_queue_is_checked_and_has_no_plans() -> None:
    """A check that is required and never reports would hold the queue for good."""
    preview = workflow("preview")
    assert preview[True].keys() == {"pull_request", "merge_group"}
    queued = {"github": {"event_name": "merge_group", "repository": "acme/ai-admin", "event": {"merge_group": {}}}}
    assert not evaluated(f"${{{{ {preview['jobs']['changed']['if']} }}}}", queued)
    assert preview["jobs"]["plan"]["needs"] == "changed"
    assert preview["jobs"]["comment"]["needs"] == "plan"


@pytest.mark.parametrize(
    ("ref", "runs"),
    [("refs/heads/trunk", True), ("refs/heads/main", False), ("refs/heads/more-ai", False), ("refs/tags/trunk", False)],
)
def test_what_is_applied_is_the_default_branch_whatever_it_is_called(ref: str, runs: bool) -> None:
    pushed = {"ref": ref, "event_name": "push", "event": {"repository": {"default_branch": "trunk"}}}
    contexts = {"github": {**pushed, "repository": "acme/ai-admin"}, "vars": {"CODE_SCANNING": "true"}}
    for name in ("apply/off", "code-scanning/definitions"):
        assert evaluated(f"${{{{ {JOBS[name]['if']} }}}}", contexts) is runs
    skipped = {"needs": {"off": {"result": "skipped"}}}
    assert not evaluated(JOBS["apply/staging"]["if"], skipped)
    assert JOBS["apply/production"]["needs"] == "staging"


def test_no_two_applies_of_a_stack_at_once_and_switch_offs_wait_for_none() -> None:
    apply = workflow("apply")
    for stack in ("staging", "production"):
        concurrency = apply["jobs"][stack]["concurrency"]
        assert concurrency == {"group": f"apply-{stack}", "cancel-in-progress": False, "queue": "max"}
    assert "concurrency" not in {*apply["jobs"]["off"], *apply, *workflow("up")}


def test_what_is_off_in_the_newest_commit_is_switched_off_before_and_after_each_apply() -> None:
    """A newer merge's own switch-off may come before an older merge, which waited, switches the flag on."""
    uses = "./.github/workflows/as-written.yml"
    again = JOBS["up/off"]
    assert JOBS["apply/off"]["uses"] == again["uses"] == uses
    assert {"up/" + name for name in again["needs"]} == {name for name in JOBS if name.startswith("up/")} - {"up/off"}
    assert again["if"] == "always()"
    jobs = yaml.safe_load((REPOSITORY / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    off = jobs["off"]["before_script"] + jobs["off"]["script"]
    for template in (".apply", ".moved"):
        assert jobs[template]["after_script"] == ["set -e", *off]


def test_who_switches_off_waits_for_no_pulumi() -> None:
    for name in ("as-written/off", "off/switch"):
        [setup] = [step for step in steps(JOBS[name]) if step.get("uses") == "./.github/actions/setup"]
        assert setup["with"] == {"for": "off", "venv": "false"}
    jobs = yaml.safe_load((REPOSITORY / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    for name in ("off", "switch"):
        assert jobs[name]["before_script"][-1].startswith("make setup FOR=off")


def test_gitlab_has_the_same_rules() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    assert jobs["workflow"]["auto_cancel"] == {"on_new_commit": "interruptible"}, "else a merge that waits is cancelled"
    for stack in ("staging", "production"):
        for job in (jobs[stack], jobs[f"{stack} moved"]):
            assert (job["stage"], job["variables"]) == (stack, {"STACK": stack})
    for template in (jobs[".apply"], jobs[".moved"]):
        assert template["variables"] == {"GIT_DEPTH": "0"}, "older commits say whether a newer one was applied"
        assert (template["resource_group"], template["interruptible"]) == ("$STACK", False)
    assert jobs[".moved"]["rules"][0]["when"] == "manual"
    inputs = workflow("off")[True]["workflow_dispatch"]["inputs"]
    for field, name in {"FLAG": "key", "STACK": "stack", "SWITCH": "switch", "REASON": "reason"}.items():
        asked = jobs["variables"][field]
        assert asked.get("options") == inputs[name].get("options")
        assert asked["value"] == inputs[name].get("default", "")
    assert not {"resource_group", "interruptible"} & jobs["off"].keys()
    assert jobs["stages"].index("off") < jobs["stages"].index("staging") < jobs["stages"].index("production")
    fork = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
    train = '$CI_MERGE_REQUEST_EVENT_TYPE != "merge_train"'
    for part in (fork, train):
        assert part in jobs["plan"]["rules"][0]["if"]
        assert part in jobs["comment"]["rules"][0]["if"]
        assert part not in jobs["check"]["rules"][0]["if"]
