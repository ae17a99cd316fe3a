"""Where a change by hand is written: what it means in one stack, and that no other stack changes with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_admin.definitions.document import Document
from ai_admin.definitions.file_text import mapping
from ai_admin.definitions.files import File
from ai_admin.definitions.model import Problem, Source
from ai_admin.definitions.stacks import view
from ai_admin.review.pull import patched, relocated, would_have

Value = dict[str, Any]
STACKS = ("production", "sandbox", "staging")


def document(value: Value) -> Document:
    return Document(File("flags/x.yaml", "flag", mapping({"key": "x", **value})))


BOTH = {"description": "Old", "tags": ["a"]}
PLACES: dict[str, tuple[Value, tuple[str, ...], Value, Value]] = {
    "the only stack": (BOTH, ("production",), {"tags": ["b"]}, {"description": "Old", "tags": ["b"]}),
    "other stacks": (BOTH, STACKS, {"tags": ["b"]}, {**BOTH, "stacks": {"production": {"tags": ["b"]}}}),
    "other stacks, a key that goes": (BOTH, STACKS, {"tags": None}, {**BOTH, "stacks": {"production": {"tags": None}}}),
    "other stacks that have no such definition": (
        {**BOTH, "only": ["production"]},
        STACKS,
        {"tags": ["b"]},
        {"description": "Old", "tags": ["b"], "only": ["production"]},
    ),
    "a patch that says it already": (
        {**BOTH, "stacks": {"production": {"tags": ["c"]}}},
        ("production",),
        {"tags": ["b"]},
        {**BOTH, "stacks": {"production": {"tags": ["b"]}}},
    ),
    "a patch that is needed no more": (
        {**BOTH, "stacks": {"production": {"tags": ["c"]}}},
        STACKS,
        {"tags": ["a"]},
        BOTH,
    ),
    "others that say it themselves": (
        {**BOTH, "stacks": {"staging": {"tags": []}, "sandbox": {"tags": []}}},
        STACKS,
        {"tags": ["b"]},
        {"description": "Old", "tags": ["b"], "stacks": {"staging": {"tags": []}, "sandbox": {"tags": []}}},
    ),
    "a part of a mapping": (
        {"threshold": {"upper": 1, "lower": 0}},
        STACKS,
        {"threshold": {"upper": 2}},
        {"threshold": {"upper": 1, "lower": 0}, "stacks": {"production": {"threshold": {"upper": 2, "lower": None}}}},
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_change_goes_to_the_place_that_says_it_for_the_stack(case: str) -> None:
    value, stacks, change, wanted = PLACES[case]
    there = document(value)
    new = {**view(there, "production").value, **change}
    new = {name: item for name, item in new.items() if item is not None}
    assert relocated(there, "production", stacks, new) == {"key": "x", **wanted}


_VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pq"), inner, max_size=2),
    max_leaves=5,
)
_FORMS = st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES, max_size=3)
_PATCHES = st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES | st.none(), max_size=3)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_FORMS, st.dictionaries(st.sampled_from(STACKS), _PATCHES), st.none() | st.just(["production"]), _FORMS)
def test_a_change_in_one_stack_is_none_in_another(
    base: Value, patches: dict[str, Value], only: list[str] | None, wanted: Value
) -> None:
    value = {**base, **({"stacks": patches} if patches else {}), **({"only": only} if only else {})}
    before, new = document(value), {"key": "x", **wanted}
    after = document(relocated(before, "production", STACKS, new))
    assert view(after, "production").value == new
    for stack in ("sandbox", "staging"):
        if only is None:
            assert view(after, stack).value == view(before, stack).value


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_FORMS, _FORMS)
def test_what_an_author_wrote_as_it_would_be_written_becomes_what_it_is_to_say(before: Value, after: Value) -> None:
    assert patched(before, before, after) == after


def test_what_an_author_wrote_and_nobody_changed_stays_in_their_words() -> None:
    written = {"conditions": [{"cohort": "a", "rollout_percentage": 100}, {"p": 10, "description": "B"}], "b": True}
    before = {"conditions": [{"cohort": "a"}, {"description": "B", "p": 10}]}
    after = {"conditions": [{"cohort": "a"}, {"description": "B", "p": 20}, {"description": "C"}]}
    assert patched(written, before, after) == {
        "conditions": [{"cohort": "a", "rollout_percentage": 100}, {"p": 20, "description": "B"}, {"description": "C"}],
        "b": True,
    }


def test_what_would_be_wrong_names_no_line_of_a_text_that_is_not_written() -> None:
    said = 'the insight "runs" is removed by a patch'
    problem = Problem(Source("dashboards/cost.yaml", 82, 7), "tiles/cost", said, "keep it in the patch of x.yaml")
    wrong = "would not pass `ai-admin check`: " + said
    assert would_have(problem, {"dashboards/cost.yaml": ""}) == f"with it, tiles/cost in dashboards/cost.yaml {wrong}"
    assert would_have(problem, {}) == f"with it, tiles/cost in dashboards/cost.yaml:82 {wrong}"
