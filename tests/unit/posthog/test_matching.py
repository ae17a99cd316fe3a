"""Lists by what their items are: the mapping says the same as the list, and a difference is where it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.posthog.kinds import KINDS
from providers.posthog.matching import LONGEST, ORDER, as_lists, as_mappings, in_order, named, unchanged_lists

INTERNAL = {"description": "Internal", "properties": [], "rollout_percentage": 100}
BETA = {
    "properties": [{"type": "person", "key": "channel", "operator": "exact", "value": "beta"}],
    "rollout_percentage": 50,
}
MEMBERS = {"properties": [{"type": "cohort", "key": "id", "operator": "in", "value": 12}], "rollout_percentage": 10}
EVERYBODY = {"properties": [], "rollout_percentage": 5}
CONDITIONS = [INTERNAL, BETA, MEMBERS, EVERYBODY]


def flag(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return dict(as_mappings("flag", {"key": "ai", "release_conditions": conditions})["release_conditions"])


def differing(left: dict[str, Any], right: dict[str, Any]) -> set[str]:
    return {name for name in {**left, **right} if left.get(name) != right.get(name)}


def test_a_condition_is_named_by_its_description_or_by_whom_it_is_for() -> None:
    assert flag(CONDITIONS)[ORDER].splitlines() == ["Internal", "channel exact beta", "in cohort 12", "everybody"]


@pytest.mark.parametrize("place", range(len(CONDITIONS) + 1))
def test_a_condition_more_is_one_difference_wherever_it_stands(place: int) -> None:
    new = {**INTERNAL, "description": "New"}
    after = flag([*CONDITIONS[:place], new, *CONDITIONS[place:]])
    assert differing(flag(CONDITIONS), after) == {"New", ORDER}
    lines = after[ORDER].splitlines()
    lines.remove("New")
    assert lines == flag(CONDITIONS)[ORDER].splitlines()


def test_a_larger_share_is_a_difference_inside_its_condition() -> None:
    assert differing(flag(CONDITIONS), flag([INTERNAL, {**BETA, "rollout_percentage": 60}, MEMBERS, EVERYBODY])) == {
        "channel exact beta"
    }


def test_a_variant_that_moved_is_a_difference_of_the_order_alone() -> None:
    variants = [{"key": key, "rollout_percentage": 25} for key in "abcd"]
    before = as_mappings("flag", {"variants": variants})["variants"]
    after = as_mappings("flag", {"variants": [variants[2], *variants[:2], variants[3]]})["variants"]
    assert differing(before, after) == {ORDER}
    assert after[ORDER] == "c\na\nb\nd\n"


def test_a_tile_is_named_by_what_it_shows() -> None:
    tiles: list[dict[str, Any]] = [
        {"text": "## Cost\nper day"},
        {"insight": 7},
        {"button": {"url": "https://example.com", "text": "Runbook"}},
        {"insight": object()},
    ]
    names = as_mappings("tiles", {"tiles": tiles})["tiles"][ORDER].splitlines()
    assert names == ["text ## Cost", "insight 7", "button Runbook", "insight that is new"]


def test_items_of_one_name_are_all_kept() -> None:
    value = flag([INTERNAL, BETA, {**INTERNAL, "rollout_percentage": 1}])
    assert value[ORDER].splitlines() == ["Internal", "channel exact beta", "Internal (2)"]
    assert value["Internal (2)"]["rollout_percentage"] == 1


def test_a_name_is_one_short_line_that_the_engine_shows() -> None:
    names = ["__internal", "two\nlines", "x" * 10_000, "", ORDER]
    keys = [*named([{"name": name} for name in names], lambda item: str(item["name"]))][:-1]
    assert all(key and not key.startswith("__") and "\n" not in key and len(key) <= LONGEST + 4 for key in keys)
    assert len({*keys, ORDER}) == len(names) + 1


@given(st.lists(st.fixed_dictionaries({"name": st.text(), "share": st.integers()})))
def test_the_mapping_is_the_list_again(items: list[dict[str, Any]]) -> None:
    assert in_order(named(items, lambda item: str(item["name"]))) == items


def test_what_is_a_list_is_taken_as_one() -> None:
    assert in_order(CONDITIONS) == CONDITIONS
    assert in_order({}) == []
    assert in_order(None) is None


def test_other_mappings_are_left_alone() -> None:
    assert as_lists("flag", {"payloads": {"true": "1"}}) == {"payloads": {"true": "1"}}


@pytest.mark.parametrize("same", [True, False])
def test_a_list_in_an_older_state_stays_one_until_it_changes(same: bool) -> None:
    kind = KINDS["flag"]
    olds = {"key": "ai", "release_conditions": [INTERNAL], "variants": [{"key": "a", "rollout_percentage": 100}]}
    news = kind.canonical({**olds, "release_conditions": [INTERNAL] if same else [BETA]})
    standing = unchanged_lists("flag", olds, news)
    assert standing.keys() == ({"release_conditions", "variants"} if same else {"variants"})
    checked = as_mappings("flag", news, standing)
    assert isinstance(checked["release_conditions"], list) is same
    assert isinstance(checked["variants"], list)
    assert kind.canonical(as_lists("flag", checked)) == news
