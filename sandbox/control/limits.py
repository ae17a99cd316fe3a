"""PostHog's rate limits (posthog/rate_limit.py), off until they are asked for.

They count by Django REST framework's sliding window (SimpleRateThrottle): the times of the answered requests of the
last minute (hour) are kept per key; a request that finds the window full is refused and is not kept in it. Every limit
of a class looks at every request, so one that the minute refuses still counts for the hour.
"""

import math
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.wire.errors import ApiError


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds; `scope` is PostHog's name of the window."""

    scope: str
    requests: int
    seconds: float


MINUTE, HOUR = 60.0, 3600.0
DEFAULT = (Rate("burst", 480, MINUTE), Rate("sustained", 4800, HOUR))
CLICKHOUSE = (Rate("clickhouse_burst", 240, MINUTE), Rate("clickhouse_sustained", 1200, HOUR))
QUERY = (Rate("query_burst", 240, MINUTE), Rate("query_sustained", 2400, HOUR))
REMOTE_CONFIG = (Rate("feature_flag_remote_config", 600, MINUTE),)
LOCAL_EVALUATION = (Rate("flag_definitions", 600, MINUTE),)

# The first pattern that is found in a path decides; without one the default limits hold.
CLASSES: tuple[tuple[re.Pattern[str], tuple[Rate, ...]], ...] = (
    (re.compile(r"/feature_flags/[^/]+/remote_config$"), REMOTE_CONFIG),
    (re.compile(r"^/api/[^/]+/[^/]+/query(/|$)"), QUERY),
    # All of these collections, writes included: InsightViewSet and its like replace the default limits.
    (re.compile(r"^/api/[^/]+/[^/]+/(insights|persons|session_recording_playlists)(/|$)"), CLICKHOUSE),
)


class AdjustableClock:
    """Seconds since the start, running `speed` times as fast as the wall's; changing the speed doesn't make it jump."""

    def __init__(self, source: Callable[[], float] = time.monotonic) -> None:
        self._source, self._speed = source, 1.0
        self._base, self._since = 0.0, source()

    @property
    def speed(self) -> float:
        """How many of its seconds pass in a second."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Run so fast from now on."""
        self._base, self._since, self._speed = self.now(), self._source(), speed

    def now(self) -> float:
        """Its seconds since the start."""
        return self._base + (self._source() - self._since) * self._speed


class Limiter:
    """The windows of every key. Switched by `enabled`; `self_hosted` says whose server it is (`preflight.py`); `clock`
    is the one that windows and Retry-After count by.
    """

    def __init__(self) -> None:
        self.enabled = False
        self.self_hosted = False
        self.clock = AdjustableClock()
        self.refused = 0
        self._windows: dict[tuple[str, str], deque[float]] = {}

    def change(self, values: dict[str, Any]) -> None:
        """Set `enabled`, `self_hosted` and `speed` as given. Switching on starts with empty windows.

        Raises:
            ValueError: with a sentence that says what is wrong.
        """
        if unknown := sorted(set(values) - {"enabled", "self_hosted", "speed"}):
            raise ValueError(f"unknown {', '.join(unknown)}; limits have enabled, self_hosted and speed")
        enabled, speed = values.get("enabled", self.enabled), values.get("speed", self.clock.speed)
        self_hosted = values.get("self_hosted", self.self_hosted)
        if not isinstance(enabled, bool) or not isinstance(self_hosted, bool):
            raise ValueError("enabled and self_hosted must be true or false")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed < math.inf:
            raise ValueError("speed must be a number above zero")
        if enabled and not self.enabled:
            self.clear()
        self.enabled, self.self_hosted = enabled, self_hosted
        self.clock.set_speed(speed)

    def clear(self) -> None:
        """Switch off, and forget what was counted."""
        self.enabled, self.self_hosted, self.refused = False, False, 0
        self.clock.set_speed(1.0)
        self._windows.clear()

    def shown(self) -> dict[str, Any]:
        """The state, as `/_sandbox/limits` answers it."""
        return {
            "enabled": self.enabled,
            "self_hosted": self.self_hosted,
            "speed": self.clock.speed,
            "time": round(self.clock.now(), 3),
            "refused": self.refused,
        }

    def check(self, path: str, key: str) -> None:
        """Count a request of a personal API key (its hash) to an endpoint of Django's.

        Raises:
            ApiError: 429 with Retry-After in seconds of the limiter's clock.
        """
        if self.enabled:
            wait = self._wait(_rates(path), key)
            if wait is not None:
                raise _throttled(wait)

    def check_definitions(self, project: object) -> None:
        """Count a request for flag definitions, which PostHog's Rust service limits per project.

        Raises:
            ApiError: 429 in that service's words, without Retry-After.
        """
        if self.enabled and self._wait(LOCAL_EVALUATION, str(project)) is not None:
            raise ApiError(429, "validation_error", "rate_limit_exceeded", "Rate limit exceeded")

    def _wait(self, rates: tuple[Rate, ...], key: str) -> float | None:
        """The seconds until the next request would be let through, None when this one is."""
        now = self.clock.now()
        waits = [self._count(rate, key, now) for rate in rates]
        refusals = [wait for wait in waits if wait is not None]
        self.refused += bool(refusals)
        return max(refusals, default=None)

    def _count(self, rate: Rate, key: str, now: float) -> float | None:
        window = self._windows.setdefault((rate.scope, key), deque())
        while window and window[0] <= now - rate.seconds:
            window.popleft()
        if len(window) < rate.requests:
            window.append(now)
            return None
        return rate.seconds - (now - window[0])


def _rates(path: str) -> tuple[Rate, ...]:
    return next((rates for pattern, rates in CLASSES if pattern.search(path)), DEFAULT)


def _throttled(wait: float) -> ApiError:
    seconds = math.ceil(wait)
    detail = f"Request was throttled. Expected available in {seconds} second{'' if seconds == 1 else 's'}."
    return ApiError(429, "throttled_error", "throttled", detail, headers={"Retry-After": str(seconds)})
