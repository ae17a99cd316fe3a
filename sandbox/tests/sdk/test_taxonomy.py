"""Events make definitions: their names, the types of their properties, and what people wrote about them stays."""

from typing import Any

from sandbox.tests.running import Sandbox


def capture(sandbox: Sandbox, name: str, properties: dict[str, Any]) -> None:
    sandbox.capture({"event": name, "distinct_id": "ann", "properties": properties})


def definitions(sandbox: Sandbox, path: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in sandbox.call("GET", path)["results"]}


def test_events_and_properties_are_defined_by_being_captured(sandbox: Sandbox) -> None:
    capture(sandbox, "ai_used", {"tokens": 5, "model": "v3", "$set": {"version": "2.4.0"}})
    event = definitions(sandbox, "event_definitions/")["ai_used"]
    assert event["last_seen_at"] is not None
    types = definitions(sandbox, "property_definitions/?type=event")
    assert types["tokens"]["property_type"] == "Numeric"
    assert types["model"]["property_type"] == "String"
    assert definitions(sandbox, "property_definitions/?type=person")["version"]["property_type"] == "String"
    assert "version" not in types


def test_what_people_wrote_survives_the_next_event_and_a_deleted_one_returns(sandbox: Sandbox) -> None:
    capture(sandbox, "described", {})
    path = f"event_definitions/{definitions(sandbox, 'event_definitions/')['described']['id']}/"
    sandbox.call("PATCH", path, {"description": "Ours", "tags": ["ai"]})
    capture(sandbox, "described", {})
    found = sandbox.call("GET", path)
    assert (found["description"], found["tags"]) == ("Ours", ["ai"])
    sandbox.call("DELETE", path)
    assert "described" not in definitions(sandbox, "event_definitions/")
    capture(sandbox, "described", {})
    assert definitions(sandbox, "event_definitions/")["described"]["description"] == ""


def test_the_first_event_is_noted_at_the_project(sandbox: Sandbox) -> None:
    capture(sandbox, "first", {})
    assert sandbox.call("GET", f"/api/projects/{sandbox.project_id}/")["ingested_event"] is True
