"""Calls beyond the five that the reference only names (2.8, 7, 8, 9), after PostHog's source: those that can be
answered without computing a query, and those that fail as a query does.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.contract.sandbox.shapes import Api, eventually, name, person, refusal
from tests.support.sandbox import Sandbox


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


def test_my_flags_are_what_the_asking_user_gets(api: Api) -> None:
    everybody, nobody, off = (
        api.flag(filters={"groups": [{"rollout_percentage": share}]}, active=active)["key"]
        for share, active in ((100, True), (0, True), (100, False))
    )
    found = api.get("feature_flags/my_flags/")
    assert [(each["feature_flag"]["key"], each["value"]) for each in found] == [
        (off, False), (nobody, False), (everybody, True),
    ]  # fmt: skip
    assert str(found[0]["feature_flag"]["team_id"]) in api.base


def test_a_static_cohort_of_those_a_flag_is_on_for(api: Api) -> None:
    _capture(api, _seen("a", plan="pro"), _seen("b", plan="free"), _seen("c", plan="pro"))
    flag = api.flag(filters={"groups": [{"properties": [person("plan", "pro")], "rollout_percentage": 100}]})
    answer = api("POST", f"feature_flags/{flag['id']}/create_static_cohort_for_flag/")
    made = answer.json()["cohort"]
    assert (answer.status_code, made["is_static"], made["is_calculating"]) == (201, True, True)
    assert made["name"].startswith(f"Users with feature flag {flag['key']} enabled at ")
    path = f"cohorts/{made['id']}/"
    eventually(lambda: api.get(path)["is_calculating"] is False)
    assert api.get(path)["count"] == 2
    members = api.get(f"{path}persons/")["results"]
    assert sorted(each["distinct_ids"][0] for each in members) == ["a", "c"]


def test_a_static_cohort_by_query_fails_as_the_query_does(api: Api) -> None:
    query = {"kind": "HogQLQuery", "query": "select id from persons"}
    made = api.post("cohorts/", {"name": name("cohort"), "is_static": True, "query": query})
    found = api.get(f"cohorts/{made['id']}/")
    assert (found["count"], found["errors_calculating"]) == (0, 1)
    assert "does not compute HogQLQuery" in found["last_error_message"]


def test_a_cohort_of_those_an_experiment_was_shown_to(api: Api) -> None:
    experiment = api.post("experiments/", {"name": "x", "feature_flag_key": name("flag")})
    path = f"experiments/{experiment['id']}/create_exposure_cohort_for_experiment/"
    assert refusal(api("POST", path))[2] == "Experiment does not have a start date"
    api.patch(f"experiments/{experiment['id']}/", {"start_date": "2026-01-02T00:00:00Z"})
    cohort = api.post(path)["cohort"]
    leaf = cohort["filters"]["properties"]["values"][0]["values"][0]
    assert (leaf["key"], leaf["event_filters"][0]["value"]) == (
        "$feature_flag_called", [experiment["feature_flag_key"]],
    )  # fmt: skip
    assert api.get(f"experiments/{experiment['id']}/")["exposure_cohort"] == cohort["id"]
    assert refusal(api("POST", path))[2] == "Experiment already has an exposure cohort"


def test_answers_of_surveys_are_counted(api: Api) -> None:
    question = {"type": "open", "question": "Why?"}
    started = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    one, other = (
        api.post("surveys/", {"name": name("s"), "type": "popover", "questions": [question], "start_date": started})[
            "id"
        ]
        for _ in range(2)
    )
    assert api.get("surveys/responses_count/") == {}
    sent = {"$survey_id": one, "$survey_submission_id": "s1"}
    _capture(
        api,
        {"event": "survey sent", "distinct_id": "a", "properties": sent},
        {"event": "survey sent", "distinct_id": "a", "properties": sent},
        {"event": "survey sent", "distinct_id": "b", "properties": {"$survey_id": one}},
        {"event": "survey shown", "distinct_id": "b", "properties": {"$survey_id": other}},
    )
    assert api.get("surveys/responses_count/") == {one: 2}, "an answer in parts is one"


def test_what_is_not_delivered_is_not_told_of(api: Api) -> None:
    body = {"type": "destination", "template_id": "template-webhook", "name": "w",
            "inputs": {"url": {"value": "https://example.com"}}}  # fmt: skip
    path = f"hog_functions/{api.post('hog_functions/', body)['id']}/"
    assert api.get(f"{path}logs/")["results"] == []
    assert api.get(f"{path}metrics/") == {"labels": [], "series": []}
    assert api.get(f"{path}metrics/totals/") == {"totals": {}}
    playlist = api.post("session_recording_playlists/", {"name": "p", "type": "collection"})
    assert api.get(f"session_recording_playlists/{playlist['short_id']}/recordings/")["results"] == []


def test_an_alerts_simulation_fails_as_its_query_does(api: Api) -> None:
    insight = api.insight()
    for identifier in (insight["id"], insight["short_id"]):
        assert refusal(api("POST", "alerts/simulate/", {"insight": identifier}))[2] == (
            "Simulation failed: unable to compute results for this insight."
        )
    assert refusal(api("POST", "alerts/simulate/", {}))[3] == "insight"
    only_alerts = requests.post(f"{api.url}/_sandbox/keys", json={"scopes": ["alert:write"]}, timeout=10).json()
    reader = Api(api.sandbox, only_alerts["value"])
    assert refusal(reader("POST", "alerts/simulate/", {}))[2] == "API key missing required scope 'insight:read'"


def test_a_test_of_an_alert_needs_somebody_to_tell(api: Api) -> None:
    insight = api.insight()["id"]
    alone, heard = api.alert(insight)["id"], api.alert(insight, subscribed_users=[1])["id"]
    answer = api("POST", f"alerts/{alone}/test-delivery/")
    assert (answer.status_code, answer.json()) == (
        409, {"detail": "Add an email recipient or active destination before sending a test."},
    )  # fmt: skip
    answer = api("POST", f"alerts/{heard}/test-delivery/")
    assert (answer.status_code, answer.json()["email_recipient_count"]) == (202, 1)


def test_people_are_invited_all_or_none(api: Api) -> None:
    path = "/api/organizations/@current/invites/bulk/"
    addresses = [f"{name('new')}@Example.com" for _ in range(2)]
    answer = api("POST", path, [{"target_email": each} for each in addresses])
    assert answer.status_code == 201
    assert [each["target_email"] for each in answer.json()] == [each.lower() for each in addresses]
    before = api.get("/api/organizations/@current/invites/")["count"]
    wrong = [{"target_email": f"{name('new')}@example.com"}, {"target_email": "nobody"}]
    assert api("POST", path, wrong).status_code == 400
    assert api.get("/api/organizations/@current/invites/")["count"] == before
    assert refusal(api("POST", path, {}))[2] == "This endpoint needs an array of data for bulk invite creation."
    many = [{"target_email": f"{number}@example.com"} for number in range(21)]
    assert refusal(api("POST", path, many))[2] == "A maximum of 20 invites can be sent in a single request."
