"""Surveys and the flags they hide (PostHog's surveys/backend/api/survey.py)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.tests.shapes import Api, name, on_for, person, refusal, variants


def _survey(api: Api, **values: Any) -> Any:
    return api.post("surveys/", {"name": name("survey"), "type": "popover", **values})


def _shown(api: Api, survey: Any) -> Any:
    return api.get(f"surveys/{survey['id']}/")


def _open(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "open", "question": text, **more}


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


# Hidden flags ---------------------------------------------------------------------------------------------


def test_a_survey_hides_a_flag_for_those_who_have_not_answered(api: Api) -> None:
    made = _survey(api)
    flag = made["internal_targeting_flag"]
    assert flag["key"].startswith("survey-targeting-")
    assert flag["key"].endswith("-custom")
    assert flag["active"] is False
    assert [each["key"] for each in flag["filters"]["groups"][0]["properties"]] == [
        f"$survey_dismissed/{made['id']}", f"$survey_responded/{made['id']}"
    ]  # fmt: skip
    assert flag["id"] not in [each["id"] for each in api.get("feature_flags/?limit=1000")["results"]]
    assert api.get(f"feature_flags/{flag['id']}/")["key"] == flag["key"]


def test_targeting_is_a_flag_that_filters_are_merged_into(api: Api) -> None:
    made = _survey(api, targeting_flag_filters=on_for(person("plan", "pro")))
    flag = made["targeting_flag"]
    assert flag["name"] == f"Targeting flag for survey {made['name']}"
    assert flag["filters"]["groups"][0]["properties"][0]["value"] == "pro"
    path = f"surveys/{made['id']}/"
    after = api.patch(path, {"targeting_flag_filters": on_for(person("plan", "free"))})
    assert after["targeting_flag"]["id"] == flag["id"]
    assert after["targeting_flag"]["filters"]["groups"][0]["properties"][0]["value"] == "free"
    assert api.patch(path, {"remove_targeting_flag": True})["targeting_flag"] is None
    assert api("GET", f"feature_flags/{flag['id']}/").status_code == 404
    assert refusal(api("PATCH", path, {"targeting_flag_filters": on_for()}))[2] == (
        "Invalid operation: User targeting rolls out to everyone. "
        "If you want to roll out to everyone, delete this targeting"
    )


def test_the_flags_follow_the_surveys_running(api: Api) -> None:
    made = _survey(api, targeting_flag_filters=on_for(person("plan", "pro")))
    path = f"surveys/{made['id']}/"

    def active() -> tuple[bool, bool]:
        shown = _shown(api, made)
        return shown["targeting_flag"]["active"], shown["internal_targeting_flag"]["active"]

    assert active() == (False, False)
    api.patch(path, {"start_date": "2026-01-01T00:00:00Z"})
    assert active() == (True, True)
    api.patch(path, {"end_date": "2026-01-02T00:00:00Z"})
    assert active() == (False, False)
    api.patch(path, {"end_date": None})
    assert active() == (True, True)
    api.patch(path, {"archived": True})
    assert active() == (False, False)


def test_a_waiting_period_asks_when_another_survey_was_seen(api: Api) -> None:
    made = _survey(api, conditions={"seenSurveyWaitPeriodInDays": 7})
    last = [group["properties"][-1] for group in made["internal_targeting_flag"]["filters"]["groups"]]
    assert [(each["key"], each["operator"], each["value"]) for each in last] == [
        ("$survey_last_seen_date", "is_not_set", "is_not_set"),
        ("$survey_last_seen_date", "is_date_before", "7d"),
    ]


def test_deleting_a_survey_takes_its_flags_along(api: Api) -> None:
    made = _survey(api, targeting_flag_filters=on_for(person("plan", "pro")))
    assert api("DELETE", f"surveys/{made['id']}/").status_code == 204
    assert api("GET", f"surveys/{made['id']}/").status_code == 404
    for flag in ("targeting_flag", "internal_targeting_flag"):
        assert api("GET", f"feature_flags/{made[flag]['id']}/").status_code == 404
    entries = api.get(f"activity_log/?scope=Survey&item_id={made['id']}")["results"]
    assert [each["activity"] for each in entries] == ["deleted", "created"]


# What is read ---------------------------------------------------------------------------------------------


def test_a_write_answers_less_than_a_read(api: Api) -> None:
    flag = api.flag(filters={"groups": [{"rollout_percentage": 1}], "multivariate": variants(a=50, b=50)})
    made = _survey(api, linked_flag_id=flag["id"], conditions={"linkedFlagVariant": "a"})
    assert made["linked_flag"]["id"] == flag["id"]
    assert "linked_flag_id" not in made
    shown = _shown(api, made)
    assert shown["linked_flag_id"] == flag["id"]
    assert {each["key"]: each["value"] for each in shown["feature_flag_keys"]} == {
        "linked_flag_key": flag["key"],
        "targeting_flag_key": None,
        "internal_targeting_flag_key": made["internal_targeting_flag"]["key"],
        "internal_response_sampling_flag_key": None,
    }
    assert (shown["schedule"], shown["base_language"], shown["response_sampling_interval_type"]) == (
        "once", "en", "week"
    )  # fmt: skip


def test_sdks_read_surveys_with_the_projects_token(api: Api) -> None:
    flag = api.flag()
    made = _survey(api, linked_flag_id=flag["id"], description="a note")
    archived = _survey(api, archived=True)
    url = f"{api.url}/api/surveys/"
    found = requests.get(url, params={"token": api.sandbox.project_api_key}, timeout=10).json()
    shown = {each["id"]: each for each in found["surveys"]}
    assert archived["id"] not in shown
    assert "description" not in shown[made["id"]]
    assert (shown[made["id"]]["linked_flag_key"], found["survey_config"]) == (flag["key"], None)
    assert requests.get(url, params={"token": "phc_no"}, timeout=10).json()["code"] == "invalid_api_key"
    assert [each["id"] for each in api.get(f"feature_flags/{flag['id']}/")["surveys"]] == [made["id"]]


def test_actions_in_conditions_are_read_whole(api: Api) -> None:
    action = api.post("actions/", {"name": name("action"), "steps": [{"event": "seen"}]})
    made = _survey(api, conditions={"actions": {"values": [{"id": action["id"], "name": "old"}]}})
    assert made["conditions"]["actions"]["values"][0]["name"] == action["name"]
    assert made["conditions"]["actions"]["values"][0]["steps"][0]["event"] == "seen"


def test_a_change_without_conditions_forgets_their_actions(api: Api) -> None:
    """What was sent of them stays in the conditions, and means nothing to SDKs, which read the actions' steps."""
    action = api.post("actions/", {"name": name("action"), "steps": [{"event": "seen"}]})
    conditions = {"actions": {"values": [{"id": action["id"]}]}, "url": "/ai"}
    path = f"surveys/{_survey(api, conditions=conditions)['id']}/"
    assert api.patch(path, {"description": "d"})["conditions"] == conditions
    assert api.get(path)["conditions"] == conditions
    assert api.patch(path, {"conditions": conditions})["conditions"]["actions"]["values"][0]["name"] == action["name"]


def test_a_number_of_iterations_takes_their_frequency_with_it(api: Api) -> None:
    made = _survey(api, schedule="recurring", iteration_count=3, iteration_frequency_days=7)
    path = f"surveys/{made['id']}/"
    assert api.patch(path, {"description": "d"})["iteration_frequency_days"] == 7
    assert api.patch(path, {"iteration_count": 4})["iteration_frequency_days"] is None
    assert api.patch(path, {"iteration_count": 4, "iteration_frequency_days": 7})["iteration_frequency_days"] == 7


# Questions and texts --------------------------------------------------------------------------------------


def test_questions_get_ids_to_be_sent_back(api: Api) -> None:
    made = _survey(api, questions=[_open("Why?"), _open("How?", id="mine")])
    first, second = made["questions"]
    assert len(first["id"]) == 36
    assert second["id"] == "mine"
    path = f"surveys/{made['id']}/"
    assert api.patch(path, {"questions": [first]})["questions"][0]["id"] == first["id"]
    assert api.patch(path, {"questions": [_open("Why?")]})["questions"][0]["id"] != first["id"]


def test_html_is_made_harmless(api: Api) -> None:
    text = 'Hi <b onclick="x()">you</b><script>alert(1)</script> <a href="javascript:x()">go</a>'
    made = _survey(api, questions=[_open(text, description="1 < 2")], appearance={"thankYouMessageHeader": text})
    cleaned = 'Hi <b>you</b> <a rel="noopener">go</a>'
    assert made["questions"][0]["question"] == cleaned
    assert made["questions"][0]["description"] == "1 < 2"
    assert made["appearance"]["thankYouMessageHeader"] == cleaned


@pytest.mark.parametrize(
    ("questions", "detail"),
    [
        ("x", "Questions must be a list of objects"),
        ([{"type": "open"}], "Question text is required"),
        ([_open("q", choices=["a", " "])], "Question choices cannot be empty"),
        ([_open("q", link="http://example.com")], "Link must be a URL with one of these schemes: [https, mailto]"),
        ([_open("q", descriptionContentType="md")],
         "Question descriptionContentType must be one of ['text', 'html']"),
        ([_open("q", validation=[{"type": "min_length", "value": 5}, {"type": "max_length", "value": 2}])],
         "Minimum length cannot be greater than maximum length"),
    ],
)  # fmt: skip
def test_questions_are_checked(api: Api, questions: Any, detail: str) -> None:
    body = {"name": name("survey"), "type": "popover", "questions": questions}
    assert refusal(api("POST", "surveys/", body)) == (400, "invalid_input", detail, "questions")


# Rules ----------------------------------------------------------------------------------------------------


def test_names_are_unique(api: Api) -> None:
    first, second = _survey(api), _survey(api)
    body = {"name": first["name"], "type": "popover"}
    assert refusal(api("POST", "surveys/", body)) == (400, "unique", "There is already a survey with this name.", None)
    assert refusal(api("PATCH", f"surveys/{second['id']}/", {"name": first["name"]}))[2] == (
        "There is already another survey with this name."
    )
    assert api.patch(f"surveys/{second['id']}/", {"description": "no name needed"})["name"] == second["name"]


@pytest.mark.parametrize(
    ("values", "detail", "attr"),
    [
        ({"schedule": "never"}, "Schedule must be one of: once, recurring, always", "schedule"),
        ({"linked_flag_id": 9999}, "Feature Flag with this ID does not exist", None),
        ({"conditions": {"linkedFlagVariant": "a"}},
         "linkedFlagVariant can only be used when a linked_flag_id is specified", None),
        ({"iteration_count": 501}, "Ensure this value is less than or equal to 500.", "iteration_count"),
        ({"appearance": {"shuffleQuestions": True}, "questions": [_open("q", branching={"type": "end"})]},
         "Question shuffling and question branching cannot be used together. "
         "Please disable one of these features.", None),
        ({"type": "external_survey", "conditions": {"url": "x"}},
         "The following condition fields are not allowed for external surveys: url", "conditions"),
    ],
)  # fmt: skip
def test_fields_have_to_fit(api: Api, values: dict[str, Any], detail: str, attr: str | None) -> None:
    body = {"name": name("survey"), "type": "popover", **values}
    assert refusal(api("POST", "surveys/", body))[2:] == (detail, attr)


def test_an_external_survey_has_no_linked_flag(api: Api) -> None:
    body = {"name": name("survey"), "type": "external_survey", "linked_flag_id": api.flag()["id"]}
    assert refusal(api("POST", "surveys/", body))[2:] == (
        "linked_flag_id is not allowed for external surveys", "linked_flag_id"
    )  # fmt: skip


def test_a_sampling_start_can_not_be_sent_back_later(api: Api) -> None:
    sampling = {
        "response_sampling_start_date": _tomorrow(),
        "response_sampling_interval_type": "day",
        "response_sampling_interval": 3,
        "response_sampling_limit": 10,
    }
    made = _survey(api, **sampling)
    limits = json.loads(made["response_sampling_daily_limits"])
    assert [each["daily_response_limit"] for each in limits] == [4, 7, 10]
    assert [each["rollout_percentage"] for each in limits] == [33.33, 66.67, 100.0]
    keys = {each["key"]: each["value"] for each in _shown(api, made)["feature_flag_keys"]}
    assert keys["internal_response_sampling_flag_key"].endswith("-sampling")
    body = {**sampling, "response_sampling_start_date": "2026-01-01T00:00:00Z"}
    refused = refusal(api("PATCH", f"surveys/{made['id']}/", body))
    assert refused[2].startswith("Response sampling start date must be today or a future date in UTC.")
    assert refused[3] == "response_sampling_start_date"


def test_a_recurring_survey_has_dates_and_starts_anew(api: Api) -> None:
    recurring = {"schedule": "recurring", "iteration_count": 2, "iteration_frequency_days": 10}
    made = _survey(api, start_date="2026-01-01T00:00:00Z", **recurring)
    assert made["iteration_start_dates"] == ["2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z"]
    assert (made["current_iteration"], made["current_iteration_start_date"]) == (1, "2026-01-01T00:00:00Z")
    key = made["internal_targeting_flag"]["filters"]["groups"][0]["properties"][0]["key"]
    assert key == f"$survey_dismissed/{made['id']}/1"
    path = f"surveys/{made['id']}/"
    api.patch(path, {"end_date": "2026-02-01T00:00:00Z"})
    assert api.patch(path, {"end_date": None})["start_date"] > "2026-02-01"


def test_launch_and_stop_are_calls_too(api: Api) -> None:
    made = _survey(api)
    path = f"surveys/{made['id']}/"
    started = api.post(path + "launch/")["start_date"]
    assert started is not None
    assert api.post(path + "launch/")["start_date"] == started
    assert api.post(path + "stop/")["end_date"] is not None
    assert refusal(api("POST", path + "launch/"))[2] == (
        "Cannot launch a survey with end_date in the past. Extend the end_date first."
    )
