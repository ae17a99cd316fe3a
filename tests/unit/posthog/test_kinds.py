"""Canonical forms: every spelling of a definition, and what PostHog makes of it, come out the same."""

from __future__ import annotations

import pytest

from providers.posthog.kinds import KINDS, Ref

NOBODY = None  # kinds read in these tests look nothing up


def flag(**properties: object) -> dict[str, object]:
    return KINDS["flag"].canonical({"key": "ai", "release_conditions": [{}], **properties})


def live_flag(filters: dict[str, object], **fields: object) -> dict[str, object]:
    """What PostHog answers for a minimal flag, volatile and caller-dependent fields included."""
    return {
        "id": 12, "key": "ai", "name": "", "filters": filters, "active": True, "archived": False, "deleted": False,
        "tags": [], "version": 7, "updated_at": "2026-09-01T10:00:00.000000Z", "user_access_level": "manager",
        "ensure_experience_continuity": False, "evaluation_contexts": [], "evaluation_runtime": "all",
        "bucketing_identifier": "distinct_id", "is_remote_configuration": False, "has_encrypted_payloads": False,
        "status": "ACTIVE", "usage_dashboard": None, **fields,
    }  # fmt: skip


def read(kind: str, live: dict[str, object], known: dict[str, object] | None = None) -> dict[str, object]:
    return KINDS[kind].project(live, known or {}, NOBODY)  # type: ignore[arg-type]


def test_what_posthog_adds_to_a_minimal_flag_is_no_difference() -> None:
    live = live_flag(
        {
            "groups": [{"properties": [], "rollout_percentage": 50, "aggregation_group_type_index": None}],
            "aggregation_group_type_index": None,
        }
    )
    assert read("flag", live) == flag(release_conditions=[{"rollout_percentage": 50}])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"key": "v", "value": ["a"], "operator": "exact", "label": "V"}, {"key": "v", "value": "a"}),
        ({"key": "v", "value": "5", "operator": "min"}, {"key": "v", "value": 5.0, "operator": "gte"}),
        ({"key": "v", "value": "is_set", "operator": "is_set"}, {"key": "v", "operator": "is_set"}),
        (
            {"type": "cohort", "key": "id", "value": 3, "cohort_name": "Beta", "operator": "in"},
            {"type": "cohort", "value": 3},
        ),
        ({"key": 7, "value": "x", "operator": "exact", "type": "person"}, {"key": "7", "value": "x"}),
        ({"key": "v", "value": "a", "group_type_index": None}, {"key": "v", "value": "a"}),
    ],
)
def test_a_condition_that_the_ui_saved_equals_the_one_in_the_file(theirs: dict, ours: dict) -> None:  # type: ignore[type-arg]
    group = {"properties": [theirs], "rollout_percentage": None, "variant": None, "sort_key": "k", "users_affected": 3}
    live = live_flag({"groups": [group]})
    assert read("flag", live) == flag(release_conditions=[{"properties": [ours]}])


@pytest.mark.parametrize(
    "filters",
    [
        {"payloads": {"true": '"extra"'}},
        {"multivariate": {"variants": [{"key": "a", "name": "", "rollout_percentage": 100}]}},
        {"groups": [{"properties": []}, {"properties": []}]},
        {"groups": [{"properties": [{"key": "v", "value": "a"}]}]},
        {"groups": [{"properties": [], "variant": "a"}]},
        {"early_exit": True},
        {"feature_enrollment": True},
        {"holdout": {"id": 3, "exclusion_percentage": 10}},
        {"groups": [{"properties": [], "aggregation_group_type_index": 0}]},
    ],
)
def test_whatever_is_added_to_a_flag_in_the_ui_is_a_difference(filters: dict[str, object]) -> None:
    live = live_flag({"groups": [{"properties": [], "rollout_percentage": 100}], **filters})
    assert read("flag", live) != flag()


def test_payloads_compare_as_json_and_not_as_text() -> None:
    live = live_flag({"groups": [{}], "payloads": {"true": '{"limit": 10.0,  "a": null}'}})
    assert read("flag", live)["payloads"] == {"true": '{"a":null,"limit":10}'}


def test_a_condition_that_says_nothing_of_its_aggregation_has_the_flags() -> None:
    live = live_flag({"groups": [{}, {"aggregation_group_type_index": None}], "aggregation_group_type_index": 1})
    assert read("flag", live) == flag(release_conditions=[{"aggregation_group_type_index": 1}, {}])


def test_tags_are_a_set_without_case() -> None:
    assert read("flag", live_flag({"groups": [{}]}, tags=["ops", "ai"])) == flag(tags=[" AI ", "ops", "ai"])


def test_a_field_left_to_the_ui_is_neither_in_the_definition_nor_in_what_is_read() -> None:
    ours = flag(unmanaged=["active"])
    live = read("flag", live_flag({"groups": [{}]}, active=False), ours)
    assert "active" not in ours
    assert live == ours


def test_what_posthog_compiles_into_a_cohort_is_no_difference() -> None:
    ours = KINDS["cohort"].canonical(
        {
            "name": "Beta",
            "filters": {"type": "OR", "values": [{"type": "AND", "values": [
                {"type": "person", "key": "channel", "operator": "exact", "value": "beta"},
                {"type": "person", "key": "plan", "operator": "exact", "value": "gold"},
                {"type": "cohort", "value": Ref("cohort", "x")},
            ]}]},
        }
    )  # fmt: skip
    live = {
        "id": 1, "name": "Beta", "description": "", "is_static": False, "count": 12, "version": 4, "groups": [],
        "filters": {"properties": {"type": "OR", "values": [{"type": "AND", "values": [
            {"type": "person", "key": "channel", "operator": "exact", "value": "beta", "negation": False,
             "bytecode": ["_H", 1], "conditionHash": "abc"},
            {"type": "person", "key": "plan", "value": "gold"},
            {"type": "cohort", "key": "id", "value": Ref("cohort", "x"), "negation": False, "bytecode_error": "no"},
        ]}]}},
    }  # fmt: skip
    assert read("cohort", live) == ours


def test_a_leaf_added_to_a_cohort_is_a_difference() -> None:
    leaf = {"type": "person", "key": "a", "operator": "is_set"}
    one = {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
    two = {"type": "OR", "values": [{"type": "AND", "values": [leaf, {**leaf, "key": "b"}]}]}
    ours = KINDS["cohort"].canonical({"name": "C", "filters": one})
    assert read("cohort", {"name": "C", "filters": {"properties": two}}) != ours
    assert read("cohort", {"name": "C", "filters": {"properties": one}}) == ours


def test_a_query_that_posthog_upgraded_on_read_is_no_difference_and_an_edited_one_is() -> None:
    def viz(**source: object) -> dict[str, object]:
        return {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", **source}}

    series = [{"kind": "EventsNode", "event": "e"}]
    ours = KINDS["insight"].canonical({"name": "I", "query": viz(series=series)})
    theirs = viz(
        series=[{**series[0], "math": "total", "version": 2}], version=5, trendsFilter={}, properties=[], dateRange=None
    )
    assert read("insight", {"name": "I", "query": theirs}) == ours
    assert read("insight", {"name": "I", "query": viz(series=series, interval="day")}) != ours


def test_a_dashboards_filters_are_the_stored_ones() -> None:
    live = {
        "name": "D", "filters": {"date_from": "-1d"}, "restriction_level": 21,
        "persisted_filters": {"date_from": "-30d", "date_to": None, "properties": None},
    }  # fmt: skip
    assert read("dashboard", live) == KINDS["dashboard"].canonical({"name": "D", "filters": {"date_from": "-30d"}})


def alert(**properties: object) -> dict[str, object]:
    return KINDS["alert"].canonical(
        {"name": "A", "insight": 5, "threshold": {"upper": 0.05}, "subscribed_users": ["On@Example.com"], **properties}
    )


def live_alert(**fields: object) -> dict[str, object]:
    return {
        "id": "u", "name": "A", "insight": {"id": 5, "short_id": "abc"},
        "subscribed_users": [{"email": "on@example.com"}],
        "threshold": {"id": "t", "configuration": {"type": "absolute", "bounds": {"upper": 0.05}}},
        "condition": {"type": "absolute_value"}, "config": {"type": "TrendsAlertConfig", "series_index": 0},
        "calculation_interval": "daily", "enabled": True, "skip_weekend": False, "schedule_restriction": None,
        "state": "Firing", "checks": [{}], **fields,
    }  # fmt: skip


def test_an_alert_reads_as_it_was_written_though_the_shapes_differ() -> None:
    assert read("alert", live_alert()) == alert()


def test_the_check_of_ongoing_intervals_that_posthog_switches_on_is_no_difference_unless_said() -> None:
    on = {"type": "TrendsAlertConfig", "series_index": 0, "check_ongoing_interval": True}
    assert read("alert", live_alert(config=on), alert()) == alert()
    said = alert(config={**on, "check_ongoing_interval": False})
    assert read("alert", live_alert(config=on), said) != said


def notification(**properties: object) -> dict[str, object]:
    return KINDS["notification"].canonical(
        {"name": "N", "template": "template-webhook", "alert": "uuid-1", "inputs": {"method": "POST"}, **properties}
    )


def live_notification(**fields: object) -> dict[str, object]:
    return {
        "id": "f", "name": "N", "description": "", "enabled": True, "template": {"id": "template-webhook"},
        "filters": {
            "source": "events", "bytecode": [1], "events": [{"id": "$insight_alert_firing", "type": "events"}],
            "properties": [{"key": "alert_id", "value": "uuid-1", "operator": "exact", "type": "event"}],
        },
        "inputs_schema": [{"key": "method", "default": "POST"}, {"key": "debug", "default": False}],
        "inputs": {"method": {"value": "POST", "bytecode": [1], "order": 0}, "debug": {"value": False, "order": 1}},
        **fields,
    }  # fmt: skip


def test_what_posthog_adds_to_a_notification_is_no_difference() -> None:
    assert read("notification", live_notification(), notification()) == notification()


def test_a_filter_added_to_a_notification_is_a_difference() -> None:
    live = live_notification()
    live["filters"]["properties"].append({"key": "alert_name", "value": "x", "type": "event"})  # type: ignore[index]
    assert read("notification", live, notification()) != notification()


def test_a_secret_is_known_by_its_digest_alone() -> None:
    from providers.posthog.kinds.notification import digest

    url = "https://hooks.example.com/s3cr3t"
    ours = notification(inputs={"url": {"env": "HOOK", "digest": digest(url)}})
    same = live_notification(inputs={"url": {"value": url}})
    assert read("notification", same, ours) == ours
    assert "s3cr3t" not in str(read("notification", same, ours))
    assert read("notification", live_notification(inputs={"url": {"value": url + "x"}}), ours) != ours
    assert read("notification", live_notification(inputs={"url": {"secret": True}}), ours) == ours


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_is_its_own_canonical_form(kind: str) -> None:
    for field in KINDS[kind].fields:
        assert field.canonical(field.default) == field.canonical(None)
        assert field.canonical(None) == (field.default if field.shown else None)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"type": "event", "key": "n", "operator": "min", "value": 5}, {"operator": "gte"}),
        ({"type": "event", "key": "n", "operator": "max", "value": 5}, {"operator": "lte"}),
        ({"type": "hogql", "key": "1 = 1", "value": "ignored"}, {"value": None}),
    ],
)
def test_a_filter_of_an_insight_has_one_form(theirs: dict[str, object], ours: dict[str, object]) -> None:
    def of(leaf: dict[str, object]) -> dict[str, object]:
        source = {"kind": "TrendsQuery", "series": [], "properties": [leaf]}
        return KINDS["insight"].canonical({"name": "I", "query": {"kind": "InsightVizNode", "source": source}})

    assert of(theirs) == of({**theirs, **ours})
