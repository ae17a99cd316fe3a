"""The quick yes says yes to exactly what jsonschema accepts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ai_admin.definitions import quick, schemas
from ai_admin.definitions.files import find
from ai_admin.definitions.yaml_text import parse
from tests.support.checkouts import SAMPLES
from tests.unit.schemas.reading import validator

KINDS = ("flag", "cohort", "event", "dashboard", "alert", "action", "experiment", "subscription", "annotation")
GOOD: dict[str, list[Any]] = {kind: [] for kind in KINDS}
for _file in find(SAMPLES):
    GOOD[_file.kind].append(parse(_file.text or "").value)
CHECKS = {kind: quick.compile(schemas.schema(kind)) for kind in KINDS}
VALIDATORS = {kind: validator(kind) for kind in KINDS}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 101)
    | st.floats(-1, 1)
    | st.sampled_from(["", "a", "is_set", "cohort", "event", "2.4.0", "#a", "-7d", "BoldNumber", "EventsNode"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "type", "value", "kind", "operator", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_samples_never_need_the_slow_way(kind: str) -> None:
    assert GOOD[kind]
    assert [CHECKS[kind](value) for value in GOOD[kind]] == [True] * len(GOOD[kind])


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container inside a value with one of its keys or indexes."""
    found: list[tuple[Any, Any]] = []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        found += [(value, step), *_places(item)]
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_it_agrees_with_jsonschema_on_damaged_definitions(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    value = copy.deepcopy(data.draw(st.sampled_from(GOOD[kind])))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(value)
        container, step = places[data.draw(st.integers(0, len(places) - 1))]
        change = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            container[step] = data.draw(VALUES)
        elif change == "remove":
            del container[step]
        elif isinstance(container, dict):
            container[data.draw(st.sampled_from(["unmanaged", "operator", "type", "kind", "stacks", "typo"]))] = (
                data.draw(VALUES)
            )
        if not value:
            break
    assert CHECKS[kind](value) == VALIDATORS[kind].is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": ["number", "null"]},
        {"const": 1},
        {"enum": [True, "a", None, [1]]},
        {"minimum": 1, "maximum": 5},
        {"exclusiveMinimum": 0, "exclusiveMaximum": 2},
        {"minLength": 1, "maxLength": 2, "pattern": "^a"},
        {"items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        {"uniqueItems": True},
        {"contains": {"const": "a"}},
        {"properties": {"key": {"type": "string"}}, "additionalProperties": False},
        {"additionalProperties": {"type": "string"}},
        {"required": ["key"], "minProperties": 2, "maxProperties": 2},
        {"dependentRequired": {"key": ["type"]}},
        {"propertyNames": {"enum": ["key", "x"]}},
        {"not": {"type": "object"}},
        {"anyOf": [{"type": "string"}, {"required": ["key"]}]},
        {"oneOf": [{"required": ["key"]}, {"required": ["type"]}]},
        {"if": {"required": ["key"]}, "then": {"required": ["type"]}, "else": {"type": "string"}},
        {
            "type": "object",
            "allOf": [
                {"if": {"properties": {"type": {"const": "a"}}}, "then": {"required": ["key"]}},
                {"if": {"properties": {"type": {"enum": ["cohort", "event"]}}, "required": ["type"]}, "then": False},
            ],
        },
        {"items": True, "properties": {"key": False}},
        True,
        False,
    ],
)
@settings(deadline=None)
@given(value=VALUES)
def test_it_agrees_with_jsonschema_on_every_keyword(schema: Any, value: Any) -> None:
    assert quick.compile(schema)(value) == Draft202012Validator(schema).is_valid(value)


def test_a_keyword_that_it_does_not_know_is_left_to_jsonschema() -> None:
    assert quick.compile({"multipleOf": 2})(4) is False


def test_a_schema_that_contains_itself() -> None:
    tree: dict[str, Any] = {"type": "object", "additionalProperties": False}
    tree["properties"] = {"left": tree, "right": tree}
    check = quick.compile(tree)
    assert check({"left": {"right": {}}})
    assert not check({"left": {"right": {"up": {}}}})


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(1, 1.0, True), (True, 1, False), (False, 0, False), ([1], [1.0], True), ([True], [1], False),
     ({"a": [0]}, {"a": [False]}, False), ({"a": 1}, {"a": 1, "b": 2}, False), (None, None, True), ("1", 1, False)],
)  # fmt: skip
def test_values_are_compared_as_json(left: Any, right: Any, same: bool) -> None:
    assert (quick.fingerprint(left) == quick.fingerprint(right)) is same
