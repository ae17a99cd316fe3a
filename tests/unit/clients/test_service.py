"""In which order the example service reports what it knows."""

from __future__ import annotations

from typing import Any, cast
from unittest.mock import Mock

from examples.ai_service.ai_admin_client import Person
from examples.ai_service.budgets import Budgets
from examples.ai_service.deepseek import DeepSeek
from examples.ai_service.service import AiService

_REPORTS = ("set", "capture_ai_enhancement_used")


def test_an_installation_is_told_before_its_run_that_posthog_may_know_whose_it_is() -> None:
    sdk: Any = Mock()
    sdk.flags.return_value.ai_model_version.return_value = "deepseek-chat-v3"
    sdk.flags.return_value.ai_max_request_tokens.return_value = 1000
    sdk.flags.return_value.ai_max_daily_tokens.return_value = 10_000
    service = AiService(sdk, sdk, DeepSeek(1, seconds=0), Budgets())
    for version in ("2.4.0", "2.4.0", "2.5.0"):
        service.run("inst-1", cast(Person, {"version": version}), 10)
    told = [(name, given.get("properties")) for name, _, given in sdk.mock_calls if name in _REPORTS]
    run = ("capture_ai_enhancement_used", None)
    known = [("set", {"version": each, "installation_id": "inst-1"}) for each in ("2.4.0", "2.5.0")]
    assert told == [known[0], run, run, known[1], run]
