"""Feature flags: what is stored of a write (reference 2.1, 2.4, 2.5, appendix A)."""

from typing import Any

import pytest

from tests.contract.sandbox.shapes import Api, name, person, refusal, variants


def test_the_minimal_flag_has_appendix_as_shape(api: Api) -> None:
    flag = api.post(
        "feature_flags/", {"key": "beta", "name": " Beta ", "filters": {"groups": [{"rollout_percentage": 50}]}}
    )
    assert flag["filters"] == {
        "groups": [{"properties": [], "rollout_percentage": 50, "aggregation_group_type_index": None}],
        "aggregation_group_type_index": None,
    }
    constant = {
        "key": "beta",
        "name": "Beta",
        "deleted": False,
        "active": True,
        "archived": False,
        "version": 1,
        "ensure_experience_continuity": False,
        "experiment_set": [],
        "experiment_set_metadata": [],
        "surveys": [],
        "features": [],
        "can_edit": True,
        "tags": [],
        "evaluation_contexts": [],
        "usage_dashboard": None,
        "analytics_dashboards": [],
        "has_enriched_analytics": False,
        "user_access_level": "manager",
        "is_remote_configuration": False,
        "has_encrypted_payloads": False,
        "status": "ACTIVE",
        "evaluation_runtime": "all",
        "bucketing_identifier": "distinct_id",
        "last_called_at": None,
        "is_used_in_replay_settings": False,
    }
    assert {key: flag[key] for key in constant} == constant
    assert set(flag) - set(constant) == {
        "id",
        "filters",
        "created_by",
        "created_at",
        "updated_at",
        "last_modified_by",
        "is_eligible_for_experiment",
    }
    assert flag["created_by"]["email"] == "admin@example.com"
    assert api.get(f"feature_flags/{flag['id']}/") == flag


def test_filters_may_be_missing_but_not_empty(api: Api) -> None:
    assert api.post("feature_flags/", {"key": name("flag")})["filters"] == {"groups": []}
    assert refusal(api("POST", "feature_flags/", {"key": name("flag"), "filters": {"groups": []}})) == (
        400,
        "invalid_input",
        "Feature flags must have at least one condition set (group).",
        "filters",
    )


def test_a_patch_merges_the_top_level_of_filters(api: Api) -> None:
    flag = api.flag(filters={"groups": [{}], "multivariate": variants(a=100), "payloads": {"a": "1"}})
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"groups": [{"rollout_percentage": 5}]}})
    assert after["filters"]["payloads"] == {"a": "1"}
    assert after["filters"]["multivariate"] == variants(a=100)
    assert after["filters"]["groups"][0]["rollout_percentage"] == 5


def test_null_clears_a_part_of_filters(api: Api) -> None:
    flag = api.flag(filters={"groups": [{}], "multivariate": variants(a=100), "payloads": {"a": "1"}})
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"multivariate": None, "payloads": {}, "groups": []}})
    assert after["filters"]["multivariate"] is None
    assert after["filters"]["payloads"] == {}
    assert after["filters"]["groups"] == []


def test_an_empty_multivariate_is_refused(api: Api) -> None:
    answer = api("PATCH", f"feature_flags/{api.flag()['id']}/", {"filters": {"multivariate": {}}})
    assert refusal(answer) == (400, "invalid_input", "multivariate.variants must be a list", "filters")


def test_empty_filters_change_nothing_but_the_version(api: Api) -> None:
    flag = api.flag()
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {}})
    assert (after["filters"], after["version"]) == (flag["filters"], 2)


def test_groups_inherit_the_aggregation_and_give_it_back(api: Api) -> None:
    flag = api.flag(filters={"aggregation_group_type_index": 1, "groups": [{}, {}]})
    assert [group["aggregation_group_type_index"] for group in flag["filters"]["groups"]] == [1, 1]
    mixed = {"groups": [{"aggregation_group_type_index": 1}, {"aggregation_group_type_index": None}]}
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": mixed})
    assert after["filters"]["aggregation_group_type_index"] is None


def test_payloads_become_json_text(api: Api) -> None:
    flag = api.flag(filters={"groups": [{}], "payloads": {"true": {"a": 1}}})
    assert flag["filters"]["payloads"] == {"true": '{"a": 1}'}


@pytest.mark.parametrize("operator", ["starts_with", "not_starts_with", "ends_with", "not_ends_with", "between"])
def test_operators_of_insights_are_none_of_flags(api: Api, operator: str) -> None:
    leaf = {"key": "v", "type": "person", "operator": operator, "value": "a"}
    body = {"key": name("flag"), "filters": {"groups": [{"properties": [leaf]}]}}
    status, _, _, attr = refusal(api("POST", "feature_flags/", body))
    assert (status, attr) == (400, "filters")


def test_keys_operators_and_numbers_are_rewritten(api: Api) -> None:
    leaf = {"type": "person", "key": 7, "operator": "min", "value": "2"}
    flag = api.flag(filters={"groups": [{"properties": [leaf], "rollout_percentage": 50.0}]})
    group = flag["filters"]["groups"][0]
    assert group["properties"] == [{"type": "person", "key": "7", "operator": "gte", "value": "2"}]
    assert isinstance(group["rollout_percentage"], int)


def test_legacy_keys_vanish_and_unknown_ones_stay(api: Api) -> None:
    flag = api.flag(filters={"groups": [{}], "anything": 1})
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"super_groups": [], "holdout_groups": []}})
    assert after["filters"]["anything"] == 1
    assert not {"super_groups", "holdout_groups"} & set(after["filters"])


def test_the_name_of_a_cohort_is_shown_and_not_stored(api: Api) -> None:
    cohort = api.cohort()
    leaf = {"type": "cohort", "key": "id", "value": cohort["id"], "operator": "in"}
    flag = api.flag(filters={"groups": [{"properties": [leaf]}]})
    shown = flag["filters"]["groups"][0]["properties"][0]
    assert shown == {**leaf, "cohort_name": cohort["name"]}
    api.patch(f"cohorts/{cohort['id']}/", {"name": "renamed"})
    again = api.get(f"feature_flags/{flag['id']}/")
    assert again["filters"]["groups"][0]["properties"][0]["cohort_name"] == "renamed"


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
            {"groups": [{"properties": [person("a", 1, "nearly")]}]},
            "groups[0].properties[0].operator: unsupported operator for feature flags",
        ),
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
        ({"groups": [{}], "payloads": {"true": "{"}}, "Payload for key 'true' is not valid JSON."),
        ({"groups": [{}], "early_exit": 1}, "early_exit must be a boolean or null, got int"),
        ({"groups": [{}], "holdout": {"id": "x"}}, "holdout.id must be an integer or null, got str"),
        ({"groups": [{}], "multivariate": {"variants": [{"key": 1}]}}, "multivariate.variants[0].key must be a string"),
        (
            {"groups": [{}], "aggregation_group_type_index": "0"},
            "aggregation_group_type_index must be an integer or null, got str",
        ),
    ],
)
def test_structure_is_always_guarded(api: Api, filters: Any, detail: str) -> None:
    answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": filters})
    assert refusal(answer) == (400, "invalid_input", detail, "filters")


def test_a_version_in_filters_is_reserved(api: Api) -> None:
    answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": {"groups": [{}], "version": 2}})
    assert refusal(answer) == (
        400,
        "reserved_config_version",
        "filters.version is reserved. Remove it from the request.",
        "filters",
    )


CROSS_FIELD: list[tuple[dict[str, Any], str, str]] = [
    (
        {"groups": [{}], "multivariate": variants(a=50, b=40)},
        "cross_field.variant_rollout_sum_not_100",
        "multivariate.variants: Variant rollout percentages must sum to 100, got 90.",
    ),
    (
        {"groups": [{}], "multivariate": variants(a=100), "payloads": {"b": "1"}},
        "cross_field.payload_key_not_a_variant",
        "payloads.b: Payload key 'b' does not match any variant key.",
    ),
    (
        {"groups": [{}], "payloads": {"on": "1"}},
        "cross_field.payload_key_not_true",
        "payloads.on: Payload key 'on' is invalid: boolean flags only support the 'true' key.",
    ),
    (
        {"groups": [{"variant": "x"}]},
        "cross_field.group_variant_not_a_variant",
        "groups[0].variant: Variant override 'x' does not match any variant key.",
    ),
    (
        {"groups": [{"properties": [person("n", 5, "gt")]}]},
        "cross_field.operator_requires_string_value",
        "groups[0].properties[0].value: Operator gt requires a string value.",
    ),
    (
        {"groups": [{"properties": [person("v", "x.y", "semver_gt")]}]},
        "cross_field.semver_value_invalid",
        "groups[0].properties[0].value: Invalid semver value for operator semver_gt: x.y.",
    ),
    (
        {"groups": [{"properties": [person("d", "soon", "is_date_after")]}]},
        "cross_field.date_value_not_parseable",
        "groups[0].properties[0].value: Invalid date value: soon.",
    ),
]


@pytest.mark.parametrize(("filters", "code", "detail"), CROSS_FIELD)
def test_rules_between_fields_are_only_logged_in_production(api: Api, filters: Any, code: str, detail: str) -> None:
    assert api("POST", "feature_flags/", {"key": name("flag"), "filters": filters}).status_code == 201
    api("PATCH", "/_sandbox/settings", {"enforced_filter_rules": "*"})
    try:
        answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": filters})
        assert refusal(answer) == (400, code, detail, "filters")
    finally:
        api("PATCH", "/_sandbox/settings", {"enforced_filter_rules": ""})


def test_a_write_that_is_structurally_wrong_is_stored_unrewritten(api: Api) -> None:
    filters = {
        "groups": [{"rollout_percentage": 50.0}],
        "multivariate": variants(**{"a b": 100}),
        "payloads": {"a b": 1},
    }
    flag = api.flag(filters=filters)
    assert flag["filters"]["payloads"] == {"a b": 1}
    assert "properties" not in flag["filters"]["groups"][0]
    assert flag["filters"]["groups"][0]["aggregation_group_type_index"] is None


def test_a_remote_configuration_starts_at_100_percent(api: Api) -> None:
    flag = api.post("feature_flags/", {"key": name("flag"), "is_remote_configuration": True})
    assert flag["filters"]["groups"][0]["rollout_percentage"] == 100
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"groups": [{"rollout_percentage": 0}]}})
    assert after["filters"]["groups"][0]["rollout_percentage"] == 0


def test_analytics_dashboards_only_grow(api: Api) -> None:
    flag = api.flag(analytics_dashboards=[1])
    assert api.patch(f"feature_flags/{flag['id']}/", {"analytics_dashboards": [2]})["analytics_dashboards"] == [1, 2]
    assert api.patch(f"feature_flags/{flag['id']}/", {"analytics_dashboards": []})["analytics_dashboards"] == [1, 2]


def test_evaluation_contexts_are_ignored_without_the_feature(api: Api) -> None:
    assert api.flag(evaluation_contexts=["Docs "])["evaluation_contexts"] == ["docs"]
    api("PATCH", "/_sandbox/settings", {"evaluation_contexts": False})
    try:
        assert api.flag(evaluation_contexts=["docs"])["evaluation_contexts"] == []
    finally:
        api("PATCH", "/_sandbox/settings", {"evaluation_contexts": True})
