"""The quick yes says yes to exactly what jsonschema accepts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_admin.definitions import schemas
from ai_admin.definitions.files import FOLDERS, find
from ai_admin.definitions.yaml_text import parse
from tests.support.checkouts import SAMPLES
from tests.unit.schemas.reading import validator

KINDS = tuple(FOLDERS.values())
GOOD: dict[str, list[Any]] = {kind: [] for kind in KINDS}
for _file in find(SAMPLES):
    GOOD[_file.kind].append(parse(_file.text or "").value)
CHECKS = {kind: schemas.accepts(kind) for kind in KINDS}
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


def places_of(value: Any) -> list[tuple[Any, Any]]:
    """Return every container inside a value with one of its keys or indexes."""
    found: list[tuple[Any, Any]] = []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        found += [(value, step), *places_of(item)]
    return found


@settings(max_examples=150)
@given(st.data())
def test_it_agrees_with_jsonschema_on_damaged_definitions(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    value = copy.deepcopy(data.draw(st.sampled_from(GOOD[kind])))
    for _ in range(data.draw(st.integers(1, 3))):
        places = places_of(value)
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


def test_what_is_no_json_is_left_to_jsonschema() -> None:
    assert not CHECKS["flag"]({1: 2})
    assert not CHECKS["flag"](GOOD["flag"][0] | {"ensure_experience_continuity": float("nan")})


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(1, 1.0, True), (True, 1, False), (False, 0, False), ([1], [1.0], True), ([True], [1], False),
     ({"a": [0]}, {"a": [False]}, False), ({"a": 1}, {"a": 1, "b": 2}, False), (None, None, True), ("1", 1, False)],
)  # fmt: skip
def test_values_are_compared_as_json(left: Any, right: Any, same: bool) -> None:
    assert (schemas.fingerprint(left) == schemas.fingerprint(right)) is same


def test_an_interrupt_while_schemas_are_read_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(schemas, "_retrieve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        schemas.accepts.__wrapped__("flag")
