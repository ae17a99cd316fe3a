"""The example's budgets: whatever threads do, and at midnight."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

from examples.ai_service.budgets import Budgets, Grant


def test_threads_never_use_more_than_the_day_has() -> None:
    budgets = Budgets()

    def request(number: int) -> int:
        grant = budgets.grant("i", of_day=10_000, of_request=100 + number % 7, at_least=60)
        if grant is None:
            return 0
        budgets.settle(grant, grant.tokens - number % 40)
        return grant.tokens - number % 40

    with ThreadPoolExecutor(16) as threads:
        used = sum(threads.map(request, range(2_000)))
    assert budgets.used("i") == used
    assert 10_000 - 100 <= used <= 10_000


def test_what_is_granted_is_not_granted_again_and_the_rest_comes_back() -> None:
    budgets = Budgets()
    grant = budgets.grant("i", of_day=100, of_request=80, at_least=1)
    assert grant is not None
    other = budgets.grant("i", of_day=100, of_request=80, at_least=1)
    assert other is not None
    assert (grant.tokens, other.tokens) == (80, 20)
    assert budgets.grant("i", of_day=100, of_request=80, at_least=1) is None
    budgets.settle(grant, 30)
    assert budgets.grant("i", of_day=100, of_request=80, at_least=51) is None
    assert budgets.grant("other", of_day=100, of_request=80, at_least=51) is not None


def test_a_day_is_one_of_utc() -> None:
    """East of Greenwich the date changes hours earlier; a request that ends after midnight counts for its day."""
    tokyo = timezone(timedelta(hours=9))
    now = [datetime(2026, 11, 28, 8, 59, tzinfo=tokyo)]
    budgets = Budgets(lambda: now[0])

    def ask() -> Grant | None:
        return budgets.grant("i", of_day=100, of_request=60, at_least=60)

    first = ask()
    assert first is not None
    assert (first.day.isoformat(), ask()) == ("2026-11-27", None)
    now[0] += timedelta(minutes=2)
    assert ask() is not None
    budgets.settle(first, 60)
    assert budgets.used("i") == 0
    now[0] = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)  # a clock that is put back gives nothing anew
    assert ask() is None
