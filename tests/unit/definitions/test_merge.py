"""JSON Merge Patch, RFC 7396."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_admin.definitions.stacks import merge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(original: Any, patch: Any, result: Any) -> None:
    assert merge(original, patch) == result


@given(JSON, JSON)
def test_neither_side_is_changed(original: Any, patch: Any) -> None:
    before = copy.deepcopy((original, patch))
    merge(original, patch)
    assert (original, patch) == before


@given(JSON, JSON)
def test_a_patch_applied_twice_is_applied_once(original: Any, patch: Any) -> None:
    once = merge(original, patch)
    assert merge(once, patch) == once


@given(JSON)
def test_an_empty_patch_changes_no_mapping(original: Any) -> None:
    assert merge(original, {}) == (original if isinstance(original, dict) else {})


@given(JSON, JSON)
def test_a_patch_sets_what_it_names_and_removes_what_it_nulls(original: Any, patch: Any) -> None:
    result = merge(original, patch)
    if not isinstance(patch, dict):
        assert result == patch
        return
    for name, item in patch.items():
        if item is None:
            assert name not in result
        elif not isinstance(item, dict):
            assert result[name] == item
    kept = original.keys() - patch.keys() if isinstance(original, dict) else set()
    assert {name: result[name] for name in kept} == {name: original[name] for name in kept}
