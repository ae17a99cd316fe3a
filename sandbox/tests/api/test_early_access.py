"""Early access features (PostHog's early_access_features/backend/api.py)."""

from typing import Any

import pytest
import requests

from sandbox.tests.shapes import Api, name, refusal, variants


def _feature(api: Api, **values: Any) -> Any:
    return api.post("early_access_feature/", {"name": name("New Feature"), "stage": "draft", **values})


def _filters(api: Api, feature: Any) -> Any:
    return api.get(f"feature_flags/{feature['feature_flag']['id']}/")["filters"]


def test_a_feature_makes_a_flag_for_nobody(api: Api) -> None:
    made = _feature(api, name="Chat & Café 2")
    flag = api.get(f"feature_flags/{made['feature_flag']['id']}/")
    assert (flag["key"], flag["name"]) == ("chat-cafe-2", "Feature Flag for Early Access Feature Chat & Café 2")
    assert flag["filters"]["groups"][0]["rollout_percentage"] == 0
    assert "feature_enrollment" not in flag["filters"]
    assert [each["id"] for each in flag["features"]] == [made["id"]]
    assert made["assignee"] == {"type": "user", "id": made["created_by"]["id"]}
    assert "feature_flag_id" not in made


def test_people_enrol_while_the_stage_is_active(api: Api) -> None:
    made = _feature(api)
    path = f"early_access_feature/{made['id']}/"
    api.patch(path, {"stage": "beta"})
    assert _filters(api, made)["feature_enrollment"] is True
    api.patch(path, {"stage": "alpha", "description": "still"})
    assert _filters(api, made)["feature_enrollment"] is True
    api.patch(path, {"stage": "archived"})
    assert _filters(api, made)["feature_enrollment"] is None


def test_an_enrolled_person_gets_the_feature(api: Api) -> None:
    made = _feature(api, stage="beta")
    key = made["feature_flag"]["key"]
    for answer, expected in ((True, True), (False, False)):
        asked = {"token": api.sandbox.project_api_key, "distinct_id": "somebody", "flag_keys": [key],
                 "person_properties": {f"$feature_enrollment/{key}": answer}}  # fmt: skip
        flags = requests.post(f"{api.url}/flags/?v=2", json=asked, timeout=10).json()["flags"]
        assert flags[key]["enabled"] is expected


def test_general_availability_for_all_drops_the_enrolment(api: Api) -> None:
    made = _feature(api, stage="beta")
    api.patch(f"early_access_feature/{made['id']}/", {"stage": "general-availability", "rollout_to_all": True})
    filters = _filters(api, made)
    assert filters["feature_enrollment"] is None
    assert filters["groups"][0]["rollout_percentage"] == 100


def test_a_flag_can_be_given_once(api: Api) -> None:
    flag = api.flag()
    made = _feature(api, feature_flag_id=flag["id"], stage="concept")
    assert made["feature_flag"]["id"] == flag["id"]
    assert api.get(f"feature_flags/{flag['id']}/")["version"] == flag["version"]
    again = {"name": "x", "stage": "draft", "feature_flag_id": flag["id"]}
    assert refusal(api("POST", "early_access_feature/", again))[2] == (
        f"Linked feature flag {flag['key']} already has a feature attached to it."
    )


@pytest.mark.parametrize(("server", "kept"), [("merge", True), ("replace", None)])
def test_only_a_server_that_merges_keeps_the_enrolment_that_a_write_leaves_out(
    api: Api, server: str, kept: bool | None
) -> None:
    """PostHog's Terraform provider sends a linked flag's filters without it, and counts on the newer server."""
    with api.setting(filters=server):
        flag = api.flag()
        made = _feature(api, feature_flag_id=flag["id"], stage="beta")
        api.patch(f"feature_flags/{flag['id']}/", {"name": "n", "filters": {"groups": [{"rollout_percentage": 0}]}})
        assert _filters(api, made).get("feature_enrollment") is kept


@pytest.mark.parametrize(
    ("filters", "detail"),
    [
        (None, "Feature Flag with this ID does not exist"),
        ({"groups": [{"rollout_percentage": 1}], "aggregation_group_type_index": 0},
         "Group-based feature flags are not supported for Early Access Features."),
        ({"groups": [{"rollout_percentage": 1}], "multivariate": variants(a=50, b=50)},
         "Multivariate feature flags are not supported for Early Access Features."),
    ],
)  # fmt: skip
def test_not_every_flag_will_do(api: Api, filters: Any, detail: str) -> None:
    flag = api.flag(filters=filters)["id"] if filters else 9999
    body = {"name": "x", "stage": "draft", "feature_flag_id": flag}
    assert refusal(api("POST", "early_access_feature/", body)) == (400, "invalid_input", detail, None)


def test_a_feature_protects_its_flag_until_it_is_deleted(api: Api) -> None:
    made = _feature(api, stage="beta")
    flag = f"feature_flags/{made['feature_flag']['id']}/"
    assert refusal(api("PATCH", flag, {"deleted": True}))[2] == (
        "Cannot delete a feature flag that is in use with early access features. "
        "Please delete the early access feature before deleting the flag."
    )
    groups = [{"properties": [], "rollout_percentage": 1, "aggregation_group_type_index": 0}]
    assert refusal(api("PATCH", flag, {"filters": {"groups": groups}}))[2] == (
        "Cannot use group aggregation in any condition set when the flag is linked to an Early Access Feature."
    )
    assert api("DELETE", f"early_access_feature/{made['id']}/").status_code == 204
    assert api("GET", f"early_access_feature/{made['id']}/").status_code == 404
    assert api.get(flag)["filters"]["feature_enrollment"] is None
    assert api.get(flag)["features"] == []
    assert api.patch(flag, {"deleted": True})["deleted"] is True
    entries = api.get(f"activity_log/?scope=EarlyAccessFeature&item_id={made['id']}")["results"]
    assert [each["activity"] for each in entries] == ["deleted", "created"]


def test_the_flag_needs_its_own_scope(api: Api) -> None:
    made = _feature(api)
    other = Api(api.sandbox, api.sandbox.key(["early_access_feature:write"]))
    path = f"early_access_feature/{made['id']}/"
    assert other.patch(path, {"description": "allowed"})["description"] == "allowed"
    assert refusal(other("PATCH", path, {"stage": "beta"})) == (
        403,
        "permission_denied",
        "This action also modifies a feature flag, which requires the `feature_flag:write` scope "
        "in addition to `early_access_feature:write`.",
        None,
    )


def test_browsers_ask_with_the_projects_token(api: Api) -> None:
    beta, draft = _feature(api, stage="beta", documentation_url="https://example.com"), _feature(api)
    url = f"{api.url}/api/early_access_features/"
    found = requests.get(url, params={"token": api.sandbox.project_api_key}, timeout=10).json()["earlyAccessFeatures"]
    shown = {each["id"]: each for each in found}
    assert draft["id"] not in shown
    assert shown[beta["id"]]["flagKey"] == beta["feature_flag"]["key"]
    assert shown[beta["id"]]["documentationUrl"] == "https://example.com"
    assert requests.get(url, timeout=10).json()["code"] == "missing_api_key"
