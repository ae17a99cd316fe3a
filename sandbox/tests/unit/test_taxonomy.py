"""What type a property is said to have, by its name and value."""

from typing import Any

import pytest

from sandbox.events.taxonomy import Seen, property_type


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("success", True, "Boolean"),
        ("success", "True", "Boolean"),
        ("total_tokens", 12, "Numeric"),
        ("estimated_cost", 0.5, "Numeric"),
        ("model", "deepseek-chat-v3", "String"),
        ("version", "2.4.0", "String"),
        ("last_active", "2026-01-01", "DateTime"),
        ("last_active", "2026-01-01T10:00:00.123Z", "DateTime"),
        ("created_at", 1767225600, "DateTime"),
        ("time", 12, "Numeric"),
        ("utm_source", "true", "String"),
        ("$feature/flag", True, "String"),
        ("nested", {"a": 1}, None),
        ("list", [1], None),
        ("nothing", None, None),
    ],
)
def test_property_type(name: str, value: Any, expected: str | None) -> None:
    assert property_type(name, value) == expected


def test_the_first_value_that_has_a_type_decides() -> None:
    seen = Seen()
    for value in (None, 5, "text"):
        seen.event("used", {"amount": value, "$set": {"plan": "pro"}}, {})
    assert seen.events == {"used"}
    assert seen.properties == {("event", None, "amount"): "Numeric", ("person", None, "plan"): "String"}
