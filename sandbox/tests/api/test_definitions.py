"""Event and property definitions, project and organisation settings."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, name, refusal


def _capture(api: Api, event: str, **properties: Any) -> None:
    api.sandbox.capture({"event": event, "distinct_id": "d", "properties": properties})


def _property(api: Api, property_name: str, kind: str = "event") -> Any:
    page = api.get(f"property_definitions/?type={kind}&properties={property_name}")
    return page["results"][0] if page["results"] else None


def test_an_event_may_be_described_before_it_is_seen(api: Api) -> None:
    event = name("event")
    made = api.post("event_definitions/", {"name": event, "description": "d", "tags": ["X"], "verified": True})
    assert (made["description"], made["tags"], made["verified"]) == ("d", ["x"], True)
    assert (made["created_at"], made["last_seen_at"]) == (None, None)
    assert made["verified_by"]["email"] == "admin@example.com"
    assert api("POST", "event_definitions/", {"name": name("event")}).status_code == 201
    assert refusal(api("POST", "event_definitions/", {"name": event}))[2] == (
        f"Event definition with name '{event}' already exists"
    )
    _capture(api, event)
    assert api.get(f"event_definitions/{made['id']}/")["last_seen_at"] is not None


def test_the_list_begins_with_what_came_last_unless_asked_otherwise(api: Api) -> None:
    """A page repeats what comes between it and the one before, and something else is on no page."""
    first, second, third = (f"{name('event')}-{letter}" for letter in "abc")
    for event in (third, second, first):
        api.post("event_definitions/", {"name": event})

    def page(query: str = "") -> list[str]:
        found = api.get(f"event_definitions/?limit=1000&search={first.rpartition('-')[0][:6]}{query}")["results"]
        return [each["name"] for each in found if each["name"] in (first, second, third)]

    assert page() == [first, second, third]
    _capture(api, second)
    assert page() == [second, first, third]
    assert page("&ordering=name") == [first, second, third]
    assert page("&ordering=-name") == [third, second, first]
    assert page("&ordering=description") == page()


def test_the_name_of_an_event_is_fixed(api: Api) -> None:
    made = api.post("event_definitions/", {"name": name("event")})
    assert api.patch(f"event_definitions/{made['id']}/", {"name": "other"})["name"] == made["name"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("error", (500, "error", "A server error occurred.", None)),
        ("not_found", (404, "not_found", "Not found.", None)),
    ],
)
def test_what_is_not_there_answers_by_its_id(
    api: Api, setting: str, expected: tuple[int, str, str, str | None]
) -> None:
    made = api.post("event_definitions/", {"name": name("event")})
    path = f"event_definitions/{made['id']}/"
    with api.setting(missing_event_definition=setting):
        assert api("DELETE", path).status_code == 204
        for method in ("GET", "PATCH", "DELETE"):
            assert refusal(api(method, path, {})) == expected
    assert api.get(f"event_definitions/?search={made['name']}")["results"] == []


def test_verified_and_hidden_exclude_each_other(api: Api) -> None:
    made = api.post("event_definitions/", {"name": name("event"), "verified": True})
    path = f"event_definitions/{made['id']}/"
    hidden = api.patch(path, {"hidden": True})
    assert (hidden["hidden"], hidden["verified"], hidden["verified_at"]) == (True, False, None)
    assert refusal(api("PATCH", path, {"hidden": True, "verified": True}))[2] == (
        "An event cannot be both hidden and verified"
    )


def test_a_deleted_event_returns_when_it_is_seen(api: Api) -> None:
    event = name("event")
    _capture(api, event)
    found = api.get(f"event_definitions/?search={event}")["results"][0]
    assert api("DELETE", f"event_definitions/{found['id']}/").status_code == 204
    assert api.get(f"event_definitions/?search={event}")["results"] == []
    _capture(api, event)
    assert api.get(f"event_definitions/?search={event}")["results"][0]["id"] != found["id"]


def test_events_are_searched(api: Api) -> None:
    made = api.post("event_definitions/", {"name": name("findable")})
    assert [each["id"] for each in api.get(f"event_definitions/?search={made['name'][:9]}")["results"]] == [made["id"]]


def test_property_definitions_come_from_ingestion_only(api: Api) -> None:
    assert refusal(api("POST", "property_definitions/", {"name": "x"}))[:2] == (403, "permission_denied")
    assert _property(api, "total_tokens") is None
    _capture(
        api, "used", total_tokens=5, model="r1", success=True, at="2026-01-01T00:00:00Z", **{"$set": {"version": "1"}}
    )
    types = {key: _property(api, key)["property_type"] for key in ("total_tokens", "model", "success", "at")}
    assert types == {"total_tokens": "Numeric", "model": "String", "success": "Boolean", "at": "DateTime"}
    assert _property(api, "total_tokens")["is_numerical"] is True
    assert _property(api, "version") is None
    assert _property(api, "version", "person")["property_type"] == "String"


def test_a_property_is_described_and_deleted(api: Api) -> None:
    _capture(api, "used", described=1)
    found = _property(api, "described")
    path = f"property_definitions/{found['id']}/"
    after = api.patch(path, {"description": "d", "tags": ["T"], "property_type": "String", "name": "ignored"})
    assert (after["name"], after["description"], after["tags"], after["property_type"], after["is_numerical"]) == (
        "described",
        "d",
        ["t"],
        "String",
        False,
    )
    assert refusal(api("PATCH", path, {"property_type": "Text"}))[1] == "invalid_choice"
    assert api("DELETE", path).status_code == 204
    assert _property(api, "described") is None


def test_without_the_paid_feature_descriptions_are_not_supported(api: Api) -> None:
    made = api.post("event_definitions/", {"name": name("event")})
    with api.setting(taxonomy=False):
        answer = api("PATCH", f"event_definitions/{made['id']}/", {"description": "d"})
        assert refusal(answer)[2] == "This field is not supported by this deployment."


def test_project_settings_ignore_unknown_columns(api: Api) -> None:
    after = api.patch("", {"timezone": "Europe/Rome", "nonsense": 1})
    assert after["timezone"] == "Europe/Rome"
    assert "nonsense" not in after
    api.patch("", {"timezone": "UTC"})


def test_the_sample_rate_is_a_decimal_string(api: Api) -> None:
    assert api.patch("", {"session_recording_sample_rate": 0.5})["session_recording_sample_rate"] == "0.50"
    assert refusal(api("PATCH", "", {"session_recording_sample_rate": 2}))[1] == "max_value"


def test_the_two_prefixes_show_the_same_columns_but_for_two(api: Api) -> None:
    environment = f"/api/environments/{api.sandbox.project_id}/"
    assert set(api.get("")) - set(api.get(environment)) == {"is_pending_deletion", "product_description"}
    assert api.patch("", {"base_currency": "EUR"})["base_currency"] == "EUR"
    assert api.patch(environment, {"base_currency": "USD"})["base_currency"] == "USD"
    assert set(api.get("")) >= {
        "access_control", "available_setup_task_ids", "capture_dead_clicks", "cookieless_server_hash_mode",
        "default_data_theme", "event_retention_months", "events_retention_enforced",
        "feature_flag_confirmation_enabled", "feature_flag_confirmation_message", "human_friendly_comparison_periods",
        "managed_viewsets", "marketing_analytics_config", "onboarding_tasks", "person_on_events_querying_enabled",
        "revenue_analytics_config", "session_recording_event_trigger_config", "session_recording_retention_period",
        "session_recording_trigger_match_type_config", "session_recording_url_blocklist_config",
        "session_recording_url_trigger_config",
    }  # fmt: skip


def test_empty_urls_are_dropped_and_wildcards_are_few(api: Api) -> None:
    urls = ["", "https://*.*.*.*.*.example.com", None, "https://example.com/*/*/*/*/*/*/"]
    after = api.patch("", {"app_urls": urls, "recording_domains": [None, "https://example.com", ""]})
    assert after["app_urls"] == [url for url in urls if url]
    assert after["recording_domains"] == ["https://example.com"]
    refused = api("PATCH", "", {"app_urls": ["https://*.*.*.*.*.*.example.com"]})
    assert (refusal(refused)[0], refusal(refused)[3]) == (400, "app_urls")
    assert refusal(api("PATCH", "", {"app_urls": ["http://["]}))[3] == "app_urls"


def test_some_settings_are_merged_and_the_others_replaced(api: Api) -> None:
    first = {"record_canvas": True, "ai_config": {"opt_in": True}}
    api.patch("", {"session_replay_config": first, "modifiers": {"a": 1}, "survey_config": {"a": 1}})
    after = api.patch(
        "",
        {"session_replay_config": {"ai_config": {"excluded_events": []}}, "modifiers": {"b": 2}, "extra_settings": {}},
    )
    assert after["session_replay_config"] == {
        "record_canvas": True,
        "ai_config": {"opt_in": True, "excluded_events": []},
    }
    assert after["modifiers"] == {"a": 1, "b": 2}
    cleared = api.patch("", {"session_replay_config": None, "modifiers": None, "survey_config": None})
    assert (cleared["session_replay_config"], cleared["modifiers"]) == (None, None)


def test_members_write_settings_of_the_project_and_not_of_the_organization(api: Api) -> None:
    member = api.colleague()
    assert member("PATCH", "/api/organizations/@current/", {"enforce_2fa": True}).status_code == 403
    assert member("PATCH", "", {"timezone": "UTC"}).status_code == 200, "without a rule everybody is an admin of it"


def test_members_are_known_by_the_users_uuid(api: Api) -> None:
    members = api.get("/api/organizations/@current/members/")["results"]
    oncall = next(each for each in members if each["user"]["email"] == "oncall@example.com")
    assert oncall["level"] == 1
    path = f"/api/organizations/@current/members/{oncall['user']['uuid']}/"
    assert api("GET", path).status_code == 403
    assert api.patch(path, {"level": 8})["level"] == 8
    api.patch(path, {"level": 1})


def test_security_settings_of_the_organization(api: Api) -> None:
    path = f"/api/organizations/{api.sandbox.organization_id}/"
    after = api.patch(path, {"enforce_2fa": True, "members_can_invite": False, "id": "other"})
    assert (after["enforce_2fa"], after["members_can_invite"], after["id"]) == (
        True,
        False,
        api.sandbox.organization_id,
    )
    assert refusal(api("PATCH", path, {"default_experiment_stats_method": "guess"}))[1] == "invalid_choice"


def test_a_project_is_made_and_marked_as_deleted(api: Api) -> None:
    projects = f"/api/organizations/{api.sandbox.organization_id}/projects/"
    made = api.post(projects, {"name": "Second", "timezone": "UTC"})
    assert made["api_token"].startswith("phc_")
    assert made["id"] in [each["id"] for each in api.get(projects)["results"]]
    taken = api("POST", projects, {"name": "second"})
    assert refusal(taken)[:3] == (
        409, "conflict",
        'There is already a project called "second" in this organization. Choose a different name.',
    )  # fmt: skip
    path = f"/api/projects/{made['id']}/"
    assert api.get(path)["is_pending_deletion"] is False
    assert api("DELETE", path).status_code == 204
    assert api.get(path)["is_pending_deletion"] is True, "it goes on answering"
    assert api.get(f"{projects}{made['id']}/")["is_pending_deletion"] is True
    assert refusal(api("DELETE", path))[:3] == (400, "invalid_input", "This project is already being deleted.")
    assert api.post(projects, {"name": "Second"})["id"] != made["id"], "its name is free"
