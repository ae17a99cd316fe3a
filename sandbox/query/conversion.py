"""How far one actor gets through a funnel, from its events in order of time.

Source: the rules of PostHog's funnel-udf (steps, unordered_steps, trends), which counts outside of SQL, too. An event
says which steps it matches, from 1 on; -n is an exclusion that spoils the way to step n. Traps: a way starts anew with
every first step, and the first way that gets furthest is the one that counts; who is excluded is not counted at all.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby


@dataclass(frozen=True)
class FunnelEvent:
    """When it happened (seconds), which steps it is, the breakdown's value, and the interval it lies in."""

    at: float
    steps: tuple[int, ...]
    value: str = ""
    interval: str = ""


@dataclass(frozen=True)
class Way:
    """A way as far as it got: when it began, when each of its steps was taken, and by which events of one moment."""

    start: float
    times: tuple[float, ...] = ()
    used: frozenset[int] = frozenset()
    excluded: bool = False


@dataclass(frozen=True)
class Rules:
    """What a funnel asks."""

    steps: int
    window: float  # seconds
    strict: bool = False
    # The step (from 0) at which an event must have the value that is asked for.
    value_at: int | None = None


def ordered(events: Iterable[FunnelEvent], rules: Rules, value: str = "") -> tuple[float, ...] | None:
    """The times of the steps that the actor took, in order; None for one that is excluded or never started.

    Parameters: `events` by time; `value` the breakdown's value that is counted.
    """
    walk = _Walk(rules, value)
    for _, together in groupby(events, lambda event: event.at):
        walk.take(list(together))
        if walk.ways[rules.steps] is not None:
            break
    best = walk.best
    return None if best is None or best.excluded or not best.times else best.times


class _Walk:
    """The ways of one actor: for each step the newest that got there."""

    def __init__(self, rules: Rules, value: str) -> None:
        self.rules, self.value = rules, value
        self.ways: list[Way | None] = [None] * (rules.steps + 1)
        self.best: Way | None = None
        self.reached = 0

    def take(self, together: Sequence[FunnelEvent]) -> None:
        """Events of one moment. Where they differ, each step is tried in the steps' order, and no event twice."""
        self.ways[0] = Way(together[0].at)
        if len({event.steps for event in together}) == 1:
            for event in together:
                self._event(event)
                self._forget(event)
            return
        for number, way in enumerate(self.ways):
            self.ways[number] = way and replace(way, used=frozenset())
        singles = [
            (step, number, replace(event, steps=(step,)))
            for number, event in enumerate(together)
            for step in event.steps
            if step > 0
        ]
        for _, number, event in sorted(singles, key=lambda each: each[:2]):
            self._event(event, number)

    def _event(self, event: FunnelEvent, number: int | None = None) -> None:
        for step in reversed(event.steps):
            before, here = self.ways[abs(step) - 1], self.ways[abs(step)]
            if before is None or event.at - before.start > self.rules.window:
                continue
            if here is not None and here.start == before.start:
                continue
            if step < 0:
                self._exclude(event, -step - 1, before)
            elif not (self._is_other(event, step) or number in before.used):
                self._advance(event, step, before, number)

    def _is_other(self, event: FunnelEvent, step: int) -> bool:
        return self.rules.value_at == step - 1 and event.value != self.value

    def _advance(self, event: FunnelEvent, step: int, before: Way, number: int | None) -> None:
        used = before.used if number is None else before.used | {number}
        way = replace(before, times=(*before.times, event.at), used=used)
        if not before.excluded:
            self.ways[step] = way
        best = self.best
        if step > self.reached or (step == self.reached and best is not None and best.excluded):
            self.best, self.reached = way, step

    def _exclude(self, event: FunnelEvent, step: int, before: Way) -> None:
        if before.excluded:
            return
        self.ways[step] = replace(before, excluded=True)
        best = self.best
        if best is not None and self.reached == step and event.at - best.start <= self.rules.window:
            self.best = replace(best, excluded=True)

    def _forget(self, event: FunnelEvent) -> None:
        """In a strict funnel nothing may come between two steps."""
        if self.rules.strict:
            for step in range(1, len(self.ways)):
                if step not in event.steps:
                    self.ways[step] = None


def unordered(events: Iterable[FunnelEvent], rules: Rules, value: str = "") -> tuple[float, ...] | None:
    """The times of the most steps that the actor took within the window, whatever their order; None for no step."""
    waiting: list[deque[FunnelEvent]] = [deque() for _ in range(rules.steps)]
    best: tuple[float, ...] = ()

    def taken() -> tuple[float, ...]:
        return tuple(sorted(each[0].at for each in waiting if each))

    for event in events:
        while any(waiting):
            oldest = min((each for each in waiting if each), key=lambda each: each[0].at)
            if len(taken()) < rules.steps and oldest[0].at + rules.window >= event.at:
                break
            best = max(best, taken(), key=len)
            oldest.popleft()
        if len(best) == rules.steps:
            break
        if all(step < 0 for step in event.steps):
            waiting = [deque() for _ in range(rules.steps)]
            continue
        # Of the steps that it matches the one that was last taken longest ago.
        step = min(event.steps, key=lambda each: waiting[each - 1][-1].at if waiting[each - 1] else 0.0)
        if rules.value_at == len(taken()) and event.value != value:
            continue
        waiting[step - 1].append(event)
    best = max(best, taken(), key=len)
    return best or None


@dataclass
class _Entry:
    """The ways that began in one interval: when those began that reached each step."""

    starts: list[float | None]
    spoilt: list[bool]
    step: int = 1
    at: float = 0.0
    partly: bool = False  # the furthest is spoilt, and nothing came after
    wholly: bool = False  # the furthest was reached by a way that was spoilt


def by_interval(
    events: Iterable[FunnelEvent], rules: Rules, from_step: int, to_step: int, value: str = ""
) -> dict[str, bool]:
    """For each interval in which the actor started and got to one step (from 1), whether it also got to the other."""
    entries: dict[str, _Entry] = {}
    found: dict[str, bool] = {}
    for event in events:
        for step in reversed(event.steps):
            other = rules.value_at == abs(step) - 1 and event.value != value
            if step == 1:
                if not other and event.interval not in found:
                    _enter(entries, event, rules.steps)
                continue
            for interval, entry in list(entries.items()):
                if _step_in(entry, event, step, rules, other) and entry.starts[to_step] is not None:
                    found[interval] = True
                    del entries[interval]
        if rules.strict:
            for entry in entries.values():
                for step in range(1, rules.steps + 1):
                    if step not in event.steps:
                        entry.starts[step], entry.spoilt[step] = None, False
    if not any(entry.wholly for entry in entries.values()):
        for interval, entry in entries.items():
            if entry.step >= from_step and not entry.partly:
                found.setdefault(interval, False)
    return found


def _enter(entries: dict[str, _Entry], event: FunnelEvent, steps: int) -> None:
    known = entries.get(event.interval)
    if known is None or (known.step == 1 and (known.partly or known.wholly)):
        known = entries[event.interval] = _Entry([None] * (steps + 1), [False] * (steps + 1), at=event.at)
    known.starts[1], known.spoilt[1] = event.at, False


def _step_in(entry: _Entry, event: FunnelEvent, step: int, rules: Rules, other: bool) -> bool:
    """Take a step on the ways of an interval. Returns whether it was taken."""
    place = abs(step)
    start = entry.starts[place - 1]
    if start is None or event.at - start > rules.window or entry.starts[place] == start:
        return False
    spoilt = entry.spoilt[place - 1]
    if step < 0:
        if not spoilt:
            entry.spoilt[place - 1] = True
            if entry.step == place - 1 and event.at - entry.at <= rules.window:
                entry.partly, entry.wholly = True, False
        return False
    if other:
        return False
    if not spoilt:
        entry.starts[place], entry.spoilt[place] = start, False
    if place > entry.step or (place == entry.step and entry.partly):
        entry.step, entry.at, entry.partly, entry.wholly = place, event.at, False, spoilt
    return True
