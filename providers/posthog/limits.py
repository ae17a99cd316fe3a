"""PostHog's rate limits on our side: a request waits if PostHog would refuse it.

How many requests other processes have made with the same key is not known here. After a refusal (429 and Retry-After)
all requests of the same limit wait as long as PostHog says.

Whether a server has limits is not known at the start either: they are always on in PostHog Cloud, and off by default
elsewhere (RATE_LIMIT_ENABLED in posthog/settings/dynamic_settings.py), and no answer has a header about them. So the
server is asked, once, before the first wait.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

Answer = TypeVar("Answer")

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Rate:
    """A number of requests with one key in a number of seconds."""

    requests: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.requests:,} requests {'a minute' if self.seconds == MINUTE else 'an hour'}"


UNSAID = 10.0
"""Seconds to wait after a 429 that does not say how long."""

DEFAULT: tuple[Rate, ...] = (Rate(480, MINUTE), Rate(4800, HOUR))
"""Default limits, shared by every endpoint that has none of its own (posthog/rate_limit.py: burst and sustained)."""

APART: tuple[tuple[re.Pattern[str], tuple[Rate, ...]], ...] = (
    # All methods of these collections: PostHog gives their views other limits instead of the default ones.
    (
        re.compile(r"^/api/(projects|environments)/[^/]+/(insights|persons|session_recording_playlists)/"),
        (Rate(240, MINUTE), Rate(1200, HOUR)),
    ),
    (re.compile(r"^/api/(projects|environments)/[^/]+/query/"), (Rate(240, MINUTE), Rate(2400, HOUR))),
)


class Clock:
    """The time that limits count by and waits take. A test may bring a faster one."""

    def now(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Wait:
    """How long something must wait, in seconds, and why, in words for the person who waits too."""

    seconds: float
    reason: str

    def __str__(self) -> str:
        return f"waiting {span(self.seconds)}: {self.reason}"


def span(seconds: float) -> str:
    """Return a time span in words."""
    minutes = seconds / MINUTE
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"


@dataclass
class _Budget:
    """The requests that count for the same rates.

    PostHog counts the requests that arrived in the last minute (hour), in a sliding window. The time of arrival is not
    known here, but it is not later than the answer. Counted by the times of the answers, the budget here is never
    larger than PostHog's.
    """

    rates: tuple[Rate, ...]
    answered: deque[float] = field(init=False)
    under_way: int = 0
    shut_until: float = 0.0
    told: bool = True
    """Whether PostHog said how long it is shut."""

    def __post_init__(self) -> None:
        self.answered = deque(maxlen=max(rate.requests for rate in self.rates))

    def wait(self, now: float, counting: bool) -> Wait | None:
        said = "PostHog has had too many requests with this key, from this run or another, and "
        said += "says when it takes more" if self.told else "does not say when it takes more"
        waits = [Wait(self.shut_until - now, said)]
        for rate in self.rates if counting else ():
            room = max(rate.requests - self.under_way, 1)
            if len(self.answered) >= room:
                left = self.answered[-room] + rate.seconds - now
                waits.append(Wait(left, f"PostHog takes {rate} with one key"))
        longest = max(waits, key=lambda wait: wait.seconds)
        return longest if longest.seconds > 0 else None

    def least(self, now: float, number: int, counting: bool) -> float:
        """Return how many seconds this number of further requests takes at least, if each is answered at once."""
        at, answered = max(now, self.shut_until), [*self.answered, *[now] * self.under_way]
        for _ in range(number):
            full = [rate for rate in self.rates if counting and len(answered) >= rate.requests]
            at = max([at, *(answered[-rate.requests] + rate.seconds for rate in full)])
            answered.append(at)
        return at - now

    def forget(self) -> None:
        """Keep at most as many answered requests as PostHog allows in a minute."""
        kept = list(self.answered)[-self.rates[0].requests :]
        self.answered.clear()
        self.answered.extend(kept)


def rates(path: str) -> tuple[Rate, ...]:
    """Return the limits of a request to this path; paths with equal limits count together."""
    return next((rates for pattern, rates in APART if pattern.search(path)), DEFAULT)


class Limiter:
    """The budgets of one key. Safe for several threads."""

    def __init__(self, clock: Clock, is_limited: Callable[[], bool] = lambda: True, made: int = 0) -> None:
        """``is_limited`` asks the server whether it has limits; ``made`` is how many requests another process of this
        run has just made with the same key.

        Only a refusal teaches more: the server has limits then, whatever it has said.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._budgets = {rates: _Budget(rates) for rates in (DEFAULT, *(rates for _, rates in APART))}
        self._budgets[DEFAULT].answered.extend([clock.now()] * made)
        self._is_limited = is_limited
        self._asking = threading.Lock()
        self._known = False
        self._counting = True

    def enter(self, path: str) -> Wait | None:
        """Take a place for a request to this path and return None, or return the wait until there is one."""

        def taken(budget: _Budget) -> Wait | None:
            wait = budget.wait(self._clock.now(), self._counting)
            budget.under_way += wait is None
            return wait

        return self._asked(path, taken)

    def least(self, path: str, number: int) -> float:
        """Return how many seconds this number of further requests to a path takes at least."""
        return self._asked(path, lambda budget: budget.least(self._clock.now(), number, self._counting))

    def _asked(self, path: str, question: Callable[[_Budget], Answer]) -> Answer:
        """Return the budget's answer. Before anybody waits, it must be known whether the server has limits."""
        budget = self._budgets[rates(path)]
        with self._lock:
            known, answer = self._known, question(budget)
        if known or not answer:
            return answer
        self._learn()
        with self._lock:
            return question(budget)

    def _learn(self) -> None:
        # Other threads that would have to wait, wait for the answer instead.
        with self._asking:
            if self._known:
                return
            limited = self._is_limited()
            with self._lock:
                if not self._known:  # or it has refused something meanwhile
                    self._known, self._counting = True, limited

    def leave(self, path: str) -> None:
        """Record that a request has its answer, or will get none."""
        with self._lock:
            budget = self._budgets[rates(path)]
            budget.under_way -= 1
            budget.answered.append(self._clock.now())

    def shut(self, path: str, told: float | None) -> None:
        """Let no request pass to this path, and to others of the same limit, for the seconds that PostHog named.

        ``told`` is None if PostHog refuses without saying for how long.
        """
        seconds = UNSAID if told is None else told
        with self._lock:
            if not self._counting and seconds <= MINUTE:
                # It accepted all earlier requests, so its limits are new, and an hour's count has hardly begun.
                for each in self._budgets.values():
                    each.forget()
            self._known = self._counting = True
            budget = self._budgets[rates(path)]
            if (until := self._clock.now() + seconds) > budget.shut_until:
                budget.shut_until, budget.told = until, told is not None
