"""What a back-test asks of PostHog, and what it does not tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ai_admin.numbers import Period
from ai_admin.numbers.answers import is_broken_down
from ai_admin.numbers.backtest import Backtest, NotTold, Told, Watch, compared
from providers.posthog.client import Client
from providers.posthog.errors import ApiError

START = datetime(2026, 10, 24, tzinfo=UTC)
RUNS = {"kind": "EventsNode", "event": "ran", "custom_name": "Runs (all)"}
HOURLY = {"calculation_interval": "hourly"}


class PostHog:
    """Keeps what it is asked, and how; answers 1 for each day, or the values that are given. Weeks begin on Monday."""

    def __init__(self, days: list[str] | None = None, values: list[float] | None = None) -> None:
        self.days, self.values, self.asked = days, values, list[dict[str, Any]]()
        self.refreshed: list[str] = []

    def project_path(self, path: str) -> str:
        return path

    def request(self, _: str, path: str, body: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        assert (path, repeatable) == ("query", True)
        self.refreshed.append(body["refresh"])
        self.asked.append(body["query"])
        answer: dict[str, Any] = {"timezone": "Europe/Berlin"}
        if body["query"]["kind"] == "HogQLQuery":
            if "refused" in body["query"]["query"]:
                raise ApiError("Unknown function", 400)
            return {**answer, "columns": ["day"], "results": [["2026-01-05"]]}
        if "refused" in str(body["query"]):
            raise ApiError("Unknown function", 400)
        days = self.days or [f"2026-10-{day}" for day in range(20, 28)]
        values = self.values or [1] * len(days)
        return {**answer, "results": [{"label": "ran", "days": days, "data": values, "count": 1}]}


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
    assert there.refreshed == ["force_blocking"], "of a period that is over PostHog would give what it once found"
    assert query["dateRange"] == {
        "date_from": "2026-10-20T00:00:00+00:00", "date_to": "2026-10-27T00:00:00+00:00", "explicitDate": True,
    }  # fmt: skip
    assert "compareFilter" not in query
    assert query["filterTestAccounts"] is True


@pytest.mark.parametrize(
    ("by", "broken_down"),
    [
        ({"breakdown": "model", "breakdown_type": "person"}, True), ({"breakdown": "model"}, True),
        ({"breakdown": "model", "breakdown_type": None}, False), ({"breakdowns": [{"property": "model"}]}, True),
        ({}, False),
    ],
)  # fmt: skip
def test_a_breakdown_is_looked_at_whole_whether_or_not_it_says_its_type(by: dict[str, Any], broken_down: bool) -> None:
    assert is_broken_down({"kind": "TrendsQuery", "breakdownFilter": by}) is broken_down


def test_an_interval_that_is_not_over_is_asked_for_in_hours() -> None:
    there = PostHog()
    Backtest(cast(Client, there), Period(START, START + timedelta(days=2))).of(watch(HOURLY))
    assert [each["interval"] for each in there.asked] == ["day", "hour"]


def test_an_hour_that_the_clock_has_twice_is_two_hours() -> None:
    days = [f"2026-10-25 {hour:02}:00:00" for hour in (0, 1, 2, 2, 3, 4)]
    midnight = START + timedelta(days=1)  # of UTC: there it is two o'clock for the first time
    test = Backtest(cast(Client, PostHog(days, [0, 1, 2, 3, 4, 5])), Period(midnight, midnight + timedelta(hours=4)))
    checks = test.of(watch({**HOURLY, "config": {"check_ongoing_interval": False}}, interval="hour")).outcome.checks
    assert [each.value for each in checks] == [1, 2, 3, 4]


FUNNEL = {"kind": "FunnelsQuery", "series": [RUNS, RUNS], "dateRange": {"date_from": "-1w"}}
RUNNING = "SELECT count() FROM events WHERE timestamp > now() - INTERVAL 1 HOUR"


def sql(query: str) -> Watch:
    return Watch({"threshold": {"upper": 5}, **HOURLY}, {"kind": "HogQLQuery", "query": query})


def over_days(days: float, there: PostHog | None = None) -> Backtest:
    return Backtest(cast(Client, there or PostHog()), Period(START, START + timedelta(days=days)))


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (watch({"detector_config": {"type": "zscore"}}), "anomaly detection"),
        (watch(series=[{**RUNS, "math": "hogql", "math_hogql": "countIf(timestamp > now())"}]), "looks at the present"),
        (watch(properties=[{"key": "at", "operator": "is_date_after", "value": "-7d"}]), "looks at the present"),
        (watch(interval="quarter"), "intervals that alerts don't know: quarter"),
        (watch({"config": {"series_index": 3}}), "watches series 3, and the insight has 1"),
        (Watch({"threshold": {"upper": 5}}, {"kind": "LifecycleQuery"}), "alerts can't watch its insight"),
        (sql("SELECT 1"), "no time in it: it would give today's number for each check"),
        (watch(series=[{**RUNS, "math": "hogql", "math_hogql": "refused(1)"}]), "PostHog refuses its query: Unknown"),
        (sql("SELECT refused() FROM events"), "PostHog refuses its query: Unknown function"),
        (Watch({"threshold": {"upper": 5}}, {**FUNNEL, "dateRange": {"date_from": "soon"}}), 'the date "soon"'),
    ],
)
def test_what_is_not_known_is_said(asked: Watch, reason: str) -> None:
    with pytest.raises(NotTold, match=reason):
        over_days(3).of(asked, last=3)


@pytest.mark.parametrize(
    "asked",
    [
        sql(RUNNING),
        Watch({"threshold": {"upper": 5}, **HOURLY}, FUNNEL),
        watch(HOURLY, trendsFilter={"display": "BoldNumber"}),
        watch(HOURLY, trendsFilter={"smoothingIntervals": 7}),
        watch(HOURLY, trendsFilter={"display": "ActionsLineGraphCumulative"}),
        watch(HOURLY, trendsFilter={"formulaNodes": [{"formula": "A / 2"}]}),
        watch(HOURLY, series=[{**RUNS, "math": "dau"}]),
    ],
)
def test_where_each_check_takes_a_query_many_are_asked_only_if_somebody_says_so(asked: Watch) -> None:
    there = PostHog()
    with pytest.raises(NotTold, match="a query for each of about 72 checks: see ai-admin backtest"):
        over_days(3, there).of(asked)
    assert not there.asked


def test_the_last_checks_are_asked_for_as_each_asked_then() -> None:
    there, said = PostHog(), list[tuple[str, int]]()
    test = over_days(1, there)
    for bound in (5, 9):
        asked = test.asked(Watch({"threshold": {"upper": bound}, **HOURLY}, FUNNEL), last=2)
        said.append((str(asked), test.left(test.queries(asked))))
        told = Told.of(asked, list(test.checks(asked)))
        assert (len(told.outcome.checks), told.earlier, told.later) == (2, 22, 0)
    [_, *queries] = there.asked  # the first one asks when weeks begin
    assert [each["dateRange"] for each in queries] == [
        {"date_from": "2026-10-18T00:00:00+02:00", "date_to": f"2026-10-25T0{hour}:00:00+02:00", "explicitDate": True}
        for hour in (0, 1)
    ]
    which = "its last 2 of 24 checks"
    assert said == [(which, 2), (which, 0)], "the second bound takes none"


def test_checks_that_fail_are_told_apart() -> None:
    told = over_days(1 / 12).of(sql(RUNNING))
    assert [each.error for each in told.outcome.failed] == [
        "its SQL gives no number that can be compared, but a str" for _ in range(2)
    ]
    assert told.outcome.messages == 0


def first_event(when: str | None) -> PostHog:
    """Return a PostHog whose first event was then; of two days, the first one without runs."""

    class There(PostHog):
        def request(self, _: str, path: str, body: dict[str, Any], repeatable: bool) -> dict[str, Any]:
            found = super().request(_, path, body, repeatable)
            return {**found, "results": [[when]]} if "min(timestamp)" in str(body) else found

    return There([f"2026-10-{day}" for day in range(20, 28)], [0, 0, 0, 0, 0, 0, 1, 1])


LOW = {"threshold": {"lower": 1}}


@pytest.mark.parametrize(
    ("when", "size", "messages"),
    [
        ("2026-10-25T22:30:00Z", 1, 0), ("2026-10-25 23:30:00", 1, 0), ("2026-09-01T00:00:00Z", 3, 2),
        ("1970-01-01T00:00:00Z", 3, 2), (None, 3, 2),
    ],
)  # fmt: skip
def test_time_before_the_first_event_of_all_is_below_no_bound(when: str | None, size: int, messages: int) -> None:
    found = over_days(4, first_event(when)).of(watch(LOW)).outcome
    assert (found.size, found.early, found.messages) == (size, 3 - size, messages)


def test_where_all_checks_are_before_the_first_event_nothing_is_told() -> None:
    with pytest.raises(NotTold, match="all its checks look at time before the project's first event"):
        over_days(2, first_event("2026-10-25T23:30:00Z")).of(watch(LOW))
    assert over_days(1 / 24, first_event("2026-10-25T23:30:00Z")).of(watch(LOW)).outcome.size == 0


def test_the_first_event_is_asked_for_only_where_the_first_check_is_below_a_bound() -> None:
    there = first_event("2026-10-25T23:30:00Z")
    over_days(4, there).of(watch({"threshold": {"upper": 0}}))
    assert len(there.asked) == 1


def test_it_is_said_how_often_it_would_have_fired_and_how_often_so_far() -> None:
    test = Backtest(cast(Client, PostHog()), Period(START, START + timedelta(days=3)))
    never, always = test.of(watch()), test.of(watch({"threshold": {"upper": 0}}))
    said = "over the last 30 days it would have fired "
    assert compared(never, always, 30) == f"{said}1 time instead of 0 times, at 2 of 2 checks instead of 0"
    assert compared(always, always, 30) == f"{said}1 time, at 2 of 2 checks, as before"
    assert compared(None, never, 30) == f"{said}0 times, at 0 of 2 checks (above 5)"


def test_one_long_firing_is_not_told_as_fewer_messages() -> None:
    days = [f"2026-10-{day}" for day in range(20, 28)]
    test = over_days(4, PostHog(days, [0, 0, 0, 0, 6, 1, 6, 1]))
    before, after = test.of(watch({"threshold": {"upper": 5}})), test.of(watch({"threshold": {"upper": 0}}))
    said = "it would have fired 1 time instead of 2 times, at 3 of 3 checks instead of 2"
    assert compared(before, after, 30).endswith(said)
    hourly = test.of(watch({**HOURLY, "config": {"check_ongoing_interval": False}, "threshold": {"upper": 0}}))
    assert compared(before, hourly, 30).endswith("at 74 of 96 checks instead of 2 of 3")
