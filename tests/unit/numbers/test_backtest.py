"""What a back-test asks of PostHog, and what it does not tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ai_admin.numbers import Period
from ai_admin.numbers.backtest import Backtest, NotTold, Watch, compared
from providers.posthog.client import Client

START = datetime(2026, 10, 24, tzinfo=UTC)
RUNS = {"kind": "EventsNode", "event": "ran"}
HOURLY = {"calculation_interval": "hourly"}


class PostHog:
    """Answers queries with as many values as are asked for, all 1, and keeps what it was asked."""

    def __init__(self, days: list[str] | None = None) -> None:
        self.days, self.asked = days, list[dict[str, Any]]()

    def project_path(self, path: str) -> str:
        return path

    def request(self, _: str, path: str, body: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        assert (path, body["refresh"], repeatable) == ("query", "blocking", True)
        self.asked.append(body["query"])
        days = self.days or [f"2026-10-{day}" for day in range(20, 28)]
        return {"timezone": "Europe/Berlin", "results": [{"label": "ran", "days": days, "data": [1] * len(days)}]}


def watch(alert: dict[str, Any] | None = None, **query: Any) -> Watch:
    source = {"kind": "TrendsQuery", "series": [RUNS], "interval": "day", **query}
    whole = {"threshold": {"upper": 5}, "config": {}, **(alert or {})}
    return Watch(whole, {"kind": "InsightVizNode", "source": source})


def test_the_whole_period_is_asked_for_once() -> None:
    there = PostHog()
    test = Backtest(cast(Client, there), Period(START, START + timedelta(days=3)))
    own: dict[str, Any] = {"compareFilter": {"compare": True}, "dateRange": {"date_from": "-7d"}}
    test.of(watch(filterTestAccounts=True, **own))
    test.of(watch({"threshold": {"upper": 9}}, filterTestAccounts=True, **own))
    [query] = there.asked
    assert query["dateRange"] == {
        "date_from": "2026-10-20T00:00:00+00:00", "date_to": "2026-10-27T00:00:00+00:00", "explicitDate": True,
    }  # fmt: skip
    assert "compareFilter" not in query
    assert query["filterTestAccounts"] is True


@pytest.mark.parametrize(
    ("by", "looks_at_all"),
    [({"breakdown": "model"}, True), ({"breakdown": "model", "breakdown_type": "person"}, True), ({}, False)],
)
def test_a_breakdown_is_looked_at_whole_whether_or_not_it_says_its_type(by: dict[str, Any], looks_at_all: bool) -> None:
    there = PostHog()
    told = Backtest(cast(Client, there), Period(START, START + timedelta(days=3))).of(watch(breakdownFilter=by))
    assert told.past.broken_down is looks_at_all


def test_an_interval_that_is_not_over_is_asked_for_in_hours() -> None:
    there = PostHog()
    Backtest(cast(Client, there), Period(START, START + timedelta(days=2))).of(watch(HOURLY))
    assert [each["interval"] for each in there.asked] == ["day", "hour"]


def test_an_hour_that_the_clock_has_twice_is_two_hours() -> None:
    days = [f"2026-10-25 {hour:02}:00:00" for hour in (0, 1, 2, 2, 3, 4)]
    test = Backtest(cast(Client, PostHog(days)), Period(START, START + timedelta(days=2)))
    starts = test.of(watch(interval="hour")).past.starts
    assert [each.hour for each in starts] == [22, 23, 0, 1, 2, 3]


FORMULA = {"trendsFilter": {"formulaNodes": [{"formula": "A / 2"}]}}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (watch({"detector_config": {"type": "zscore"}}), "anomaly detection"),
        (watch(trendsFilter={"display": "BoldNumber"}), "one number over a period"),
        (watch(trendsFilter={"smoothingIntervals": 7}), "adds up or smooths"),
        (watch(trendsFilter={"display": "ActionsLineGraphCumulative"}), "adds up or smooths"),
        (watch(interval="quarter"), "intervals that alerts don't know: quarter"),
        (watch(HOURLY, **FORMULA), "not over, whose value is no sum"),
        (watch(HOURLY, series=[{**RUNS, "math": "dau"}]), "not over, whose value is no sum"),
        (watch({"config": {"series_index": 3}}), "watches series 3, and the insight has 1"),
        (Watch({"threshold": {"upper": 5}}, {"kind": "HogQLQuery", "query": "SELECT 1"}), "it watches SQL"),
    ],
)
def test_what_one_question_does_not_give_is_said(asked: Watch, reason: str) -> None:
    with pytest.raises(NotTold, match=reason):
        Backtest(cast(Client, PostHog()), Period(START, START + timedelta(days=3))).of(asked)


def test_it_is_said_how_often_it_would_have_fired_and_how_often_so_far() -> None:
    test = Backtest(cast(Client, PostHog()), Period(START, START + timedelta(days=3)))
    never, always = test.of(watch()), test.of(watch({"threshold": {"upper": 0}}))
    assert compared(never, always, 30) == "over the last 30 days it would have fired 1 time instead of 0 times"
    assert compared(always, always, 30) == "over the last 30 days it would have fired 1 time, as before"
    assert compared(None, never, 30) == "over the last 30 days it would have fired 0 times"
