"""Comparison and payloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.posthog.kinds import KINDS
from providers.posthog.reconcile import body, changed, same
from tests.support.applied import create_body

FLAG = KINDS["flag"]
DIRECTORY = None


def flag(**properties: object) -> dict[str, object]:
    return FLAG.canonical({"key": "ai", "release_conditions": [{"rollout_percentage": 10}], **properties})


def patch(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    return body(FLAG, changed(FLAG, old, new), new, DIRECTORY, {})  # type: ignore[arg-type]


def test_a_condition_that_loses_its_group_type_is_rolled_out_by_person() -> None:
    old = flag(release_conditions=[{"rollout_percentage": 10, "aggregation_group_type_index": 0}])
    assert patch(old, flag())["filters"]["groups"][0]["aggregation_group_type_index"] is None  # type: ignore[index]


def test_an_edited_rollout_is_sent_alone() -> None:
    assert patch(flag(), flag(release_conditions=[{"rollout_percentage": 20}])) == {
        "filters": {"groups": [{"properties": [], "rollout_percentage": 20, "aggregation_group_type_index": None}]}
    }


def test_an_edited_rollout_is_sent_with_all_that_stands_beside_it() -> None:
    beside = {"multivariate": {"variants": [{"key": "a", "rollout_percentage": 100}]}, "payloads": {"a": "1"}}
    live = {"filters": {"groups": [{"properties": [], "rollout_percentage": 10}], **beside, "newer": 1}}
    old, new = flag(), flag(release_conditions=[{"rollout_percentage": 20}])
    sent = body(FLAG, changed(FLAG, old, new), new, DIRECTORY, live)  # type: ignore[arg-type]
    [condition] = sent["filters"].pop("groups")
    assert condition["rollout_percentage"] == 20
    assert sent == {"filters": {**beside, "newer": 1}}


@pytest.mark.parametrize(
    ("properties", "sent"),
    [
        ({"description": "d"}, {"name": ""}),
        ({"active": False}, {"active": True}),
        ({"tags": ["ai"]}, {"tags": []}),
        ({"variants": [{"key": "a", "rollout_percentage": 100}]}, {"filters": {"multivariate": None}}),
        ({"payloads": {"true": "1"}}, {"filters": {"payloads": {}}}),
        ({"early_exit": True}, {"filters": {"early_exit": False}}),
        ({"holdout": {"id": 1}}, {"filters": {"holdout": None}}),
    ],
)
def test_a_field_removed_from_the_file_is_put_back_to_the_default(properties: dict, sent: dict) -> None:  # type: ignore[type-arg]
    assert patch(flag(**properties), flag()) == sent


def test_a_create_sends_what_is_not_the_default() -> None:
    assert create_body(FLAG, flag(active=True, tags=["ai"]), DIRECTORY) == {  # type: ignore[arg-type]
        "_should_create_usage_dashboard": False,
        "key": "ai",
        "tags": ["ai"],
        "filters": {"groups": [{"properties": [], "rollout_percentage": 10, "aggregation_group_type_index": None}]},
    }


def test_a_create_says_nothing_of_what_is_left_to_the_ui() -> None:
    properties = FLAG.canonical({"key": "ai", "unmanaged": ["description", "active"], "release_conditions": [{}]})
    assert set(create_body(FLAG, properties, DIRECTORY)) == {*FLAG.constants, "key", "filters"}  # type: ignore[arg-type]
    alert = KINDS["alert"].canonical({"name": "A", "insight": 5, "unmanaged": ["threshold", "subscribed_users"]})
    assert "threshold" not in create_body(KINDS["alert"], alert, DIRECTORY)  # type: ignore[arg-type]


def test_a_new_flag_whose_conditions_are_left_to_the_ui_is_for_nobody_until_people_write_some() -> None:
    properties = FLAG.canonical({"key": "ai", "payloads": {"true": "1"}, "unmanaged": ["release_conditions"]})
    [condition] = create_body(FLAG, properties, DIRECTORY)["filters"]["groups"]  # type: ignore[arg-type]
    assert condition["rollout_percentage"] == 0


def test_cleared_dashboard_filters_are_sent_as_nulls_since_posthog_ignores_an_empty_object() -> None:
    kind = KINDS["dashboard"]
    old, new = kind.canonical({"name": "D", "filters": {"date_from": "-30d"}}), kind.canonical({"name": "D"})
    sent = body(kind, changed(kind, old, new), new, DIRECTORY, {})  # type: ignore[arg-type]
    assert sent == {"filters": {"date_from": None, "date_to": None, "properties": None}}


def test_a_field_left_to_the_ui_is_never_sent() -> None:
    old, new = flag(active=False), flag(unmanaged=["active"])
    assert patch(old, new) == {}


def test_a_field_taken_back_from_the_ui_is_sent() -> None:
    assert patch(flag(unmanaged=["active"]), flag(active=False)) == {"active": False}


def test_a_field_taken_back_from_the_ui_at_its_default_is_sent_too() -> None:
    assert patch(flag(unmanaged=["description"]), flag()) == {"name": ""}


def test_true_is_not_one() -> None:
    assert not same({"a": [True]}, {"a": [1]})
    assert same({"a": [1.0]}, {"a": [1]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9, width=16) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


FREE_FIELDS = [field.name for field in FLAG.fields if field.name not in ("release_conditions", "variants")]


@given(st.dictionaries(st.sampled_from(FREE_FIELDS), JSON, max_size=4))
def test_canonical_is_idempotent_whatever_stands_in_the_fields(properties: dict[str, object]) -> None:
    once = FLAG.canonical(properties)
    assert FLAG.canonical(once) == once
    assert changed(FLAG, once, FLAG.canonical(once)) == []
