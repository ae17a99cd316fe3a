"""Feature flags: what is stored of a write; filters: test_flag_filters.py."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, name, refusal


@pytest.mark.parametrize(("setting", "added"), [("replace", {}), ("merge", {"properties": []})])
def test_the_minimal_flag_has_appendix_as_shape(api: Api, setting: str, added: dict[str, Any]) -> None:
    body = {"key": f"beta-{setting}", "name": " Beta ", "filters": {"groups": [{"rollout_percentage": 50}]}}
    with api.setting(filters=setting, usage_dashboards=False):
        flag = api.post("feature_flags/", body)
    assert flag["filters"] == {
        "groups": [{**added, "rollout_percentage": 50, "aggregation_group_type_index": None}],
        "aggregation_group_type_index": None,
    }
    constant = {
        "key": body["key"],
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


def test_the_name_of_a_cohort_is_shown_and_not_stored(api: Api) -> None:
    cohort = api.cohort()
    leaf = {"type": "cohort", "key": "id", "value": cohort["id"], "operator": "in"}
    flag = api.flag(filters={"groups": [{"properties": [leaf]}]})
    shown = flag["filters"]["groups"][0]["properties"][0]
    assert shown == {**leaf, "cohort_name": cohort["name"]}
    api.patch(f"cohorts/{cohort['id']}/", {"name": "renamed"})
    again = api.get(f"feature_flags/{flag['id']}/")
    assert again["filters"]["groups"][0]["properties"][0]["cohort_name"] == "renamed"


def test_a_remote_configuration_starts_at_100_percent(api: Api) -> None:
    flag = api.post("feature_flags/", {"key": name("flag"), "is_remote_configuration": True})
    assert flag["filters"]["groups"][0]["rollout_percentage"] == 100
    after = api.patch(f"feature_flags/{flag['id']}/", {"filters": {"groups": [{"rollout_percentage": 0}]}})
    assert after["filters"]["groups"][0]["rollout_percentage"] == 0


def test_analytics_dashboards_only_grow(api: Api) -> None:
    flag = api.flag(analytics_dashboards=[1])
    assert api.patch(f"feature_flags/{flag['id']}/", {"analytics_dashboards": [2]})["analytics_dashboards"] == [1, 2]
    assert api.patch(f"feature_flags/{flag['id']}/", {"analytics_dashboards": []})["analytics_dashboards"] == [1, 2]


def test_a_flag_brings_a_dashboard_of_its_usage(api: Api) -> None:
    flag = api.flag()
    dashboard = api.get(f"dashboards/{flag['usage_dashboard']}/")
    assert (dashboard["name"], dashboard["creation_mode"], dashboard["tags"]) == (
        f"Generated Dashboard: {flag['key']} Usage", "template", ["feature flags"]
    )  # fmt: skip
    insights = [tile["insight"] for tile in dashboard["tiles"]]
    assert [each["name"] for each in insights] == [
        "Feature Flag Called Total Volume",
        "Feature Flag calls made by unique users per variant",
    ]
    for each in insights:
        assert flag["key"] in each["description"]
        assert api.patch(f"insights/{each['id']}/", {"query": each["query"]})["id"] == each["id"], "the query is right"
    listed = [each["id"] for each in api.get("dashboards/?limit=1000")["results"]]
    assert flag["usage_dashboard"] in listed
    assert api.get(f"feature_flags/{flag['id']}/") == flag
    assert flag["version"] == 1
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    assert api.get(f"dashboards/{flag['usage_dashboard']}/")["deleted"] is False


def test_a_flag_brings_no_dashboard_where_that_is_said(api: Api) -> None:
    before = api.get("dashboards/")["count"]
    flag = api.flag(_should_create_usage_dashboard=False)
    assert flag["usage_dashboard"] is None
    assert "_should_create_usage_dashboard" not in flag
    with api.setting(usage_dashboards=False):
        assert api.flag(_should_create_usage_dashboard=True)["usage_dashboard"] is None
    assert api.get("dashboards/")["count"] == before


def test_a_new_tag_is_raced_for(api: Api) -> None:
    tag, first, second, third = name("tag"), name("flag"), name("flag"), name("flag")
    filters = {"groups": [{"rollout_percentage": 50}]}
    with api.setting(tag_race=3600.0):
        assert api.flag(key=first, tags=[tag])["tags"] == [tag]
        lost = api("POST", "feature_flags/", {"key": second, "tags": [tag], "filters": filters})
        assert refusal(lost) == (500, "error", "A server error occurred.", None)
        assert api.flag(key=third, tags=[name("tag")])["tags"], "another tag"
    stands = api.get(f"feature_flags/?key={second}")["results"][0]
    assert (stands["tags"], stands["filters"]["groups"][0]["rollout_percentage"]) == ([], 50)
    assert api.patch(f"feature_flags/{stands['id']}/", {"tags": [tag]})["tags"] == [tag]
    assert api.flag(tags=[tag])["tags"] == [tag], "without the setting no tag is raced for"


@pytest.mark.parametrize("setting", ["dropped", "refused"])
def test_evaluation_contexts_are_dropped_without_the_feature(api: Api, setting: str) -> None:
    with api.setting(gated_fields=setting):
        flag = api.flag(evaluation_contexts=["docs"])
        assert flag["evaluation_contexts"] == []
        path = f"feature_flags/{flag['id']}/"
        assert api.patch(path, {"evaluation_contexts": ["docs"]})["evaluation_contexts"] == []


def test_evaluation_contexts_are_kept_with_the_feature(api: Api) -> None:
    with api.setting(gated_fields="kept"):
        flag = api.flag(evaluation_contexts=["Docs "])
        assert flag["evaluation_contexts"] == ["docs"]
        path = f"feature_flags/{flag['id']}/"
        assert api.patch(path, {"evaluation_contexts": ["app"]})["evaluation_contexts"] == ["app"]
