"""Recurring dates (RFC 5545, 3.3.10)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.resources.analytics.recurrence import Rule

START = datetime(2026, 1, 31, 9, tzinfo=UTC)  # a Saturday


def _days(most: int, **more: Any) -> list[str]:
    rule = Rule(start=START, **more)
    found: list[str] = []
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while len(found) < most and (following := rule.after(moment)) is not None:
        moment = following
        found.append(following.strftime("%y-%m-%d"))
    return found


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ({"frequency": "daily", "interval": 2}, ["26-01-31", "26-02-02", "26-02-04"]),
        ({"frequency": "weekly"}, ["26-01-31", "26-02-07", "26-02-14"]),
        ({"frequency": "weekly", "weekdays": ("monday", "friday")}, ["26-02-02", "26-02-06", "26-02-09"]),
        ({"frequency": "monthly"}, ["26-01-31", "26-03-31", "26-05-31"]),
        ({"frequency": "monthly", "weekdays": ("monday",), "position": 1}, ["26-02-02", "26-03-02", "26-04-06"]),
        ({"frequency": "monthly", "weekdays": ("friday",), "position": -1}, ["26-02-27", "26-03-27", "26-04-24"]),
        ({"frequency": "yearly"}, ["26-01-31", "27-01-31", "28-01-31"]),
        ({"frequency": "daily", "count": 2}, ["26-01-31", "26-02-01"]),
        ({"frequency": "weekly", "until": datetime(2026, 2, 8, tzinfo=UTC)}, ["26-01-31", "26-02-07"]),
    ],
)
def test_the_dates_of_a_rule(rule: dict[str, Any], days: list[str]) -> None:
    assert _days(3, **rule) == days
