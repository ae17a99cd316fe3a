"""What an earlier version left in the data folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import create_app
from sandbox.resources.approvals.scheduled_changes import SCHEDULED_CHANGES
from sandbox.wire.context import Services


@pytest.mark.parametrize("older", [{"is_recurring": True, "recurrence_interval": "daily"}, {"change_request": "0193"}])
def test_a_change_that_recurs_or_waits_for_an_approval_is_left_alone(tmp_path: Path, older: dict[str, Any]) -> None:
    services: Services = create_app(tmp_path).state.services
    due = "2026-01-01T00:00:00Z"
    row = {"id": 1, "team_id": 1, "record_id": "7", "scheduled_at": due, "executed_at": None, "failure_reason": None}
    payload = {"operation": "update_status", "value": True}
    services.store.put("flag", "1", {"id": 7, "active": False, "filters": {}})
    services.store.put("scheduled_change", "1", {**row, "is_recurring": False, "payload": payload, **older})
    for _ in range(2):
        SCHEDULED_CHANGES.carry_out(services, datetime.now(UTC))
    found = services.store.get("scheduled_change", 1)
    assert found is not None
    assert found["executed_at"] is None
    assert found["failure_reason"].startswith("Not executed: this server makes no recurring changes")
