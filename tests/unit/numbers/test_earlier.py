"""When installations ran something last that ran nothing in the period: what PostHog is asked for, and when no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from ai_admin.numbers.earlier import MOST, last_runs
from providers.posthog.client import Client
from providers.posthog.errors import ApiError

BEFORE = datetime(2026, 11, 27, tzinfo=UTC)


class PostHog:
    """Knows how many days before each person ran something, and fails from a query on."""

    def __init__(self, ago: dict[str, float], fails_at: int = 100) -> None:
        self.ago, self.fails_at = ago, fails_at
        self.asked: list[tuple[int, int, list[str]]] = []
        """From how many days before, to how many, of whom."""

    def project_path(self, path: str) -> str:
        return path

    def request(self, _: str, __: str, body: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        if len(self.asked) == self.fails_at:
            raise ApiError("it took too long", 504)
        values = body["query"]["values"]
        start, end = (
            (BEFORE - datetime.fromisoformat(values[name]).replace(tzinfo=UTC)).days for name in ("start", "end")
        )
        self.asked.append((start, end, values["persons"]))
        found = [(name, self.ran(name)) for name in values["persons"] if end < self.ago.get(name, 1000) <= start]
        return {"columns": ["ran", "last"], "results": found}

    def ran(self, name: str) -> float:
        return (BEFORE - timedelta(days=self.ago[name])).timestamp()


def test_earlier_runs_are_looked_for_step_by_step_of_who_is_left() -> None:
    there = PostHog({"a": 3, "b": 40, "c": 50, "d": 500})
    found, missing, unread = last_runs(cast(Client, there), {"a", "b", "c", "d"}, BEFORE)
    assert there.asked == [(30, 0, ["a", "b", "c", "d"]), (90, 30, ["b", "c", "d"]), (365, 90, ["d"])]
    assert found == {name: there.ran(name) for name in ("a", "b", "c")}
    assert (missing, unread) == ({"d"}, None)


def test_nothing_is_asked_where_nobody_is_left() -> None:
    there = PostHog({"a": 3})
    assert last_runs(cast(Client, there), set(), BEFORE) == ({}, set(), None)
    assert there.asked == []
    last_runs(cast(Client, there), {"a"}, BEFORE)
    assert there.asked == [(30, 0, ["a"])]


def test_before_time_begins_nothing_is_asked() -> None:
    there = PostHog({})
    for year in (1, 1970):
        assert last_runs(cast(Client, there), {"a"}, datetime(year, 1, 1, tzinfo=UTC)) == ({}, {"a"}, None)
    assert there.asked == []
    last_runs(cast(Client, there), {"a"}, datetime(1970, 2, 15, tzinfo=UTC))
    assert len(there.asked) == 2, "the second step begins with time, and so is the last"


def test_a_query_names_no_more_than_its_text_may_hold() -> None:
    many = {f"{number:05}": 3.0 for number in range(2 * MOST + 1)}
    there = PostHog(many)
    found, _, _ = last_runs(cast(Client, there), many, BEFORE)
    assert [len(persons) for _, _, persons in there.asked] == [MOST, MOST, 1]
    assert found.keys() == many.keys()


def test_what_fails_leaves_what_is_known() -> None:
    there = PostHog({"a": 3, "b": 40}, fails_at=1)
    found, missing, unread = last_runs(cast(Client, there), {"a", "b"}, BEFORE)
    assert (set(found), missing, str(unread)) == ({"a"}, {"b"}, "it took too long")
