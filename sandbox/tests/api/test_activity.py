"""The activity log: every change of every kind, who made it, what was before and after."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, name, person


def _hog(**more: Any) -> dict[str, Any]:
    inputs = {"url": {"value": "https://example.com"}}
    return {"type": "destination", "template_id": "template-webhook", "inputs": inputs, **more}


FLAG = {"filters": {"groups": [{"rollout_percentage": 50}]}}
GROUP = {"type": "AND", "values": [person("plan", "pro")]}
COHORT = {"filters": {"properties": {"type": "OR", "values": [GROUP]}}}
HOLDOUT = {"filters": [{"properties": [], "rollout_percentage": 10}]}
METRIC = {"query": {"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "a"}}}
QUESTION = {"type": "open", "question": "Why?"}
SOFT, HARD = "PATCH", "DELETE"

# collection, what it is made with besides a name, the field that is changed, before and after, how it is deleted, scope
KINDS: list[tuple[str, dict[str, Any], str, Any, Any, str, str]] = [
    ("feature_flags", {**FLAG, "name": "old"}, "name", "old", "new", SOFT, "FeatureFlag"),
    ("cohorts", {**COHORT, "description": "old"}, "description", "old", "new", SOFT, "Cohort"),
    ("insights", {"description": "old"}, "description", "old", "new", SOFT, "Insight"),
    ("dashboards", {"description": "old"}, "description", "old", "new", SOFT, "Dashboard"),
    ("hog_functions", _hog(description="old"), "description", "old", "new", SOFT, "HogFunction"),
    ("actions", {"description": "old"}, "description", "old", "new", SOFT, "Action"),
    ("annotations", {"content": "old"}, "content", "old", "new", SOFT, "Annotation"),
    ("experiments", {"description": "old"}, "description", "old", "new", SOFT, "Experiment"),
    ("experiment_saved_metrics", {**METRIC, "description": "old"}, "description", "old", "new", HARD, "Experiment"),
    ("surveys", {"type": "popover", "questions": [QUESTION], "description": "old"}, "description", "old", "new", HARD,
     "Survey"),
    ("early_access_feature", {"stage": "concept", "description": "old"}, "description", "old", "new", HARD,
     "EarlyAccessFeature"),
    ("event_definitions", {"description": "old"}, "description", "old", "new", HARD, "EventDefinition"),
    ("insight_variables", {"type": "String", "default_value": "old"}, "default_value", "old", "new", HARD,
     "InsightVariable"),
]  # fmt: skip


def _entries(api: Api, scope: str, item: Any) -> list[dict[str, Any]]:
    return list(api.get(f"activity_log/?scope={scope}&item_id={item}")["results"])


@pytest.mark.parametrize(("collection", "body", "field", "before", "after", "way", "scope"), KINDS)
def test_every_change_is_logged(
    api: Api, collection: str, body: dict[str, Any], field: str, before: Any, after: Any, way: str, scope: str
) -> None:
    title = name("thing")
    called = {"key": title} if collection == "feature_flags" else {"name": title, "feature_flag_key": title}
    made = api.post(f"{collection}/", {**called, **body})
    path = f"{collection}/{made['id']}/"
    resent = {"type": "String"} if collection == "insight_variables" else {}
    api.patch(path, {field: after, **resent})
    gone = api(way, path, {"deleted": True} if way == SOFT else None)
    assert gone.status_code in (200, 204), gone.text
    type_ = {"experiment_saved_metrics": "shared_metric"}.get(collection)
    every = _entries(api, scope, made["id"])
    # Experiments and what else is logged as one are numbered apart.
    entries = [each for each in every if scope != "Experiment" or each["detail"]["type"] == type_]
    assert [entry["activity"] for entry in entries] == ["deleted", "updated", "created"]
    change = {"type": scope, "action": "changed", "field": field, "before": before, "after": after}
    assert change in entries[1]["detail"]["changes"]
    for entry in entries:
        assert entry["user"]["email"] == "admin@example.com"
        assert (entry["is_system"], entry["was_impersonated"], entry["unread"]) == (False, False, False)
        assert str(entry["team_id"]) == api.sandbox.project_id


def test_what_happens_in_the_organisation_is_logged_without_a_project(api: Api) -> None:
    def entries(**query: str) -> list[dict[str, Any]]:
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return list(api.get(f"activity_log/?{text}")["results"])

    api.patch("", {"receive_org_level_activity_logs": True})
    role = api.post("/api/organizations/@current/roles/", {"name": name("role")})["id"]
    api("DELETE", f"/api/organizations/@current/roles/{role}/")
    assert [(each["activity"], each["team_id"]) for each in entries(scopes="Role", item_id=role)] == [
        ("deleted", None), ("created", None),
    ]  # fmt: skip
    api.patch("/api/organizations/@current/", {"enforce_2fa": True})
    api.patch("/api/organizations/@current/", {"enforce_2fa": False})
    fields = [change["field"] for each in entries(scopes="Organization") for change in each["detail"]["changes"]]
    assert fields[:2] == ["two-factor authentication requirement"] * 2, "shown under another name"
    api.patch("", {"receive_org_level_activity_logs": False})
    assert not _entries(api, "Role", role), "it isn't the project's"
    own = api.base.removeprefix(api.url)
    api.patch(own, {"receive_org_level_activity_logs": True})
    try:
        assert len(_entries(api, "Role", role)) == 2, "unless the project asks for it"
    finally:
        api.patch(own, {"receive_org_level_activity_logs": False})


def test_what_is_empty_is_null_in_the_log_and_tags_are_a_list(api: Api) -> None:
    flag = api.flag()
    path, scope = f"feature_flags/{flag['id']}/", "FeatureFlag"

    def logged() -> list[Any]:
        changes = _entries(api, scope, flag["id"])[0]["detail"]["changes"]
        told = [tuple(each[part] for part in ("field", "action", "before", "after")) for each in changes]
        return sorted(each for each in told if each[0] in ("name", "tags"))

    api.patch(path, {"name": "Described", "tags": ["ai"]})
    assert logged() == [("name", "created", None, "Described"), ("tags", "changed", [], ["ai"])]
    api.patch(path, {"name": "", "tags": []})
    assert logged() == [("name", "deleted", "Described", None), ("tags", "changed", ["ai"], [])]
    insight = api.insight(description="", saved=True)
    api.patch(f"insights/{insight['id']}/", {"description": None, "tags": []})
    assert [each["activity"] for each in _entries(api, "Insight", insight["id"])] == ["created"]
