"""Conditions that leave nobody out, in other words than no filter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from providers.posthog.consents import matches_every_value, matches_everybody
from providers.posthog.kinds import Ref
from sandbox.evaluation.dates import Clock
from sandbox.evaluation.parsing import parse_filter
from sandbox.evaluation.properties import match_property

EVERYBODY: list[dict[str, Any]] = [
    {"key": "email", "operator": "icontains", "value": ""},
    {"key": "email", "operator": "icontains_multi", "value": ["beta", ""]},
    {"key": "email", "operator": "regex", "value": ".*"},
    {"key": "email", "operator": "regex", "value": ""},
    {"key": "email", "operator": "regex", "value": "^"},
    {"key": "email", "operator": "regex", "value": "$"},
    {"key": "email", "operator": "regex", "value": "^.*$"},
    {"key": "email", "operator": "regex", "value": ".+"},
    {"key": "email", "operator": "regex", "value": "(@|)"},
    {"key": "email", "operator": "regex", "value": "x?"},
    {"key": "email", "operator": "regex", "value": r"[\s\S]"},
]
SOMEBODY: list[dict[str, Any]] = [
    {"key": "email", "value": "a@example.com"},
    {"key": "email", "operator": "icontains", "value": "@"},
    {"key": "email", "operator": "icontains_multi", "value": ["a", "b"]},
    {"key": "email", "operator": "not_icontains", "value": ""},
    {"key": "email", "operator": "is_not", "value": "nobody"},
    {"key": "email", "operator": "regex", "value": "@example[.]com$"},
    {"key": "email", "operator": "regex", "value": "^$"},
    {"key": "email", "operator": "regex", "value": r"\w"},
    {"key": "email", "operator": "regex", "value": "("},
    {"key": "email", "operator": "is_set"},
    {"key": "usage", "operator": "gte", "value": 0},
    {"key": "version", "operator": "semver_gte", "value": "0.0.1"},
    {"type": "cohort", "value": "internal"},
    {"type": "flag", "key": "enabled", "value": True},
]
CLOCK = Clock(datetime(2026, 9, 7, tzinfo=UTC))
PERSONS = ("a@example.com", "7", "Ж", "two words", "-", "1.2.3")


@pytest.mark.parametrize("condition", [{}, {"properties": []}, {"rollout_percentage": 5, "variant": "a"}])
def test_a_condition_without_filters_is_for_everybody(condition: dict[str, Any]) -> None:
    assert matches_everybody(condition)


@pytest.mark.parametrize("leaf", [*EVERYBODY, {"key": "version", "operator": "semver_gte", "value": "0.0.0"}])
def test_a_filter_for_every_value_leaves_nobody_out(leaf: dict[str, Any]) -> None:
    assert matches_everybody({"properties": [leaf, leaf]})
    assert not matches_everybody({"properties": [leaf], "cohort": "internal"})
    assert not matches_everybody({"properties": [leaf, {"type": "cohort", "value": Ref("cohort", "internal")}]})


@pytest.mark.parametrize("leaf", SOMEBODY)
def test_any_other_filter_leaves_somebody_out(leaf: dict[str, Any]) -> None:
    assert not matches_everybody({"properties": [*EVERYBODY, leaf]})


@pytest.mark.parametrize("leaf", EVERYBODY)
def test_posthog_s_evaluation_agrees(leaf: dict[str, Any]) -> None:
    assert matches_every_value(leaf)
    found = [match_property(parse_filter(leaf), {"email": value}, CLOCK) for value in PERSONS]
    assert found == [True] * len(PERSONS)
