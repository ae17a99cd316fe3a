"""Whom other shares of a flag's variants give another variant, and other filters leave."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.review.audience import redrawn, swapped


@pytest.mark.parametrize(
    ("was", "is_", "share"),
    [
        ({"a": 50, "b": 50}, {"a": 20, "b": 80}, 0.3),
        ({"a": 50, "b": 50}, {"b": 50, "a": 50}, 1),
        ({"a": 20, "b": 30, "c": 50}, {"a": 20, "c": 50, "b": 30}, 0.6),
        ({"a": 50, "b": 50}, {"a": 50, "c": 50}, 0.5),
        ({"a": 100}, {"a": 90, "b": 10}, 0.1),
        ({"a": 50, "b": 40}, {"a": 50, "b": 50}, 0.1),
        ({"a": 50, "b": 50}, {"a": 50, "b": 50}, 0),
        ({}, {"a": 100}, 0),
        ({"a": 100}, {}, 0),
    ],
)
def test_who_is_in_the_part_of_another_variant_gets_that(
    was: dict[str, int], is_: dict[str, int], share: float
) -> None:
    """PostHog adds the percentages up in the order of the variants."""
    sides = ([{"key": key, "rollout_percentage": part} for key, part in side.items()] for side in (was, is_))
    assert redrawn(*sides) == pytest.approx(share)


def test_a_bound_that_moves_leaves_the_same_ones_and_brings_more_or_fewer() -> None:
    def sides(*properties: list[dict[str, Any]]) -> bool:
        was, is_ = ({"properties": each} for each in properties)
        return swapped(was, is_)

    beta = {"key": "channel", "operator": "exact", "value": "beta"}
    low, high = ({"key": "version", "operator": "semver_gte", "value": each} for each in ("2.3.0", "2.5.0"))
    assert not sides([beta, low], [beta, high])
    assert not sides([high], [low])
    assert sides([beta], [{**beta, "value": "stable"}])
    assert sides([beta, low], [high, {**beta, "value": "stable"}])
    assert sides([low], [{**high, "operator": "semver_lt"}])
    assert not sides([beta], [beta, low])
    assert not swapped(None, {"properties": [beta]})
