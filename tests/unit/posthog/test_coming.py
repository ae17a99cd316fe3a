"""What a scheduled change says, also one that recurs; and which are not made any more."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.coming import from_row

FLAGS = "https://eu.posthog.com/project/1/feature_flags"
ROW = {
    "record_id": "7",
    "payload": {"operation": "update_status", "value": True},
    "scheduled_at": "2099-01-02T03:04:00Z",
    "executed_at": None,
    "created_by": {"email": "ana@example.com"},
    "is_recurring": False,
    "timezone": "Europe/Berlin",
}
DAILY = {"is_recurring": True, "recurrence_interval": "daily", "cron_expression": None}
CRON = {"is_recurring": True, "recurrence_interval": None, "cron_expression": "0 9 * * 1-5"}
LATER, BEFORE = "2099-02-01T00:00:00Z", "2099-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "will be switched on at 2 Jan 2099, 03:04 UTC by a scheduled change of ana@example.com"),
        ({"created_by": None}, "will be switched on at 2 Jan 2099, 03:04 UTC by a scheduled change of somebody"),
        (
            {"payload": {"operation": "update_status", "value": False}, **DAILY},
            "will be switched off at 2 Jan 2099, 03:04 UTC, and then daily, by a scheduled change of ana@example.com",
        ),
        (
            {**CRON, "end_date": LATER},
            "will be switched on at 2 Jan 2099, 03:04 UTC, and then by cron 0 9 * * 1-5 (Europe/Berlin) until "
            "1 Feb 2099, 00:00 UTC, by a scheduled change of ana@example.com",
        ),
        ({"payload": "?"}, "will change at 2 Jan 2099, 03:04 UTC by a scheduled change of ana@example.com"),
    ],
)
def test_a_scheduled_change_says_what_when_and_who(more: dict[str, Any], said: str) -> None:
    found = from_row({**ROW, **more}, FLAGS)
    assert found is not None
    assert (str(found), found.fix) == (said, f"cancel it there: {FLAGS}/7")


@pytest.mark.parametrize(
    "more",
    [
        {"executed_at": BEFORE},
        {**DAILY, "is_recurring": False},
        {**CRON, "is_recurring": False},
        {**CRON, "end_date": BEFORE},
    ],
)
def test_what_was_made_is_paused_or_has_ended_changes_nothing(more: dict[str, Any]) -> None:
    assert from_row({**ROW, **more}, FLAGS) is None
