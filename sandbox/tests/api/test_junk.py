"""Whatever is sent, the answer is a refusal or a result, never an accident of the server."""

import json
from typing import Any

import pytest

from sandbox.tests.shapes import Api, alert, name, refusal, trends

JUNK: list[Any] = [
    None, True, -1, 10**30, 1.5, "", "x" * 500, "2026", [], [None], ["a"], [[]], [{}], {}, {"type": "AND"},
    {"groups": [{"properties": [{"key": "id", "type": "cohort", "value": [1]}]}]},
    {"groups": [{"properties": [{"key": "x", "type": "flag", "value": None}]}]},
    {"properties": {"type": "AND", "values": [{"type": "behavioral", "key": "a", "value": "performed_event",
                                               "event_type": "events", "event_filters": [1]}]}},
    {"properties": {"type": "AND", "values": [{"type": "cohort", "key": "id", "value": 10**30}]}},
    {"configuration": {"type": "absolute", "bounds": {"upper": [1]}}},
    {"kind": "TrendsQuery", "version": "x", "series": [1], "trendsFilter": {"hiddenLegendIndexes": 3}},
    {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": 5}},
    {"blocked_windows": [1]}, {"events": [1], "properties": [{}]}, {"url": {"value": {"a": "{"}}}, {"url": 5},
]  # fmt: skip

FIELDS = {
    "feature_flags": ["key", "name", "filters", "active", "tags", "evaluation_contexts", "version", "created_at"],
    "cohorts": ["name", "filters", "query", "is_static", "_create_static_person_ids", "groups"],
    "insights": ["query", "dashboards", "tags", "filters", "name", "order"],
    "dashboards": ["filters", "tiles", "tags", "use_dashboard", "restriction_level", "quick_filter_ids"],
    "alerts": ["insight", "threshold", "condition", "config", "subscribed_users", "snoozed_until",
               "schedule_restriction"],
    "hog_functions": ["type", "hog", "inputs", "inputs_schema", "filters", "mappings", "execution_order"],
    "event_definitions": ["name", "verified", "tags", "default_columns"],
}  # fmt: skip


def _base(api: Api, collection: str) -> dict[str, Any]:
    if collection == "alerts":
        return alert(api.insight()["id"])
    if collection == "hog_functions":
        return {"template_id": "template-webhook", "inputs": {"url": {"value": "https://example.com"}}}
    if collection == "insights":
        return {"query": trends()}
    return {"key": name("junk")} if collection == "feature_flags" else {"name": name("junk")}


@pytest.mark.parametrize("collection", sorted(FIELDS))
def test_junk_in_a_field_is_answered(api: Api, collection: str) -> None:
    made = api.post(f"{collection}/", _base(api, collection))
    for field in FIELDS[collection]:
        for junk in JUNK:
            for method, path, body in (
                ("POST", f"{collection}/", {**_base(api, collection), field: junk}),
                ("PATCH", f"{collection}/{made['id']}/", {field: junk}),
            ):
                answer = api(method, path, body)
                assert answer.status_code < 500, (method, field, junk, answer.text)


@pytest.mark.parametrize(
    "query",
    ["limit=x", f"limit={10**25}", f"offset={10**25}", "order=x'", "search=%25'", "tags=%7B", "dashboards=[x",
     "type=group&group_type_index=x", "checks_limit=x", "excluded_properties=5"],
)  # fmt: skip
@pytest.mark.parametrize("collection", [*sorted(FIELDS), "property_definitions", "persons"])
def test_junk_in_a_lists_query_is_answered(api: Api, collection: str, query: str) -> None:
    assert api("GET", f"{collection}/?{query}").status_code < 500


def test_half_a_surrogate_pair_is_no_text(api: Api) -> None:
    raw = json.dumps({"key": name("flag"), "name": "\ud800"})
    headers = {"Content-Type": "application/json"}
    answer = api.session.post(api.base + "feature_flags/", data=raw, headers=headers, timeout=10)
    assert refusal(answer)[:2] == (400, "parse_error")


def test_a_wrong_cursor_is_not_found(api: Api) -> None:
    assert refusal(api("GET", "activity_log/?cursor=zz"))[:3] == (404, "not_found", "Invalid cursor")
