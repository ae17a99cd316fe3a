"""What is reviewed is applied: `ai-admin plan --out`, what happens in between, and `ai-admin apply`.

The tests are two stories, of a stack with every kind and of one with a few flags, in their order.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkouts import SAMPLES
from tests.support.commands import ai_admin
from tests.support.oncall import COMMAND
from tests.support.project import CLI, STATE, Project
from tests.support.sandbox import Sandbox, running_sandbox

NAME = re.compile(r"^((?:name|description|content|title): \w+)", re.MULTILINE)


class Story:
    """A stack of the samples, and somebody who plans and applies."""

    def __init__(self, project: Project, sandbox: Sandbox) -> None:
        self.project, self.sandbox = project, sandbox
        self.graces_key = sandbox.user("grace@example.com")
        self.deleted = ""
        """The address of the flag that was deleted by hand."""

    def run(self, *arguments: str, code: int = 0, **environ: str) -> tuple[str, str]:
        """Run `ai-admin`, which must end so, and return what it printed to both streams."""
        done = ai_admin(self.project.folder, {**self.project.environ, **environ}, *arguments)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def plan(self, code: int = 0) -> None:
        self.run("plan", "--stack", "sandbox", "--out", "plan.json", code=code)

    def by_hand(self, flag: str, share: int) -> None:
        body = {"filters": {"groups": [{"properties": [], "rollout_percentage": share}]}}
        self.sandbox.call("PATCH", f"feature_flags/{self.live(flag)['id']}/", body, key=self.graces_key)

    def live(self, flag: str) -> dict[str, object]:
        return next(item for item in self.sandbox.items("feature_flags") if item["key"] == flag)

    def share(self, flag: str) -> object:
        return self.live(flag)["filters"]["groups"][0]["rollout_percentage"]  # type: ignore[index]

    def write(self, flag: str, share: int, more: str = "") -> None:
        text = f"key: {flag}\n{more}release_conditions: [{{rollout_percentage: {share}}}]\n"
        self.project.write(f"flags/{flag}.yaml", text)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Story:
    return Story(Project(tmp_path_factory.mktemp("samples") / "ai", sandbox, definitions=SAMPLES), sandbox)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("flags")
    with running_sandbox(folder / "sandbox") as sandbox:
        made = Story(Project(folder / "ai", sandbox), sandbox)
        made.write("one", 10)
        made.write("two", 20)
        made.write("three", 30)
        made.write("late", 40)
        made.write("goes-off", 5)
        made.plan()
        made.run("apply", "plan.json")
        yield made


def test_the_first_up_is_applied_as_planned(samples: Story) -> None:
    for more in ("one", "two", "three"):
        samples.write(more, 10)  # of which half is not changed by the next test: more would need a consent
    samples.plan()
    said, _ = samples.run("apply", "plan.json")
    planned = re.search(r"^applying .*: (\d+) objects change, (\d+ are not in PostHog yet)", said, re.MULTILINE)
    assert planned
    applied = re.escape(f"sandbox: {planned[1]} objects applied, {planned[2]}")
    assert re.match(rf"{applied} in \d+ s$", said.splitlines()[-1])


def test_every_kind_is_seen_by_the_engine_as_the_plan_has_seen_it(samples: Story) -> None:
    """What the plan fingerprints and what the engine hands to the provider are one: names, texts, and what goes."""
    ours = [
        path
        for path in sorted(samples.project.folder.glob("[a-z]*/**/*.yaml"))
        if not {"schemas", "events", "variables"} & set(path.parts)
    ]
    changed = set()
    for path in ours:
        text, found = NAME.subn(r"\1, changed,", path.read_text(), count=1)
        path.write_text(text)
        if found:
            changed.add(path.parent)
    assert changed == {path.parent for path in ours}
    for gone in ("surveys/ai-answer-quality", "subscriptions/ai-cost-of-the-week", "annotations/deepseek-prices"):
        (samples.project.folder / f"{gone}.yaml").unlink()
    samples.plan()
    samples.run("apply", "plan.json")
    assert "nothing changes" in samples.run("plan", "--stack", "sandbox", "--expect-no-changes")[0]


def test_a_refused_plan_is_not_applied(story: Story) -> None:
    file = story.project.folder / "flags" / "two.yaml"
    written = file.read_text()
    file.unlink()
    story.plan(code=1)
    story.sandbox.writes()
    said, why = story.run("apply", "plan.json", code=1)
    assert (said, why.splitlines()[0], story.sandbox.writes()) == ("", "nothing was applied:", [])
    assert "a flag would be deleted while it is on" in why
    story.write("goes-off", 5, "active: false\n")
    story.plan(code=1)
    asked = "to have goes-off off all the same: ai-admin off --as-written --stack sandbox"
    assert asked in story.run("apply", "--stack", "sandbox", code=1)[1], "nobody agreed to anything yet"
    assert story.live("goes-off")["active"]
    story.project.write("flags/broken.yaml", "key: [\n")
    said, why = story.run("apply", "plan.json", code=1)
    assert said.startswith("goes-off is off in stack sandbox ")
    assert why.startswith("nothing else was applied:\n  the definitions have problems:\n  flags/broken.yaml:")
    (story.project.folder / "flags/broken.yaml").unlink()
    assert not story.live("goes-off")["active"]
    said, why = story.run("apply", "plan.json", code=1)
    assert (said, why.splitlines()[0]) == ("", "nothing was applied:"), "it is off already"
    file.write_text(written)


def test_what_somebody_changed_since_is_refused_and_said(story: Story) -> None:
    story.write("one", 50)
    story.plan()
    story.by_hand("one", 1)
    story.by_hand("two", 2)
    story.sandbox.writes()
    said, why = story.run("apply", "plan.json", code=4)
    assert said == ""
    assert re.search(
        r"flag/one: was changed in PostHog since the plan was made: condition \"everybody\" from 10 % to 1 % "
        r"by grace@example.com on ",
        why,
    )
    assert "flag/two" not in why
    assert story.sandbox.writes() == []


def test_what_somebody_changed_that_the_plan_is_not_about_holds_nothing_up_and_is_not_touched(story: Story) -> None:
    story.by_hand("one", 10)  # as the plan has seen it
    story.deleted = f"feature_flags/{story.live('three')['id']}/"
    story.sandbox.call("PATCH", story.deleted, {"deleted": True}, key=story.graces_key)
    said, _ = story.run("apply", "plan.json")
    not_touched = "not touched, as it was changed in PostHog since the plan was made"
    assert f'{not_touched}: flag/two: condition "everybody" from 20 % to 2 % by grace@example.com on ' in said
    assert f"{not_touched}: flag/three: was deleted in PostHog (by grace@example.com on " in said
    assert (story.share("one"), story.share("two")) == (50, 2)
    assert "three" not in {flag["key"] for flag in story.sandbox.items("feature_flags")}


def test_what_was_not_touched_is_still_known_as_a_change_by_hand_and_one_refusal_holds_up_no_other_object(
    story: Story, tmp_path: Path
) -> None:
    """What changes in the last second is refused by the provider, as is what somebody deleted.

    A stand-in for `pulumi` changes a flag by hand before it starts the real `up`.
    """
    story.write("one", 60)
    story.write("late", 70)
    planned, _ = story.run("plan", "--stack", "sandbox", "--out", "plan.json", code=1)
    put_back = planned.partition("would be put back:")[2]
    assert 'condition "everybody" from 20 % to 2 % by grace@example.com' in put_back
    url = f"{story.sandbox.url}/api/projects/{story.sandbox.project_id}/feature_flags/{story.live('late')['id']}/"
    body = json.dumps({"filters": {"groups": [{"properties": [], "rollout_percentage": 3}]}})
    (tmp_path / "pulumi").write_text(
        f'#!/bin/sh\n[ "$1" = up ] && python3 -c \'import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], '
        'data=sys.argv[2].encode(), method="PATCH", headers={"Content-Type": "application/json", '
        f'"Authorization": "Bearer {story.graces_key}"}}))\' \'{url}\' \'{body}\'\nexec {CLI} "$@"\n'
    )
    (tmp_path / "pulumi").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{story.project.environ['PATH']}"
    said, why = story.run("apply", "plan.json", code=1, PATH=path)
    assert re.search(r"^error: .*flag/three: it was deleted in PostHog \(by grace@example.com on ", why, re.MULTILINE)
    assert "flag/late: PostHog does not hold it as the reviewed plan has seen it" in why
    assert said.splitlines()[-1].endswith(", and not all")
    assert [story.share(flag) for flag in ("one", "two", "late")] == [60, 20, 3]
    drift, _ = story.run("drift", "--stack", "sandbox", code=1)
    assert 'condition "everybody" from 40 % to 3 % by grace@example.com' in drift, "70 % is not what was applied last"
    story.sandbox.call("PATCH", story.deleted, {"deleted": False})


def test_what_was_done_already_and_what_goes_off_is_no_reason_to_refuse(story: Story) -> None:
    """A run was stopped after it had changed one flag, and made another of which the state knows nothing."""
    story.write("one", 50, "active: false\n")
    story.write("two", 60)
    story.write("new", 5)
    story.plan()
    story.sandbox.call("PATCH", f"feature_flags/{story.live('one')['id']}/", {"active": False}, key=story.graces_key)
    story.by_hand("two", 60)
    made = {"key": "new", "filters": {"groups": [{"properties": [], "rollout_percentage": 5}]}}
    story.sandbox.call("POST", "feature_flags/", made)
    said, _ = story.run("apply", "plan.json")
    assert '~ flag one: condition "everybody" from 60 % to 50 %' in said
    assert '~ flag late: condition "everybody" from 3 % to 70 %' in said
    assert [story.live(flag)["active"] for flag in ("one", "two", "late", "new")] == [False, True, True, True]
    assert [story.share(flag) for flag in ("one", "two", "late", "new")] == [50, 60, 70, 5]


@pytest.fixture
def slow_writes(story: Story) -> Iterator[None]:
    rule = {"kind": "latency", "seconds": 1, "methods": ["POST"], "path": "feature_flags"}
    with story.sandbox.faults(rule):
        yield


@pytest.mark.usefixtures("slow_writes")
def test_progress_shows_while_it_runs_and_an_interrupt_lets_pulumi_end(story: Story) -> None:
    """One write at a time takes a second: the last ones are not begun any more, and nothing stays locked."""
    flags = [f"many-{number}" for number in range(4)]
    for flag in flags:
        story.write(flag, 20)
    story.plan()
    environ = {**story.project.environ, "PULUMI_PARALLEL": "1"}
    process = subprocess.Popen(
        [str(COMMAND), "apply", "plan.json"],
        cwd=story.project.folder,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    shown = [process.stdout.readline(), process.stdout.readline()]
    assert process.poll() is None, "what was applied shows only at the end"
    process.send_signal(signal.SIGINT)
    rest, why = process.communicate(timeout=60)
    assert "+ flag many-" in shown[1], (shown, rest, why)
    assert process.returncode == 130
    assert rest.splitlines()[-1].endswith(" s, interrupted")
    locks = story.project.folder / STATE / ".pulumi" / "locks"
    assert list(locks.rglob("*.json")) == []
    made = {item["key"] for item in story.sandbox.items("feature_flags")} & set(flags)
    assert 0 < len(made) < len(flags)
