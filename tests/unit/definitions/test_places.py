"""The part of a value that differs."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions.places import inexpressible


@pytest.mark.parametrize(
    ("left", "right", "part"),
    [
        ({"source": {"values": [{"a": 1}, {"a": 2, "b": 3}]}}, {"source": {"values": [{"a": 1}, {"a": 2}]}},
         "query.source.values[1].b"),
        ({"source": {"a": 1, "b": 1}}, {"source": {"a": 2, "b": 2}}, "query.source"),
        ({"values": [1, 2]}, {"values": [1]}, "query.values"),
        ({"on": True}, {}, "query.on"),
        (1, 2, "query"),
    ],
)  # fmt: skip
def test_the_innermost_part_that_holds_all_that_differs(left: Any, right: Any, part: str) -> None:
    said = inexpressible(["name", "query"], {"name": "A", "query": left}, {"name": "B", "query": right})
    assert said == f"no file can express the value of name, {part}"
