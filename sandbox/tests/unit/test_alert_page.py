"""How the page of alerts writes bounds and values."""

from typing import Any

import pytest

from sandbox.pages.alerts import bounds, written


def alert(threshold: dict[str, Any], config: str = "TrendsAlertConfig") -> dict[str, Any]:
    return {"threshold": {"configuration": threshold}, "config": {"type": config}}


@pytest.mark.parametrize(
    ("row", "value", "said", "bound"),
    [
        (alert({"type": "percentage", "bounds": {"upper": 3}}), 0.5, "50 %", "upper 300 %"),
        (alert({"bounds": {"lower": 50}}, "FunnelsAlertConfig"), 100 / 6, "16.6667 %", "lower 50 %"),
        (alert({"type": "absolute", "bounds": {"upper": 0.05, "lower": None}}), 1 / 3, "0.333333", "upper 0.05"),
        (alert({"type": "absolute", "bounds": {"upper": 200}}), 0, "0", "upper 200"),
    ],
)
def test_values_are_short_and_have_their_unit(row: dict[str, Any], value: float, said: str, bound: str) -> None:
    assert (written(row, value), bounds(row)) == (said, [bound])
