"""What happens to flags beyond a single write: approvals, schedules, copies, audiences (reference 1.8, 2.8 to
2.10).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.contract.sandbox.shapes import Api, eventually, in_cohort, name, person, refusal, variants


@pytest.fixture
def approvals(api: Api) -> Iterator[None]:
    api("PATCH", "/_sandbox/settings", {"approvals": True})
    yield
    api("PATCH", "/_sandbox/settings", {"approvals": False})


@pytest.fixture
def other_project(api: Api) -> int:
    made = api.post(f"/api/organizations/{api.sandbox.organization_id}/projects/", {"name": name("project")})
    return int(made["id"])


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=0.1)).isoformat()


def _schedule(api: Api, flag: Any, operation: str, value: Any, **values: Any) -> Any:
    payload = {"operation": operation, "value": value}
    body = {"record_id": str(flag["id"]), "model_name": "FeatureFlag", "payload": payload, "scheduled_at": _soon()}
    return api.post("scheduled_changes/", {**body, **values})


def test_a_gated_write_waits_for_an_approval(api: Api, approvals: None) -> None:
    flag = api.flag(active=False)
    answer = api("PATCH", f"feature_flags/{flag['id']}/", {"active": True})
    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["resource_id"]) == ("approval_required", str(flag["id"]))
    assert body["change_request"]["state"] == "pending"
    assert api.get(f"feature_flags/{flag['id']}/")["active"] is False
    api.post(f"change_requests/{body['change_request_id']}/approve/")
    assert api.get(f"feature_flags/{flag['id']}/")["active"] is True
    assert api.get(f"change_requests/{body['change_request_id']}/")["state"] == "applied"


def test_a_new_rollout_is_gated_and_a_new_description_is_not(api: Api, approvals: None) -> None:
    flag = api.flag(active=False)
    rollout = {"filters": {"groups": [{"rollout_percentage": 1}]}}
    assert api("PATCH", f"feature_flags/{flag['id']}/", rollout).status_code == 409
    assert api("PATCH", f"feature_flags/{flag['id']}/", {"name": "n"}).status_code == 200


def test_a_scheduled_change_is_made_in_time(api: Api) -> None:
    flag = api.flag(active=False)
    change = _schedule(api, flag, "update_status", True)
    assert (change["executed_at"], change["timezone"]) == (None, "UTC")
    eventually(lambda: api.get(f"feature_flags/{flag['id']}/")["active"])
    executed = api.get(f"scheduled_changes/{change['id']}/")
    assert executed["executed_at"] is not None
    entry = api.get(f"feature_flags/{flag['id']}/activity/")["results"][0]
    assert (entry["user"], entry["is_system"], entry["detail"]["trigger"]["job_type"]) == (
        None,
        True,
        "scheduled_change",
    )
    answer = api("PATCH", f"scheduled_changes/{change['id']}/", {"scheduled_at": _soon()})
    assert answer.status_code == 400, "an executed change is fixed"


def test_a_condition_and_variants_may_be_scheduled(api: Api) -> None:
    flag = api.flag(filters={"groups": [{}], "multivariate": variants(a=100)})
    _schedule(api, flag, "add_release_condition", {"groups": [{"rollout_percentage": 7}]})
    _schedule(api, flag, "update_variants", variants(a=50, b=50))

    def done() -> bool:
        filters = api.get(f"feature_flags/{flag['id']}/")["filters"]
        return len(filters["groups"]) == 2 and len(filters["multivariate"]["variants"]) == 2

    eventually(done)


def test_a_change_that_is_refused_says_why(api: Api) -> None:
    flag = api.flag(active=False, archived=True)
    change = _schedule(api, flag, "update_status", True)
    failed = eventually(lambda: api.get(f"scheduled_changes/{change['id']}/")["failure_reason"])
    assert failed == "Cannot enable an archived feature flag. Unarchive it first."


def test_scheduled_changes_are_checked_and_listed(api: Api) -> None:
    flag = api.flag()
    body = {"record_id": str(flag["id"]), "model_name": "FeatureFlag", "scheduled_at": "2099-01-01T00:00:00Z"}
    assert refusal(api("POST", "scheduled_changes/", {**body, "payload": {"operation": "explode"}}))[3] == "payload"
    change = _schedule(api, flag, "update_status", False, scheduled_at="2099-01-01T00:00:00Z")
    listed = api.get(f"scheduled_changes/?model_name=FeatureFlag&record_id={flag['id']}")["results"]
    assert [each["id"] for each in listed] == [change["id"]]
    assert api("DELETE", f"scheduled_changes/{change['id']}/").status_code == 204


def test_a_flag_is_copied_with_its_cohorts_by_name(api: Api, other_project: int) -> None:
    cohort = api.cohort(name=name("shared"))
    flag = api.flag(name="d", tags=["t"], filters=in_cohort(cohort["id"]))
    path = f"/api/organizations/{api.sandbox.organization_id}/feature_flags/copy_flags/"
    body = {
        "feature_flag_key": flag["key"],
        "from_project": int(api.sandbox.project_id),
        "target_project_ids": [other_project, 999999],
    }
    outcome = api.post(path, body)
    assert [each["project_id"] for each in outcome["failed"]] == [999999]
    there = Api(api.sandbox, project=str(other_project))
    copy = there.get(f"feature_flags/{outcome['success'][0]['id']}/")
    assert (copy["key"], copy["name"], copy["tags"]) == (flag["key"], "d", ["t"])
    leaf = copy["filters"]["groups"][0]["properties"][0]
    assert leaf["cohort_name"] == cohort["name"]
    assert leaf["value"] != cohort["id"]
    again = api.post(path, {**body, "target_project_ids": [other_project], "disable_copied_flag": True})
    assert (again["success"][0]["id"], again["success"][0]["active"]) == (copy["id"], False), "it is overwritten"
    assert there.get("cohorts/")["count"] == 1


def test_flags_of_all_projects_are_for_sessions(api: Api) -> None:
    path = f"/api/organizations/{api.sandbox.organization_id}/feature_flags/{api.flag()['key']}/"
    assert refusal(api("GET", path))[2] == "This action does not support personal API key access"


def test_the_blast_radius_counts_persons(api: Api) -> None:
    for number in range(4):
        event = {"event": "e", "distinct_id": f"blast-{number}", "properties": {"$set": {"ring": number % 2}}}
        requests.post(f"{api.url}/e/", json={"api_key": api.sandbox.project_api_key, **event}, timeout=10)
    odd = {"condition": {"properties": [person("ring", "1")]}}
    assert api.post("feature_flags/user_blast_radius/", odd) == {"affected": 2, "total": 4}
    assert api.post("feature_flags/user_blast_radius/", {"condition": {"properties": []}})["affected"] == 4
