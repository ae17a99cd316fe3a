"""Change approvals (PostHog's products/approvals): a gated flag write waits for somebody's consent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.tests.shapes import Api, name, refusal, variants


@pytest.fixture
def flag(api: Api) -> Any:
    """A flag that is switched off, rolled out to half of everybody."""
    return api.flag(active=False)


@pytest.fixture
def other(api: Api) -> Api:
    """A colleague."""
    return api.colleague()


@pytest.fixture
def approvals(api: Api, flag: Any, other: Api) -> Iterator[None]:
    with api.setting(approvals=True):
        yield
        for policy in api.get("approval_policies/")["results"]:
            api("DELETE", f"approval_policies/{policy['id']}/")


def _ask(api: Api, flag: Any, **values: Any) -> dict[str, Any]:
    """Ask for a gated change; the body of the 409."""
    answer = api("PATCH", f"feature_flags/{flag['id']}/", values or {"active": True})
    assert answer.status_code == 409, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _policy(api: Api, action: str, *users: int, **values: Any) -> None:
    api.post("approval_policies/", {"action_key": action, "approver_config": {"quorum": 1, "users": users}, **values})


def _me(api: Api) -> int:
    return int(api.get("/api/users/@me/")["id"])


def test_without_the_feature_nothing_waits_and_there_is_no_list(api: Api, flag: Any) -> None:
    assert api.patch(f"feature_flags/{flag['id']}/", {"active": True})["active"] is True
    answer = api("GET", "change_requests/")
    assert (answer.status_code, answer.json()["code"]) == (402, "payment_required")


def test_a_gated_write_is_answered_with_a_change_request_and_not_done(api: Api, flag: Any, approvals: None) -> None:
    body = _ask(api, flag)
    assert set(body) == {
        *("code", "status", "detail", "message", "resource_type", "resource_id"),
        *("change_request_id", "change_request", "required_approvers"),
    }
    assert (body["code"], body["status"]) == ("approval_required", "approval_required")
    assert body["detail"] == body["message"] == "A change request has been created and is pending approval."
    assert (body["resource_type"], body["resource_id"]) == ("feature_flag", str(flag["id"]))
    request = body["change_request"]
    assert (request["id"], request["state"]) == (body["change_request_id"], "pending")
    assert request["action_key"] == "feature_flag.enable"
    assert request["intent"]["gated_changes"] == {"active": True}
    assert request["intent_display"]["description"] == f"Enable feature flag '{flag['key']}'"
    assert (request["can_approve"], request["is_requester"]) == (False, False), "this body doesn't say who asks"
    now = api.get(f"feature_flags/{flag['id']}/")
    assert (now["active"], now["version"]) == (False, flag["version"])
    listed = api.get("change_requests/?state=pending,approved")["results"][0]
    assert (listed["id"], listed["can_approve"], listed["is_requester"]) == (request["id"], True, True)


def test_an_approval_carries_the_change_out_in_the_requesters_name(
    api: Api, flag: Any, other: Api, approvals: None
) -> None:
    asked = _ask(api, flag, active=True, name="with a new description")
    answer = other.post(f"change_requests/{asked['change_request_id']}/approve/")
    assert (answer["status"], answer["message"]) == ("applied", "Quorum reached. Change applied successfully.")
    assert answer["result"] == {"resource_id": flag["id"], "resource_version": flag["version"] + 1}
    request = answer["change_request"]
    assert (request["state"], request["user_decision"]) == ("applied", "approved")
    assert request["applied_by"]["id"] == _me(api)
    after = api.get(f"feature_flags/{flag['id']}/")
    assert (after["active"], after["name"]) == (True, "with a new description")
    entry = api.get(f"feature_flags/{flag['id']}/activity/")["results"][0]
    assert (entry["user"]["id"], entry["activity"]) == (_me(api), "updated")
    answer = other("POST", f"change_requests/{asked['change_request_id']}/approve/", {})
    assert refusal(answer)[:3] == (403, "permission_denied", "Only pending change requests can be approved")


def test_a_rejection_needs_a_reason_and_leaves_the_flag_alone(api: Api, flag: Any, other: Api, approvals: None) -> None:
    path = f"change_requests/{_ask(api, flag)['change_request_id']}/reject/"
    answer = other("POST", path, {})
    assert (answer.status_code, answer.json()) == (400, {"error": "A reason is required for rejection."})
    done = other.post(path, {"reason": "not on a Friday"})
    assert (done["status"], done["change_request"]["state"]) == ("rejected", "rejected")
    assert done["change_request"]["approvals"][0]["reason"] == "not on a Friday"
    assert api.get(f"feature_flags/{flag['id']}/")["active"] is False
    assert _ask(api, flag)["code"] == "approval_required", "it may be asked for again"


def test_the_requester_may_cancel(api: Api, flag: Any, other: Api, approvals: None) -> None:
    path = f"change_requests/{_ask(api, flag)['change_request_id']}/cancel/"
    assert refusal(other("POST", path, {}))[:3] == (403, "permission_denied", "You cannot cancel this change request")
    assert api.post(path)["status"] == "canceled"


def test_a_change_is_asked_for_once(api: Api, flag: Any, other: Api, approvals: None) -> None:
    first, second = _ask(api, flag), _ask(other, flag)
    assert second["code"] == "change_request_pending"
    assert second["detail"] == "A pending approval request already exists for this action"
    assert second["change_request_id"] == first["change_request_id"]
    assert second["required_approvers"] == {}
    assert api.get("change_requests/?resource_id=" + str(flag["id"]))["count"] == 1


def test_a_new_rollout_is_gated_and_a_new_description_or_condition_is_not(api: Api, flag: Any, approvals: None) -> None:
    asked = _ask(api, flag, filters={"groups": [{"rollout_percentage": 75}]})
    assert asked["change_request"]["action_key"] == "feature_flag.update"
    assert asked["change_request"]["intent"]["triggered_paths"] == ["groups[0].rollout_percentage"]
    description = asked["change_request"]["intent_display"]["description"]
    assert description.endswith("rollout percentage at groups[0].rollout_percentage: 50% -> 75%")
    assert api.patch(f"feature_flags/{flag['id']}/", {"name": "n", "active": False})["name"] == "n"
    condition = {"properties": [{"key": "plan", "type": "person", "value": "pro"}], "rollout_percentage": 50}
    api.patch(f"feature_flags/{flag['id']}/", {"filters": {"groups": [condition]}})
    shares = {"groups": [condition], "multivariate": variants(a=30, b=70)}
    assert api("PATCH", f"feature_flags/{flag['id']}/", {"filters": shares}).json()["code"] == "change_request_pending"


def test_a_flag_that_was_changed_meanwhile_makes_the_change_fail(api: Api, flag: Any, approvals: None) -> None:
    asked = _ask(api, flag)
    api.patch(f"feature_flags/{flag['id']}/", {"name": "changed"})
    answer = api.post(f"change_requests/{asked['change_request_id']}/approve/")
    assert answer["status"] == "failed"
    assert answer["message"].endswith("Flag version mismatch: expected 1, got 2")
    assert answer["change_request"]["state"] == "failed"
    assert api.get(f"feature_flags/{flag['id']}/")["active"] is False


def test_a_new_flag_may_be_gated_too_and_blocks_the_next(api: Api, approvals: None) -> None:
    _policy(api, "feature_flag.enable", _me(api), allow_self_approve=True)
    first, second = name("flag"), name("flag")
    asked = api("POST", "feature_flags/", {"key": first, "filters": {"groups": [{}]}})
    assert (asked.status_code, asked.json()["resource_id"]) == (409, None)
    assert api.get(f"feature_flags/?search={first}")["count"] == 0
    blocked = api("POST", "feature_flags/", {"key": second, "filters": {"groups": [{}]}}).json()
    assert blocked["change_request_id"] == asked.json()["change_request_id"]
    api.post(f"change_requests/{asked.json()['change_request_id']}/approve/")
    assert api.get(f"feature_flags/?search={first}")["results"][0]["active"] is True


def test_a_change_under_two_policies_has_to_be_split(api: Api, flag: Any, approvals: None) -> None:
    answer = api("PATCH", f"feature_flags/{flag['id']}/", {"active": True, "filters": {"groups": []}})
    assert answer.status_code == 400
    assert answer.json()["code"] == "policy_conflict"
    assert {each["action_key"] for each in answer.json()["conflicting_policies"]} == {
        "feature_flag.enable",
        "feature_flag.update",
    }


def test_a_policy_says_what_is_gated_and_who_approves(api: Api, flag: Any, other: Api, approvals: None) -> None:
    above = {"type": "before_after", "field": "rollout_percentage", "operator": ">", "value": 80}
    _policy(api, "feature_flag.update", _me(api), conditions=above)
    path = f"feature_flags/{flag['id']}/"
    assert api.patch(path, {"active": True})["active"] is True, "nothing is said of enabling"
    assert api.patch(path, {"filters": {"groups": [{"rollout_percentage": 80}]}})["version"] == 3
    asked = _ask(api, flag, filters={"groups": [{"rollout_percentage": 81}]})
    assert asked["detail"] == "A change request has been created and is pending approval from others."
    assert asked["required_approvers"] == {"quorum": 1, "users": [_me(api)]}
    approve = f"change_requests/{asked['change_request_id']}/approve/"
    assert refusal(api("POST", approve, {}))[2] == "You cannot approve your own change request"
    assert refusal(other("POST", approve, {}))[2] == "You are not in the approver set for this change request"


def test_there_is_one_policy_per_action_and_only_admins_write_them(api: Api, other: Api, approvals: None) -> None:
    _policy(api, "feature_flag.disable", _me(api))
    body = {"action_key": "feature_flag.disable", "approver_config": {"quorum": 1}}
    assert "already exists" in refusal(api("POST", "approval_policies/", body))[2]
    assert other("POST", "approval_policies/", body).status_code == 403
    body["approver_config"] = {"quorum": 0}
    assert "Quorum must be at least 1" in api("POST", "approval_policies/", body).text


def test_a_request_that_nobody_decides_expires(api: Api, flag: Any, other: Api, approvals: None) -> None:
    asked = _ask(api, flag)
    path = f"change_requests/{asked['change_request_id']}/"
    end = datetime.fromisoformat(asked["change_request"]["expires_at"])
    assert timedelta(days=13) < end - datetime.now(UTC) <= timedelta(days=14)
    api.work(end - timedelta(minutes=1))
    assert api.get(path)["state"] == "pending"
    api.work(end)
    assert api.get(path)["state"] == "expired"
    assert refusal(other("POST", f"{path}approve/", {}))[2] == "Only pending change requests can be approved"
    assert _ask(api, flag)["code"] == "approval_required", "it may be asked for again"


def test_a_request_whose_flag_was_changed_is_marked_stale(api: Api, flag: Any, approvals: None) -> None:
    path = f"change_requests/{_ask(api, flag)['change_request_id']}/"
    api.work()
    assert (api.get(path)["validation_status"], api.get(path)["validated_at"]) == ("valid", None)
    api.patch(f"feature_flags/{flag['id']}/", {"name": "changed"})
    api.work()
    found = api.get(path)
    assert found["validation_status"] == "stale"
    assert found["validation_errors"] == {
        "staleness": "Resource has been modified since this change request was created"
    }
    assert (found["state"], found["can_cancel"]) == ("pending", True)


# Scheduled changes --------------------------------------------------------------------------


def test_a_change_that_needs_an_approval_is_not_scheduled(api: Api, flag: Any, approvals: None) -> None:
    def schedule(value: bool) -> Any:
        payload = {"operation": "update_status", "value": value}
        body = {"record_id": str(flag["id"]), "model_name": "FeatureFlag", "payload": payload}
        return api("POST", "scheduled_changes/", {**body, "scheduled_at": "2099-01-01T00:00:00Z"})

    detail = "This server schedules no change that needs an approval."
    assert refusal(schedule(True)) == (400, "invalid_input", detail, "payload")
    assert schedule(False).status_code == 201
