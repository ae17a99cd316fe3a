"""What people are told of a back-test that PostHog's limits hold up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, cast

import pytest

from ai_admin.cli.backtest import _Asking, _how_often, _sides
from ai_admin.numbers import Period
from ai_admin.numbers.backtest import Backtest, Watch
from ai_admin.numbers.watches import Alert
from providers.posthog.client import Client
from providers.posthog.errors import ApiError

START = datetime(2026, 10, 24, tzinfo=UTC)


class Limited:
    """A PostHog that answers 100 queries in a minute, of which each finds 1."""

    def __init__(self) -> None:
        self.answered = 0
        self.stops_at = 1000

    def project_path(self, path: str) -> str:
        return path

    def request(self, _: str, __: str, body: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        if self.answered == self.stops_at:
            raise ApiError("PostHog stopped", 503)
        if "nosuch" in body["query"]["query"]:
            raise ApiError("Unknown function", 400)
        self.answered += "toStartOfWeek" not in body["query"]["query"]
        return {"timezone": "UTC", "columns": ["runs"], "results": [[1]]}

    def least(self, _: str, number: int) -> float:
        room = 0 if self.answered and self.answered % 100 == 0 else 100 - self.answered % 100
        return max(0, ceil((number - room) / 100)) * 60


def watch(runs: str) -> Watch:
    query = f"SELECT {runs} FROM events WHERE timestamp > now() - INTERVAL 1 HOUR"
    alert = {"threshold": {"upper": 5}, "calculation_interval": "hourly"}
    return Watch(alert, {"kind": "HogQLQuery", "query": query})


def test_how_many_queries_and_how_long_they_take_is_said_before_and_while_they_are_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    test = Backtest(cast(Client, Limited()), Period(START, START + timedelta(days=10)))
    sides = _sides(test, Alert("runs", "Runs", watch("count()"), watch("count() + 1")), 168)
    asking = _Asking(test, [side for side in sides if side])
    assert capsys.readouterr().err.splitlines() == [
        "runs in the files: asks 168 queries, one for each of its last 168 of 240 checks",
        "runs in PostHog now: asks 168 queries, one for each of its last 168 of 240 checks",
        "336 queries take at least 3 min, as PostHog limits how many it answers",
    ]
    for side in sides:
        assert side is not None
        assert not isinstance(asking.ask(side), str)
    assert capsys.readouterr().err.splitlines() == [
        "100 of 336 queries are answered; the others take at least 3 min",
        "200 of 336 queries are answered; the others take at least 2 min",
        "300 of 336 queries are answered; the others take at least 60 s",
    ]


def test_what_is_not_asked_any_more_is_not_told() -> None:
    there = Limited()
    test = Backtest(cast(Client, there), Period(START, START + timedelta(days=1)))
    first, second = (_sides(test, Alert(each, each, watch(f"{each}()"), None), 9)[0] for each in ("count", "uniq"))
    asking = _Asking(test, [first, second])
    there.stops_at = 3
    told = asking.ask(first)
    assert not isinstance(told, str)
    assert (len(told.outcome.checks), told.later) == (3, 6)
    assert asking.ask(second) == "the back-test ended before it was asked for"
    assert str(asking.ended) == "PostHog stopped"


def test_queries_of_a_side_that_posthog_refuses_are_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    test = Backtest(cast(Client, Limited()), Period(START, START + timedelta(days=10)))
    sides = [_sides(test, Alert(each, each, watch(each), None), 168)[0] for each in ("nosuch()", "count()")]
    asking = _Asking(test, sides)
    assert asking.ask(sides[0]) == "PostHog refuses its query: Unknown function"
    assert not isinstance(asking.ask(sides[1]), str)
    assert asking.ended is None
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "100 of 168 queries are answered; the others take at least 60 s"


@pytest.mark.parametrize(
    ("last", "answered", "said"),
    [
        (30, 99, "24 checks"),
        (9, 99, "the last 9 of 24 checks"),
        (24, 1, "1 check until 24 Oct 00:00 UTC; 23 later ones were not asked for any more"),
        (2, 1, "1 of the last 2 of 24 checks until 24 Oct 22:00 UTC; 1 later one was not asked for any more"),
    ],
)
def test_it_is_said_which_checks_were_asked_for(last: int, answered: int, said: str) -> None:
    there = Limited()
    there.stops_at = answered
    test = Backtest(cast(Client, there), Period(START, START + timedelta(days=1)))
    side, _ = _sides(test, Alert("runs", "Runs", watch("count()"), None), last)
    told = _Asking(test, [side]).ask(side)
    assert not isinstance(told, str)
    assert _how_often(told) == f"0 times at {said}"
