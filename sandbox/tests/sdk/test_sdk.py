"""The official Python SDK against a running sandbox: what an installation does, and what arrives."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from posthog import Posthog

from sandbox.tests.clients import Sdk, events, new_flag, person_of, poll
from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import depending_on, in_cohort, members, on_for, person

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gzip": True},
        {"capture_mode": "v1"},
        {"capture_mode": "v1", "capture_compression": "deflate"},
        {"capture_mode": "v1", "capture_compression": "zstd"},
        {"sync_mode": True},
    ],
    ids=["plain", "gzip", "v1", "v1-deflate", "v1-zstd", "sync"],
)
def test_captured_events_arrive_whole(sandbox: Sandbox, new_sdk: Sdk, options: dict[str, Any]) -> None:
    name = "whole-" + "-".join(f"{option}-{value}" for option, value in options.items())
    client = new_sdk(**options)
    sent = {"model": "deepseek-chat-v3", "tokens": 12, "nested": {"a": [1, None, "é"]}}
    identifier = client.capture("ai_enhancement_used", distinct_id=name, properties=sent, timestamp=TIME)
    client.flush()
    (event,) = events(sandbox, name)
    assert (event["id"], event["event"]) == (identifier, "ai_enhancement_used")
    assert event["timestamp"].startswith("2026-01-02T03:04:0")
    assert {key: event["properties"][key] for key in sent} == sent
    assert event["properties"]["$lib"] == "posthog-python"


def test_set_and_set_once_make_a_persons_properties(sandbox: Sandbox, new_sdk: Sdk) -> None:
    client = new_sdk()
    client.set(distinct_id="inst-1", properties={"version": "2.3.0", "health_status": "healthy"})
    client.set_once(distinct_id="inst-1", properties={"version": "1.0.0", "first_seen": "2026-01-01"})
    client.set(distinct_id="inst-1", properties={"version": "2.4.0"})
    client.flush()
    found = person_of(sandbox, "inst-1")
    assert found is not None
    assert {"version": "2.4.0", "health_status": "healthy", "first_seen": "2026-01-01"}.items() <= found[
        "properties"
    ].items()


def test_an_event_without_a_person_profile_makes_no_person(sandbox: Sandbox, new_sdk: Sdk) -> None:
    client = new_sdk()
    client.capture("seen", distinct_id="nobody", properties={"$process_person_profile": False})
    client.flush()
    assert len(events(sandbox, "nobody")) == 1
    assert person_of(sandbox, "nobody") is None


def test_alias_makes_one_person_of_two(sandbox: Sandbox, new_sdk: Sdk) -> None:
    client = new_sdk()
    client.set(distinct_id="old-name", properties={"plan": "free", "kept": 1})
    client.set(distinct_id="new-name", properties={"plan": "pro"})
    client.alias(previous_id="old-name", distinct_id="new-name")
    client.flush()
    old, new = person_of(sandbox, "old-name"), person_of(sandbox, "new-name")
    assert old is not None
    assert old == new
    assert set(old["distinct_ids"]) == {"old-name", "new-name"}


def test_groups_are_identified_and_noted_on_events(sandbox: Sandbox, new_sdk: Sdk) -> None:
    client = new_sdk()
    client.group_identify("organization", "acme", {"tier": "gold"})
    client.group_identify("organization", "acme", {"seats": 5})
    client.capture("seen", distinct_id="member", groups={"organization": "acme", "region": "eu"})
    client.flush()
    types = {one["group_type"]: one["group_type_index"] for one in sandbox.call("GET", "groups_types/")}
    assert types["organization"] == 0
    (event,) = events(sandbox, "member")
    assert event["properties"]["$group_0"] == "acme"
    assert event["properties"][f"$group_{types['region']}"] == "eu"
    sql = "SELECT properties.tier, properties.seats FROM groups WHERE index = 0 AND key = 'acme'"
    found = sandbox.call("POST", "query/", {"query": {"kind": "HogQLQuery", "query": sql}})
    assert found["results"] == [["gold", "5"]]


def _flag(client: Posthog, key: str, distinct_id: str, **options: Any) -> Any:
    return client.evaluate_flags(distinct_id, flag_keys=[key], **options).get_flag(key)


VARIANTS = {"variants": [{"key": "r1", "rollout_percentage": 20}, {"key": "v3", "rollout_percentage": 80}]}


@pytest.fixture(scope="module")
def flags(sandbox: Sandbox) -> None:
    """A flag per kind of answer, all of them for installations with a certain version."""
    recent = [{"key": "version", "type": "person", "operator": "semver_gte", "value": "2.4.0"}]
    on = [{"properties": recent, "rollout_percentage": 100}]
    new_flag(sandbox, "enabled", {"groups": on})
    new_flag(sandbox, "model", {"groups": [{**on[0], "variant": "r1"}], "multivariate": VARIANTS})
    new_flag(sandbox, "limit", {"groups": on, "payloads": {"true": "250000"}})
    new_flag(
        sandbox,
        "config",
        {
            "groups": [{**on[0], "variant": "v3"}],
            "multivariate": VARIANTS,
            "payloads": {"v3": {"temperature": 0.5}, "r1": [1]},
        },
    )
    new_flag(sandbox, "inactive", on_for(), active=False)


EXPECTED = {"enabled": True, "model": "r1", "limit": True, "config": "v3"}


def _answers(client: Posthog, version: str, **options: Any) -> dict[str, Any]:
    found = client.get_all_flags(
        "inst-7",
        person_properties={"version": version},
        flag_keys_to_evaluate=[*EXPECTED, "inactive"],
        **options,
    )
    return dict(found or {})


@pytest.mark.usefixtures("flags")
def test_flags_remotely(new_sdk: Sdk) -> None:
    client = new_sdk()
    assert _answers(client, "2.4.0") == EXPECTED
    assert _answers(client, "2.3.9") == dict.fromkeys(EXPECTED, False)


@pytest.mark.usefixtures("flags")
def test_flags_locally(new_sdk: Sdk, sandbox: Sandbox) -> None:
    client = new_sdk(local=True)
    sandbox.requests()
    # An inactive flag is in the definitions, and false; remotely it is absent.
    assert _answers(client, "2.4.0", only_evaluate_locally=True) == {**EXPECTED, "inactive": False}
    assert _answers(client, "2.3.9", only_evaluate_locally=True) == dict.fromkeys([*EXPECTED, "inactive"], False)
    assert not [one for one in sandbox.requests() if one["path"].startswith("/flags/?")]


@pytest.mark.usefixtures("flags")
@pytest.mark.parametrize("local", [False, True])
def test_payloads(new_sdk: Sdk, local: bool) -> None:
    client = new_sdk(local=local)

    def result(key: str, version: str) -> tuple[Any, Any]:
        found = client.get_feature_flag_result(
            key, "inst-7", person_properties={"version": version}, only_evaluate_locally=local
        )
        assert found is not None
        return found.get_value(), found.payload

    assert result("limit", "3.0.0") == (True, 250000)
    assert result("config", "3.0.0") == ("v3", {"temperature": 0.5})
    assert result("limit", "1.0.0") == (False, None)


@pytest.mark.usefixtures("flags")
def test_flags_of_a_person_the_project_knows(sandbox: Sandbox, new_sdk: Sdk) -> None:
    client = new_sdk()
    client.set(distinct_id="inst-8", properties={"version": "2.5.0"})
    client.flush()
    assert _flag(client, "enabled", "inst-8") is True
    assert _flag(client, "enabled", "inst-9") is False
    client.flush()
    called = [one for one in events(sandbox, "inst-8") if one["event"] == "$feature_flag_called"]
    assert called[0]["properties"]["$feature_flag"] == "enabled"
    assert called[0]["properties"]["$feature_flag_response"] is True


def test_group_flags_both_ways(sandbox: Sandbox, new_sdk: Sdk) -> None:
    client = new_sdk()
    client.group_identify("organization", "globex", {"tier": "gold"})
    client.flush()
    gold = {"key": "tier", "type": "group", "group_type_index": 0, "operator": "exact", "value": "gold"}
    new_flag(sandbox, "for-gold", {**on_for(gold), "aggregation_group_type_index": 0})
    organisation = {"organization": "globex"}
    assert _flag(client, "for-gold", "ann", groups=organisation) is True
    assert _flag(client, "for-gold", "bob", groups={"organization": "initech"}) is False
    local = new_sdk(local=True)
    for tier, expected in (("gold", True), ("iron", False)):
        found = _flag(
            local,
            "for-gold",
            "ann",
            groups=organisation,
            group_properties={"organization": {"tier": tier}},
            only_evaluate_locally=True,
        )
        assert found is expected


def test_cohorts_and_dependencies_both_ways(sandbox: Sandbox, new_sdk: Sdk) -> None:
    cohort = sandbox.call("POST", "cohorts/", {"name": "Internal", "filters": members(person("staff", ["true"]))})
    base = new_flag(sandbox, "staff-only", in_cohort(cohort["id"]))
    new_flag(sandbox, "on-top", depending_on(base["id"]))
    remote, local = new_sdk(), new_sdk(local=True)
    for staff in (True, False):
        properties = {"staff": staff}
        for key in ("staff-only", "on-top"):
            assert _flag(remote, key, "ann", person_properties=properties) is staff
            found = _flag(local, key, "ann", person_properties=properties, only_evaluate_locally=True)
            assert found is staff


def test_a_groups_key_is_a_property_too(sandbox: Sandbox, new_sdk: Sdk) -> None:
    new_sdk().group_identify("organization", "acme")
    chosen = {"key": "$group_key", "type": "group", "group_type_index": 0, "operator": "exact", "value": ["acme"]}
    new_flag(sandbox, "for-acme", {**on_for(chosen), "aggregation_group_type_index": 0})
    asked = {"token": sandbox.project_api_key, "distinct_id": "ann", "flag_keys": ["for-acme"]}
    for key, expected in (("acme", True), ("globex", False)):
        body = {**asked, "groups": {"organization": key}}
        answer = requests.post(f"{sandbox.url}/flags/?v=1", json=body, timeout=10).json()
        assert answer["featureFlags"] == {"for-acme": expected}


def test_buckets_by_device_are_the_same_both_ways(sandbox: Sandbox, new_sdk: Sdk) -> None:
    half = {"groups": [{"properties": [], "rollout_percentage": 50}]}
    new_flag(sandbox, "by-device", half, bucketing_identifier="device_id")
    remote, local = new_sdk(), new_sdk(local=True)
    values = []
    for number in range(20):
        device = f"device-{number}"
        far = _flag(remote, "by-device", "ann", device_id=device)
        assert far is _flag(local, "by-device", "ann", device_id=device, only_evaluate_locally=True)
        values.append(far)
    assert set(values) == {True, False}


def test_remote_configuration_by_key(sandbox: Sandbox, new_sdk: Sdk) -> None:
    everybody = {**on_for(), "payloads": {"true": {"a": 1}}}
    new_flag(sandbox, "settings", everybody, is_remote_configuration=True)
    new_flag(sandbox, "no-settings", everybody)
    client = new_sdk(local=True)
    assert json.loads(client.get_remote_config_payload("settings")) == {"a": 1}
    assert client.get_remote_config_payload("no-settings") is None


def test_polling_sees_a_change_and_is_cheap_without_one(sandbox: Sandbox, new_sdk: Sdk) -> None:
    flag = new_flag(sandbox, "moving", {"groups": [{"properties": [], "rollout_percentage": 0}]})
    client = new_sdk(local=True)
    assert _flag(client, "moving", "ann", only_evaluate_locally=True) is False
    sandbox.requests()
    poll(client)
    sandbox.call("PATCH", f"feature_flags/{flag['id']}/", {"filters": on_for()})
    poll(client)
    polls = [one["status"] for one in sandbox.requests() if one["path"].startswith("/flags/definitions")]
    assert polls == [304, 200]
    assert _flag(client, "moving", "ann", only_evaluate_locally=True) is True
