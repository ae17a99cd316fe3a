"""Access controls of the project, of kinds and of objects, and what they keep from whom (PostHog:
products/access_control/backend/facade/user_access_control.py, posthog/permissions.py).
"""

from typing import Any

import pytest

from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, alert, name, refusal

NO_VIEW = (403, "permission_denied", "You do not have viewer access to this resource.", None)
NO_EDIT = (403, "permission_denied", "You do not have editor access to this resource.", None)


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """The administrator, in a project of the test's own."""
    made = Api(sandbox).post("/api/organizations/@current/projects/", {"name": name("project")})
    return Api(sandbox, project=str(made["id"]))


class Member(Api):
    """Somebody who is no admin."""

    def __init__(self, api: Api) -> None:
        made = api.post("/_sandbox/users", {"email": f"{name('m')}@example.com"})
        super().__init__(api.sandbox, made["personal_api_key"], api.base.rstrip("/").rpartition("/")[2])
        self.uuid = made["user"]["uuid"]
        members = api.get("/api/organizations/@current/members/")["results"]
        self.membership = next(each["id"] for each in members if each["user"]["uuid"] == self.uuid)


@pytest.fixture
def member(api: Api) -> Member:
    return Member(api)


def _membership(api: Api) -> str:
    return str(api.get("/api/organizations/@current/members/")["results"][0]["id"])


def _rule(api: Api, path: str, level: str | None, **subject: str) -> None:
    """Write a rule; without a subject it is the default."""
    answer = api("PUT", path, {"access_level": level, **subject})
    assert answer.status_code in (200, 204), answer.text


def _kind_rule(api: Api, kind: str, level: str | None, **subject: str) -> None:
    _rule(api, "resource_access_controls/", level, resource=kind, **subject)


def test_a_rule_is_an_upsert_without_an_id(api: Api) -> None:
    path, someone = f"dashboards/{api.dashboard()['id']}/access_controls/", _membership(api)
    assert api.get(path)["access_controls"] == []
    made = []
    for wanted in ("viewer", "editor"):
        answer = api("PUT", path, {"access_level": wanted, "organization_member": someone})
        assert answer.status_code == 200
        made.append(answer.json())
    assert "id" not in made[0]
    assert [each["created_by"] for each in made] == [None, None], "nobody is noted over the API"
    assert made[0]["created_at"] == made[1]["created_at"]
    shown = api.get(path)
    assert [(each["access_level"], each["organization_member"]) for each in shown["access_controls"]] == [
        ("editor", someone)
    ]
    assert shown["available_access_levels"] == ["none", "viewer", "editor", "manager"]
    assert (shown["default_access_level"], shown["user_can_edit_access_levels"]) == ("editor", True)
    for _ in range(2):
        assert api("PUT", path, {"access_level": None, "organization_member": someone}).status_code == 204
    assert api.get(path)["access_controls"] == []


def test_the_projects_rules_and_the_defaults_of_kinds_are_apart(api: Api) -> None:
    made = api("PUT", "access_controls/", {"access_level": "member"}).json()
    assert f"/projects/{made['resource_id']}/" in api.base
    defaults = {"access_level": "viewer", "resource": "feature_flag"}
    assert api("PUT", "resource_access_controls/", defaults).status_code == 200
    rules = api.get("resource_access_controls/")["access_controls"]
    assert [(each["resource"], each["access_level"]) for each in rules] == [("feature_flag", "viewer")]
    project = api.get("access_controls/")
    assert [(each["resource"], each["access_level"]) for each in project["access_controls"]] == [("project", "member")]
    assert project["available_access_levels"] == ["none", "member", "admin"]


@pytest.mark.parametrize(
    ("body", "detail", "attr"),
    [
        ({"access_level": "king"}, "Invalid access level. Must be one of: none, viewer, editor, manager",
         "access_level"),
        ({"access_level": "viewer", "organization_member": "a", "role": "b"},
         "You can not scope an access control to both a member and a role.", None),
        ({"access_level": "viewer", "role": "b"}, 'Invalid pk "b" - object does not exist.', "role"),
        ({}, "This field is required.", "access_level"),
    ],
)  # fmt: skip
def test_rules_are_checked(api: Api, body: dict[str, Any], detail: str, attr: str | None) -> None:
    path = f"dashboards/{api.dashboard()['id']}/access_controls/"
    assert refusal(api("PUT", path, body))[2:] == (detail, attr)


def test_actions_can_not_be_hidden(api: Api) -> None:
    path = f"actions/{api.post('actions/', {'name': name('action')})['id']}/access_controls/"
    assert refusal(api("PUT", path, {"access_level": "none"}))[2] == (
        "Access level cannot be set below the minimum 'viewer' for action."
    )


def test_admins_and_authors_write_rules(api: Api, member: Member) -> None:
    rule, own = {"access_level": "viewer"}, member.dashboard()["id"]
    foreign = f"dashboards/{api.dashboard()['id']}/access_controls/"
    assert refusal(member("PUT", foreign, rule))[2] == "Must be manager to modify dashboard permissions."
    assert member.get(foreign)["user_can_edit_access_levels"] is False
    assert member("PUT", f"dashboards/{own}/access_controls/", rule).status_code == 200
    assert refusal(member("PUT", "access_controls/", {"access_level": "none"}))[2] == (
        "Must be admin to modify project permissions."
    )
    assert refusal(member("PUT", "resource_access_controls/", {**rule, "resource": "insight"}))[2] == (
        "Must be an Organization admin to modify project-wide permissions."
    )
    _rule(api, foreign, "manager", organization_member=member.membership)
    _rule(member, foreign, "viewer")
    _rule(api, "access_controls/", "admin", organization_member=member.membership)
    _kind_rule(member, "insight", "viewer")
    assert refusal(api("PUT", "resource_access_controls/", {"access_level": "editor", "resource": "activity_log"}))[
        2
    ] == ("Access level cannot be set above the maximum 'viewer' for activity_log.")


def test_a_rule_is_about_something_that_exists(api: Api) -> None:
    for kind in ("nonsense", "internal_run"):
        answer = api("PUT", "resource_access_controls/", {"access_level": "editor", "resource": kind})
        status, code, detail, attr = refusal(answer)
        assert (status, code, attr) == (400, "invalid_input", "resource")
        assert detail.startswith("Invalid resource. Must be one of: ('action', 'access_control', ")


def test_kinds_that_are_shared_have_no_rules(api: Api) -> None:
    holdout = api.post("experiment_holdouts/", {"name": "h", "filters": [{"rollout_percentage": 1}]})
    path = f"experiment_holdouts/{holdout['id']}/access_controls/"
    assert refusal(api("GET", path))[2] == "Endpoint not found."


# What rules keep from whom


def test_a_project_may_be_closed_to_members(api: Api, member: Member) -> None:
    own = api.base.removeprefix(api.url)
    assert member.get(own)["user_access_level"] == "admin", "without any rule, everybody is an admin of the project"
    member.patch(own, {"timezone": "Europe/Paris"})
    _rule(api, "access_controls/", "member")
    assert member.get(own)["user_access_level"] == "member"
    assert refusal(member("PATCH", own, {"timezone": "UTC"}))[2] == "Your project access level is insufficient."
    assert refusal(member("DELETE", own))[2] == "You don't have sufficient permissions in the project."
    assert member.flag()["user_access_level"] == "manager", "its author's"
    _rule(api, "access_controls/", "none")
    closed = (403, "permission_denied", "You don't have access to the project.", None)
    assert refusal(member("GET", "feature_flags/")) == closed
    assert refusal(member("GET", own)) == closed
    for who, sees in ((api, True), (member, False)):
        listed = [f"/api/projects/{each['id']}/" for each in who.get("/api/projects/")["results"]]
        assert (own in listed) is sees
    assert api("GET", "feature_flags/").status_code == 200, "admins are exempt"
    _rule(api, "access_controls/", "member", organization_member=member.membership)
    assert member("GET", "feature_flags/").status_code == 200


def test_a_kind_may_be_read_only_or_hidden(api: Api, member: Member) -> None:
    flag, mine = api.flag(), member.flag()
    _kind_rule(api, "feature_flag", "viewer")
    shown = member.get(f"feature_flags/{flag['id']}/")
    assert (shown["user_access_level"], shown["can_edit"]) == ("viewer", False)
    for method, path, body in (
        ("POST", "feature_flags/", {"key": name("flag")}),
        ("PATCH", f"feature_flags/{flag['id']}/", {"name": "n"}),
        ("PATCH", f"feature_flags/{mine['id']}/", {"name": "n"}),
        ("POST", f"feature_flags/{flag['id']}/enable/", None),
        ("POST", "scheduled_changes/", {}),
    ):
        assert refusal(member(method, path, body)) == NO_EDIT, (method, path)
    _kind_rule(api, "feature_flag", "none")
    assert refusal(member("GET", "feature_flags/")) == NO_VIEW
    assert refusal(member("GET", f"feature_flags/{flag['id']}/")) == NO_VIEW
    assert member("GET", "dashboards/").status_code == 200, "another kind"
    assert api.get(f"feature_flags/{flag['id']}/")["user_access_level"] == "manager", "admins are exempt"
    _kind_rule(api, "feature_flag", None)
    assert member.patch(f"feature_flags/{flag['id']}/", {"name": "n"})["user_access_level"] == "editor"


def test_a_hidden_kind_shows_what_a_rule_names_and_what_is_ones_own(api: Api, member: Member) -> None:
    hidden, named, mine = api.dashboard()["id"], api.dashboard()["id"], member.dashboard()["id"]
    _kind_rule(api, "dashboard", "none")
    _rule(api, f"dashboards/{named}/access_controls/", "viewer", organization_member=member.membership)
    assert {each["id"] for each in member.get("dashboards/")["results"]} == {named, mine}
    assert refusal(member("GET", f"dashboards/{hidden}/")) == NO_VIEW
    assert member.get(f"dashboards/{named}/")["user_access_level"] == "viewer"
    assert refusal(member("PATCH", f"dashboards/{named}/", {"name": "n"})) == NO_EDIT
    assert refusal(member("POST", "dashboards/", {"name": "n"})) == NO_EDIT


def test_an_object_may_be_hidden_or_read_only(api: Api, member: Member) -> None:
    hidden, fixed, free = (api.insight()["id"] for _ in range(3))
    _rule(api, f"insights/{hidden}/access_controls/", "none")
    _rule(api, f"insights/{fixed}/access_controls/", "viewer")
    listed = member.get("insights/")
    assert ({each["id"] for each in listed["results"]}, listed["count"]) == ({fixed, free}, 2)
    assert [each["user_access_level"] for each in listed["results"] if each["id"] == fixed] == ["viewer"]
    assert refusal(member("GET", f"insights/{hidden}/")) == NO_VIEW
    assert refusal(member("PATCH", f"insights/{fixed}/", {"name": "n"})) == NO_EDIT
    assert member.patch(f"insights/{free}/", {"name": "n"})["user_access_level"] == "editor"
    assert api.get("insights/")["count"] == 3


def test_rules_that_name_somebody_win_over_the_default(api: Api, member: Member) -> None:
    path = f"cohorts/{api.cohort()['id']}/"
    _rule(api, f"{path}access_controls/", "none")
    _rule(api, f"{path}access_controls/", "editor", organization_member=member.membership)
    assert member.patch(path, {"name": "n"})["name"] == "n"
    _rule(api, f"{path}access_controls/", "editor")
    _rule(api, f"{path}access_controls/", "none", organization_member=member.membership)
    assert refusal(member("GET", path)) == NO_VIEW, "even when they allow less"
    assert Member(api).patch(path, {"name": "m"})["name"] == "m"


def test_the_best_of_ones_roles_counts(api: Api, member: Member) -> None:
    path = f"surveys/{api.post('surveys/', {'name': name('survey'), 'type': 'api', 'questions': []})['id']}/"
    roles = [api.post("/api/organizations/@current/roles/", {"name": name("role")})["id"] for _ in range(3)]
    for role, level in zip(roles, ("viewer", "editor", "manager"), strict=True):
        _rule(api, f"{path}access_controls/", level, role=role)
    for role in roles[:2]:
        api.post(f"/api/organizations/@current/roles/{role}/role_memberships/", {"user_uuid": member.uuid})
    assert member.get(path)["user_access_level"] == "editor"
    assert member.patch(path, {"description": "d"})["description"] == "d"


def test_kinds_obey_their_umbrella(api: Api, member: Member) -> None:
    playlist = api.post("session_recording_playlists/", {"name": "p", "type": "collection"})
    _kind_rule(api, "session_recording", "viewer")
    _kind_rule(api, "experiment", "viewer")
    assert refusal(member("PATCH", f"session_recording_playlists/{playlist['short_id']}/", {"name": "q"})) == NO_EDIT
    assert refusal(member("POST", "experiment_holdouts/", {"name": "h", "filters": []})) == NO_EDIT
    assert refusal(member("POST", "experiment_saved_metrics/", {"name": "m", "query": {}})) == NO_EDIT


def test_an_alert_is_as_visible_as_its_insight(api: Api, member: Member) -> None:
    insight = api.insight()["id"]
    made = api.alert(insight)
    assert member.get("alerts/")["count"] == 1
    _rule(api, f"insights/{insight}/access_controls/", "none")
    assert member.get("alerts/")["count"] == 0
    assert refusal(member("GET", f"alerts/{made['id']}/"))[0] == 404
    assert refusal(member("POST", "alerts/", alert(insight)))[2:] == (
        "Viewer access to this insight is required.",
        "insight",
    )


def test_an_insight_is_put_on_dashboards_one_may_edit(api: Api, member: Member) -> None:
    dashboard = api.dashboard()["id"]
    _rule(api, f"dashboards/{dashboard}/access_controls/", "viewer")
    answer = member("POST", "insights/", {"name": "i", "dashboards": [dashboard]})
    assert refusal(answer)[2] == f"You don't have permission to add insights to dashboard: {dashboard}"


def test_a_change_is_scheduled_for_flags_one_may_edit(api: Api, member: Member) -> None:
    flag = api.flag()["id"]
    _rule(api, f"feature_flags/{flag}/access_controls/", "viewer")
    body = {
        "record_id": flag,
        "model_name": "FeatureFlag",
        "payload": {"operation": "update_status", "value": True},
        "scheduled_at": "2040-01-01T00:00:00Z",
    }
    refused = "You don't have edit permissions for this feature flag"
    assert refusal(member("POST", "scheduled_changes/", body))[:3] == (400, "invalid_input", refused)
    made = f"scheduled_changes/{api.post('scheduled_changes/', body)['id']}/"
    assert refusal(member("DELETE", made))[:3] == (403, "permission_denied", refused)


def test_the_rules_of_a_deleted_object_are_gone(api: Api, member: Member) -> None:
    path = f"feature_flags/{api.flag()['id']}/"
    _rule(api, f"{path}access_controls/", "none")
    assert refusal(member("GET", path)) == NO_VIEW
    api.patch(path, {"deleted": True})
    api.patch(path, {"deleted": False})
    assert api.get(f"{path}access_controls/")["access_controls"] == []
    assert member.get(path)["user_access_level"] == "editor"


def test_without_the_paid_feature_rules_have_no_effect(api: Api, member: Member) -> None:
    path = f"feature_flags/{api.flag()['id']}/"
    _rule(api, f"{path}access_controls/", "none")
    api("PATCH", "/_sandbox/settings", {"advanced_permissions": False})
    try:
        assert member.get(path)["user_access_level"] == "editor"
    finally:
        api("PATCH", "/_sandbox/settings", {"advanced_permissions": True})


def test_what_an_object_falls_back_to_is_shown(api: Api) -> None:
    path = f"dashboards/{api.dashboard()['id']}/access_controls/"
    inherited = api.get(path)["inherited_access"]
    assert (inherited["access_level"], inherited["source"]) == ("editor", "system_default")
    _kind_rule(api, "dashboard", "viewer")
    inherited = api.get(path)["inherited_access"]
    assert (inherited["access_level"], inherited["source"], inherited["source_subject"]) == (
        "viewer", "resource", "default",
    )  # fmt: skip
    assert api.get("access_controls/")["inherited_access"] is None
