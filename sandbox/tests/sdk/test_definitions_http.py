"""The definitions for local evaluation over raw HTTP.

Source: api/flag_definitions.rs of PostHog's rust/feature-flags.
"""

from typing import Any

import pytest
import requests

from sandbox.tests.clients import new_flag
from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import depending_on, in_cohort, members, on_for, person

EVERYBODY = on_for()


@pytest.fixture(scope="module", autouse=True)
def flags(sandbox: Sandbox) -> dict[str, int]:
    """One flag that is on, with a payload, and an inactive one."""
    created = [
        new_flag(sandbox, "on", {**EVERYBODY, "payloads": {"true": {"limit": 5}}}),
        new_flag(sandbox, "inactive", EVERYBODY, active=False),
    ]
    return {flag["key"]: flag["id"] for flag in created}


@pytest.mark.parametrize("path", ["/flags/definitions", "/api/feature_flag/local_evaluation/"])
def test_definitions_with_an_etag(sandbox: Sandbox, path: str) -> None:
    address = f"{sandbox.url}{path}?token={sandbox.project_api_key}&send_cohorts"
    bearer = {"Authorization": f"Bearer {sandbox.api_key}"}
    answer = requests.get(address, headers=bearer, timeout=10)
    found = answer.json()
    assert set(found) == {
        "flags",
        "group_type_mapping",
        "cohorts",
        "minimal_flag_called_events",
        "property_matching_version",
    }
    by_key = {flag["key"]: flag for flag in found["flags"]}
    assert by_key["inactive"]["active"] is False
    assert by_key["on"]["filters"]["payloads"] == {"true": '{"limit": 5}'}
    assert answer.headers["etag"].startswith('W/"')
    assert answer.headers["cache-control"] == "private, must-revalidate"
    again = requests.get(address, headers={**bearer, "If-None-Match": answer.headers["etag"]}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")


def test_definitions_carry_dependency_chains_and_nested_cohorts(sandbox: Sandbox, flags: dict[str, int]) -> None:
    def cohort(name: str, leaf: dict[str, Any]) -> int:
        return int(sandbox.call("POST", "cohorts/", {"name": name, "filters": members(leaf)})["id"])

    middle = new_flag(sandbox, "middle", depending_on(flags["on"]))
    new_flag(sandbox, "top", depending_on(middle["id"]))
    inner = cohort("inner", person("a", "1", negation=False))
    outer = cohort("outer", {"type": "cohort", "key": "id", "value": inner, "negation": True})
    unused = cohort("unused", person("b", "", "is_set", negation=False))
    new_flag(sandbox, "members", in_cohort(outer))
    found = sandbox.call("GET", f"/flags/definitions?token={sandbox.project_api_key}")
    (top,) = [flag for flag in found["flags"] if flag["key"] == "top"]
    item = top["filters"]["groups"][0]["properties"][0]
    assert (item["key"], item["dependency_chain"]) == ("middle", ["on", "middle"])
    assert {str(inner), str(outer)} <= set(found["cohorts"])
    assert str(unused) not in found["cohorts"]
    leaf = found["cohorts"][str(inner)]["values"][0]["values"][0]
    assert leaf == person("a", "1", negation=False)


def test_definitions_need_a_key_that_may_read_flags(sandbox: Sandbox) -> None:
    address = f"{sandbox.url}/flags/definitions?token={sandbox.project_api_key}"

    def refusal(key: str | None) -> tuple[int, str, str]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = requests.get(address, headers=headers, timeout=10)
        body = answer.json()
        return answer.status_code, body["code"], body["detail"]

    assert refusal(None)[:2] == (401, "not_authenticated")
    assert refusal("phx_wrong") == (401, "authentication_failed", "Personal API key is invalid.")
    assert refusal(sandbox.user("reader@example.com", scopes=["insight:read"])) == (
        403,
        "permission_denied",
        "Personal API key lacks required scopes (feature_flag:read or feature_flag:write).",
    )
    secret = sandbox.call("GET", f"/api/projects/{sandbox.project_id}/")["secret_api_token"]
    assert requests.get(address, headers={"Authorization": f"Bearer {secret}"}, timeout=10).status_code == 200
    assert refusal("phs_wrong")[0] == 401


def test_a_change_of_one_flag_changes_the_etag_and_taking_it_back_restores_it(
    sandbox: Sandbox, flags: dict[str, int]
) -> None:
    address = f"{sandbox.url}/flags/definitions?token={sandbox.project_api_key}"
    bearer = {"Authorization": f"Bearer {sandbox.api_key}"}

    def etag() -> str:
        return requests.get(address, headers=bearer, timeout=10).headers["etag"]

    def contents() -> list[tuple[str, bool]]:
        found = requests.get(address, headers=bearer, timeout=10).json()["flags"]
        return [(flag["key"], flag["active"]) for flag in found]

    before, listed = etag(), contents()
    extra = new_flag(sandbox, "passing", EVERYBODY)
    assert etag() != before
    assert contents() == [*listed, ("passing", True)]
    sandbox.call("PATCH", f"feature_flags/{extra['id']}/", {"active": False})
    assert contents() == [*listed, ("passing", False)]
    sandbox.call("PATCH", f"feature_flags/{extra['id']}/", {"deleted": True})
    assert etag() == before


def test_a_flag_renamed_is_renamed_in_what_depends_on_it(sandbox: Sandbox) -> None:
    base = new_flag(sandbox, "old-name", EVERYBODY)
    new_flag(sandbox, "leaning", depending_on(base["id"]))

    def named() -> Any:
        found = sandbox.call("GET", f"/flags/definitions?token={sandbox.project_api_key}")["flags"]
        (leaning,) = [flag for flag in found if flag["key"] == "leaning"]
        condition = leaning["filters"]["groups"][0]["properties"][0]
        return condition["key"], condition["dependency_chain"]

    assert named() == ("old-name", ["old-name"])
    sandbox.call("PATCH", f"feature_flags/{base['id']}/", {"key": "new-name"})
    assert named() == ("new-name", ["new-name"])
