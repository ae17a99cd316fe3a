"""The activity log: every change of every kind, who made it, what was before and after; and its advanced search
(PostHog: posthog/api/advanced_activity_logs/).
"""

import json
from typing import Any

import pytest

from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, name, person, refusal


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
    ("experiment_saved_metrics", {**METRIC, "description": "old"}, "description", "old", "new", HARD,
     "ExperimentSavedMetric"),
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
    entries = _entries(api, scope, made["id"])
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
        return list(api.get(f"advanced_activity_logs/?{text}")["results"])

    api.patch("", {"receive_org_level_activity_logs": True})
    role = api.post("/api/organizations/@current/roles/", {"name": name("role")})["id"]
    api("DELETE", f"/api/organizations/@current/roles/{role}/")
    assert [(each["activity"], each["team_id"]) for each in entries(scopes="Role", item_ids=role)] == [
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


def test_the_oldest_come_first_where_asked(api: Api) -> None:
    flag = api.flag()
    api.patch(f"feature_flags/{flag['id']}/", {"name": "n"})
    found = api.get(f"activity_log/?item_id={flag['id']}&ordering=created_at")["results"]
    assert [entry["activity"] for entry in found] == ["created", "updated"]
    assert refusal(api("GET", "activity_log/?ordering=name"))[1:] == (
        "invalid_choice", '"name" is not a valid choice.', "ordering",
    )  # fmt: skip


@pytest.fixture
def searched(sandbox: Sandbox) -> tuple[Api, Any]:
    """A project of the test's own with three entries: a flag that was made, renamed by a tool, and deleted."""
    made = Api(sandbox).post("/api/organizations/@current/projects/", {"name": name("project")})
    api = Api(sandbox, project=str(made["id"]))
    flag = api.flag(name="first")
    api("PATCH", f"feature_flags/{flag['id']}/", {"name": "second"}, headers={"x-posthog-client": "terraform"})
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    return api, flag


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("scopes=FeatureFlag", 3),
        ("scopes=Cohort,FeatureFlag", 3),
        ('scopes=["Cohort"]', 0),
        ("activities=created&activities=deleted", 2),
        ("clients=terraform", 1),
        ("ip_addresses=127.0.0.*", 3),
        ("ip_addresses=10.0.0.1", 0),
        ("is_system=true", 0),
        ("is_system=false", 3),
        ("search_text=SECOND", 1),
        ("users=00000000-0000-0000-0000-000000000000", 0),
        ("start_date=2040-01-01T00:00:00Z", 0),
        ("end_date=2040-01-01T00:00:00Z&page=1&page_size=2", 2),
    ],
)
def test_the_log_is_searched(searched: tuple[Api, Any], query: str, found: int) -> None:
    api, flag = searched
    assert len(api.get(f"advanced_activity_logs/?item_ids={flag['id']}&{query}")["results"]) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"changes[].field": {"value": "name"}}, 1),
        ({"changes[].field": {"operation": "in", "value": ["name", "deleted"]}}, 2),
        ({"changes[].after": {"value": "true"}}, 1),
        ({"name": {"operation": "contains", "value": "FLAG"}}, 3),
        ({"changes[].field": {"value": "name"}, "changes[].before": {"value": "other"}}, 0),
    ],
)
def test_the_log_is_searched_by_what_changed(searched: tuple[Api, Any], filters: Any, found: int) -> None:
    api, flag = searched
    path = f"advanced_activity_logs/?item_ids={flag['id']}&detail_filters={json.dumps(filters)}"
    assert len(api.get(path)["results"]) == found


def test_the_log_tells_what_to_search_for(searched: tuple[Api, Any]) -> None:
    api, _ = searched
    found = api.get("advanced_activity_logs/available_filters/")
    assert {each["value"] for each in found["static_filters"]["activities"]} >= {"created", "updated", "deleted"}
    assert found["static_filters"]["clients"] == [{"value": "terraform"}]
    names = {field["name"]: field["types"] for field in found["detail_fields"]["FeatureFlag"]["fields"]}
    assert names["changes[].field"] == ["string"]


def test_a_wrong_search_is_refused(api: Api) -> None:
    for filters, detail in (
        ({"a": {"operation": "regex", "value": "x"}},
         "Unsupported detail filter operation 'regex'. Allowed operations: contains, exact, in."),
        ({"a__b": {"value": "x"}}, "Detail filter field path 'a__b' contains '__'."),
    ):  # fmt: skip
        assert refusal(api("GET", f"advanced_activity_logs/?detail_filters={json.dumps(filters)}"))[2:] == (
            detail,
            "detail_filters",
        )
