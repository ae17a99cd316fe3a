"""Alerts, and their checks (PostHog: posthog/temporal/alerts/activities.py)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.tests.shapes import Api, alert, name, refusal, trends

# The sandbox computes no anomalies: a check of such an alert fails.
FAILS = {"detector_config": {"type": "zscore", "threshold": 0.9}}


@pytest.fixture
def insight(api: Api) -> Iterator[int]:
    made = int(api.insight(query=trends("a", "b"))["id"])
    yield made
    for each in api.get(f"alerts/?insight={made}")["results"]:  # or later tests would check it, too
        api("DELETE", f"alerts/{each['id']}/")


def test_it_is_written_with_ids_and_read_with_objects(api: Api, insight: int) -> None:
    made = api.alert(insight, subscribed_users=[1])
    assert made["insight"]["id"] == insight
    assert "hogql" not in made["insight"], "the insight is the basic one"
    assert [user["email"] for user in made["subscribed_users"]] == ["admin@example.com"]
    assert made["threshold"]["configuration"] == {"type": "absolute", "bounds": {"upper": 5}}
    assert {"id", "created_at", "name"} <= set(made["threshold"])
    assert (made["state"], made["calculation_interval"], made["enabled"]) == ("Not firing", "daily", True)
    assert "checks" not in made, "only a GET shows them"
    assert api.get(f"alerts/{made['id']}/")["checks"] == []


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
        {"threshold": {"configuration": {"type": "absolute", "bounds": {"lower": 6, "upper": 5}}}},
        "Lower threshold must be less than upper threshold",
        "threshold__non_field_errors",
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
    ({"config": {"type": "Nonsense"}}, "Unsupported alert config type: {'type': 'Nonsense'}", None),
    ({"config": None}, "Unsupported alert config type: None", None),
    ({"condition": {"type": "sometimes"}}, "Alert has invalid condition: {'type': 'sometimes'}", None),
    ({"calculation_interval": "yearly"}, '"yearly" is not a valid choice.', "calculation_interval"),
    ({"detector_config": {"type": "zscore", "bins": 3}}, "Invalid detector configuration.", "detector_config"),
    ({"detector_config": {"type": "guess"}}, "Invalid detector configuration.", "detector_config"),
    (
        {"detector_config": {"type": "ensemble", "operator": "and", "detectors": [{"type": "mad"}]}},
        "Ensemble detector requires at least 2 sub-detectors.",
        "detector_config",
    ),
    (
        {"investigation_agent_enabled": True},
        "Investigation agent is only supported for anomaly detection alerts.",
        "investigation_agent_enabled",
    ),
    (
        {"investigation_gates_notifications": True},
        "Notification gating requires investigation_agent_enabled=true.",
        "investigation_gates_notifications",
    ),
]


@pytest.mark.parametrize(("values", "detail", "attr"), CASES)
def test_what_is_refused(api: Api, insight: int, values: Any, detail: str, attr: str | None) -> None:
    assert refusal(api("POST", "alerts/", {**alert(insight), **values}))[2:] == (detail, attr)


def test_the_bounds_may_be_equal_and_with_a_detector_missing(api: Api, insight: int) -> None:
    assert api.post("alerts/", alert(insight, lower=5, upper=5))["threshold"]["configuration"]["bounds"]["lower"] == 5
    unbound = {"configuration": {"type": "absolute", "bounds": {}}}
    made = api.alert(insight, threshold=unbound, detector_config={"type": "zscore", "threshold": 0.9})
    assert made["detector_config"] == {"type": "zscore", "preprocessing": None, "threshold": 0.9, "window": None}
    without = refusal(api("PATCH", f"alerts/{made['id']}/", {"detector_config": None}))
    assert without[2:] == (
        "At least one threshold bound (lower or upper) must be provided.",
        "threshold__configuration",
    )


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
    retention = api.insight(
        query={"kind": "InsightVizNode", "source": {"kind": "RetentionQuery", "retentionFilter": {}}}
    )["id"]
    assert refusal(api("POST", "alerts/", alert(retention)))[2] == "Alerts are not supported for this insight."


def test_subscribers_belong_to_the_organization(api: Api, insight: int) -> None:
    assert refusal(api("POST", "alerts/", {**alert(insight), "subscribed_users": [999]}))[:2] == (400, "does_not_exist")
    body = alert(insight)
    del body["subscribed_users"]
    assert refusal(api("POST", "alerts/", body)) == (400, "required", "This field is required.", "subscribed_users")


def test_snoozing_is_written_relative_and_read_absolute(api: Api, insight: int) -> None:
    made = api.alert(insight)
    path = f"alerts/{made['id']}/"
    asked = datetime.now(UTC)
    snoozed = api.patch(path, {"snoozed_until": "2h"})
    until = datetime.fromisoformat(snoozed["snoozed_until"])
    assert asked + timedelta(hours=1) < until <= datetime.now(UTC) + timedelta(hours=2)
    assert (until.minute, until.second) == (0, 0), "cut to the hour"
    assert snoozed["state"] == "Snoozed"
    assert datetime.fromisoformat(api.patch(path, {"snoozed_until": "1d"})["snoozed_until"]).hour == 0
    woken = api.patch(path, {"snoozed_until": None})
    assert (woken["snoozed_until"], woken["state"]) == (None, "Not firing")
    found = api.get(path)
    assert [check["state"] for check in found["checks"]] == ["Not firing", "Snoozed", "Snoozed"], "one per write"
    assert found["checks_total"] == 3


def test_only_a_changed_threshold_resets_the_state(api: Api, insight: int) -> None:
    made = api.alert(insight)
    path = f"alerts/{made['id']}/"
    api.patch(path, {"snoozed_until": "2h"})
    same = api.patch(path, {"threshold": {"configuration": made["threshold"]["configuration"]}})
    assert same["state"] == "Snoozed"
    changed = api.patch(path, {"threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 9}}}})
    assert changed["state"] == "Not firing"
    assert changed["threshold"]["id"] == made["threshold"]["id"], "the same row is edited"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ([("22:00", "23:00"), ("01:00", "02:00")], [("01:00", "02:00"), ("22:00", "23:00")]),
        ([("09:00", "11:00"), ("10:00", "12:30")], [("09:00", "12:30")]),
        ([("00:00", "06:00"), ("20:00", "00:00")], [("20:00", "06:00")]),
        ([("20:00", "00:00")], [("20:00", "00:00")]),
        ([], None),
    ],
)
def test_windows_are_normalised(api: Api, insight: int, sent: Any, stored: Any) -> None:
    made = api.alert(insight, schedule_restriction=_windows(*sent))
    assert made["schedule_restriction"] == (stored and _windows(*stored))


@pytest.mark.parametrize(
    "sent",
    [
        [("09:00", "09:00")],
        [("09:00", "09:20")],
        [("25:00", "09:20")],
        [("00:00", "12:00"), ("12:00", "00:00")],
        [(f"{hour:02d}:00", f"{hour:02d}:40") for hour in range(6)],
    ],
)
def test_windows_that_are_refused(api: Api, insight: int, sent: Any) -> None:
    body = {**alert(insight), "schedule_restriction": _windows(*sent)}
    assert refusal(api("POST", "alerts/", body))[2:] == ("Invalid schedule restriction.", "schedule_restriction")


def _windows(*windows: tuple[str, str]) -> dict[str, Any]:
    return {"blocked_windows": [{"start": start, "end": end} for start, end in windows]}


def test_a_plan_may_limit_alerts(api: Api, insight: int) -> None:
    with api.setting(alert_limit=1):
        api("POST", "alerts/", alert(insight))
        assert refusal(api("POST", "alerts/", alert(insight)))[2:] == ("Your plan is limited to 1 alerts.", "alert")


def test_sql_alerts_may_be_switched_off(api: Api) -> None:
    sql = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}
    body = {**alert(api.insight(query=sql)["id"]), "config": {"type": "HogQLAlertConfig", "evaluation": "last_row"}}
    assert api("POST", "alerts/", body).status_code == 201
    with api.setting(sql_alerts=False):
        assert refusal(api("POST", "alerts/", body))[2] == "SQL insight alerts are not enabled for your account."


def test_an_alert_is_configured_for_its_kind_of_insight(api: Api, insight: int) -> None:
    sql = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}
    table = api.insight(query=sql)["id"]
    rows = {"type": "HogQLAlertConfig", "evaluation": "any_row"}
    for body, detail in (
        ({**alert(insight), "config": rows}, "SQL alert config requires a HogQLQuery insight, got 'TrendsQuery'"),
        (alert(table), "Alert's insight query kind 'HogQLQuery' is not supported (only TrendsQuery)"),
        ({**alert(table), "config": rows, "condition": {"type": "relative_increase"}},
         "Any-row SQL alerts only support absolute value conditions"),
    ):  # fmt: skip
        assert refusal(api("POST", "alerts/", body))[2] == detail


def test_a_plan_may_lack_frequent_checks(api: Api, insight: int) -> None:
    with api.setting(high_frequency_alerts=False):
        answer = api("POST", "alerts/", {**alert(insight), "calculation_interval": "real_time"})
        assert refusal(answer)[2:] == (
            "Real-time alert intervals require a Scale or Enterprise plan.",
            "calculation_interval",
        )


def test_the_list_is_filtered_by_insight(api: Api, insight: int) -> None:
    made = api.alert(insight)
    assert [each["id"] for each in api.get(f"alerts/?insight_id={insight}")["results"]] == [made["id"]]
    assert api.get("alerts/?insight_id=999999")["count"] == 0


# Checks: what they find is tested in tests/query/test_alert_evaluation.py, what they send in test_alert_messages.py


def test_a_check_that_fails_is_told_of_once(api: Api, insight: int) -> None:
    made = api.alert(insight, subscribed_users=[1], calculation_interval="hourly", **FAILS)
    path = f"alerts/{made['id']}/"
    assert made["next_check_at"] is None, "it is due at once"
    api.work()
    found = api.get(path)
    check = found["checks"][0]
    assert (found["state"], found["checks_total"], found["last_value"]) == ("Errored", 1, None)
    assert (check["state"], check["calculated_value"]) == ("Errored", None)
    assert check["error"] == {
        "message": "This alert encountered an error. Check the alert configuration and try again."
    }
    assert check["targets_notified"] is True
    assert [each["display_label"] for each in check["deliveries"]] == ["Email: admin@example.com"]
    assert found["last_notified_at"] == check["notification_sent_at"]
    last, following = (datetime.fromisoformat(found[name]) for name in ("last_checked_at", "next_check_at"))
    assert following - last == timedelta(hours=1)
    api.work()
    assert api.get(path)["checks_total"] == 1, "not due again"
    api.work(following)
    again = api.get(path)
    assert [each["targets_notified"] for each in again["checks"]] == [False, True], "once per row of failures"
    assert datetime.fromisoformat(again["next_check_at"]) == following + timedelta(hours=1)
    assert again["last_notified_at"] == found["last_notified_at"]


@pytest.mark.parametrize(
    ("interval", "now", "expected"),
    [
        ("real_time", "2025-03-05T10:20:00+00:00", "2025-03-05T10:22:00"),
        ("every_15_minutes", "2025-03-05T10:20:00+00:00", "2025-03-05T10:35:00"),
        ("daily", "2025-03-05T10:20:00+00:00", "2025-03-06T01:20:00"),
        ("weekly", "2025-03-05T10:20:00+00:00", "2025-03-10T03:20:00"),
        ("monthly", "2025-12-31T10:20:00+00:00", "2026-01-01T04:20:00"),
    ],
)
def test_the_next_check_is_early_in_the_next_period(
    api: Api, insight: int, interval: str, now: str, expected: str
) -> None:
    path = f"alerts/{api.alert(insight, calculation_interval=interval)['id']}/"
    api.work(datetime.fromisoformat(now))
    assert api.get(path)["next_check_at"].startswith(expected)
    moved = api.patch(path, {"calculation_interval": "hourly"})
    assert moved["next_check_at"] is None, "another interval: due at once"
    api("DELETE", path)


def test_checks_keep_out_of_weekends_and_blocked_windows(api: Api, insight: int) -> None:
    saturday = datetime(2025, 3, 8, 10, 20, tzinfo=UTC)
    idle = f"alerts/{api.alert(insight, skip_weekend=True)['id']}/"
    quiet = f"alerts/{api.alert(insight, schedule_restriction=_windows(('09:00', '12:00')))['id']}/"
    api.work(saturday)
    for path, due in ((idle, "2025-03-09T01:20"), (quiet, "2025-03-08T12:00")):
        found = api.get(path)
        assert (found["state"], found["checks"]) == ("Not firing", [])
        assert found["next_check_at"].startswith(due)
        api("DELETE", path)


@pytest.mark.parametrize(
    "query",
    [
        trends("one"),
        {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}},
    ],
    ids=["its series is gone", "it became SQL"],
)
def test_an_alert_that_its_insight_does_not_fit_any_more_is_switched_off(api: Api, query: Any) -> None:
    """It stays until its next check, and is not deleted: its insight can be alerted on."""
    insight = api.insight(query=trends("one", "other"))["id"]
    config = {"type": "TrendsAlertConfig", "series_index": 1}
    path = f"alerts/{api.alert(insight, subscribed_users=[1], config=config)['id']}/"
    api.patch(f"insights/{insight}/", {"query": query})
    assert api.get(path)["enabled"] is True
    api.work()
    found = api.get(path)
    assert (found["enabled"], found["state"], found["checks_total"]) == (False, "Errored", 1)
    assert found["checks"][0]["targets_notified"] is True
    api.work(datetime.now(UTC) + timedelta(days=2))
    assert api.get(path)["checks_total"] == 1
    entry = api.get(f"activity_log/?item_id={found['id']}&scope=AlertConfiguration")["results"][0]
    changes = entry["detail"]["changes"]
    assert {each["field"]: each["after"] for each in changes} == {"enabled": False, "state": "Errored"}


def test_a_snoozed_or_disabled_alert_is_not_checked(api: Api, insight: int) -> None:
    snoozed, off = (f"alerts/{api.alert(insight, enabled=enabled)['id']}/" for enabled in (True, False))
    api.patch(snoozed, {"snoozed_until": "1d"})
    api.work()
    assert (api.get(snoozed)["state"], api.get(off)["state"]) == ("Snoozed", "Not firing")
    api.work(datetime.now(UTC) + timedelta(days=2))
    woken = api.get(snoozed)
    assert (woken["state"], woken["snoozed_until"], woken["last_value"]) == ("Not firing", None, 0)
    assert api.patch(snoozed, {"enabled": False})["state"] == "Not firing", "switching off resets the state"


def test_checks_are_paged_and_filtered_by_date(api: Api, insight: int) -> None:
    path = f"alerts/{api.alert(insight, calculation_interval='hourly')['id']}/"
    start = datetime.now(UTC)
    for hours in range(-7, 1):
        api.patch(path, {"threshold": {"configuration": {"type": "absolute", "bounds": {"upper": hours + 100}}}})
        api.work(start + timedelta(hours=hours))
    assert (len(api.get(path)["checks"]), api.get(path)["checks_total"]) == (5, 8)
    pages = [api.get(f"{path}?checks_limit=3&checks_offset={offset}")["checks"] for offset in (0, 3, 6)]
    times = [check["created_at"] for page in pages for check in page]
    assert (len(times), times) == (8, sorted(times, reverse=True))
    recent = api.get(f"{path}?checks_date_from=-150M")
    assert (recent["checks_total"], len(recent["checks"])) == (3, 3)
    between = api.get(f"{path}?checks_date_from=-330M&checks_date_to=-150M")
    assert (between["checks_total"], len(between["checks"])) == (3, 3)
    assert len(api.get(f"{path}?checks_limit=0")["checks"]) == 1, "bounded, not refused"
    assert len(api.get(f"{path}?checks_limit=many")["checks"]) == 5
    assert [each["checks"] for each in api.get(f"alerts/?insight={insight}")["results"]] == [[]]
    api.patch(path, {"enabled": False})
    api.work(start + timedelta(days=13, hours=20))
    times = [check["created_at"] for check in api.get(f"{path}?checks_limit=500")["checks"]]
    assert datetime.fromisoformat(min(times)) == start - timedelta(hours=4), "older than 14 days they go"


def test_a_change_of_state_by_a_check_is_in_the_activity_log(api: Api, insight: int) -> None:
    made = api.alert(insight, subscribed_users=[1], **FAILS)
    api.work()
    api.patch(f"alerts/{made['id']}/", {"threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 6}}}})
    entries = api.get(f"activity_log/?item_id={made['id']}&scope=AlertConfiguration")["results"]
    told = [(each["activity"], each["detail"]["type"], [c["field"] for c in each["detail"]["changes"] or []])
            for each in entries]  # fmt: skip
    assert told == [
        ("updated", "threshold_change", ["configuration"]),
        ("updated", None, ["state"]),
        ("updated", None, ["state"]),
        ("created", "alert_subscription_change", []),
        ("created", None, []),
    ]
    checked = entries[2]
    assert (checked["is_system"], checked["user"]) == (True, None)
    assert checked["detail"]["context"]["insight_id"] == insight


def test_the_functions_that_notify_of_it_go_with_it(api: Api, insight: int) -> None:
    def function(identifier: str) -> str:
        condition = {"key": "alert_id", "value": identifier, "operator": "exact", "type": "event"}
        filters = {"events": [{"id": "$insight_alert_firing", "type": "events"}], "properties": [condition]}
        body = {"type": "internal_destination", "name": name("told"), "template_id": "template-webhook",
                "enabled": True, "inputs": {"url": {"value": "https://example.com"}}, "filters": filters}  # fmt: skip
        return f"hog_functions/{api.post('hog_functions/', body)['id']}/"

    one, other = api.alert(insight)["id"], api.alert(insight)["id"]
    gone, kept = function(one), function(other)
    assert api("DELETE", f"alerts/{one}/").status_code == 204
    assert api("GET", gone).status_code == 404
    assert api.get(kept)["enabled"] is True
    api.patch(f"insights/{insight}/", {"deleted": True})
    assert api("GET", kept).status_code == 404, "with the insight too"
