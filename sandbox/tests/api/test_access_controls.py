"""Access controls of the project, of kinds and of objects (PostHog:
products/access_control/backend/facade/user_access_control.py).
"""

from typing import Any

import pytest

from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, name, refusal


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """The administrator, in a project of the test's own."""
    made = Api(sandbox).post("/api/organizations/@current/projects/", {"name": name("project")})
    return Api(sandbox, project=str(made["id"]))


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


def test_admins_and_authors_write_rules(api: Api) -> None:
    member = api.colleague()
    rule, own = {"access_level": "viewer"}, member.dashboard()
    foreign = f"dashboards/{api.dashboard()['id']}/"
    assert (own["user_access_level"], member.get(foreign)["user_access_level"]) == ("manager", "editor")
    assert refusal(member("PUT", f"{foreign}access_controls/", rule))[2] == (
        "Must be manager to modify dashboard permissions."
    )
    assert member.get(f"{foreign}access_controls/")["user_can_edit_access_levels"] is False
    assert member("PUT", f"dashboards/{own['id']}/access_controls/", rule).status_code == 200
    assert refusal(member("PUT", "access_controls/", {"access_level": "none"}))[2] == (
        "Must be admin to modify project permissions."
    )
    assert refusal(member("PUT", "resource_access_controls/", {**rule, "resource": "insight"}))[2] == (
        "Must be an Organization admin to modify project-wide permissions."
    )
    wrong = {"access_level": "editor", "resource": "activity_log"}
    assert refusal(api("PUT", "resource_access_controls/", wrong))[2] == (
        "Access level cannot be set above the maximum 'viewer' for activity_log."
    )


def test_the_rules_of_a_deleted_object_are_gone(api: Api) -> None:
    path = f"feature_flags/{api.flag()['id']}/"
    _rule(api, f"{path}access_controls/", "none")
    api.patch(path, {"deleted": True})
    api.patch(path, {"deleted": False})
    assert api.get(f"{path}access_controls/")["access_controls"] == []


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
