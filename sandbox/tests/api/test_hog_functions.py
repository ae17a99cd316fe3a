"""Hog functions and integrations."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, refusal

URL = {"url": {"value": "https://example.com/{event.event}"}}


def _webhook(api: Api, **values: Any) -> Any:
    return api.post("hog_functions/", {"template_id": "template-webhook", "inputs": URL, **values})


def _schema(**more: Any) -> list[dict[str, Any]]:
    return [{"key": "token", "type": "string", "label": "Token", **more}]


def test_a_template_gives_what_is_missing(api: Api) -> None:
    made = _webhook(api)
    assert (made["name"], made["type"], made["enabled"]) == ("HTTP Webhook", "destination", False)
    assert made["hog"].startswith("let ")
    assert [item["key"] for item in made["inputs_schema"]] == ["url", "method", "body", "headers", "debug"]
    assert made["template"]["id"] == "template-webhook"
    assert "template_id" not in made
    assert "deleted" not in made


def test_a_template_gives_what_is_empty_too(api: Api) -> None:
    made = _webhook(api, description="", name="", hog="")
    assert made["description"] == made["template"]["description"]
    assert made["name"] == "HTTP Webhook"
    assert api.patch(f"hog_functions/{made['id']}/", {"description": ""})["description"] == ""


def test_masking_is_for_a_minute_at_least(api: Api) -> None:
    body = {"template_id": "template-webhook", "inputs": URL}
    short = api("POST", "hog_functions/", {**body, "masking": {"ttl": 59, "hash": "all"}})
    assert refusal(short) == (
        400, "min_value", "Ensure this value is greater than or equal to 60.", "masking__ttl"
    )  # fmt: skip
    assert refusal(api("POST", "hog_functions/", {**body, "masking": {"ttl": 60}}))[1:] == (
        "required", "This field is required.", "masking__hash"
    )  # fmt: skip
    made = _webhook(api, masking={"ttl": 60, "hash": "all", "colour": "red"})
    assert made["masking"] == {"ttl": 60, "hash": "all", "bytecode": ["_H", 1, 32, "all"]}


def test_a_choice_may_be_anything(api: Api) -> None:
    assert _webhook(api, inputs={**URL, "method": {"value": "FAX"}})["inputs"]["method"]["value"] == "FAX"


def test_an_unknown_template(api: Api) -> None:
    answer = api("POST", "hog_functions/", {"template_id": "template-fax"})
    assert refusal(answer)[2:] == ("No template found for id 'template-fax'", "template_id")


def test_without_a_template_hog_is_required(api: Api) -> None:
    assert refusal(api("POST", "hog_functions/", {"name": "x"}))[2:] == ("Required.", "hog")


def test_inputs_gain_bytecode_and_order_and_unknown_ones_vanish(api: Api) -> None:
    inputs = {**URL, "nonsense": {"value": 1}, "method": {"value": "PUT"}}
    made = _webhook(api, inputs=inputs)
    assert list(made["inputs"]) == ["url", "method"]
    assert made["inputs"]["url"]["value"] == URL["url"]["value"]
    assert made["inputs"]["url"]["bytecode"][:2] == ["_H", 1]
    assert [each["order"] for each in made["inputs"].values()] == [0, 1]


def test_inputs_are_ordered_by_what_they_speak_of(api: Api) -> None:
    made = _webhook(api, inputs={"url": {"value": "{inputs.method}"}, "method": {"value": "PUT"}})
    assert (made["inputs"]["method"]["order"], made["inputs"]["url"]["order"]) == (0, 1)


def test_a_required_input_is_missed_unless_it_has_a_default(api: Api) -> None:
    answer = api("POST", "hog_functions/", {"template_id": "template-webhook", "inputs": {}})
    assert refusal(answer) == (400, "invalid_input", "This field is required.", "inputs__url")
    schema = _schema(required=True, default="abc")
    made = api.post("hog_functions/", {"hog": "return 1", "inputs_schema": schema})
    assert made["inputs"]["token"]["value"] == "abc"


@pytest.mark.parametrize(
    ("kind", "value", "detail"),
    [
        ("string", 1, "Value must be a string."),
        ("number", "1", "Value must be a number."),
        ("boolean", 1, "Value must be a boolean or a template string."),
        ("dictionary", [1], "Value must be a dictionary."),
        ("integration", "acme", "Value must be an Integration ID."),
    ],
)
def test_values_have_their_type(api: Api, kind: str, value: Any, detail: str) -> None:
    body = {"hog": "return 1", "inputs_schema": [{"key": "x", "type": kind}], "inputs": {"x": {"value": value}}}
    assert refusal(api("POST", "hog_functions/", body))[2:] == (detail, "inputs__x")


def test_the_schema_is_normalised(api: Api) -> None:
    made = api.post("hog_functions/", {"hog": "return 1", "inputs_schema": _schema(colour="red")})
    assert made["inputs_schema"] == [
        {"required": False, "secret": False, "hidden": False, "type": "string", "key": "token", "label": "Token"}
    ]


def test_secrets_read_as_a_marker_that_keeps_them(api: Api) -> None:
    body = {"hog": "return 1", "inputs_schema": _schema(secret=True), "inputs": {"token": {"value": "hush"}}}
    made = api.post("hog_functions/", body)
    assert made["inputs"] == {"token": {"secret": True}}
    assert "hush" not in api("GET", f"hog_functions/{made['id']}/").text
    api.patch(f"hog_functions/{made['id']}/", {"inputs": {"token": {"value": "louder"}}})
    log = api.get(f"activity_log/?scope=HogFunction&item_id={made['id']}")["results"][0]["detail"]["changes"]
    assert [(change["field"], change["after"]) for change in log] == [("encrypted_inputs", "masked")]
    kept = api.patch(f"hog_functions/{made['id']}/", {"inputs": {"token": {"secret": True}}})
    assert kept["inputs"] == {"token": {"secret": True}}
    none = {**body, "inputs": {"token": {"secret": True}}}
    assert refusal(api("POST", "hog_functions/", none))[2] == (
        "No value is saved for this secret input. Enter the value again."
    )


def test_hog_loses_the_space_around_it(api: Api) -> None:
    assert api.post("hog_functions/", {"hog": "\n return 1 \n"})["hog"] == "return 1"


def test_broken_hog_is_refused(api: Api) -> None:
    assert refusal(api("POST", "hog_functions/", {"hog": "fetch("}))[2:] == ("Hog code has errors.", "hog")


def test_the_type_is_immutable(api: Api) -> None:
    made = _webhook(api)
    answer = api("PATCH", f"hog_functions/{made['id']}/", {"type": "transformation"})
    assert refusal(answer)[2:] == ("Cannot modify the type of an existing function", "type")


def test_filters_gain_source_and_bytecode(api: Api) -> None:
    made = _webhook(api, filters={"events": [{"id": "seen", "type": "events"}]})
    assert made["filters"]["source"] == "events"
    assert '"seen"' in made["filters"]["bytecode"][-1]
    assert made["filters"]["events"] == [{"id": "seen", "type": "events"}]


def test_only_insight_alerts_may_be_notified_by_hand(api: Api) -> None:
    filters = {"events": [{"id": "$logs_alert_firing", "type": "events"}]}
    body = {"template_id": "template-webhook", "type": "internal_destination", "inputs": URL, "filters": filters}
    assert refusal(api("POST", "hog_functions/", body))[2:] == (
        "Alert notification destinations are managed through the alert API.",
        "filters",
    )


def test_the_list_is_minimal_unless_full(api: Api) -> None:
    _webhook(api)
    assert "inputs" not in api.get("hog_functions/")["results"][0]
    assert "inputs" in api.get("hog_functions/?full=true")["results"][0]


def test_deleted_functions_are_gone_until_restored(api: Api) -> None:
    made = _webhook(api)
    assert refusal(api("DELETE", f"hog_functions/{made['id']}/"))[:3] == (
        403, "permission_denied", "This action does not support personal API key access"
    )  # fmt: skip
    api.patch(f"hog_functions/{made['id']}/", {"deleted": True})
    assert api("GET", f"hog_functions/{made['id']}/").status_code == 404
    api.patch(f"hog_functions/{made['id']}/", {"deleted": False})
    assert api.get(f"hog_functions/{made['id']}/")["id"] == made["id"]


def test_a_stale_base_409(api: Api) -> None:
    made = _webhook(api)
    api.patch(f"hog_functions/{made['id']}/", {"name": "newer"})
    answer = api("PATCH", f"hog_functions/{made['id']}/", {"name": "x", "base_updated_at": made["updated_at"]})
    assert answer.status_code == 409


def test_slack_needs_an_integration_and_a_channel(api: Api) -> None:
    workspace = next(each for each in api.get("integrations/")["results"] if each["display_name"] == "acme")
    assert workspace["kind"] == "slack"
    channels = api.get(f"integrations/{workspace['id']}/channels/")["channels"]
    assert "ai-alerts" in [channel["name"] for channel in channels]
    inputs = {"slack_workspace": {"value": workspace["id"]}, "channel": {"value": "#ai-alerts"}}
    made = api.post("hog_functions/", {"template_id": "template-slack", "inputs": inputs})
    assert {key: each["value"] for key, each in made["inputs"].items()} == {
        "slack_workspace": workspace["id"],
        "channel": "#ai-alerts",
    }


def test_integrations_are_not_made_by_the_api(api: Api) -> None:
    assert api("POST", "integrations/", {"kind": "slack"}).status_code == 403


def test_templates_are_read_only(api: Api) -> None:
    listed = api.get("hog_function_templates/")
    assert {each["id"] for each in listed["results"]} == {"template-slack", "template-webhook"}
    one = api.get("hog_function_templates/template-webhook/")
    assert [each["key"] for each in one["inputs_schema"] if each["required"]] == ["url"]
    assert refusal(api("GET", "hog_function_templates/template-none/"))[0] == 404
    assert api("POST", "hog_function_templates/", {}).status_code == 403
