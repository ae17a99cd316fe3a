"""Calls beyond create, read, update and delete that need no query, and those that fail as a query does."""

from typing import Any

import pytest
import requests

from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, eventually, name, refusal


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """The administrator, in a project of the test's own."""
    made = Api(sandbox).post("/api/organizations/@current/projects/", {"name": name("project")})
    return Api(sandbox, project=str(made["id"]))


def _capture(api: Api, *events: dict[str, Any]) -> None:
    """Send events of the project and wait until they are there."""
    before = len(api.get("events/")["results"])
    body = {"api_key": api.get("")["api_token"], "batch": list(events)}
    assert requests.post(f"{api.url}/batch/", json=body, timeout=10).status_code == 200
    eventually(lambda: len(api.get("events/")["results"]) == before + len(events))


def _seen(who: str, **properties: Any) -> dict[str, Any]:
    return {"event": "seen", "distinct_id": who, "properties": {"$set": properties}}


def test_a_static_cohort_by_query_fails_as_the_query_does(api: Api) -> None:
    query = {"kind": "HogQLQuery", "query": "select id from persons"}
    made = api.post("cohorts/", {"name": name("cohort"), "is_static": True, "query": query})
    found = api.get(f"cohorts/{made['id']}/")
    assert (found["count"], found["errors_calculating"]) == (0, 1)
    assert "does not compute HogQLQuery" in found["last_error_message"]


def test_what_is_not_delivered_is_not_told_of(api: Api) -> None:
    body = {"type": "destination", "template_id": "template-webhook", "name": "w",
            "inputs": {"url": {"value": "https://example.com"}}}  # fmt: skip
    path = f"hog_functions/{api.post('hog_functions/', body)['id']}/"
    assert api.get(f"{path}logs/")["results"] == []
    assert api.get(f"{path}metrics/")["series"] == []


def test_an_alerts_simulation_fails_as_its_query_does(api: Api) -> None:
    insight = api.insight()
    for identifier in (insight["id"], insight["short_id"]):
        assert refusal(api("POST", "alerts/simulate/", {"insight": identifier}))[2] == (
            "Simulation failed: unable to compute results for this insight."
        )
    assert refusal(api("POST", "alerts/simulate/", {}))[3] == "insight"
    reader = Api(api.sandbox, api.sandbox.key(["alert:write"]))
    assert refusal(reader("POST", "alerts/simulate/", {}))[2] == "API key missing required scope 'insight:read'"
