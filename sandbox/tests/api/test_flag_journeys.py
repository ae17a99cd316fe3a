"""What happens to flags beyond a single write: schedules, copies, audiences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.tests.shapes import Api, eventually, person, refusal, variants


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=0.1)).isoformat()


def _schedule(api: Api, flag: Any, operation: str, value: Any, **values: Any) -> Any:
    payload = {"operation": operation, "value": value}
    body = {"record_id": str(flag["id"]), "model_name": "FeatureFlag", "payload": payload, "scheduled_at": _soon()}
    return api.post("scheduled_changes/", {**body, **values})


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

    def filters() -> Any:
        found = api.get(f"feature_flags/{flag['id']}/")["filters"]
        return found if len(found["groups"]) == 2 and len(found["multivariate"]["variants"]) == 2 else None

    changed = eventually(filters)
    assert changed["groups"][1]["rollout_percentage"] == 7
    assert [each["rollout_percentage"] for each in changed["multivariate"]["variants"]] == [50, 50]


def _failure(api: Api, change: Any) -> Any:
    return eventually(lambda: api.get(f"scheduled_changes/{change['id']}/")["failure_reason"])


def test_a_change_that_is_refused_says_why(api: Api) -> None:
    flag = api.flag(active=False, archived=True)
    change = _schedule(api, flag, "update_status", True)
    assert _failure(api, change) == "Cannot enable an archived feature flag. Unarchive it first. (permanent error)"


def test_scheduled_changes_are_listed_by_flag(api: Api) -> None:
    flag = api.flag()
    change = _schedule(api, flag, "update_status", False, scheduled_at="2099-01-01T00:00:00Z")
    _schedule(api, api.flag(), "update_status", False, scheduled_at="2099-01-01T00:00:00Z")
    listed = api.get(f"scheduled_changes/?model_name=FeatureFlag&record_id={flag['id']}")["results"]
    assert [each["id"] for each in listed] == [change["id"]]
    assert api("DELETE", f"scheduled_changes/{change['id']}/").status_code == 204


@pytest.mark.parametrize(
    ("values", "detail", "attr"),
    [
        ({"record_id": "nothing"}, "Feature flag not found", None),
        ({"is_recurring": True}, "This server makes no recurring changes.", "is_recurring"),
        (
            {"recurrence_interval": "daily"},
            "Cannot set recurrence_interval when is_recurring is false for new schedules.",
            "recurrence_interval",
        ),
        (
            {"cron_expression": "0 9 * * 1-5"},
            "Cannot set cron_expression when is_recurring is false for new schedules.",
            "cron_expression",
        ),
    ],
)
def test_scheduled_changes_are_checked(api: Api, values: dict[str, Any], detail: str, attr: str | None) -> None:
    payload = {"operation": "update_status", "value": True}
    body = {"record_id": str(api.flag()["id"]), "model_name": "FeatureFlag", "payload": payload}
    answer = api("POST", "scheduled_changes/", {**body, "scheduled_at": "2099-01-01T00:00:00Z", **values})
    assert refusal(answer) == (400, "invalid_input", detail, attr)


def test_a_scheduled_change_stays_with_its_flag(api: Api) -> None:
    later = _schedule(api, api.flag(), "update_status", True, scheduled_at="2099-01-01T00:00:00Z")
    answer = api("PATCH", f"scheduled_changes/{later['id']}/", {"record_id": str(api.flag()["id"])})
    assert refusal(answer)[2] == "Cannot change the target record of an existing scheduled change."
    answer = api("PATCH", f"scheduled_changes/{later['id']}/", {"cron_expression": "0 9 * * 1-5"})
    assert refusal(answer)[2:] == ("This server makes no recurring changes.", "cron_expression")


def test_what_a_payload_says_is_found_wrong_when_it_is_due(api: Api) -> None:
    flag = api.flag(filters={"groups": [{}], "multivariate": variants(a=100)})
    for operation, value, reason in (
        ("explode", 1, "Unrecognized operation: explode"),
        ("update_variants", variants(a=50), "Invalid variant rollout percentages: sum is 50, must be 100"),
    ):
        assert _failure(api, _schedule(api, flag, operation, value)) == f"{reason} (permanent error)"
    assert api.get(f"feature_flags/{flag['id']}/")["version"] == 1


def test_the_blast_radius_counts_persons(api: Api) -> None:
    for number in range(4):
        event = {"event": "e", "distinct_id": f"blast-{number}", "properties": {"$set": {"ring": number % 2}}}
        api.sandbox.capture(event)
    odd = {"condition": {"properties": [person("ring", "1")]}}
    assert api.post("feature_flags/user_blast_radius/", odd) == {"affected": 2, "total": 4}
    assert api.post("feature_flags/user_blast_radius/", {"condition": {"properties": []}})["affected"] == 4
    for malformed in (
        {"operator": "is_date_after", "value": "9999y"},
        {"operator": "between", "value": 7},
        {"type": ["person"], "value": "1"},
        {"type": "cohort", "value": {"of": 1}},
    ):
        body = {"condition": {"properties": [{"key": "ring", **malformed}]}}
        answer = api("POST", "feature_flags/user_blast_radius/", body)
        assert answer.status_code == 400, answer.text
