"""Access controls of the project, of kinds and of objects (reference 10.6, 12.6 no. 72)."""

from typing import Any

import pytest
import requests

from tests.contract.sandbox.shapes import Api, name, refusal


@pytest.fixture
def member(api: Api) -> Any:
    """Somebody who is no admin: a client with their key."""
    user = {"email": f"{name('m')}@example.com"}
    made = requests.post(f"{api.url}/_sandbox/users", json=user, timeout=10).json()
    return Api(api.sandbox, made["personal_api_key"])


def _membership(api: Api) -> str:
    return str(api.get("/api/organizations/@current/members/")["results"][0]["id"])


def test_a_rule_is_an_upsert_without_an_id(api: Api) -> None:
    path, someone = f"dashboards/{api.dashboard()['id']}/access_controls/", _membership(api)
    assert api.get(path)["access_controls"] == []
    made = []
    for wanted in ("viewer", "editor"):
        answer = api("PUT", path, {"access_level": wanted, "organization_member": someone})
        assert answer.status_code == 200
        made.append(answer.json())
    assert "id" not in made[0]
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
    assert api("PUT", "access_controls/", {"access_level": "member"}).json()["resource_id"] == api.sandbox.project_id
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


def test_admins_and_authors_write_rules(api: Api, member: Api) -> None:
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


def test_kinds_that_are_shared_have_no_rules(api: Api) -> None:
    holdout = api.post("experiment_holdouts/", {"name": "h", "filters": [{"rollout_percentage": 1}]})
    path = f"experiment_holdouts/{holdout['id']}/access_controls/"
    assert refusal(api("GET", path))[2] == "Endpoint not found."
