"""A number in a payload does not grow more than tenfold by the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.safety.made import Made, cohorts, flag, judged

REST = cohorts(9)


def cap(value: Any, **properties: Any) -> Made:
    return flag("cap", 100, payloads={"true": json.dumps(value)}, **properties)


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (200000, 200000000, ["payload/cap/true/200000-200000000"]),
        (200000, 2000000, []),
        (200000000, 200000, []),
        (0.5, 5.5, ["payload/cap/true/0.5-5.5"]),
        (0, 1, ["payload/cap/true/0-1"]),
        (-1, -20, ["payload/cap/true/-1--20"]),
        ({"limits": {"max day": [5, 1]}}, {"limits": {"max day": [5, 11]}}, ["payload/cap/true.limits.max_day.1/1-11"]),
        ({"a": 1}, {"b": 100}, []),
        ({"a": True}, {"a": 100}, []),
        ("text", "other", []),
    ],
)
def test_a_number_grows_tenfold_at_most(before: Any, after: Any, refused: list[str]) -> None:
    """D3: three zeros too many."""
    found = judged([cap(before), *REST], [cap(after), *REST], careful=True)
    assert [each.code for each in found] == refused
    assert judged([cap(before), *REST], [cap(after), *REST], careful=True, consent=" ".join(refused)) == []
    assert judged([cap(before), *REST], [cap(after), *REST]) == []
    assert judged([cap(before), *REST], [cap(after, active=False), *REST], careful=True) == []
    assert judged([], [cap(after), *REST], careful=True, live=[cap(before)]) == found


def test_the_refusal_says_where_the_number_stands() -> None:
    """D3: payloads can be long."""
    [refusal] = judged([cap({"max": 2}), *REST], [cap({"max": 21}), *REST], careful=True)
    assert refusal.what == "a number in a payload (true.max) would grow from 2 to 21, more than 10 times"
