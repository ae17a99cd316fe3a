"""What people are told of a back-test that PostHog's limits hold up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, cast

import pytest

from ai_admin.cli.backtest import _Asking, _sides
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
        assert not isinstance(asking.told(side), str)
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
    told = asking.told(first)
    assert not isinstance(told, str)
    assert (len(told.outcome.checks), told.later) == (3, 6)
    assert asking.told(second) == "the back-test ended before it was asked for"
    assert str(asking.ended) == "PostHog stopped"
