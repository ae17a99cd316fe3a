"""The order of registrations in a run that exceeds PostHog's rate limits of one minute: it uses all limits at once.

The engine processes registrations in their order, a few at a time (Pulumi's server of dynamic providers has four
threads, and the engine ``--parallel``). An object that waits for one limit occupies its thread. So objects of other
limits must not be queued behind it: kinds with different limits are registered evenly mixed. Then a run waits only for
the limit that takes longest.

The SDK sends a registration as soon as everything that it refers to exists. Flags, which refer to little, would be sent
long before insights, which refer to dashboards: so each registration also waits for its slot in a window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from providers.posthog.limits import DEFAULT

Item = TypeVar("Item", bound=Hashable)

FEW = DEFAULT[0].requests // 2
"""The number of objects that no limit delays: an object takes up to two requests."""

AHEAD = 100
"""The number of registrations that may overtake one that still waits for what it refers to.

Enough to keep the provider's four threads busy, and few compared with a limit's requests of a minute.
"""


def interleaved(
    items: Sequence[Item], limits: Callable[[Item], Hashable], first: Callable[[Item], Iterable[Item]]
) -> list[Item]:
    """Return the items with those of different ``limits`` evenly mixed; otherwise the order stays.

    ``first`` returns the items that an item must come after; in ``items`` they come before it already.
    """
    shares: dict[Hashable, list[Item]] = {}
    for item in items:
        shares.setdefault(limits(item), []).append(item)
    places = {item: (number + 0.5) / len(share) for share in shares.values() for number, item in enumerate(share)}
    for item in reversed(items):
        for each in first(item):
            places[each] = min(places[each], places[item])
    return sorted(items, key=places.__getitem__)


class Window:
    """Lets registrations pass roughly in order: none is more than :data:`AHEAD` past the first that has not passed.

    For one event loop, the program's.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Event] = {}
        self._passed: set[int] = set()
        self._first = 0
        self._given = 0

    def next(self, value: Any) -> Slot:
        """Return the next slot, an input that becomes ``value``."""
        self._given += 1
        return Slot(self, self._given - 1, value)

    def done(self, number: int) -> None:
        """Record that a registration has passed, or ended without."""
        if number >= self._first:
            self._passed.add(number)
        while self._first in self._passed:
            self._passed.remove(self._first)
            slot = self._waiting.pop(self._first + AHEAD, None)
            self._first += 1
            if slot:
                slot.set()

    async def take(self, number: int) -> None:
        """Return when this registration may be sent."""
        if number >= self._first + AHEAD:
            await self._waiting.setdefault(number, asyncio.Event()).wait()
        self.done(number)


class Slot:
    """The slot of a registration: an awaitable, the last input of its resource. By then all other inputs exist."""

    def __init__(self, window: Window, number: int, value: Any) -> None:
        self._window, self._number, self._value = window, number, value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from self._window.take(self._number).__await__()
        return self._value

    def ends_with(self, registered: asyncio.Future[Any]) -> None:
        """End the slot with the registration at the latest: one that failed early never takes its slot."""
        registered.add_done_callback(self._end)

    def _end(self, registered: asyncio.Future[Any]) -> None:
        if not registered.cancelled():
            registered.exception()  # the SDK reports it elsewhere
        self._window.done(self._number)
