"""The kinds with little of their own (reference 9.1, 9.4, 9.5, 9.9, 9.11, 10.3 to 10.6)."""

from typing import Any

import pytest

from tests.contract.sandbox.shapes import Api, name, refusal


def _invite(api: Api, **values: Any) -> Any:
    return api("POST", "/api/organizations/@current/invites/", values)


def _subscription(**values: Any) -> dict[str, Any]:
    return {"target_type": "email", "target_value": "a@example.com", "frequency": "weekly",
            "start_date": "2026-01-01T00:00:00Z", **values}  # fmt: skip


# Actions ----------------------------------------------------------------------------------------------


def test_the_list_of_actions_has_no_pages(api: Api) -> None:
    made = api.post("actions/", {"name": name("action")})
    listed = api.get("actions/")
    assert list(listed) == ["results"]
    assert made["id"] in [each["id"] for each in listed["results"]]


def test_steps_are_read_with_every_key(api: Api) -> None:
    made = api.post("actions/", {"name": name("action"), "steps": [{"event": "seen"}]})
    step = made["steps"][0]
    assert (step["event"], step["url_matching"], step["selector_regex"], step["url"]) == (
        "seen",
        "contains",
        None,
        None,
    )
    replaced = api.patch(f"actions/{made['id']}/", {"steps": [{"event": "other"}]})
    assert [each["event"] for each in replaced["steps"]] == ["other"]


def test_names_of_actions_are_unique_among_the_living(api: Api) -> None:
    first = api.post("actions/", {"name": name("action")})
    again = {"name": first["name"]}
    assert refusal(api("POST", "actions/", again)) == (
        400, "unique", f"This project already has an action with this name, ID {first['id']}", "name"
    )  # fmt: skip
    assert refusal(api("POST", "actions/", {"name": ""}))[1:3] == ("blank", "This field may not be blank.")
    api.patch(f"actions/{first['id']}/", {"deleted": True})
    assert api("POST", "actions/", again).status_code == 201
    assert api.get(f"actions/{first['id']}/")["deleted"] is True


def test_the_server_says_when_an_action_was_pinned(api: Api) -> None:
    made = api.post("actions/", {"name": name("action"), "pinned_at": "2001-01-01T00:00:00Z"})
    assert made["pinned_at"] > "2020"


# Annotations ------------------------------------------------------------------------------------------


def test_an_organizations_annotation_shows_in_every_project(api: Api) -> None:
    projects = f"/api/organizations/{api.sandbox.organization_id}/projects/"
    other = Api(api.sandbox, project=str(api.post(projects, {"name": name("project")})["id"]))
    shared = other.post("annotations/", {"content": "for all", "scope": "organization"})
    own = other.post("annotations/", {"content": "for one", "scope": "project", "emoji": ""})
    listed = [each["id"] for each in api.get("annotations/")["results"]]
    assert shared["id"] in listed
    assert own["id"] not in listed
    assert own["emoji"] is None


def test_deleted_annotations_are_gone(api: Api) -> None:
    made = api.post("annotations/", {"content": "x", "scope": "project"})
    assert api("DELETE", f"annotations/{made['id']}/").status_code == 405
    api.patch(f"annotations/{made['id']}/", {"deleted": True})
    assert api("GET", f"annotations/{made['id']}/").status_code == 404


# Variables, metrics, property groups, templates ----------------------------------------------------------


def test_a_variable_gets_a_code_name(api: Api) -> None:
    made = api.post("insight_variables/", {"name": "Model Name!", "type": "String", "default_value": "r1"})
    assert made["code_name"] == "model_name"
    assert refusal(api("POST", "insight_variables/", {"name": "model name", "type": "String"}))[3] == "name"
    assert refusal(api("POST", "insight_variables/", {"name": "x", "type": "Text"}))[1] == "invalid_choice"
    assert api("DELETE", f"insight_variables/{made['id']}/").status_code == 204


def test_saved_metrics_and_property_groups_are_deleted_for_good(api: Api) -> None:
    metric = api.post("experiment_saved_metrics/", {"name": "m", "query": {"kind": "ExperimentMetric"}})
    assert api("DELETE", f"experiment_saved_metrics/{metric['id']}/").status_code == 204
    group = api.post("schema_property_groups/", {"name": name("group"), "properties": [{"name": "model"}]})
    assert api("DELETE", f"schema_property_groups/{group['id']}/").status_code == 204


def test_a_dashboard_template_is_not_deleted(api: Api) -> None:
    made = api.post("dashboard_templates/", {"template_name": "T", "tiles": []})
    assert api("DELETE", f"dashboard_templates/{made['id']}/").status_code == 405


# Subscriptions ----------------------------------------------------------------------------------------


def test_a_subscription_knows_what_it_is_of(api: Api) -> None:
    insight = api.insight(name="Tokens")
    made = api.post("subscriptions/", _subscription(insight=insight["id"], invite_message="hello"))
    assert (made["content_type"], made["resource_name"], made["insight_short_id"]) == (
        "insight", "Tokens", insight["short_id"]
    )  # fmt: skip
    assert "invite_message" not in made
    assert made["next_delivery_date"] > "2026-01-01"
    api.patch(f"subscriptions/{made['id']}/", {"deleted": True})
    assert api("GET", f"subscriptions/{made['id']}/").status_code == 404


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({}, "Insight is required for insight subscriptions."),
        ({"dashboard": True}, "Select at least one insight for this subscription."),
        ({"insight": True, "target_type": "slack"}, "A Slack integration is required for Slack subscriptions."),
        ({"insight": True, "frequency": "hourly"}, '"hourly" is not a valid choice.'),
    ],
)
def test_subscriptions_are_checked(api: Api, values: dict[str, Any], detail: str) -> None:
    if "insight" in values:
        values = {**values, "insight": api.insight()["id"]}
    if "dashboard" in values:
        values = {**values, "dashboard": api.dashboard()["id"]}
    assert refusal(api("POST", "subscriptions/", _subscription(**values)))[2] == detail


# Playlists --------------------------------------------------------------------------------------------


def test_a_playlist_is_known_by_its_short_id_and_keeps_its_type(api: Api) -> None:
    assert refusal(api("POST", "session_recording_playlists/", {"name": "x"}))[2] == (
        "Must provide a valid playlist type: either filters or collection"
    )
    made = api.post("session_recording_playlists/", {"type": "filters", "filters": {"duration": 5}})
    path = f"session_recording_playlists/{made['short_id']}/"
    assert api("GET", f"session_recording_playlists/{made['id']}/").status_code == 404
    assert refusal(api("PATCH", path, {"name": "n"}))[2] == "You cannot remove all filters when updating a saved filter"
    after = api.patch(path, {"name": "n", "filters": {"duration": 6}, "type": "collection"})
    assert (after["name"], after["type"]) == ("n", "filters")


def test_the_first_page_of_playlists_has_synthetic_ones(api: Api) -> None:
    listed = api.get("session_recording_playlists/")["results"]
    assert any(each["is_synthetic"] and each["short_id"].startswith("synthetic-") for each in listed)


# Members ----------------------------------------------------------------------------------------------


def test_an_invite_is_made_and_withdrawn_but_not_changed(api: Api) -> None:
    made = _invite(api, target_email="New.Person@Example.COM", level=8)
    assert made.status_code == 201
    assert made.json()["target_email"] == "New.Person@example.com"
    path = f"/api/organizations/@current/invites/{made.json()['id']}/"
    assert api("PATCH", path, {"level": 1}).status_code == 405
    assert api("DELETE", path).status_code == 204
    assert refusal(_invite(api, target_email="oncall@example.com"))[2] == (
        "A user with this email address already belongs to the organization."
    )


def test_roles_have_members(api: Api) -> None:
    roles = "/api/organizations/@current/roles/"
    role = api.post(roles, {"name": name("Role")})
    assert refusal(api("POST", roles, {"name": role["name"].upper()}))[1] == "unique"
    oncall = next(
        each for each in api.get("/api/organizations/@current/members/")["results"] if each["user"]["email"][0] == "o"
    )
    memberships = f"{roles}{role['id']}/role_memberships/"
    member = api.post(memberships, {"user_uuid": oncall["user"]["uuid"]})
    assert (member["role_id"], member["user"]["email"]) == (role["id"], "oncall@example.com")
    assert [each["id"] for each in api.get(f"{roles}{role['id']}/")["members"]] == [member["id"]]
    assert api("DELETE", f"{memberships}{member['id']}/").status_code == 204
    assert api.get(memberships)["count"] == 0
    assert api("DELETE", f"{roles}{role['id']}/").status_code == 204


def test_a_domain_is_verified_before_it_is_enforced(api: Api) -> None:
    domains = "/api/organizations/@current/domains/"
    made = api.post(domains, {"domain": "verified.example.org"})
    assert (made["is_verified"], bool(made["verification_challenge"])) == (False, True)
    enforce = {"sso_enforcement": "saml"}
    assert refusal(api("PATCH", f"{domains}{made['id']}/", enforce))[1] == "verification_required"
    assert api.post(f"{domains}{made['id']}/verify/")["is_verified"] is True
    assert api.patch(f"{domains}{made['id']}/", enforce)["sso_enforcement"] == "saml"


def test_a_proxy_record_gets_a_target(api: Api) -> None:
    made = api.post("/api/organizations/@current/proxy_records/", {"domain": "t.example.org"})
    assert (made["status"], bool(made["target_cname"])) == ("waiting", True)


# Access controls --------------------------------------------------------------------------------------


def test_an_access_control_is_an_upsert_without_an_id(api: Api) -> None:
    path = f"dashboards/{api.dashboard()['id']}/access_controls/"
    member = api.get("/api/organizations/@current/members/")["results"][0]["id"]
    assert api.get(path)["access_controls"] == []
    for wanted in ("viewer", "editor"):
        row = api("PUT", path, {"access_level": wanted, "organization_member": member})
        assert row.status_code == 200
        assert "id" not in row.json()
    shown = api.get(path)
    assert [(each["access_level"], each["organization_member"]) for each in shown["access_controls"]] == [
        ("editor", member)
    ]
    assert shown["available_access_levels"] == ["none", "viewer", "editor", "manager"]
    assert api("PUT", path, {"access_level": None, "organization_member": member}).status_code == 204
    assert api.get(path)["access_controls"] == []


def test_access_controls_are_checked(api: Api) -> None:
    assert refusal(api("PUT", "access_controls/", {"access_level": "king"}))[2:] == (
        "Invalid access level. Must be one of: none, member, admin", "access_level"
    )  # fmt: skip
    both = {"access_level": "member", "organization_member": "a", "role": "b"}
    assert refusal(api("PUT", "access_controls/", both))[2] == (
        "You can not scope an access control to both a member and a role."
    )
    defaults = {"access_level": "viewer", "resource": "feature_flag"}
    assert api("PUT", "resource_access_controls/", defaults).status_code == 200
    rules = api.get("resource_access_controls/")["access_controls"]
    assert [(each["resource"], each["access_level"]) for each in rules] == [("feature_flag", "viewer")]


# What is not there --------------------------------------------------------------------------------------


def test_queries_fail_and_never_invent_a_number(api: Api) -> None:
    status, code, _, attr = refusal(api("POST", "query/", {"query": {"kind": "HogQLQuery", "query": "select 1"}}))
    assert (status, code, attr) == (400, "invalid_input", None)


@pytest.mark.parametrize("path", ["notebooks/", "batch_exports/", "error_tracking/issues/", "session_recordings/"])
def test_what_is_not_implemented_is_an_unknown_path(api: Api, path: str) -> None:
    assert refusal(api("GET", path))[2] == "Endpoint not found."
