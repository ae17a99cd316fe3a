"""``ai-admin off`` and ``ai-admin on``, as on-call types them: the real command and a sandbox, and no engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run_script
from tests.support.oncall import FILE, OnCall
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def oncall(tmp_path: Path, sandbox: Sandbox) -> OnCall:
    return OnCall(tmp_path / "checkout", sandbox)


def test_off_is_one_read_one_write_and_one_line(oncall: OnCall, sandbox: Sandbox) -> None:
    """C1, C2: whatever is wrong with other files, the flag goes off; what is left to do is printed."""
    oncall.write("broken", "key: [\n")
    done = oncall.run("off", "ai", "--reason", "the model's bill")
    assert (done.returncode, done.stderr) == (0, "")
    asked = [(each["method"], each["path"].partition("?")[0].split("/")[4:]) for each in sandbox.requests()]
    assert asked[0] == ("GET", ["feature_flags", ""])
    assert asked[1][0] == "PATCH"
    good_to_know = (
        ("GET", ["scheduled_changes", ""]),
        ("GET", ["change_requests", ""]),
        ("POST", ["feature_flags", "user_blast_radius", ""]),
    )
    assert [each for each in asked[2:] if each not in good_to_know] == []
    assert not oncall.is_on("ai")
    assert oncall.read("ai") == FILE.replace("key: ai\n", "key: ai\nactive: false\n")
    assert "ai is off since " in done.stdout
    assert "flags/ai.yaml:3 says that it is off now" in done.stdout
    assert "ai was on for 40 % of the 0 of 0 that match: condition 1" in done.stdout
    assert "git commit -m 'Switch off ai: the model'\"'\"'s bill' -- flags/ai.yaml" in done.stdout
    assert "gh pr create --fill" in done.stdout


def test_a_key_that_has_used_up_its_requests_is_not_waited_for(oncall: OnCall, sandbox: Sandbox) -> None:
    refusal = {"kind": "error_before", "status": 429, "retry_after": 3600}
    sandbox.set_faults(refusal)
    done = oncall.run("off", "ai")
    assert done.returncode == 1
    assert "given up instead of waiting 60 min" in done.stderr
    sandbox.set_faults({**refusal, "methods": ["PATCH"]})
    page = f"{sandbox.url}/project/{sandbox.project_id}/feature_flags"
    assert f"PostHog's own page is not limited: {page}\n" in done.stderr
    [id_] = [item["id"] for item in sandbox.items("feature_flags")]
    said = oncall.run("off", "ai").stderr
    assert said.count("run again later") == 1
    assert f"the flag's own page is not limited: {page}/{id_}\n" in said


@pytest.mark.parametrize("fault", [{"kind": "error_before", "status": 500}, {"kind": "cut_before"}])
def test_who_meets_a_posthog_that_fails_is_told_where_to_switch(
    oncall: OnCall, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    """What an `up` would be told, that nothing is made twice, is about something else."""
    monkeypatch.setattr("providers.posthog.client.ATTEMPTS", 1)
    page = f"{sandbox.url}/project/{sandbox.project_id}/feature_flags"
    [id_] = [item["id"] for item in sandbox.items("feature_flags")]
    for methods, said in (
        (["PATCH"], f"; run again, or use the flag's own page: {page}/{id_}\n"),
        (["GET", "PATCH"], f"; run it again, or use PostHog's own page: {page}\n"),
    ):
        sandbox.set_faults({**fault, "methods": methods, "path": "feature_flags"})
        done = oncall.run("off", "ai")
        assert done.returncode == 1
        assert said in done.stderr
        assert "made twice" not in done.stderr


def test_who_waits_for_a_slow_posthog_is_told(
    oncall: OnCall, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_admin.cli.text.PATIENCE", 0.02)
    sandbox.set_faults({"kind": "latency", "seconds": 0.2, "path": "feature_flags"})
    for word in ("off", "on"):
        assert "asking PostHog: 0 s so far\n" in oncall.run(word, "ai", terminal=True).stderr, word
        assert "so far" not in oncall.run(word, "ai").stderr, "nobody waits for what goes into a log"


@pytest.mark.parametrize("fault", [{"kind": "error_after", "status": 502}, {"kind": "cut_unanswered"}])
def test_a_switch_whose_answer_is_lost_is_looked_at(
    oncall: OnCall, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    """PostHog has carried it out, whatever came back."""
    monkeypatch.setattr("providers.posthog.client.ATTEMPTS", 1)
    lost = {**fault, "methods": ["PATCH"], "path": "feature_flags"}
    sandbox.set_faults(lost)
    for word, is_on in (("off", False), ("on", True)):
        done = oncall.run(word, "ai")
        assert (done.returncode, done.stderr) == (0, "")
        assert oncall.is_on("ai") is is_on
        assert ("active: false" in oncall.read("ai")) is not is_on
    unreadable = {"kind": "error_before", "methods": ["GET"], "path": r"feature_flags/\d+/"}
    sandbox.set_faults(lost, unreadable)
    for word in ("off", "on"):
        done = oncall.run(word, "ai")
        assert (done.returncode, f"ai may be {word}, or not: " in done.stderr) == (1, True), done.stderr


def pasted(printed: str, oncall: OnCall, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the commands that were printed, as a shell does into which somebody pastes them: on after a failure."""
    commands = "".join(line for line in printed.splitlines(True) if line.startswith("  "))
    return run_script(f"set +e\n{commands}", oncall.folder, os.environ, tmp_path / "bin")


def test_the_commands_that_off_prints_make_the_commit(oncall: OnCall, tmp_path: Path) -> None:
    """On a branch of its own each time, never on the one that it is to be merged into."""
    oncall.remote(tmp_path / "remote")
    for branch in ("off/ai", "off/ai-2"):
        printed = oncall.run("off", "ai", "--reason", "cost").stdout
        assert pasted(printed, oncall, tmp_path).returncode == 0
        assert oncall.git("log", "-1", "--format=%s", f"origin/{branch}").strip() == "Switch off ai: cost"
        assert oncall.git("status", "--porcelain") == ""
        oncall.git("switch", "-q", "main")
        if branch == "off/ai":
            oncall.git("branch", "-q", "-D", branch)  # pushed, and known from there
    assert (tmp_path / "bin" / "gh.calls").read_text() == "pr create --fill\n" * 2
    before = oncall.git("log", "main", "--format=%H")
    printed = oncall.run("off", "ai").stdout
    oncall.git("branch", "off/ai-3")
    assert pasted(printed, oncall, tmp_path).returncode != 0
    assert oncall.git("log", "main", "--format=%H") == before
    assert "main" not in oncall.git("branch", "--remotes")


def test_what_else_the_commit_takes_along_is_said(oncall: OnCall, sandbox: Sandbox) -> None:
    along = "flags/ai.yaml has other uncommitted changes, which the commit below takes along"
    for word in ("off", "off", "on"):
        assert along not in oncall.run(word, "ai").stdout, word
    assert oncall.git("status", "--porcelain") == ""
    oncall.write("ai", FILE.replace("40", "90"))
    for word in ("off", "off", "on"):
        done = oncall.run(word, "ai")
        assert along in done.stdout.split("to make it lasting:")[0], word
    oncall.git("checkout", "-q", "--", "flags/ai.yaml")
    oncall.run("off", "ai")
    oncall.commit()
    assert along not in oncall.run("on", "ai").stdout
    oncall.commit()
    oncall.create("new")
    oncall.write("new", FILE.replace("key: ai", "key: new"))
    said = oncall.run("off", "new").stdout
    assert "flags/new.yaml is in no commit yet: the commit below takes all of it along" in said


def test_other_stacks_follow_only_where_there_is_something_to_commit(oncall: OnCall) -> None:
    (oncall.folder / "Pulumi.staging.yaml").write_text("config: {}\n")
    oncall.commit()
    follows = "with the next `pulumi up` of staging, too"
    assert f"off now; so it goes off {follows}" in oncall.run("off", "ai", "--stack", "production").stdout
    assert follows not in oncall.run("on", "ai", "--stack", "production").stdout, "nobody was told that it is off"
    oncall.run("off", "ai", "--stack", "production")
    oncall.commit()
    assert f"on now; so it goes on {follows}" in oncall.run("on", "ai", "--stack", "production").stdout


@pytest.mark.parametrize("left", ["unmanaged: [active]\n", "stacks: {production: {unmanaged: [active]}}\n"])
def test_a_file_that_leaves_the_switch_to_posthog_stays_as_it_is(oncall: OnCall, left: str) -> None:
    text = f"{FILE}{left}"
    oncall.write("ai", text)
    done = oncall.run("off", "ai")
    assert done.returncode == 0
    assert "flags/ai.yaml leaves the switch to PostHog's pages (unmanaged)" in done.stdout
    assert (oncall.is_on("ai"), oncall.read("ai")) == (False, text)


def test_what_would_switch_a_flag_on_again_is_said(oncall: OnCall, sandbox: Sandbox) -> None:
    flag = next(each["id"] for each in sandbox.items("feature_flags") if each["key"] == "ai")
    for value, when in ((True, "2099-01-02T03:04:00Z"), (False, "2099-01-01T00:00:00Z")):
        payload = {"operation": "update_status", "value": value}
        body = {"record_id": str(flag), "model_name": "FeatureFlag", "payload": payload, "scheduled_at": when}
        made = sandbox.call("POST", "scheduled_changes/", body)
    page, by = f"{sandbox.url}/project/{sandbox.project_id}", made["created_by"]["email"]
    scheduled = (
        f"ai will be switched on at 2 Jan 2099, 03:04 UTC by a scheduled change of {by}; "
        f"cancel it there: {page}/feature_flags/{flag}\n"
    )
    done = oncall.run("off", "ai")
    assert (done.returncode, done.stderr) == (0, scheduled)
    sandbox.call("PATCH", "/_sandbox/settings", {"approvals": True})
    assert oncall.run("on", "ai").returncode == 1, "it waits for approval"
    done = oncall.run("off", "ai")
    waits = f"ai would be switched on by a change of {by} that waits for approval since "
    assert (done.returncode, done.stderr.startswith(f"{scheduled}{waits}")) == (0, True), done.stderr
    assert f" UTC; reject it there: {page}/approvals/" in done.stderr
    key = sandbox.key(["feature_flag:write"])
    done = oncall.run("off", "ai", environ={"POSTHOG_API_KEY": key})
    assert (done.returncode, done.stdout.startswith("ai is off already")) == (0, True)
    assert "whether a change that waits for approval switches ai on again is not known: " in done.stderr


def test_off_twice_is_off_already(oncall: OnCall) -> None:
    oncall.run("off", "ai")
    again = oncall.run("off", "ai")
    assert again.returncode == 0
    assert "ai is off already" in again.stdout
    assert "flags/ai.yaml says already that it is off" in again.stdout
    assert "git commit -m 'Switch off ai' -- flags/ai.yaml" in again.stdout
    oncall.git("commit", "-q", "-a", "-m", "Off.")
    assert "git commit" not in oncall.run("off", "ai").stdout


def test_off_says_what_keeps_it_from_being_done(oncall: OnCall, sandbox: Sandbox) -> None:
    oncall.create("summaries")
    mistyped = oncall.run("off", "sumaries")
    assert mistyped.returncode == 4
    assert "there is no flag sumaries in stack production" in mistyped.stderr
    assert "did you mean summaries?" in mistyped.stderr
    for key in ("drafts2", "drafts-v10", "other"):
        oncall.create(key)
    renamed = oncall.run("off", "drafts")
    assert renamed.returncode == 4
    assert renamed.stderr.endswith("; similar ones are: drafts-v10 and drafts2\n")
    assert oncall.run("off", "drafts-v11").stderr.endswith("; similar ones are: drafts-v10\n")
    assert oncall.run("off", "unlike").stderr.endswith(")\n")
    assert oncall.run("off").returncode == 2
    for option in (["--reason", "cost"], ["--with-dependents"]):
        ignored = oncall.run("off", "--as-written", *option)
        assert (ignored.returncode, f"{option[0]} has no effect with --as-written" in ignored.stderr) == (2, True)
    assert oncall.run("off", "ai", "--stack", "prod").returncode == 2
    without = oncall.run("off", "ai", environ={})
    assert without.returncode == 2
    assert "no personal API key: set POSTHOG_API_KEY" in without.stderr
    page = f"{sandbox.url}/project/{sandbox.project_id}/feature_flags"
    nobody = sandbox.key(["insight:read"])
    for key in ("phx_wrong", nobody):
        unread = oncall.run("off", "ai", environ={"POSTHOG_API_KEY": key})
        assert (unread.returncode, unread.stderr.endswith(f", or use PostHog's own page: {page}\n")) == (1, True)
    reader = sandbox.key(["feature_flag:read"])
    refused = oncall.run("off", "ai", environ={"POSTHOG_API_KEY": reader})
    assert refused.returncode == 1
    assert "ai was not switched off: PostHog answered 403" in refused.stderr
    assert f"; or use the flag's own page: {page}/" in refused.stderr
    assert oncall.is_on("ai")
    assert oncall.read("ai") == FILE


def test_off_is_told_where_by_variables_when_the_stacks_file_is_broken(oncall: OnCall, sandbox: Sandbox) -> None:
    oncall.settings("  ai-admin:careful: [\n")
    key = {"POSTHOG_API_KEY": sandbox.api_key}
    there = {**key, "POSTHOG_HOST": sandbox.url, "POSTHOG_PROJECT_ID": sandbox.project_id}
    without = oncall.run("off", "ai", environ=key)
    assert without.returncode == 2
    assert "Pulumi.production.yaml can't be read" in without.stderr
    assert "set POSTHOG_HOST and POSTHOG_PROJECT_ID to say where the stack is" in without.stderr
    assert oncall.is_on("ai")
    done = oncall.run("off", "ai", environ=there)
    assert done.returncode == 0
    assert f"are taken for the stack's: project {sandbox.project_id} of {sandbox.url}" in done.stderr
    assert not oncall.is_on("ai")
    assert oncall.run("on", "ai", environ=there).returncode == 2, "the rules of the stack are not known"


def test_off_in_the_shell_of_another_posthog_says_what_to_unset(oncall: OnCall, sandbox: Sandbox) -> None:
    theirs = {"POSTHOG_HOST": "http://127.0.0.1:9", "POSTHOG_PROJECT_ID": "77"}
    refused = oncall.run("off", "ai", environ={"POSTHOG_API_KEY": sandbox.api_key, **theirs})
    assert refused.returncode == 2
    assert all(f"unset {each}, or choose the stack" in refused.stderr for each in theirs)
    assert oncall.is_on("ai")


def test_off_in_posthog_and_not_in_the_file_is_said(oncall: OnCall) -> None:
    oncall.write("ai", f"{FILE}tags: [\n")
    done = oncall.run("off", "ai")
    assert done.returncode == 3
    assert "flags/ai.yaml:7: this is not YAML: " in done.stderr
    assert ": nothing was edited; correct the syntax here, and try again" in done.stderr
    assert "off in PostHog, and not in every file" in done.stderr
    assert not oncall.is_on("ai")
    oncall.write("ai", FILE)
    oncall.write("copy", FILE)
    oncall.write("elsewhere", f"{FILE}only: [staging]\n")
    twice = oncall.run("off", "ai")
    assert twice.returncode == 3
    assert "flags/ai.yaml and flags/copy.yaml have the same key ai: nothing was edited" in twice.stderr
    assert (oncall.read("ai"), oncall.read("copy")) == (FILE, FILE)


@pytest.mark.parametrize("text", [None, f"{FILE}only: [staging]\n"])
def test_a_flag_that_no_file_defines_here_has_none_to_edit(oncall: OnCall, text: str | None) -> None:
    """No run of this stack knows it: nothing is left to do, and nothing would report it."""
    (oncall.folder / "flags" / "ai.yaml").unlink()
    if text:
        oncall.write("ai", text)
    for word, is_on in (("off", False), ("on", True)):
        done = oncall.run(word, "ai")
        assert (done.returncode, done.stderr, oncall.is_on("ai")) == (0, "", is_on)
        assert "no file in flags/ defines ai in stack production: nothing to edit\n" in done.stdout
    assert text is None or oncall.read("ai") == text


def test_a_flag_whose_new_key_no_run_has_applied_is_edited_by_its_former_one(oncall: OnCall) -> None:
    oncall.write("ai", FILE.replace("key: ai\n", "key: all-ai\nrenamed_from: ai\n"))
    done = oncall.run("off", "ai")
    assert (done.returncode, oncall.is_on("ai")) == (0, False)
    assert "active: false" in oncall.read("ai")


def test_c5_flags_that_depend_on_it_are_named_and_go_off_with_it(oncall: OnCall, sandbox: Sandbox) -> None:
    """C5: PostHog switches no flag off while another that is on depends on it."""
    base = next(item["id"] for item in sandbox.items("feature_flags") if item["key"] == "ai")
    needs = {"type": "flag", "key": str(base), "value": True, "operator": "flag_evaluates_to"}
    middle = oncall.create("middle", needs)
    oncall.create("end", {**needs, "key": str(middle)})
    oncall.write("middle", "key: middle\nrelease_conditions: [{properties: [{type: flag, key: ai, value: true}]}]\n")
    refused = oncall.run("off", "ai")
    assert refused.returncode == 1
    assert "these flags depend on it and are on: end, middle; to switch them off as well:" in refused.stderr
    assert "ai-admin off ai --stack production --with-dependents" in refused.stderr
    reader = sandbox.call("POST", "/_sandbox/keys", {"scopes": ["feature_flag:read"]})["value"]
    assert "depend on it" not in oncall.run("off", "ai", environ={"POSTHOG_API_KEY": reader}).stderr
    assert oncall.is_on("ai")
    done = oncall.run("off", "ai", "--with-dependents")
    assert (done.returncode, done.stderr) == (0, "")
    assert [oncall.is_on(key) for key in ("ai", "middle", "end")] == [False, False, False]
    assert "active: false" in oncall.read("middle")
    assert "no file in flags/ defines end in stack production: nothing to edit" in done.stdout
    assert "git commit -m 'Switch off end, middle, ai' -- flags/middle.yaml flags/ai.yaml" in done.stdout
    back = [f"  ai-admin on {key} --stack production" for key in ("ai", "middle", "end")]
    assert "\n".join(["to switch them on again, one after the other:", *back, ""]) in done.stdout
    for key, other in (("ai", "middle"), ("middle", "end")):
        depends = "these flags depend on it and are off; to switch them on as well:"
        assert oncall.run("on", key).stdout.endswith(f"{depends}\n  ai-admin on {other} --stack production\n")
    assert "depend on it" not in oncall.run("on", "end").stdout
    assert [oncall.is_on(key) for key in ("ai", "middle", "end")] == [True, True, True]
    assert "depend on it" not in oncall.run("on", "ai").stdout


def test_a_flag_that_depends_on_one_that_is_off_is_not_switched_on_before_that(
    oncall: OnCall, sandbox: Sandbox
) -> None:
    base = next(item["id"] for item in sandbox.items("feature_flags") if item["key"] == "ai")
    oncall.create("end", {"type": "flag", "key": str(base), "value": True, "operator": "flag_evaluates_to"})
    assert oncall.run("off", "ai", "--with-dependents").returncode == 0
    refused = oncall.run("on", "end")
    assert refused.returncode == 1
    assert "Please enable the dependency flags first.\n  ai-admin on ai --stack production\n" in refused.stderr
    for key in ("ai", "end"):
        oncall.run("on", key)
        assert oncall.is_on(key)


def test_apply_switches_off_what_files_say_though_there_is_no_plan(
    oncall: OnCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = os.environ["PATH"].split(os.pathsep)  # `. ./activate` puts `pulumi` there
    monkeypatch.setenv("PATH", os.pathsep.join(each for each in places if not (Path(each) / "pulumi").exists()))
    for key in ("ai", "quiet"):
        oncall.write(key, f"{FILE.replace('key: ai', f'key: {key}')}active: false\n")
    oncall.create("quiet")
    oncall.run("off", "quiet")
    asked = oncall.run("apply")
    assert "to have ai off all the same: ai-admin off --as-written --stack production" in asked.stderr
    assert oncall.is_on("ai"), "nobody agreed to it"
    done = oncall.run("apply", "--yes")
    assert (done.returncode, done.stdout.startswith("ai is off in stack production ")) == (1, True), done.stdout
    assert done.stderr.startswith("nothing else was applied:\n  there is no `pulumi` in PATH")
    assert "--as-written" not in done.stderr
    assert not oncall.is_on("ai")


def test_c2_as_written_switches_off_what_sound_files_say(oncall: OnCall) -> None:
    """C2: what a merge switches off reaches each stack, whatever keeps a run from being applied."""
    oncall.create("other")
    oncall.create("untold")
    oncall.write("other", "key: other\nactive: false\ncolour: red\n")
    oncall.write("broken", "key: [\n")
    assert oncall.run("off", "--as-written").stdout.endswith("no flag is on whose file says that it is off\n")
    oncall.write("ai", FILE.replace("key: ai\n", "key: ai\nactive: false\n"))
    done = oncall.run("off", "--as-written")
    assert (done.returncode, done.stderr) == (0, "")
    assert [oncall.is_on(key) for key in ("ai", "other", "untold")] == [False, True, True]
    oncall.write("renamed", "key: renamed\nrenamed_from: untold\nactive: false\nrelease_conditions: [{}]\n")
    assert "untold is off in stack production" in oncall.run("off", "--as-written").stdout
    assert not oncall.is_on("untold")


def test_on_goes_back_to_what_was_on_before(oncall: OnCall, sandbox: Sandbox) -> None:
    """C6: the file as it was, byte for byte, and the flag on, since nothing but its switch was touched."""
    oncall.run("off", "ai")
    oncall.git("commit", "-q", "-a", "-m", "Off.")
    sandbox.requests()
    done = oncall.run("on", "ai")
    assert (done.returncode, done.stderr) == (0, "")
    assert [body for _, _, body in sandbox.writes()] == [{"active": True}]
    assert oncall.is_on("ai")
    assert oncall.read("ai") == FILE


def test_on_knows_a_switch_off_that_was_sent_twice(oncall: OnCall, sandbox: Sandbox) -> None:
    """The first answer was lost; of the second request PostHog's log has the flag's version alone."""
    sandbox.strike("cut_unanswered", "PATCH", "feature_flags")
    assert oncall.run("off", "ai").returncode == 0
    done = oncall.run("on", "ai")
    assert (done.returncode, oncall.is_on("ai")) == (0, True), done.stderr


def test_on_asks_for_consent_where_up_would(oncall: OnCall) -> None:
    """C6: on a careful stack it takes the one consent, on/<key>, in the stack's settings."""
    oncall.settings("  ai-admin:careful: true\n  ai-admin:follows: staging\n")
    oncall.run("off", "ai")
    oncall.git("commit", "-q", "-a", "-m", "Off.")
    for _ in range(2):
        held = oncall.run("on", "ai")
        assert held.returncode == 1
        assert "add on/ai to ai-admin:consent in Pulumi.production.yaml; then run this again, or let" in held.stderr
        assert "git commit -m 'Switch on ai' -- flags/ai.yaml Pulumi.production.yaml" in held.stdout
    assert oncall.read("ai") == FILE
    assert not oncall.is_on("ai")
    oncall.settings("  ai-admin:careful: true\n  ai-admin:consent: [on/ai]\n")
    assert oncall.run("on", "ai").returncode == 0
    assert oncall.is_on("ai")


def test_on_does_not_switch_on_what_was_changed_meanwhile(oncall: OnCall, sandbox: Sandbox) -> None:
    oncall.run("off", "ai")
    [id_] = [item["id"] for item in sandbox.items("feature_flags")]
    filters = {"groups": [{"properties": [], "rollout_percentage": 100}]}
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"filters": filters})
    held = oncall.run("on", "ai")
    assert held.returncode == 1
    assert "the last change of the flag in PostHog is not that it was switched off" in held.stderr
    assert "add on/ai to ai-admin:consent in Pulumi.production.yaml, or the flag may be held" in held.stderr
    assert "git commit -m 'Switch on ai' -- Pulumi.production.yaml" in held.stdout, "the file is as it was committed"
    assert not oncall.is_on("ai")


def test_off_asks_no_more_of_a_project_with_many_flags(oncall: OnCall, sandbox: Sandbox) -> None:
    """Daily loop C7."""
    for number in range(150):
        oncall.create(f"ai-{number}")
    sandbox.requests()
    assert oncall.run("off", "ai").returncode == 0
    assert [each["method"] for each in sandbox.requests()] == ["GET", "PATCH", "GET", "GET", "POST"]
