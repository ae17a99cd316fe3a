"""How every kind is deleted, and what a GET says afterwards."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, name, refusal

QUESTION = {"type": "open", "question": "Why?"}
METRIC = {"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "a"}}
SUBSCRIPTION = {"target_type": "email", "target_value": "a@example.com", "frequency": "weekly", "interval": 1,
                "start_date": "2026-01-01T00:00:00Z"}  # fmt: skip
INPUTS = {"url": {"value": "https://example.com"}}

# collection, what it is made with, what a GET answers once it is deleted
SOFT: list[tuple[str, dict[str, Any], int]] = [
    ("feature_flags", {"filters": {"groups": [{}]}}, 200),
    ("cohorts", {"is_static": True}, 200),
    ("actions", {}, 200),
    ("insights", {}, 404),
    ("dashboards", {}, 404),
    ("hog_functions", {"type": "destination", "template_id": "template-webhook", "inputs": INPUTS}, 404),
    ("annotations", {"content": "c"}, 404),
    ("experiments", {}, 404),
    ("subscriptions", SUBSCRIPTION, 200),
]
HARD: list[tuple[str, dict[str, Any]]] = [
    ("experiment_holdouts", {"filters": [{"properties": [], "rollout_percentage": 10}]}),
    ("experiment_saved_metrics", {"query": METRIC}),
    ("surveys", {"type": "popover", "questions": [QUESTION]}),
    ("early_access_feature", {"stage": "concept"}),
    ("event_definitions", {}),
    ("insight_variables", {"type": "String"}),
    ("schema_property_groups", {"properties": []}),
    ("/api/organizations/@current/roles", {}),
]


def _made(api: Api, collection: str, body: dict[str, Any]) -> str:
    """The path of a new object."""
    title = name("thing")
    keys = {"feature_flags": {"key": title}, "experiments": {"name": title, "feature_flag_key": title}}
    if collection == "subscriptions":
        keys[collection] = {"insight": api.insight()["id"]}
    made = api.post(f"{collection}/", {**keys.get(collection, {"name": title}), **body})
    return f"{collection}/{made['id']}/"


@pytest.mark.parametrize(("collection", "body", "afterwards"), SOFT)
def test_most_kinds_are_deleted_by_a_patch(api: Api, collection: str, body: dict[str, Any], afterwards: int) -> None:
    path = _made(api, collection, body)
    answer = api("DELETE", path)
    if collection == "hog_functions":
        assert answer.status_code == 403, "a key may not even ask"
    else:
        assert (answer.status_code, answer.content) == (405, b"")
    assert api("PATCH", path, {"deleted": True}).status_code == 200
    gone = api("GET", path)
    assert gone.status_code == afterwards
    if afterwards == 200:
        assert gone.json()["deleted"] is True
    listed = api.get(f"{collection}/")["results"]
    assert path not in {f"{collection}/{each['id']}/" for each in listed}
    assert api("PATCH", path, {"deleted": False}).status_code == 200
    assert api("GET", path).status_code == 200


@pytest.mark.parametrize(("collection", "body"), HARD)
def test_some_kinds_are_deleted_for_good(api: Api, collection: str, body: dict[str, Any]) -> None:
    path = _made(api, collection, body)
    assert api("DELETE", path).status_code == 204
    with api.setting(missing_event_definition="not_found"):
        assert refusal(api("DELETE", path))[:2] == (404, "not_found")
