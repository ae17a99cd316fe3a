"""In which order the example service reports what it knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import Mock

import pytest

from examples.ai_service.ai_admin_client import Person
from examples.ai_service.budgets import Budgets
from examples.ai_service.deepseek import DeepSeek
from examples.ai_service.service import AiService

_REPORTS = ("set", "capture_ai_enhancement_used")


def test_an_installation_is_told_before_its_run_once_in_an_hour_and_where_it_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before its run, so that PostHog knows whose that is."""
    sdk: Any = Mock()
    sdk.flags.return_value.ai_model_version.return_value = "deepseek-chat-v3"
    sdk.flags.return_value.ai_max_request_tokens.return_value = 1000
    sdk.flags.return_value.ai_max_daily_tokens.return_value = 10_000
    service = AiService(sdk, sdk, DeepSeek(1, seconds=0), Budgets())
    clock = Mock()
    monkeypatch.setattr("examples.ai_service.service.datetime", clock)
    for version, minute in (("2.4.0", 20), ("2.4.0", 59), ("2.5.0", 59), ("2.5.0", 61)):
        clock.now.return_value = datetime(2026, 11, 28, 10, tzinfo=UTC) + timedelta(minutes=minute)
        service.run("inst-1", cast(Person, {"version": version}), 10)
    told = [(name, given.get("properties")) for name, _, given in sdk.mock_calls if name in _REPORTS]
    run = ("capture_ai_enhancement_used", None)

    def known(version: str, hour: int) -> tuple[str, dict[str, object]]:
        active = datetime(2026, 11, 28, hour, tzinfo=UTC)
        return "set", {"version": version, "installation_id": "inst-1", "last_active": active}

    assert told == [known("2.4.0", 10), run, run, known("2.5.0", 10), run, known("2.5.0", 11), run]
