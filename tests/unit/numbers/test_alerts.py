"""How PostHog's answers about alerts are read, and what a test message is. The answers are PostHog's shapes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ai_admin.numbers.alerts import overdue, send_test, standing
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.errors import ApiError

AT = "2026-11-27T09:00:00Z"


def check(state: str, value: float | None = None, **more: Any) -> dict[str, Any]:
    usual = {"deliveries": None, "targets_notified": False, "error": None}
    return {"created_at": AT, "state": state, "calculated_value": value, **usual, **more}


def alert(**more: Any) -> dict[str, Any]:
    return {
        "id": "0001",
        "name": "Errors",
        "state": "Firing",
        "enabled": True,
        "condition": {"type": "absolute_value"},
        "threshold": {"configuration": {"type": "absolute", "bounds": {"lower": 1, "upper": 10}}},
        "config": {"type": "TrendsAlertConfig", "series_index": 0},
        "calculation_interval": "hourly",
        "last_value": 12.5,
        "last_checked_at": AT,
        "next_check_at": "2026-11-27T10:00:00Z",
        "subscribed_users": [{"email": "oncall@example.com"}],
        "insight_short_id": "abc",
        "checks": [],
        **more,
    }


def function(name: str, template: str, alert: str = "0001", **inputs: Any) -> dict[str, Any]:
    filters = {"properties": [{"key": "alert_id", "value": alert, "operator": "exact", "type": "event"}]}
    return {"id": f"f-{name}", "name": name, "template": {"id": template}, "enabled": True, "filters": filters,
            "inputs": {key: {"value": value} for key, value in inputs.items()}}  # fmt: skip


FUNCTIONS = [
    function("Errors (webhook)", "template-webhook", url={"secret": True}),
    function("Errors (slack)", "template-slack", channel="C012|#ai"),
    function("of another", "template-slack", alert="0002", channel="#other"),
    {"id": "audit", "name": "Audit", "template": None, "enabled": True, "filters": None, "inputs": {}},
]


def test_whom_an_alert_tells() -> None:
    found = standing(alert(), FUNCTIONS)
    assert list(map(str, found.tells)) == ["oncall@example.com (e-mail)", "#ai (Slack)", "Errors (webhook)"]


@pytest.mark.parametrize(("value", "distance"), [(12.5, 2.5), (8, -2), (1.5, -0.5), (0, 1), (None, None)])
def test_the_distance_is_to_the_nearest_bound(value: float | None, distance: float | None) -> None:
    assert standing(alert(last_value=value), []).distance == distance


def test_without_a_bound_there_is_no_distance() -> None:
    assert standing(alert(threshold=None), []).distance is None


def test_checks_that_failed_are_told_apart() -> None:
    failed = check("Errored", error={"message": "This alert encountered an error."})
    told = check("Firing", 12.5, targets_notified=True, deliveries=[{"display_label": "Email: oncall@example.com"}])
    found = standing(alert(checks=[failed, told]), [])
    assert [each.error for each in found.failures] == ["This alert encountered an error."]
    assert found.checks[1].told == ("Email: oncall@example.com",)


def test_one_that_is_off_is_said_to_be_and_is_never_late() -> None:
    late = datetime(2026, 11, 28, tzinfo=UTC)
    assert overdue(standing(alert(), []), late)
    assert not overdue(standing(alert(), []), late - timedelta(hours=13))
    off = standing(alert(enabled=False), [])
    assert off.state == "off"
    assert not overdue(off, late)


@pytest.mark.parametrize(
    ("until", "due", "next_check"),
    [
        ("2026-11-28T11:00:00Z", "2026-11-27T10:00:00Z", "2026-11-28T11:00:00Z"),
        ("2026-11-27T09:30:00Z", "2026-11-27T10:00:00Z", "2026-11-27T10:00:00Z"),
        ("2026-11-28T11:00:00Z", None, "2026-11-28T11:00:00Z"),
    ],
)
def test_a_snooze_is_said_and_the_next_check_is_not_before_it_is_over(
    until: str, due: str | None, next_check: str
) -> None:
    found = standing(alert(state="Snoozed", snoozed_until=until, next_check_at=due), [])
    assert (found.snoozed, found.next) == (datetime.fromisoformat(until), datetime.fromisoformat(next_check))
    assert not overdue(found, datetime(2026, 11, 28, 10, tzinfo=UTC)) or until < "2026-11-28"
    assert standing(alert(enabled=False, snoozed_until=until), []).snoozed is None


class PostHog:
    """Answers invocations, and keeps what it was sent."""

    def __init__(self, answer: dict[str, Any] | ApiError) -> None:
        self.answer, self.sent = answer, list[tuple[str, dict[str, Any]]]()
        self.connection = Connection("http://localhost", "7", None, "key")

    def project_path(self, path: str) -> str:
        return f"/api/projects/7/{path}/"

    def request(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((path, body))
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer


def outcome(answer: dict[str, Any] | ApiError) -> tuple[PostHog, list[tuple[bool, str]]]:
    there = PostHog(answer)
    sent = send_test(cast(Client, there), standing(alert(), FUNCTIONS))
    return there, [(each.arrived, each.why) for each in sent]


def test_a_test_message_goes_to_each_function_and_says_that_it_is_one() -> None:
    there, sent = outcome({"status": "success", "errors": [], "logs": []})
    assert sent == [(True, ""), (True, "")]
    assert [path for path, _ in there.sent] == [
        "/api/projects/7/hog_functions/f-Errors (slack)/invocations/",
        "/api/projects/7/hog_functions/f-Errors (webhook)/invocations/",
    ]
    body = there.sent[1][1]
    assert body["mock_async_functions"] is False
    assert body["configuration"]["inputs"] == {"url": {"value": {"secret": True}}}
    event = body["globals"]["event"]
    assert event["event"] == "$insight_alert_firing"
    assert event["properties"]["alert_id"] == "0001"
    assert "test message" in event["properties"]["breaches"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": "error", "errors": ["Error: 404 of https://hooks.example/T0/secret"], "logs": []},
         "Error: 404 of https://hooks.example/…"),
        ({"status": "error", "errors": [], "logs": [{"level": "warn", "message": "no route"}]}, "no route"),
        ({"status": "error"}, "PostHog does not say why"),
        ({"status": "skipped", "errors": [], "logs": []}, "its filters don't match a firing of this alert"),
        (ApiError("PostHog answered 500"), "PostHog answered 500"),
    ],
)  # fmt: skip
def test_what_did_not_arrive_is_said_without_secrets(answer: dict[str, Any] | ApiError, why: str) -> None:
    assert outcome(answer)[1] == [(False, why), (False, why)]
