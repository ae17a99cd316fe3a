"""Clocks for what waits by one."""

from __future__ import annotations

import time

import pytest

from providers.posthog.limits import Clock


class Leaping(Clock):
    """A clock on which every wait takes no time at all; keeps how long each one was."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._now += seconds


class Fast(Clock):
    """A clock that runs ``speed`` times as fast as the wall's."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def now(self) -> float:
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


def leap(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let waits by the usual clock take no time in this test; return how long each one is, as they come."""
    waits: list[float] = []
    monkeypatch.setattr(Clock, "now", lambda _: time.monotonic() + sum(waits))
    monkeypatch.setattr(Clock, "sleep", lambda _, seconds: waits.append(seconds))
    return waits
