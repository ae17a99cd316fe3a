"""About how long an `up` takes: what it starts with, what each write costs, and what PostHog's limits make it wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ai_admin.review.changes import Action, Change
from providers.posthog.kinds import KINDS
from providers.posthog.limits import Rate, rates

START, EACH = 3.0, 0.15
"""Seconds of a run without a change, and of a write (docs/benchmarks.md)."""

REQUESTS = 2
"""The requests of a change: one that looks whether the object is still as it was read, and the write."""


def seconds(changes: Iterable[Change]) -> float:
    """Return about how many seconds the changes take, on a PostHog with rate limits."""
    writes = Counter[tuple[Rate, ...]]()
    for change in changes:
        if change.action not in (Action.HOLD, Action.UNKNOWN):
            writes[rates(f"/api/projects/1/{KINDS[change.ref.kind].collection}/")] += 1
    work = START + EACH * sum(writes.values())
    return work + max((_waits(REQUESTS * count, limits) for limits, count in writes.items()), default=0.0)


def _waits(requests: int, limits: tuple[Rate, ...]) -> float:
    """Return how many seconds the last of so many requests waits for these limits."""
    return max((requests - 1) // rate.requests * rate.seconds for rate in limits)
