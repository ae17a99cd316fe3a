"""Who is let in: PostHog's authentication, scopes and error envelope."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, name, refusal


def _key(sandbox: Sandbox, **values: Any) -> Api:
    return Api(sandbox, sandbox.key(**values))


def test_without_a_key_401_not_authenticated(sandbox: Sandbox) -> None:
    answer = Api(sandbox, "")("GET", "feature_flags/")
    assert refusal(answer) == (401, "not_authenticated", "Authentication credentials were not provided.", None)
    assert answer.json()["type"] == "authentication_error"


def test_a_wrong_key_401_authentication_failed(sandbox: Sandbox) -> None:
    assert refusal(Api(sandbox, "phx_nobody")("GET", "feature_flags/")) == (
        401,
        "authentication_failed",
        "Personal API key found in request Authorization header is invalid.",
        None,
    )


def test_the_project_key_opens_nothing_in_the_api(sandbox: Sandbox) -> None:
    assert Api(sandbox, sandbox.project_api_key)("GET", "feature_flags/").status_code == 401


def test_an_expired_key_is_an_invalid_key(sandbox: Sandbox) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    future = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert _key(sandbox, expires_at=past)("GET", "feature_flags/").status_code == 401
    assert _key(sandbox, expires_at=future)("GET", "feature_flags/").status_code == 200


def test_a_missing_scope_is_named(sandbox: Sandbox) -> None:
    reader = _key(sandbox, scopes=["feature_flag:read"])
    assert reader("GET", "feature_flags/").status_code == 200
    assert refusal(reader("POST", "feature_flags/", {"key": "x"})) == (
        403,
        "permission_denied",
        "API key missing required scope 'feature_flag:write'",
        None,
    )
    assert refusal(reader("GET", "cohorts/"))[2] == "API key missing required scope 'cohort:read'"


def test_write_implies_read(sandbox: Sandbox) -> None:
    assert _key(sandbox, scopes=["cohort:write"])("GET", "cohorts/").status_code == 200


def test_a_key_from_before_scopes_may_do_everything(sandbox: Sandbox) -> None:
    assert _key(sandbox, scopes=None)("GET", "insights/").status_code == 200


def test_activity_of_an_object_needs_its_own_scope(sandbox: Sandbox, api: Api) -> None:
    path = f"feature_flags/{api.flag()['id']}/activity/"
    assert refusal(_key(sandbox, scopes=["feature_flag:read"])("GET", path))[2] == (
        "API key missing required scope 'activity_log:read'"
    )
    assert _key(sandbox, scopes=["activity_log:read"])("GET", path).status_code == 200


def test_a_key_scoped_to_a_project_is_refused_elsewhere(sandbox: Sandbox, api: Api) -> None:
    other = api.post(f"/api/organizations/{sandbox.organization_id}/projects/", {"name": name("project")})["id"]
    key = _key(sandbox, scoped_teams=[other])
    assert refusal(key("GET", "feature_flags/"))[2] == (
        f"API key does not have access to the requested project: ID {sandbox.project_id}."
    )
    assert key("GET", f"/api/projects/{other}/feature_flags/").status_code == 200
    assert refusal(key("GET", f"/api/organizations/{sandbox.organization_id}/members/"))[2] == (
        "API keys with scoped projects are only supported on project-based endpoints."
    )


def test_a_key_scoped_to_an_organization_is_refused_elsewhere(sandbox: Sandbox) -> None:
    key = _key(sandbox, scoped_organizations=["00000000-0000-0000-0000-000000000000"])
    assert refusal(key("GET", "feature_flags/"))[2] == (
        f"API key does not have access to the requested organization: ID {sandbox.organization_id}."
    )


def test_a_personal_key_reads_itself_and_nothing_else(sandbox: Sandbox) -> None:
    key = _key(sandbox, scopes=["feature_flag:read"], label="mine")
    mine = key.get("/api/personal_api_keys/@current/")
    assert (mine["label"], mine["scopes"], mine["value"]) == ("mine", ["feature_flag:read"], None)
    assert mine["mask_value"].startswith("phx_...")
    for path in ("another/", "1/"):
        refused = key("GET", f"/api/personal_api_keys/{path}")
        assert refusal(refused)[2] == "This action does not support Personal API Key access"


def test_members_may_be_kept_from_using_keys(api: Api) -> None:
    member = api.colleague()
    assert member("GET", "feature_flags/").status_code == 200
    api.patch("/api/organizations/@current/", {"members_can_use_personal_api_keys": False})
    try:
        assert refusal(member("GET", "feature_flags/"))[2].startswith(
            "Organization 'Acme' does not allow using personal API keys."
        )
        assert api("GET", "feature_flags/").status_code == 200
    finally:
        api.patch("/api/organizations/@current/", {"members_can_use_personal_api_keys": True})


def test_changes_bear_the_name_of_the_keys_owner(sandbox: Sandbox, api: Api) -> None:
    email = f"{name('user')}@example.com"
    other = Api(sandbox, sandbox.user(email))
    flag = api.flag()
    assert other.patch(f"feature_flags/{flag['id']}/", {"name": "mine now"})["last_modified_by"]["email"] == email
    assert api.get(f"feature_flags/{flag['id']}/activity/")["results"][0]["user"]["email"] == email


@pytest.mark.parametrize("path", ["nothing/", "/api/nothing/", "/api/projects/@current/nothing/at/all/"])
def test_an_unknown_path_404_endpoint_not_found(api: Api, path: str) -> None:
    answer = api("GET", path)
    assert refusal(answer) == (404, "not_found", "Endpoint not found.", None)
    assert answer.json()["type"] == "invalid_request"


def test_an_unknown_object_404_not_found(api: Api) -> None:
    assert refusal(api("GET", "feature_flags/999999/")) == (404, "not_found", "Not found.", None)
    assert api("GET", "/api/projects/999999/feature_flags/").status_code == 404


def test_malformed_json_400_parse_error(api: Api) -> None:
    answer = api.session.post(
        api.base + "feature_flags/", data="{", headers={"Content-Type": "application/json"}, timeout=10
    )
    status, code, detail, attr = refusal(answer)
    assert (status, code, attr) == (400, "parse_error", None)
    assert detail.startswith("JSON parse error - ")


def test_a_body_that_is_no_object_400(api: Api) -> None:
    assert refusal(api("POST", "feature_flags/", [1])) == (
        400,
        "invalid_input",
        "Invalid data. Expected a dictionary, but got list.",
        None,
    )


def test_another_media_type_415(api: Api) -> None:
    answer = api.session.post(api.base + "feature_flags/", data="a", headers={"Content-Type": "text/plain"}, timeout=10)
    assert refusal(answer)[:2] == (415, "unsupported_media_type")


def test_a_method_that_is_not_there_is_refused_to_keys(api: Api) -> None:
    refused = (403, "permission_denied", "This action does not support personal API key access", None)
    assert refusal(api("PUT", "feature_flags/", {})) == refused
    patched = refusal(api("PATCH", "feature_flags/", {}))
    assert patched[:2] == (405, "method_not_allowed"), "the one that PostHog takes for a write of the collection"


def test_the_trailing_slash_may_be_missing(api: Api) -> None:
    assert api("GET", "feature_flags").status_code == 200


def test_me_knows_the_organization_and_the_project(sandbox: Sandbox, api: Api) -> None:
    me = api.get("/api/users/@me/")
    assert me["email"] == "admin@example.com"
    assert me["organization"]["id"] == sandbox.organization_id
    assert [team["id"] for team in me["organization"]["teams"]][:1] == [int(sandbox.project_id)]
    assert me["team"]["api_token"] == sandbox.project_api_key
