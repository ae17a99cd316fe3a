"""What `ai-admin doctor` learns of PostHog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_admin.review.checkup import facts
from ai_admin.review.doctor import examine
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import Resource, State
from providers.posthog.kinds import Ref
from providers.posthog.settings import Settings
from tests.support.past import Checkout
from tests.support.sandbox import Sandbox
from tests.support.stack import NAME_OF_STACK, Stack

CHECKED = ("stale", "never-evaluated", "unused")
LONG_AGO = "2025-01-01T00:00:00Z"


def test_doctor_names_what_switches_a_flag_on_that_its_file_has_off(tmp_path: Path, sandbox: Sandbox) -> None:
    checkout = Checkout(tmp_path, "production")
    for key, more in (("doctor-off", "active: false\n"), ("doctor-on", "")):
        checkout.flag(key, 10, more)
        made = sandbox.call("POST", "feature_flags/", {"key": key, "active": False})
        payload = {"operation": "update_status", "value": True}
        body = {"record_id": str(made["id"]), "model_name": "FeatureFlag", "payload": payload}
        sandbox.call("POST", "scheduled_changes/", {**body, "scheduled_at": "2099-01-02T03:04:00Z"})
    settings = Settings({}, dict(sandbox.environ))
    found = facts(tmp_path, "production", Reviewed(tmp_path, "production", settings, State), 30)
    findings, unread = examine(found, ["coming-on"])
    assert ([each.subject for each in findings], unread) == (["flag/doctor-off"], [])
    assert findings[0].what.startswith("is off in its file, and will be switched on at 2 Jan 2099, 03:04 UTC by a ")


def test_doctor_knows_what_nobody_asks_for_what_people_use_and_what_the_key_may_do(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    checkout = Checkout(tmp_path, "production")
    checkout.write("events/person.yaml", "type: person\nkey: person\nproperties: {channel: {type: String}}\n")
    filters: dict[str, Any] = {"groups": [{"rollout_percentage": 10}]}
    for key, called in (("doctor-stale", LONG_AGO), ("doctor-never", None), ("doctor-asked", "2999-01-01T00:00:00Z")):
        checkout.flag(key)
        body = {"key": key, "filters": filters, "created_at": LONG_AGO, "last_called_at": called}
        sandbox.call("POST", "feature_flags/", body)
    resources = {}
    leaf = {"type": "person", "key": "channel", "operator": "exact", "value": "beta"}
    for key in ("doctor-used", "doctor-unused"):
        checkout.write(f"cohorts/{key}.yaml", f"key: {key}\nname: {key}\nproperties: [{{key: channel, value: beta}}]\n")
        group = {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
        made = sandbox.call("POST", "cohorts/", {"name": key, "filters": {"properties": group}})
        resources[Ref("cohort", key)] = Resource(Ref("cohort", key), str(made["id"]), {})
    used = int(resources[Ref("cohort", "doctor-used")].id)
    using = {"type": "cohort", "key": "id", "operator": "in", "value": used}
    groups = [{"properties": [using], "rollout_percentage": 10}]
    sandbox.call("POST", "feature_flags/", {"key": "somebodys", "filters": {"groups": groups}})
    scopes = ["feature_flag:write", "cohort:write", "survey:read", "event_definition:read", "property_definition:read"]
    key = sandbox.key(scopes)
    settings = Settings({}, {**sandbox.environ, "POSTHOG_API_KEY": key})
    found = facts(tmp_path, "production", Reviewed(tmp_path, "production", settings, lambda: State(resources)), 30)
    said = [(each.check, each.subject, each.what) for each in examine(found, CHECKED)[0]]
    assert [(check, subject) for check, subject, _ in said] == [
        ("stale", "flag/doctor-stale"),
        ("never-evaluated", "flag/doctor-never"),
        ("unused", "cohort/doctor-unused"),
    ]
    assert said[0][2].startswith("was evaluated last on 1 Jan 2025, 00:00 UTC, ")
    findings, [unread] = examine(found, ["scopes"])
    lacks, more = (each.what for each in findings)
    assert unread.startswith("scopes: not known: ")
    assert "approvals:read" in unread, "or it is not known which changes take an approval"
    assert lacks == "lacks activity_log:read, property_definition:write"
    assert more == "does not need event_definition:read, survey:read"
    blind = sandbox.key(["feature_flag:read"])
    settings = Settings({}, {**sandbox.environ, "POSTHOG_API_KEY": blind})
    found = facts(tmp_path, "production", Reviewed(tmp_path, "production", settings, lambda: State(resources)), 30)
    findings, [unread] = examine(found, CHECKED)
    assert [each.check for each in findings] == ["stale", "never-evaluated"]
    assert unread.startswith("unused: not known: ")
    assert "cohort:read" in unread


def test_a_consent_is_left_over_once_it_had_its_effect_and_not_while_a_run_may_need_it(
    stack: Stack, sandbox: Sandbox
) -> None:
    word = "rollout/doctor-consent/10-60"
    (stack.root / f"Pulumi.{NAME_OF_STACK}.yaml").write_text(f"config:\n  ai-admin:consent: {word}\n")
    stack.configure(careful="true")

    def left() -> list[str]:
        opened = Reviewed(stack.root, NAME_OF_STACK, stack.settings, lambda: stack.state)
        return [str(each) for each in examine(facts(stack.root, NAME_OF_STACK, opened, 30), ["consents"])[0]]

    def widen(share: int) -> None:
        stack.write("flag", "doctor-consent", release_conditions=[{"rollout_percentage": share}])

    widen(10)
    stack.up()
    widen(60)
    stack.configure(consent=word)
    assert left() == [], "the files grow it"
    stack.up()
    assert [said.partition(" is a consent")[0] for said in left()] == [f"Pulumi.sandbox.yaml:2: {word}:"]
    lowered = {"filters": {"groups": [{"properties": [], "rollout_percentage": 10}]}}
    sandbox.call("PATCH", stack.path("flag/doctor-consent"), lowered)
    assert left() == [], "the next run puts it back, and asks for it"
