"""Cohorts of what people did (PostHog's posthog/hogql_queries/hogql_cohort_query.py)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.tests.shapes import Api, name

DAY = timedelta(days=1)
BEHAVED = "behaved"


def _do(api: Api, who: str, event: str, *ago: timedelta, **properties: Any) -> None:
    """Let somebody have done something so long ago, once or several times."""
    now = datetime.now(UTC)
    done = {"event": event, "distinct_id": who, "properties": properties}
    api.sandbox.capture(*({**done, "timestamp": (now - one).isoformat()} for one in ago))


def _members(api: Api, *leaves: Any) -> set[str]:
    cohort = api.calculated(api.cohort(*leaves))
    assert cohort["errors_calculating"] == 0, cohort["last_error_message"]
    found = api.get(f"cohorts/{cohort['id']}/persons/")["results"]
    return {one["distinct_ids"][0] for one in found}


def _leaf(event: str, value: str, **more: Any) -> dict[str, Any]:
    shape = {"type": "behavioral", "key": event, "value": value, "event_type": "events"}
    return {**shape, "time_value": 30, "time_interval": "day", **more}


@pytest.fixture(scope="module")
def event(api: Api) -> str:
    """An event that five people did at different times."""
    _do(api, "today", BEHAVED, timedelta(minutes=1), plan="pro")
    _do(api, "daily", BEHAVED, *(n * DAY for n in range(6)), plan="free")
    _do(api, "lapsed", BEHAVED, 20 * DAY, 12 * DAY)
    _do(api, "ancient", BEHAVED, 90 * DAY)
    _do(api, "returned", BEHAVED, 100 * DAY, timedelta(minutes=5))
    return BEHAVED


def test_performed_in_the_last_days(api: Api, event: str) -> None:
    assert _members(api, _leaf(event, "performed_event")) == {"today", "daily", "lapsed", "returned"}
    assert _members(api, _leaf(event, "performed_event", time_value=7)) == {"today", "daily", "returned"}


def test_not_performed_is_everybody_else(api: Api, event: str) -> None:
    found = _members(api, _leaf(event, "performed_event", negation=True))
    assert "ancient" in found
    assert not found & {"today", "daily", "lapsed", "returned"}


def test_between_two_dates(api: Api, event: str) -> None:
    dates = {"explicit_datetime": "-95d", "explicit_datetime_to": "-10d"}
    assert _members(api, _leaf(event, "performed_event", **dates)) == {"lapsed", "ancient"}
    start, end = (str((datetime.now(UTC) - days * DAY).date()) for days in (21, 19))
    dates = {"explicit_datetime": start, "explicit_datetime_to": end}
    assert _members(api, _leaf(event, "performed_event", **dates)) == {"lapsed"}


@pytest.mark.parametrize(
    ("operator", "count", "expected"),
    [
        ("gte", 2, {"daily", "lapsed"}),
        ("lte", 1, {"today", "returned"}),
        ("gt", 2, {"daily"}),
        ("lt", 2, {"today", "returned"}),
        ("exact", 2, {"lapsed"}),
        (None, 6, {"daily"}),
    ],
)
def test_performed_so_many_times(api: Api, event: str, operator: str | None, count: int, expected: set[str]) -> None:
    leaf = _leaf(event, "performed_event_multiple", operator=operator, operator_value=count)
    assert _members(api, leaf) == expected


def test_with_properties_of_the_event(api: Api, event: str) -> None:
    pro = [{"type": "event", "key": "plan", "operator": "exact", "value": ["pro"]}]
    assert _members(api, _leaf(event, "performed_event", event_filters=pro)) == {"today"}


def test_for_the_first_time(api: Api, event: str) -> None:
    assert _members(api, _leaf(event, "performed_event_first_time")) == {"today", "daily", "lapsed"}


def test_one_event_after_another(api: Api) -> None:
    first, second = name("asked"), name("answered")
    _do(api, "in-order", first, 3 * DAY)
    _do(api, "in-order", second, 2 * DAY)
    _do(api, "too-late", first, 20 * DAY)
    _do(api, "too-late", second, DAY)
    _do(api, "backwards", second, 3 * DAY)
    _do(api, "backwards", first, 2 * DAY)
    then = {"seq_event": second, "seq_event_type": "events", "seq_time_value": 2, "seq_time_interval": "day"}
    assert _members(api, _leaf(first, "performed_event_sequence", **then)) == {"in-order"}


def test_stopped_and_restarted(api: Api, event: str) -> None:
    lately = {"seq_time_value": 7, "seq_time_interval": "day"}
    assert _members(api, _leaf(event, "stopped_performing_event", **lately)) == {"lapsed"}
    # Back after a pause of at least what `time_value` says; neither new nor there all the time.
    assert _members(api, _leaf(event, "restarted_performing_event", **lately)) == {"returned"}


def test_regularly(api: Api, event: str) -> None:
    periods = {"time_value": 1, "operator": "gte", "operator_value": 1, "total_periods": 5}
    assert _members(api, _leaf(event, "performed_event_regularly", min_periods=4, **periods)) == {"daily"}
    weeks = {"time_value": 1, "time_interval": "week", "operator": "gte", "operator_value": 1, "total_periods": 3}
    assert _members(api, _leaf(event, "performed_event_regularly", min_periods=2, **weeks)) == {"lapsed"}


def test_an_action_instead_of_an_event(api: Api, event: str) -> None:
    steps = [{"event": event, "properties": [{"key": "plan", "value": "free", "operator": "exact", "type": "event"}]}]
    action = api.post("actions/", {"name": name("action"), "steps": steps})
    leaf = {**_leaf("", "performed_event"), "key": action["id"], "event_type": "actions"}
    assert _members(api, leaf) == {"daily"}


def test_criteria_that_make_no_sense_fail_the_calculation_and_keep_the_count(api: Api, event: str) -> None:
    senseless = _leaf(event, "performed_event_regularly", min_periods=3, total_periods=2, operator="gte")
    cohort = api.calculated(api.cohort(senseless))
    assert (cohort["errors_calculating"], cohort["count"]) == (1, None)
    assert "operator_value cannot be None" in cohort["last_error_message"]


@pytest.mark.parametrize(
    "leaf",
    [
        {"operator": "is_date_before", "value": "0001-01-01T00:00:00+14:00"},
        {"operator": "semver_gt", "value": "9" * 5_000},
        {"operator": "semver_wildcard", "value": "1.²"},
    ],
)
def test_a_value_that_cannot_be_read_fails_the_calculation_alone(api: Api, event: str, leaf: dict[str, str]) -> None:
    cohort = api.calculated(api.cohort({"type": "person", "key": "plan", **leaf}))
    assert (cohort["errors_calculating"], cohort["count"]) == (1, None)
    assert cohort["last_error_message"]
