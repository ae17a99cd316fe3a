"""Wrong definitions, each refused at one place and for one reason, the one that the author has to hear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema.exceptions import ValidationError

from tests.unit.schemas.reading import load, validator
from tests.unit.schemas.test_content import merge

GOOD: dict[str, Any] = {
    "flag": {"key": "a", "release_conditions": [{"rollout_percentage": 10}]},
    "cohort": {"key": "a", "name": "A", "properties": [{"key": "channel", "value": "beta"}]},
    "event": {"key": "a", "properties": {"n": {"type": "Numeric"}}},
    "dashboard": {"key": "a", "name": "A", "tiles": [{"text": "hello"}]},
    "alert": {
        "key": "a",
        "name": "A",
        "insight": "i",
        "condition": "absolute_value",
        "threshold": {"upper": 1},
        "notify": {"email": ["oncall@example.com"]},
    },
    "action": {"key": "a", "name": "A", "steps": [{"event": "e"}]},
    "experiment": {
        "key": "a",
        "name": "A",
        "flag": "f",
        "metrics": [{"name": "M", "metric_type": "mean", "source": {"event": "e"}}],
        "start_date": "2026-09-07T08:00:00Z",
    },
    "subscription": {
        "key": "a",
        "title": "A",
        "dashboard": "d",
        "target": {"email": ["finance@example.com"]},
        "frequency": "weekly",
        "start_date": "2026-09-07T08:00:00Z",
    },
    "annotation": {"key": "a", "content": "It happened", "date_marker": "2026-09-07"},
}
TABLE = load(Path(__file__).with_name("wrong-definitions.yaml"))
CASES = [
    pytest.param(group, case["wrong"], case["at"], case["because"], id=f"{group} {case['wrong']}")
    for group, cases in TABLE.items()
    for case in cases
]


def definition(group: str, wrong: Any) -> tuple[str, Any, str]:
    """Return the kind, the whole wrong definition, and where in it the wrong part stands."""
    patch: dict[str, Any]
    if group == "flag filter":
        patch = {"release_conditions": [{"properties": [wrong]}]}
        return "flag", merge(GOOD["flag"], patch), "$.release_conditions[0].properties[0]"
    if group == "insight":
        patch = {"tiles": [{"insight": {"key": "i", "name": "I", **wrong}}]}
        return "dashboard", merge(GOOD["dashboard"], patch), "$.tiles[0].insight"
    if group == "trends":
        kind, form, place = definition("insight", {"trends": {"series": [{"event": "e"}], **wrong}})
        return kind, form, f"{place}.trends"
    if group == "metric":
        return "experiment", merge(GOOD["experiment"], {"metrics": [{"name": "M", **wrong}]}), "$.metrics[0]"
    return group, merge(GOOD[group], wrong), ""


def reasons(errors: Iterator[ValidationError]) -> set[tuple[str, str]]:
    """Return the place of each error, and the keyword with the words that go with it."""
    return {(error.json_path, f"{error.validator}: {_said(error)}") for error in errors}


def _said(error: ValidationError) -> str:
    return str(error.schema.get("errorMessage", "")) if isinstance(error.schema, dict) else ""


@pytest.mark.parametrize("kind", GOOD)
def test_the_good_definition_is_good(kind: str) -> None:
    assert reasons(validator(kind).iter_errors(GOOD[kind])) == set()


@pytest.mark.parametrize(("group", "wrong", "at", "because"), CASES)
def test_a_wrong_definition_is_refused_for_one_reason(group: str, wrong: Any, at: str, because: str) -> None:
    kind, form, place = definition(group, wrong)
    found = reasons(validator(kind).iter_errors(form))
    assert [path for path, _ in found] == [place + at]
    assert because in next(iter(found))[1]
