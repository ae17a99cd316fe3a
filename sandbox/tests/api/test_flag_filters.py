"""What a write of a flag's filters does: replaced, ignored or merged, and what is refused (PostHog's
`validate_filters` of 2026-07 and of 2026-09).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.tests.shapes import Api, in_cohort, name, person, refusal, variants


@pytest.fixture
def merging(api: Api) -> Iterator[None]:
    """The later server, which merges."""
    with api.setting(filters="merge"):
        yield


def _full(api: Api) -> Any:
    filters = {"groups": [{"rollout_percentage": 5}], "multivariate": variants(a=100), "payloads": {"a": "1"}}
    return api.flag(filters=filters)


# Replaced (2026-07) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [{}, {"multivariate": variants(a=50, b=50)}, {"payloads": {"a": "2"}}, {"multivariate": None}]
)
def test_a_patch_without_groups_is_ignored(api: Api, sent: Any) -> None:
    flag = _full(api)
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": sent})
    assert (after["filters"], after["version"]) == (flag["filters"], 2)


def test_a_patch_with_groups_replaces_everything(api: Api) -> None:
    flag = _full(api)
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"groups": [{"rollout_percentage": 10}]}})
    expected = {
        "groups": [{"rollout_percentage": 10, "aggregation_group_type_index": None}],
        "aggregation_group_type_index": None,
    }
    assert after["filters"] == expected
    assert api.get(f"feature_flags/{flag['id']}/")["filters"] == expected


def test_aliases_and_payloads_are_rewritten_and_nothing_else(api: Api) -> None:
    leaf = {"type": "person", "key": 7, "operator": "min", "value": "2"}
    groups = [{"properties": [leaf], "rollout_percentage": 50.0}]
    flag = api.flag(filters={"groups": groups, "payloads": {"true": {"a": 1}}})
    assert flag["filters"]["groups"][0]["properties"] == [{**leaf, "operator": "gte"}]
    assert isinstance(flag["filters"]["groups"][0]["rollout_percentage"], float)
    assert flag["filters"]["payloads"] == {"true": '{"a": 1}'}


def _one(prop: dict[str, Any]) -> dict[str, Any]:
    return {"groups": [{"properties": [prop]}]}


def _of_flag(**values: Any) -> dict[str, Any]:
    return {"type": "flag", "key": "1", "value": True, **values}


INPUT, VALUE, OPERATOR = "invalid_input", "invalid_value", "invalid_operator"
OLDER: list[tuple[dict[str, Any], str, str]] = [
    ({"groups": [{}], "multivariate": variants(a=50, b=40)}, INPUT,
     "Invalid variant definitions: Variant rollout percentages must sum to 100."),
    ({"groups": [{"variant": "x"}]}, INPUT, "Filters are not valid (variant override does not exist)"),
    ({"groups": [{}], "multivariate": variants(a=100), "payloads": {"b": "1"}}, INPUT,
     "Payload keys must match a variant key for multivariate flags"),
    ({"groups": [{}], "payloads": {"on": "1"}}, INPUT, "Payload keys must be 'true' for boolean flags"),
    ({"groups": [{}], "payloads": {"true": "{"}}, INPUT, "Payload value is not valid JSON"),
    ({"groups": [{}], "payloads": None}, INPUT, "Payloads must be passed as a dictionary"),
    (_one({"type": "person", "key": "a", "value": 1, "operator": ["exact"]}), OPERATOR, "Invalid operator: ['exact']"),
    (_one(person("v", "x.y", "semver_gt")), VALUE, "Invalid semver value for operator semver_gt: x.y"),
    (_one(person("v", 2, "semver_gt")), VALUE, "Invalid value for operator semver_gt: expected a semver string"),
    (_one(person("d", "soon", "is_date_after")), "invalid_date", "Invalid date value: soon"),
    (_one(person("a", ["b"], "icontains")), VALUE, "Invalid value for operator icontains: ['b']"),
    (_one(person("n", 5, "min")), VALUE, "Invalid value for operator gte: 5"),
    (_one(person("n", 5, "gt")), VALUE, "Invalid value for operator gt: 5"),
    (_one(person("n", "a", "icontains_multi")), VALUE, "icontains_multi operator requires a list of values"),
    (_one(person("a", 1, "nearly")), OPERATOR, "Invalid operator: nearly"),
    (_one(person("a", [1, 2], "between")), "unsupported_operator", "Unsupported operator for feature flags: between"),
    (_one(person("a", 1, "in")), OPERATOR,
     "The 'in' operator is only valid for cohort properties, not 'person' properties."),
    (_one(_of_flag(operator="exact")), INPUT, "Flag properties must use the 'flag_evaluates_to' operator"),
    (_one(_of_flag()), INPUT, "Flag properties must use the 'flag_evaluates_to' operator"),
    (_one({"type": "group", "key": "a", "operator": "exact", "value": 1, "group_type_index": 0}), INPUT,
     "Filters are not valid (person-aggregated conditions can only use person, cohort, and flag properties)"),
    ({"aggregation_group_type_index": 0, **_one(person("a", 1))}, INPUT,
     "Filters are not valid (group-aggregated conditions can only use group properties)"),
    ({"aggregation_group_type_index": 0,
      **_one({"type": "group", "key": "a", "value": 1, "group_type_index": 1})}, INPUT,
     "Filters are not valid (group properties must match the condition set's group type)"),
    (in_cohort(999999), "cohort_does_not_exist", "Cohort with id 999999 does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "code", "detail"), OLDER)
def test_every_rule_refuses_where_filters_are_replaced(api: Api, filters: Any, code: str, detail: str) -> None:
    expected = (400, code, detail, "filters")
    assert refusal(api("POST", "feature_flags/", {"key": name("flag"), "filters": filters})) == expected
    flag = api.flag()
    path = f"feature_flags/{flag['id']}/"
    assert refusal(api("PATCH", path, {"filters": filters})) == expected
    assert api.get(path) == flag


# Merged (later) -----------------------------------------------------------------------------------------


def test_a_patch_merges_the_top_level_of_filters(api: Api, merging: None) -> None:
    flag = api.flag(filters={"groups": [{}], "multivariate": variants(a=100), "payloads": {"a": "1"}})
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"groups": [{"rollout_percentage": 5}]}})
    assert after["filters"]["payloads"] == {"a": "1"}
    assert after["filters"]["multivariate"] == variants(a=100)
    assert after["filters"]["groups"][0]["rollout_percentage"] == 5


def test_null_clears_a_part_of_filters(api: Api, merging: None) -> None:
    flag = api.flag(filters={"groups": [{}], "multivariate": variants(a=100), "payloads": {"a": "1"}})
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"multivariate": None, "payloads": {}, "groups": []}})
    assert after["filters"]["multivariate"] is None
    assert after["filters"]["payloads"] == {}
    assert after["filters"]["groups"] == []


def test_an_empty_multivariate_is_refused(api: Api, merging: None) -> None:
    answer = api("PATCH", f"feature_flags/{api.flag()['id']}/", {"filters": {"multivariate": {}}})
    assert refusal(answer) == (400, "invalid_input", "multivariate.variants must be a list", "filters")


def test_empty_filters_change_nothing_but_the_version(api: Api, merging: None) -> None:
    flag = api.flag()
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {}})
    assert (after["filters"], after["version"]) == (flag["filters"], 2)


def test_keys_operators_and_numbers_are_rewritten(api: Api, merging: None) -> None:
    leaf = {"type": "person", "key": 7, "operator": "min", "value": "2"}
    flag = api.flag(filters={"groups": [{"properties": [leaf], "rollout_percentage": 50.0}]})
    group = flag["filters"]["groups"][0]
    assert group["properties"] == [{"type": "person", "key": "7", "operator": "gte", "value": "2"}]
    assert isinstance(group["rollout_percentage"], int)


def test_legacy_keys_vanish_and_unknown_ones_stay(api: Api, merging: None) -> None:
    flag = api.flag(filters={"groups": [{}], "anything": 1})
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"super_groups": [], "holdout_groups": []}})
    assert after["filters"]["anything"] == 1
    assert not {"super_groups", "holdout_groups"} & set(after["filters"])


# On both -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "detail"),
    [
        ({"groups": {}}, "groups must be a list, got dict"),
        ({"groups": [1]}, "groups[0] must be a dictionary, got int"),
        ({"groups": [{"rollout_percentage": 101}]}, "groups[0].rollout_percentage must be between 0 and 100, got 101"),
        ({"groups": [{"rollout_percentage": "5"}]}, "groups[0].rollout_percentage must be a number or null, got str"),
        ({"groups": [{"variant": 1}]}, "groups[0].variant must be a string or null, got int"),
        ({"groups": [{"properties": {}}]}, "groups[0].properties must be a list, got dict"),
        (
            {"groups": [{"properties": [{"type": "person", "value": 1}]}]},
            "groups[0].properties[0].key: a property key is required",
        ),
        (
            {"groups": [{"properties": [{"type": "animal", "key": "a"}]}]},
            "groups[0].properties[0].type: invalid property type",
        ),
        (
            {"groups": [{"properties": [person("a", "(", "regex")]}]},
            "groups[0].properties[0].value: invalid regex pattern",
        ),
        ({"groups": [{}], "payloads": []}, "Payloads must be passed as a dictionary"),
        ({"groups": [{}], "early_exit": 1}, "early_exit must be a boolean or null, got int"),
        ({"groups": [{}], "holdout": {"id": "x"}}, "holdout.id must be an integer or null, got str"),
        ({"groups": [{}], "multivariate": {"variants": [{"key": 1}]}}, "multivariate.variants[0].key must be a string"),
        (
            {"groups": [{}], "aggregation_group_type_index": "0"},
            "aggregation_group_type_index must be an integer or null, got str",
        ),
    ],
)
@pytest.mark.parametrize("setting", ["replace", "merge"])
def test_structure_is_always_guarded(api: Api, filters: Any, detail: str, setting: str) -> None:
    with api.setting(filters=setting):
        answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": filters})
    assert refusal(answer) == (400, "invalid_input", detail, "filters")


# Rules of the later one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "detail"),
    [
        (
            {"groups": [{"properties": [person("a", 1, "nearly")]}]},
            "groups[0].properties[0].operator: unsupported operator for feature flags",
        ),
        ({"groups": [{}], "payloads": {"true": "{"}}, "Payload for key 'true' is not valid JSON."),
    ],
)
def test_operators_and_payloads_are_guarded(api: Api, merging: None, filters: Any, detail: str) -> None:
    answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": filters})
    assert refusal(answer) == (400, "invalid_input", detail, "filters")


def test_a_version_in_filters_is_reserved(api: Api, merging: None) -> None:
    answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": {"groups": [{}], "version": 2}})
    assert refusal(answer) == (
        400,
        "reserved_config_version",
        "filters.version is reserved. Remove it from the request.",
        "filters",
    )


@pytest.mark.parametrize(
    "filters",
    [
        {"groups": [{}], "multivariate": variants(a=50, b=40)},
        {"groups": [{}], "payloads": {"on": "1"}},
        {"groups": [{"variant": "x"}]},
        {"groups": [{"properties": [person("v", "x.y", "semver_gt")]}]},
    ],
)
def test_rules_between_fields_refuse_nothing_where_filters_merge(api: Api, merging: None, filters: Any) -> None:
    assert api("POST", "feature_flags/", {"key": name("flag"), "filters": filters}).status_code == 201


def test_a_write_that_is_structurally_wrong_is_stored_unrewritten(api: Api, merging: None) -> None:
    filters = {
        "groups": [{"rollout_percentage": 50.0}],
        "multivariate": variants(**{"a b": 100}),
        "payloads": {"a b": 1},
    }
    flag = api.flag(filters=filters)
    assert flag["filters"]["payloads"] == {"a b": 1}
    assert "properties" not in flag["filters"]["groups"][0]
    assert flag["filters"]["groups"][0]["aggregation_group_type_index"] is None
