"""`ai-admin pull` and `ai-admin drift` as people and schedules run them: the real command, the real sandbox."""

from __future__ import annotations

import errno
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pytest

from ai_admin.review.comparison import Comparison
from ai_admin.review.drift import UNTOLD
from ai_admin.review.state import Resource, State
from ai_admin.review.takeover import TakeOver, take_over
from providers.posthog.kinds import KINDS, Ref
from tests.campaigns.strangers import project_of
from tests.support.commands import ai_admin
from tests.support.oncall import OnCall
from tests.support.samples.world import CRITERIA, TREND
from tests.support.sandbox import Sandbox

SCOPES = [f"{scope}:read" for scope in (
    "action", "activity_log", "alert", "annotation", "cohort", "dashboard", "early_access_feature", "event_definition",
    "experiment", "experiment_holdout", "experiment_saved_metric", "feature_flag", "hog_function", "insight",
    "insight_variable", "integration", "organization_member", "property_definition", "session_recording_playlist",
    "subscription", "survey",
)]  # fmt: skip


class Checkout(OnCall):
    """A checkout without definitions, of a project of its own; somebody else works on PostHog's pages."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        project = project_of(sandbox)
        super().__init__(folder, project)
        (folder / "flags" / "ai.yaml").unlink()
        self.commit()
        self.email = f"ana-{project.project_id}@example.com"
        self.theirs = project.user(self.email, role="admin")
        self.environ = {"POSTHOG_API_KEY": project.key(SCOPES)}

    def by_hand(self, method: str, path: str, body: Any = None) -> Any:
        return self.sandbox.call(method, path, body, key=self.theirs)

    def make(self) -> None:
        """What somebody made: a cohort, a flag on it, a dashboard with a text and an insight, an alert."""
        self.by_hand("POST", "event_definitions/", {"name": "ai"})
        cohort = self.by_hand("POST", "cohorts/", {"name": "Beta testers", "filters": {"properties": CRITERIA}})["id"]
        leaf = {"type": "cohort", "key": "id", "operator": "in", "value": cohort}
        groups = [{"description": "Beta first", "properties": [leaf], "rollout_percentage": 40}]
        body = {"key": "model", "filters": {"groups": groups}, "_should_create_usage_dashboard": False}
        self.flag = self.by_hand("POST", "feature_flags/", body)["id"]
        board = self.by_hand("POST", "dashboards/", {"name": "AI usage"})["id"]
        insight = self.by_hand("POST", "insights/", {"name": "Uses", "query": TREND, "dashboards": [board]})["id"]
        tile = self.by_hand("GET", f"dashboards/{board}/")["tiles"][0]["id"]
        self.by_hand("PATCH", f"dashboards/{board}/", {"tiles": [
            {"id": tile, "layouts": {"sm": {"x": 0, "y": 1, "w": 6, "h": 5}}},
            {"text": {"body": "## Cost"}, "layouts": {"sm": {"x": 0, "y": 0, "w": 12, "h": 1}}},
        ]})  # fmt: skip
        self.by_hand("POST", "alerts/", {
            "name": "Too many", "insight": insight, "subscribed_users": [], "condition": {"type": "absolute_value"},
            "threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 9}}},
            "config": {"type": "TrendsAlertConfig", "series_index": 0},
        })  # fmt: skip
        self.cohort, self.insight = cohort, insight

    def roll_out(self, percentage: int) -> None:
        live = self.by_hand("GET", f"feature_flags/{self.flag}/")
        live["filters"]["groups"][0]["rollout_percentage"] = percentage
        self.by_hand("PATCH", f"feature_flags/{self.flag}/", {"filters": live["filters"]})

    def ai_admin(self, *arguments: str, code: int = 0) -> str:
        done = self.run(*arguments, environ=self.environ)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def checkout(tmp_path: Path, sandbox: Sandbox) -> Checkout:
    made = Checkout(tmp_path / "co", sandbox)
    made.make()
    return made


FLAG = """\
# yaml-language-server: $schema=../schemas/flag.schema.json
key: model
release_conditions:
  - {description: Beta first, cohort: beta-testers, rollout_percentage: 40}
"""
BOARD = """\
# yaml-language-server: $schema=../schemas/dashboard.schema.json
key: ai-usage
name: AI usage
tiles:
  - text: '## Cost'
    layout: {w: 12}
  - insight:
      key: uses
      name: Uses
      trends:
        series:
          - {event: ai}
"""

PAGES_APPEARANCE = {
    "fontFamily": "inherit",
    "backgroundColor": "#eeeded",
    "submitButtonColor": "black",
    "submitButtonTextColor": "white",
    "ratingButtonColor": "white",
    "ratingButtonActiveColor": "black",
    "borderColor": "#c9c6c6",
    "placeholder": "Start typing...",
    "whiteLabel": False,
    "displayThankYouMessage": True,
    "thankYouMessageHeader": "Thank you for your feedback!",
    "thankYouMessageDescription": "",
    "hideCancelButton": False,
    "position": "right",
    "widgetType": "tab",
    "widgetLabel": "Feedback",
    "widgetColor": "black",
    "zIndex": "2147482647",
    "disabledButtonOpacity": "0.6",
    "maxWidth": "300px",
    "textSubtleColor": "#939393",
    "inputBackground": "white",
    "boxPadding": "20px 24px",
    "boxShadow": "0 4px 12px rgba(0, 0, 0, 0.15)",
    "borderRadius": "10px",
    "shuffleQuestions": False,
}
"""What a survey looks like that is made on PostHog's pages, where nobody chose something else."""


def test_a_project_becomes_files_with_names_that_people_read(checkout: Checkout) -> None:
    checkout.sandbox.requests()
    assert "nothing is written" in checkout.ai_admin("pull", "--all", "--dry-run")
    asked = Counter(re.sub(r"/\d+/$", "/:id/", each["path"]) for each in checkout.sandbox.requests())
    boards = asked.pop(f"/api/projects/{checkout.sandbox.project_id}/dashboards/:id/")
    assert boards == len(checkout.sandbox.items("dashboards"))
    assert [*asked.values()] == [1] * 21
    assert all("?limit=250" in each for each in asked)
    assert not list(checkout.folder.glob("*/*.yaml"))
    said = checkout.ai_admin("pull", "--all")
    assert checkout.sandbox.writes() == []
    assert "git add -- " in said
    assert (checkout.folder / "flags" / "model.yaml").read_text() == FLAG
    assert (checkout.folder / "dashboards" / "ai-usage.yaml").read_text() == BOARD
    assert "notify: {}" in (checkout.folder / "alerts" / "too-many.yaml").read_text()
    assert "no problems" in checkout.ai_admin("check")
    assert "nothing differs" in checkout.ai_admin("drift")
    before = {file: file.read_bytes() for file in checkout.folder.glob("*/*.yaml")}
    assert "0 objects in 0 files" in checkout.ai_admin("pull", "--all")
    assert {file: file.read_bytes() for file in checkout.folder.glob("*/*.yaml")} == before


def test_an_object_that_is_not_the_only_one_of_its_name_is_adopted_by_its_id(checkout: Checkout) -> None:
    body = {"name": "Beta testers", "filters": {"properties": CRITERIA}}
    second = checkout.by_hand("POST", "cohorts/", body)["id"]
    assert "cohorts/beta-testers-2.yaml" in checkout.ai_admin("pull", "--all")
    file = checkout.folder / "cohorts" / "beta-testers-2.yaml"
    assert f"\nkey: beta-testers-2\nadopt: {second}\n" in file.read_text()
    (checkout.folder / "Pulumi.staging.yaml").write_text((checkout.folder / "Pulumi.production.yaml").read_text())
    file.unlink()
    said = checkout.ai_admin("pull", "--all", "--stack", "production")
    assert "each new file says `only: [production]`, so that nothing of it goes to staging; " in said
    assert file.read_text().endswith(f"only: [production]\nstacks:\n  production: {{adopt: {second}}}\n")
    assert "nothing differs" in checkout.ai_admin("drift", "--stack", "production")
    said = checkout.ai_admin("pull", "--all", "--stack", "staging")
    assert "left to PostHog: 1 object, whose file is not for staging: cohorts/beta-testers-2.yaml\n" in said
    said = checkout.ai_admin("pull", "--all", "--join", "--stack", "staging")
    assert said.startswith("cohorts/beta-testers-2.yaml is for staging, too\n1 object in 1 file")
    assert "  cohorts/beta-testers-2.yaml" not in said
    joined = "only: [production, staging]\nstacks:\n  production: {adopt: %s}\n  staging: {adopt: %s}\n"
    assert file.read_text().endswith(joined % (second, second))
    assert "nothing differs" in checkout.ai_admin("drift", "--stack", "staging")


def test_experiments_of_one_name_are_adopted_by_their_ids(checkout: Checkout) -> None:
    """Their flags tell them apart, and in the preview of the first `up` the flags' ids are not known."""
    variants = {"variants": [{"key": key, "rollout_percentage": 50} for key in ("control", "test")]}
    for key in ("ended-flag", "ended-flag-2"):
        filters = {"groups": [{"properties": []}], "multivariate": variants}
        checkout.by_hand("POST", "feature_flags/", {"key": key, "filters": filters})
        checkout.by_hand("POST", "experiments/", {"name": "Ended", "feature_flag_key": key})
    checkout.ai_admin("pull", "--all")
    ids = {each["feature_flag_key"]: each["id"] for each in checkout.sandbox.items("experiments")}
    for name, key in (("ended", "ended-flag"), ("ended-2", "ended-flag-2")):
        text = (checkout.folder / "experiments" / f"{name}.yaml").read_text()
        assert f"\nkey: {name}\nadopt: {ids[key]}\n" in text
        assert f"\nflag: {key}\n" in text
    assert "nothing differs" in checkout.ai_admin("drift")


def test_what_a_file_can_not_say_is_left_to_posthog_and_said(checkout: Checkout) -> None:
    """A webhook's address may be a secret, a tile with filters of its own is in no file, and people stop a survey."""
    asks = {"type": "popover", "questions": [{"type": "open", "question": "How?"}], "appearance": PAGES_APPEARANCE}
    asks["conditions"] = {"url": "", "events": {"values": [], "repeatedActivation": False}, "deviceTypes": []}
    checkout.by_hand("POST", "surveys/", {"name": "Asked", "start_date": "2026-11-01T08:00:00Z", **asks})
    [alert] = checkout.sandbox.items("alerts")
    firing = {"events": [{"id": "$insight_alert_firing", "type": "events"}], "properties": [
        {"key": "alert_id", "value": alert["id"], "operator": "exact", "type": "event"}]}  # fmt: skip
    inputs = {"url": {"value": "https://hooks.example.com/s3cret"}}
    hook = {"type": "internal_destination", "name": "Too many (webhook)", "template_id": "template-webhook"}
    checkout.by_hand("POST", "hog_functions/", {**hook, "filters": firing, "inputs": inputs, "enabled": True})
    more = {"filters": firing, "inputs": {**inputs, "slack_workspace": {"value": 1}, "channel": {"value": "C0123ABCD"}}}
    for template in ("template-webhook", "template-slack"):
        named = {"name": "HTTP on insight alert firing", "template_id": template}
        checkout.by_hand("POST", "hog_functions/", {**hook, **named, **more, "enabled": True})
    [board] = (each for each in checkout.sandbox.items("dashboards") if each["name"] == "AI usage")
    tiles = checkout.by_hand("GET", f"dashboards/{board['id']}/")["tiles"]
    own = [{"id": each["id"], "filters_overrides": {"date_from": "-1d"}} for each in tiles if each.get("insight")]
    checkout.by_hand("PATCH", f"dashboards/{board['id']}/", {"tiles": own})
    people = {"groups": [{"properties": [{"type": "person", "key": "plan", "value": "gold", "operator": "exact"}]}]}
    checkout.by_hand("POST", "surveys/", {"name": "Gold", "type": "popover", "targeting_flag_filters": people,
                                          "questions": [{"type": "open", "question": "Good?"}]})  # fmt: skip
    variable = checkout.by_hand("POST", "insight_variables/", {"name": "Plan", "type": "String", "default_value": "a"})
    chosen = {variable["id"]: {"variableId": variable["id"], "code_name": "plan", "value": "gold"}}
    sql = {"kind": "HogQLQuery", "query": "select count() from events where event = {variables.plan}"}
    query = {"kind": "DataVisualizationNode", "source": {**sql, "variables": chosen}}
    checkout.by_hand("POST", "insights/", {"name": "Of a plan", "query": query})
    said = checkout.ai_admin("pull", "--all")
    assert "variables:\n    plan: {value: gold}\n" in (checkout.folder / "insights/of-a-plan.yaml").read_text()
    assert "survey/gold: left to PostHog: targeting_flag: the people to whom it is shown. Made anew it " in said
    assert "survey/asked: start_date, end_date and archived are left to PostHog: people launch, stop and " in said
    assert "flags/survey-targeting" not in said, "PostHog keeps it in step with the survey"
    assert "# Left to PostHog: targeting_flag: the people to" in (checkout.folder / "surveys/gold.yaml").read_text()
    assert "the address of a webhook may be a secret" in said
    assert "firing': a file has it by the alert's name: call it 'Too many (Slack)' in PostHog, and run this" in said
    assert "firing': a file has one Slack message and one webhook of an alert\n" in said
    files = {file.name: file.read_text() for file in checkout.folder.glob("*/*.yaml")}
    assert not any("s3cret" in text for text in files.values())
    assert "webhook: {url: {env: TOO_MANY_WEBHOOK_URL}, adopt: " in files["too-many.yaml"]
    assert "# Left to PostHog: the tile of insight/uses, since no file can say its filters_overrides." in (
        files["ai-usage.yaml"]
    )
    slack = next(each for each in checkout.sandbox.items("hog_functions") if each["template"]["id"] == "template-slack")
    checkout.by_hand("PATCH", f"hog_functions/{slack['id']}/", {"name": "Too many (Slack)"})
    [advice] = (line for line in checkout.ai_admin("pull", "--all").splitlines() if "(Slack)" in line)
    place, _, said = advice.partition(" under notify: ")
    assert place.endswith("'Too many (Slack)': to take it over, write in the file of alert/too-many")
    text = files["too-many.yaml"].replace("notify: {}", f"notify: {{{said}}}")
    (checkout.folder / "alerts/too-many.yaml").write_text(text)
    assert "uses.yaml" in files
    assert files["asked.yaml"].endswith("unmanaged: [archived, end_date, start_date]\n")
    assert "start_date: 2026" not in files["asked.yaml"]
    assert "nothing differs" in checkout.ai_admin("drift")


def test_an_encrypted_payload_is_in_no_file_and_nothing_shows_it(checkout: Checkout) -> None:
    filters = {"groups": [{"properties": []}], "payloads": {"true": '"s3cret"'}}
    sealed = {"is_remote_configuration": True, "has_encrypted_payloads": True}
    checkout.by_hand("POST", "feature_flags/", {"key": "sealed", "filters": filters, **sealed})
    said = checkout.ai_admin("pull", "--all")
    reason = "PostHog keeps them encrypted, and definitions hold no secrets"
    assert f"flag/sealed: payloads is left to PostHog: {reason}" in said
    path = checkout.folder / "flags" / "sealed.yaml"
    text = path.read_text()
    assert f"# Left to PostHog: payloads, since {reason}." in text
    path.write_text(text.replace("unmanaged: [payloads]", "payload: mine"))
    said += checkout.ai_admin("drift", code=1) + checkout.ai_admin("drift", "--json", code=1)
    refused = checkout.ai_admin("pull", "sealed", code=1)
    assert f"its payloads: {reason}; write `unmanaged: [payloads]` into its file" in refused
    assert "s3cret" not in said + refused + "".join(each.read_text() for each in checkout.folder.glob("*/*.yaml"))


def test_a_change_by_hand_is_reported_and_becomes_one_changed_line(checkout: Checkout) -> None:
    checkout.ai_admin("pull", "--all")
    file = checkout.folder / "flags" / "model.yaml"
    tests = "tests:\n  - {name: less than half, expect: true, share: 40, cohorts: [beta-testers]}\n"
    file.write_text(FLAG.replace("release_conditions:", "# Beta knows what it is in for.\nrelease_conditions:") + tests)
    checkout.commit()
    checkout.roll_out(10)
    said = checkout.ai_admin("drift", code=1)
    assert "flag model  flags/model.yaml:2" in said
    assert f"by {checkout.email} on " in said
    assert "40 %" in said
    assert "10 %" in said
    found = json.loads(checkout.run("drift", "--json", environ=checkout.environ).stdout)
    [entry] = found["differing"]
    assert (entry["name"], entry["state"]) == ("flag/model", "changed")
    [field] = entry["fields"]
    assert (field["by"], field["field"]) == (checkout.email, "release_conditions")
    file.write_text(f"{file.read_text()}# mine\n")
    said = checkout.ai_admin("pull", "model", "--reason", "Beta complained")
    assert "\nflags/model.yaml has other uncommitted changes, which the commit below takes along; " in said
    assert f'flag/model: as PostHog holds it\n    condition "Beta first" from 40 % to 10 % by {checkout.email}' in said
    assert "a test of the flag fails with it: flags/model.yaml:7: less than half: " in said
    assert "git commit -m 'Take over from production what was changed in PostHog: Beta complained'" in said
    assert checkout.git("diff", "--numstat").split()[:2] == ["2", "1"]
    assert "cohort: beta-testers, rollout_percentage: 10}" in file.read_text()
    assert "nothing differs" in checkout.ai_admin("drift")


def test_without_a_state_nobody_is_said_to_have_changed_what_only_the_file_did(checkout: Checkout) -> None:
    checkout.ai_admin("pull", "--all")
    file = checkout.folder / "flags" / "model.yaml"
    file.write_text(FLAG.replace("40", "50"))
    told = f'condition "Beta first" from 50 % to 40 % ({UNTOLD})\n'
    assert told in checkout.ai_admin("drift", code=1)
    assert told in checkout.ai_admin("pull", "--dry-run")


def test_a_file_that_is_saved_while_pull_looks_is_left(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.ai_admin("pull", "--all")
    file = checkout.folder / "flags" / "model.yaml"
    checkout.roll_out(10)

    def slow(*_: object) -> list[str]:
        file.write_text(f"{FLAG}# Saved.\n")
        return []

    monkeypatch.setattr("ai_admin.cli.pull.failing", slow)
    said = checkout.ai_admin("pull", code=1)
    assert "nothing is written: somebody saved flags/model.yaml meanwhile; run this again" in said
    assert file.read_text() == f"{FLAG}# Saved.\n"


def test_files_are_written_also_where_nobody_reads_on(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in ``ai-admin pull --all | head -1``."""

    def closed(_: str, err: bool = False) -> None:
        if not err:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(click, "echo", closed)
    checkout.ai_admin("pull", "--all", code=1)
    file = checkout.folder / "flags" / "model.yaml"
    assert file.read_text() == FLAG
    checkout.roll_out(10)
    checkout.ai_admin("pull", code=1)
    assert file.read_text() == FLAG.replace("40", "10")



def test_another_files_problem_holds_up_nothing_that_is_named(checkout: Checkout) -> None:
    checkout.ai_admin("pull", "--all")
    checkout.roll_out(10)
    file = checkout.folder / "flags" / "model.yaml"
    file.write_text(f"{FLAG}tests: [{{name: less than half, expect: true, share: 40, cohorts: [beta-testers]}}]\n")
    checkout.write("theirs", "key: [")
    checkout.ai_admin("pull", code=3)
    said = checkout.ai_admin("pull", "theirs", code=3)
    assert "the definitions have problems:\nflags/theirs.yaml:" in said
    said = checkout.ai_admin("pull", "model")
    assert "not looked at, and to be corrected first: flags/theirs.yaml:" in said
    assert "rollout_percentage: 10" in file.read_text()
    checkout.roll_out(20)
    cohort = next((checkout.folder / "cohorts").iterdir())
    cohort.write_text(f"{cohort.read_text()}nme: x\n")
    said = checkout.ai_admin("pull", "model", code=1)
    assert "flag/model: not written: it is not known what PostHog holds: its file refers to cohort/beta-testers" in said


def test_what_no_file_defines_can_not_be_named_in_one(checkout: Checkout) -> None:
    checkout.ai_admin("pull", "--all")
    new = checkout.by_hand("POST", "cohorts/", {"name": "New people", "filters": {"properties": CRITERIA}})["id"]
    live = checkout.by_hand("GET", f"feature_flags/{checkout.flag}/")
    live["filters"]["groups"][0]["properties"][0]["value"] = new
    checkout.by_hand("PATCH", f"feature_flags/{checkout.flag}/", {"filters": live["filters"]})
    before = (checkout.folder / "flags" / "model.yaml").read_bytes()
    said = checkout.ai_admin("pull", code=1)
    assert f"it refers to cohort {new} 'New people', which no file defines: `ai-admin pull --all` makes one" in said
    assert (checkout.folder / "flags" / "model.yaml").read_bytes() == before
    checkout.ai_admin("pull", "--all")
    assert "flag/model: as PostHog holds it" in checkout.ai_admin("pull")
    assert "cohort: new-people" in (checkout.folder / "flags" / "model.yaml").read_text()


def test_what_was_removed_goes_only_when_asked_for(checkout: Checkout) -> None:
    checkout.ai_admin("pull", "--all")
    checkout.by_hand("PATCH", f"feature_flags/{checkout.flag}/", {"deleted": True})
    assert "flag model" in checkout.ai_admin("drift", code=1)
    assert "not written" in checkout.ai_admin("pull", code=1)
    assert (checkout.folder / "flags" / "model.yaml").exists()


def test_what_is_in_no_file_is_counted_and_named_when_asked_for(checkout: Checkout) -> None:
    unnamed = checkout.by_hand("POST", "insights/", {"name": "", "query": TREND})
    said = checkout.ai_admin("drift", "--all")
    assert f"insight {unnamed['id']}: {checkout.sandbox.url}/project/" in said
    assert f"/insights/{unnamed['short_id']}\n" in said
    assert "1 cohort" in said
    assert "event" not in said, "PostHog makes definitions of events itself"
    assert f"cohort {checkout.cohort}: Beta testers" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("drift", "--stack", "nowhere"), 'there is no stack "nowhere": the stacks are '),
        (("pull", "no-such-key"), "no file defines no-such-key in "),
        (("pull", "--all", "model"), "name no KEY, and not --delete"),
        (("pull", "--folder", "x"), "--folder goes with --all"),
        (("pull", "--join", "model"), "--join goes with --all, and not with --folder"),
    ],
)
def test_wrong_use_is_told_from_a_difference(checkout: Checkout, arguments: tuple[str, ...], said: str) -> None:
    assert said in checkout.ai_admin(*arguments, code=2)


def test_of_what_can_not_be_read_nothing_is_said_and_the_rest_is_compared(checkout: Checkout) -> None:
    """A collection that the key may not read, and a colleague's broken file."""
    checkout.ai_admin("pull", "--all")
    checkout.roll_out(10)
    scopes = [each for each in SCOPES if each not in ("alert:read", "survey:read")]
    checkout.environ = {"POSTHOG_API_KEY": checkout.sandbox.key(scopes)}
    said = checkout.ai_admin("drift", code=3)
    assert "~ flag model" in said
    assert "1 differs" in said
    [alert] = [line for line in said.splitlines() if line.startswith("alert too-many: not known: ")]
    assert "alert:read" in alert
    assert "nothing is made twice" not in said
    assert any("survey:read" in line for line in said.splitlines()), "surveys that no file defines are not counted"
    assert "alert/too-many: not written: it is not known what PostHog holds: " in checkout.ai_admin("pull", code=1)
    assert "add alert:read, survey:read to it" in checkout.ai_admin("pull", "--all", code=3)
    checkout.write("broken", "key: [")
    said = checkout.ai_admin("drift", code=3)
    assert "flags/broken.yaml:" in said
    assert "as the files say, of 1 it is not known, and files with problems are left out" in said
    (checkout.folder / "flags" / "broken.yaml").unlink()
    scopes = [each for each in SCOPES if each != "insight:read"]
    checkout.environ = {"POSTHOG_API_KEY": checkout.sandbox.key(scopes)}
    said = checkout.ai_admin("pull", code=1)
    assert said.count("insight:read") == 1, "said once of all that need it"
    assert "alert/too-many, tiles/" in said


def test_who_changed_what_posthog_knows_by_another_id_than_its_log_is_said(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"name": "Failures", "type": "filters", "filters": {"date_from": "-3d"}}
    made = checkout.by_hand("POST", "session_recording_playlists/", body)
    checkout.ai_admin("pull", "--all")
    ref = Ref("playlist", "failures")
    applied = Resource(ref, made["short_id"], KINDS["playlist"].canonical(body))
    monkeypatch.setattr("ai_admin.review.stack.read", lambda *_: State({ref: applied}))
    checkout.by_hand("PATCH", f"session_recording_playlists/{made['short_id']}/", {**body, "description": "Theirs"})
    said = checkout.ai_admin("drift", code=1)
    assert f"description is Theirs (was not set) by {checkout.email} on " in said


def test_what_no_file_has_any_more_and_can_not_be_read_is_not_known(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {Ref("cohort", "beta"): str(checkout.cohort), Ref("insight", "uses"): str(checkout.insight)}
    state = State({ref: Resource(ref, id_, {}) for ref, id_ in gone.items()})
    monkeypatch.setattr("ai_admin.review.stack.read", lambda *_: state)
    assert "2 differ, 0 as the files say" in checkout.ai_admin("drift", code=1)
    scopes = [each for each in SCOPES if each != "cohort:read"]
    checkout.environ = {"POSTHOG_API_KEY": checkout.sandbox.key(scopes)}
    said = checkout.ai_admin("drift", code=3)
    assert "1 differs, 0 as the files say, of 1 it is not known" in said
    assert "cohort beta: not known: " in said


def test_what_can_not_be_known_is_no_difference(checkout: Checkout) -> None:
    checkout.write("broken", "key: [")
    assert "flags/broken.yaml:" in checkout.ai_admin("drift", code=3)
    assert "the definitions have problems" in checkout.ai_admin("pull", code=3)
    checkout.environ = {"POSTHOG_API_KEY": "phx_wrong"}
    (checkout.folder / "flags" / "broken.yaml").unlink()
    assert "does not accept this personal API key" in checkout.ai_admin("drift", code=3)


def slow_take_over(root: Path, stack: str, comparison: Comparison, join: bool) -> TakeOver:
    """Take a project over that is so large that somebody waits for it."""
    time.sleep(0.2)
    return take_over(root, stack, comparison, join)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pull", "--all", "--dry-run"), ("reading the project of production", "making files of what no file defines")),
        (("pull",), ("reading the project of production",)),
        (("drift",), ("reading the project of production",)),
    ],
)
def test_who_waits_at_a_terminal_is_told_for_what(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    monkeypatch.setattr("ai_admin.cli.text.PATIENCE", 0.02)
    monkeypatch.setattr("ai_admin.cli.pull.take_over", slow_take_over)
    rule = {"kind": "latency", "seconds": 0.2, "path": "/cohorts/"}
    with checkout.sandbox.faults(rule):
        done = {here: ai_admin(checkout.folder, checkout.environ, *arguments, terminal=here) for here in (True, False)}
    waited = done[True].stderr.splitlines()
    assert all(any(re.fullmatch(rf"{line}: \d+ s so far", each) for each in waited) for line in said), waited
    assert "so far" not in done[False].stderr, "nobody waits for what goes into a log"
    assert done[True].returncode == done[False].returncode == 0
