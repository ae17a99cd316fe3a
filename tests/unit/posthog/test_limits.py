"""Our side of the rate limits, with the sandbox's count of them as the referee, on a clock without waits."""

from __future__ import annotations

import pytest

from providers.posthog.limits import Limiter
from sandbox.errors import ApiError
from sandbox.limits import Clock as RefereesClock
from sandbox.limits import Limiter as Referee
from tests.support.clocks import Leaping

FLAGS, INSIGHTS = "/api/projects/1/feature_flags/", "/api/projects/1/insights/"
LATENCY = 0.05


class World:
    """PostHog behind its limits, and time."""

    def __init__(self) -> None:
        self.clock = Leaping()
        self.referee = Referee()
        self.referee.clock = RefereesClock(self.clock.now)
        self.referee.enabled = True

    def send(self, limiter: Limiter, path: str) -> None:
        """Send a request as soon as it may be sent, until it is answered."""
        while True:
            while wait := limiter.enter(path):
                self.clock.sleep(wait.seconds)
            self.clock.sleep(LATENCY / 2)
            try:
                self.referee.check(path, "key")
            except ApiError as refusal:
                limiter.shut(path, float(refusal.headers["Retry-After"]))
            else:
                return
            finally:
                self.clock.sleep(LATENCY / 2)
                limiter.leave(path)


def forced(requests: int, minute: int, hour: int) -> float:
    """Return the seconds before which nobody could have sent so many requests."""
    hours, rest = divmod(requests - 1, hour)
    return hours * 3600 + rest // minute * 60


@pytest.mark.parametrize(
    ("path", "count", "minute", "hour"),
    [(FLAGS, 2000, 480, 4800), (FLAGS, 10000, 480, 4800), (INSIGHTS, 2000, 240, 1200)],
)
def test_a_long_run_is_never_refused_and_waits_no_longer_than_it_must(
    path: str, count: int, minute: int, hour: int
) -> None:
    world = World()
    limiter = Limiter(world.clock)
    for _ in range(count):
        world.send(limiter, path)
    assert world.referee.refused == 0
    assert forced(count, minute, hour) <= world.clock.now() <= 1.2 * forced(count, minute, hour)


def test_limits_that_count_apart_do_not_wait_for_each_other() -> None:
    world = World()
    limiter = Limiter(world.clock)
    for _ in range(240):
        world.send(limiter, INSIGHTS)
    assert limiter.enter(INSIGHTS) is not None
    assert limiter.enter(FLAGS) is None


def test_what_another_run_used_up_is_waited_for_as_long_as_posthog_says() -> None:
    world = World()
    for _ in range(10):
        other = Limiter(world.clock)
        for _ in range(475):
            world.send(other, FLAGS)
    assert world.clock.now() < 700
    limiter = Limiter(world.clock)
    for _ in range(200):
        world.send(limiter, FLAGS)
    assert 3600 < world.clock.now() < 4000
    assert world.referee.refused < 30


def test_requests_under_way_have_taken_their_place() -> None:
    world = World()
    limiter = Limiter(world.clock)
    for _ in range(476):
        world.send(limiter, FLAGS)
    for _ in range(4):
        assert limiter.enter(FLAGS) is None
    assert limiter.enter(FLAGS) is not None


def test_a_wait_says_how_long_and_why() -> None:
    world = World()
    limiter = Limiter(world.clock)
    for _ in range(480):
        world.send(limiter, FLAGS)
    wait = limiter.enter(FLAGS)
    assert str(wait) == "waiting 36 s: PostHog takes 480 requests a minute with one key"
    for _ in range(480 * 9):
        world.send(limiter, FLAGS)
    wait = limiter.enter(FLAGS)
    assert str(wait).endswith("min: PostHog takes 4,800 requests an hour with one key")
