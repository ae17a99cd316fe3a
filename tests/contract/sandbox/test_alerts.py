"""Alerts (reference 7, 12.5)."""

from typing import Any

import pytest

from tests.contract.sandbox.shapes import Api, alert, refusal, trends


@pytest.fixture
def insight(api: Api) -> int:
    return int(api.insight(query=trends("a", "b"))["id"])


def test_it_is_written_with_ids_and_read_with_objects(api: Api, insight: int) -> None:
    made = api.alert(insight, subscribed_users=[1])
    assert made["insight"]["id"] == insight
    assert "hogql" not in made["insight"], "the insight is the basic one"
    assert [user["email"] for user in made["subscribed_users"]] == ["admin@example.com"]
    assert made["threshold"]["configuration"] == {"type": "absolute", "bounds": {"upper": 5}}
    assert {"id", "created_at", "name"} <= set(made["threshold"])
    assert (made["state"], made["calculation_interval"], made["enabled"]) == ("Not firing", "daily", True)
    assert made["checks"] == []


def test_delete_is_real(api: Api, insight: int) -> None:
    made = api.alert(insight)
    assert api("DELETE", f"alerts/{made['id']}/").status_code == 204
    assert api("GET", f"alerts/{made['id']}/").status_code == 404


def test_it_goes_with_its_insight(api: Api, insight: int) -> None:
    made = api.alert(insight)
    assert [each["id"] for each in api.get(f"insights/{insight}/")["alerts"]] == [made["id"]]
    api.patch(f"insights/{insight}/", {"deleted": True})
    assert api("GET", f"alerts/{made['id']}/").status_code == 404


def test_it_goes_when_the_insight_becomes_another_kind(api: Api, insight: int) -> None:
    made = api.alert(insight)
    paths = {"kind": "InsightVizNode", "source": {"kind": "PathsQuery", "pathsFilter": {}}}
    api.patch(f"insights/{insight}/", {"query": paths})
    assert api("GET", f"alerts/{made['id']}/").status_code == 404


CASES: list[tuple[dict[str, Any], str, str | None]] = [
    (
        {"threshold": {"configuration": {"type": "absolute", "bounds": {}}}},
        "At least one threshold bound (lower or upper) must be provided.",
        "threshold__configuration",
    ),
    (
        {"threshold": {"configuration": {"type": "absolute", "bounds": {"lower": 5, "upper": 5}}}},
        "Lower threshold must be less than upper threshold",
        "threshold__configuration",
    ),
    (
        {"threshold": {"configuration": {"type": "percentage", "bounds": {"upper": 5}}}},
        "Absolute value alerts require an absolute threshold, but a percentage threshold was configured",
        None,
    ),
    (
        {"config": {"type": "TrendsAlertConfig", "series_index": 2}},
        "series_index 2 is out of range (query has 2 series)",
        None,
    ),
    ({"config": {"type": "Nonsense"}}, "Unsupported alert config type: Nonsense", None),
    ({"condition": {"type": "sometimes"}}, "Alert has invalid condition: sometimes", None),
    ({"calculation_interval": "yearly"}, '"yearly" is not a valid choice.', "calculation_interval"),
]


@pytest.mark.parametrize(("values", "detail", "attr"), CASES)
def test_what_is_refused(api: Api, insight: int, values: Any, detail: str, attr: str | None) -> None:
    assert refusal(api("POST", "alerts/", {**alert(insight), **values}))[2:] == (detail, attr)


def test_a_relative_condition_needs_a_time_series(api: Api) -> None:
    number = api.insight(query=trends("a", trendsFilter={"display": "BoldNumber"}))["id"]
    body = {**alert(number), "condition": {"type": "relative_increase"}}
    assert refusal(api("POST", "alerts/", body))[2] == (
        "Relative alert condition 'relative_increase' is not compatible with non time series trends"
    )


def test_check_ongoing_interval_needs_an_upper_bound(api: Api, insight: int) -> None:
    config = {"type": "TrendsAlertConfig", "series_index": 0, "check_ongoing_interval": True}
    body = {**alert(insight, lower=1), "config": config}
    assert refusal(api("POST", "alerts/", body))[2].startswith("check_ongoing_interval is only supported for")


def test_check_ongoing_interval_is_set_where_the_cadence_is_finer(api: Api, insight: int) -> None:
    assert api.alert(insight, calculation_interval="hourly")["config"]["check_ongoing_interval"] is True
    assert "check_ongoing_interval" not in api.alert(insight, calculation_interval="daily")["config"]


def test_an_insight_that_cannot_be_alerted_on(api: Api) -> None:
    retention = api.insight(query={"kind": "InsightVizNode", "source": {"kind": "RetentionQuery"}})["id"]
    assert refusal(api("POST", "alerts/", alert(retention)))[2] == "Alerts are not supported for this insight."


def test_subscribers_belong_to_the_organization(api: Api, insight: int) -> None:
    assert refusal(api("POST", "alerts/", {**alert(insight), "subscribed_users": [999]}))[:2] == (400, "does_not_exist")
    body = alert(insight)
    del body["subscribed_users"]
    assert refusal(api("POST", "alerts/", body)) == (400, "required", "This field is required.", "subscribed_users")


def test_snoozing_is_written_relative_and_read_absolute(api: Api, insight: int) -> None:
    made = api.alert(insight)
    path = f"alerts/{made['id']}/"
    snoozed = api.patch(path, {"snoozed_until": "2h"})
    assert snoozed["snoozed_until"].endswith("Z")
    assert (snoozed["state"], snoozed["checks_total"]) == ("Snoozed", 1)
    woken = api.patch(path, {"snoozed_until": None})
    assert (woken["snoozed_until"], woken["state"], woken["checks_total"]) == (None, "Not firing", 2)


def test_only_a_changed_threshold_resets_the_state(api: Api, insight: int) -> None:
    made = api.alert(insight)
    path = f"alerts/{made['id']}/"
    api.patch(path, {"snoozed_until": "2h"})
    same = api.patch(path, {"threshold": {"configuration": made["threshold"]["configuration"]}})
    assert same["state"] == "Snoozed"
    changed = api.patch(path, {"threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 9}}}})
    assert changed["state"] == "Not firing"
    assert changed["threshold"]["id"] == made["threshold"]["id"], "the same row is edited"


def test_windows_are_normalised(api: Api, insight: int) -> None:
    windows = [{"start": "22:00", "end": "23:00"}, {"start": "01:00", "end": "02:00"}]
    made = api.alert(insight, schedule_restriction={"blocked_windows": windows})
    assert made["schedule_restriction"] == {"blocked_windows": windows[::-1]}


def test_a_plan_may_limit_alerts(api: Api, insight: int) -> None:
    api("PATCH", "/_sandbox/settings", {"alert_limit": 1})
    try:
        api("POST", "alerts/", alert(insight))
        assert refusal(api("POST", "alerts/", alert(insight)))[2:] == ("Your plan is limited to 1 alerts.", "alert")
    finally:
        api("PATCH", "/_sandbox/settings", {"alert_limit": 0})


def test_sql_alerts_may_be_switched_off(api: Api) -> None:
    sql = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}
    body = {**alert(api.insight(query=sql)["id"]), "config": {"type": "HogQLAlertConfig", "evaluation": "last_row"}}
    assert api("POST", "alerts/", body).status_code == 201
    api("PATCH", "/_sandbox/settings", {"sql_alerts": False})
    try:
        assert refusal(api("POST", "alerts/", body))[2] == "SQL insight alerts are not enabled for your account."
    finally:
        api("PATCH", "/_sandbox/settings", {"sql_alerts": True})


def test_the_list_is_filtered_by_insight(api: Api, insight: int) -> None:
    made = api.alert(insight)
    assert [each["id"] for each in api.get(f"alerts/?insight_id={insight}")["results"]] == [made["id"]]
    assert api.get("alerts/?insight_id=999999")["count"] == 0
    assert [each["id"] for each in api.get(f"insights/{insight}/thresholds/")["results"]] == [made["threshold"]["id"]]
