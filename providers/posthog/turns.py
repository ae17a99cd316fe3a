"""The order of a run that is too large for PostHog's limits of one minute: all limits are used at the same time.

The engine carries out what is registered one after the other, a few at a time (Pulumi's server of dynamic providers has
four threads, and the engine ``--parallel``), and something that waits for one limit keeps its place while it waits. So
what counts for other limits must not stand behind it: kinds whose limits are apart are registered in equal parts. Then
only the limit that takes longest is ever waited for.

The SDK sends a registration as soon as all that it refers to is there. Flags, which refer to little, would be sent long
before the insights, which refer to dashboards: so each one also waits for its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from providers.posthog.limits import DEFAULT

Item = TypeVar("Item", bound=Hashable)

FEW = DEFAULT[0].requests // 2
"""So many objects wait for no limit: an object takes up to two requests."""

AHEAD = 100
"""How many registrations may be sent past one that still waits for what it refers to.

So many that the provider's four threads have enough to do meanwhile, and few beside what a limit takes in a minute.
"""


def spread(
    items: Sequence[Item], limits: Callable[[Item], Hashable], first: Callable[[Item], Iterable[Item]]
) -> list[Item]:
    """Return the items in another order, each of the ``limits`` in equal parts; otherwise the order stays.

    What an item has to come after (``first``) stands before it, in ``items`` too.
    """
    shares: dict[Hashable, list[Item]] = {}
    for item in items:
        shares.setdefault(limits(item), []).append(item)
    places = {item: (number + 0.5) / len(share) for share in shares.values() for number, item in enumerate(share)}
    for item in reversed(items):
        for each in first(item):
            places[each] = min(places[each], places[item])
    return sorted(items, key=places.__getitem__)


class Turns:
    """Lets registrations pass about in order: none is more than :data:`AHEAD` past the first that has not passed.

    For one event loop, the program's.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Event] = {}
        self._passed: set[int] = set()
        self._first = 0
        self._given = 0

    def next(self, value: Any) -> Turn:
        """Return the next one's turn, an input that becomes ``value``."""
        self._given += 1
        return Turn(self, self._given - 1, value)

    def done(self, number: int) -> None:
        """Record that a registration has passed, or ended without."""
        if number >= self._first:
            self._passed.add(number)
        while self._first in self._passed:
            self._passed.remove(self._first)
            turn = self._waiting.pop(self._first + AHEAD, None)
            self._first += 1
            if turn:
                turn.set()

    async def take(self, number: int) -> None:
        """Return when it is this one's turn."""
        if number >= self._first + AHEAD:
            await self._waiting.setdefault(number, asyncio.Event()).wait()
        self.done(number)


class Turn:
    """When a registration may be sent: an awaitable, the last input of its resource. By then all others are there."""

    def __init__(self, turns: Turns, number: int, value: Any) -> None:
        self._turns, self._number, self._value = turns, number, value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from self._turns.take(self._number).__await__()
        return self._value

    def ends_with(self, registered: asyncio.Future[Any]) -> None:
        """Let the turn end with the registration at the latest: one that failed early never takes its turn."""
        registered.add_done_callback(self._end)

    def _end(self, registered: asyncio.Future[Any]) -> None:
        if not registered.cancelled():
            registered.exception()  # the SDK tells of it elsewhere
        self._turns.done(self._number)
