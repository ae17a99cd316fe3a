"""The installations: their channels, versions, sizes, time zones, and when they come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

CHANNELS = {"internal": 2, "beta": 13, "stable": 85}
"""How many of a hundred installations take which releases."""
VERSIONS = {
    "internal": {"2.5.0": 100},
    "beta": {"2.5.0": 35, "2.4.1": 45, "2.3.0": 15, "2.2.9": 5},
    "stable": {"2.4.1": 30, "2.4.0": 35, "2.3.0": 25, "2.2.9": 10},
}
"""How many of a hundred installations of a channel run which version."""
OFFSETS = {-8: 15, -5: 25, 0: 15, 1: 30, 5: 10, 9: 5}
"""Hours from UTC, and how many of a hundred installations are there."""
HEALTH = {"healthy": 90, "warning": 7, "error": 3}
"""What the last self-checks of a hundred installations found."""
NEWCOMERS = 0.3
"""The share of the installations that come during the period: the growth."""
SILENT = 0.03
"""The share that falls silent before the end, and of which PostHog goes on saying what their last self-check found."""

Name = TypeVar("Name", str, int)


@dataclass(frozen=True)
class Installation:
    """One installation of the product. In PostHog it is a person."""

    id: str
    channel: str
    version: str
    health: str
    """What its last self-check found: ``healthy``, ``warning`` or ``error``."""
    offset: int
    """Hours from UTC of its users' working day."""
    weight: float
    """How much it is used, beside others; a median one has 1."""
    since: datetime
    until: datetime
    """Its first and last moments: before and after them it sends nothing."""

    def there(self, when: datetime) -> bool:
        """Return whether it sends anything at a moment."""
        return self.since <= when < self.until


@dataclass(frozen=True)
class Company:
    """All installations, over a period of whole hours."""

    installations: Sequence[Installation]
    start: datetime
    end: datetime

    @property
    def hours(self) -> int:
        """The length of the period."""
        return round((self.end - self.start) / timedelta(hours=1))


def company(seed: int, size: int, days: int, end: datetime) -> Company:
    """Return a company's installations over a period.

    Args:
        seed: of all that is drawn: the same one gives the same company.
        size: the number of installations, at least 1. The first is the company's own, of the channel ``internal``.
        days: the length of the period, at least 1.
        end: its end, a moment with a time zone.
    """
    draw = Random(f"installations of {seed}")
    start = end - timedelta(days=days)
    found = []
    for number in range(1, size + 1):
        channel = "internal" if number == 1 else _one(draw, CHANNELS)
        health, version, offset = _one(draw, HEALTH), _one(draw, VERSIONS[channel]), _one(draw, OFFSETS)
        # Most are small and a few are large: the usual shape of a customer base.
        weight = draw.lognormvariate(0, 1.1)
        since = start + timedelta(days=days) * draw.random() if draw.random() < NEWCOMERS and number > 1 else start
        until = end
        if draw.random() < SILENT and number > 1:
            until = max(since, end - timedelta(hours=26 + draw.random() * 24 * days / 3))
        found.append(
            Installation(f"inst-{number:04}", channel, version, health, offset, weight, since, until),
        )
    return Company(found, start, end)


def _one(draw: Random, shares: dict[Name, int]) -> Name:
    return draw.choices(list(shares), list(shares.values()))[0]
