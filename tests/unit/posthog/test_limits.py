"""Our side of the rate limits, with the sandbox's count of them as the referee, on a clock without waits."""

from __future__ import annotations

import heapq
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.posthog.limits import Clock, Limiter
from sandbox.control.limits import AdjustableClock
from sandbox.control.limits import Limiter as Referee
from sandbox.wire.errors import ApiError
from tests.support.clocks import Leaping

FLAGS, INSIGHTS = "/api/projects/1/feature_flags/", "/api/projects/1/insights/"
LATENCY = 0.05


class World:
    """PostHog behind its limits, and time."""

    def __init__(self) -> None:
        self.clock = Leaping()
        self.referee = Referee()
        self.referee.clock = AdjustableClock(self.clock.now)
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


def test_what_the_program_has_just_asked_counts_as_well() -> None:
    world = World()
    program = Limiter(world.clock)
    for _ in range(4):
        world.send(program, FLAGS)
    limiter = Limiter(world.clock, made=4)
    for _ in range(1000):
        world.send(limiter, FLAGS)
    assert world.referee.refused == 0


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


@pytest.mark.parametrize(("path", "minute", "hour"), [(FLAGS, 480, 4800), (INSIGHTS, 240, 1200)])
def test_how_long_many_requests_take_is_known_before_the_first(path: str, minute: int, hour: int) -> None:
    world = World()
    limiter = Limiter(world.clock)
    for count in (1, 240, 481, 2000, 10000):
        assert limiter.least(path, count) == forced(count, minute, hour)
    for _ in range(minute):
        world.send(limiter, path)
    wait = limiter.enter(path)
    assert wait is not None
    assert limiter.least(path, 1) == wait.seconds
    assert limiter.least(path, hour) > 3000
    unlimited = Limiter(world.clock, lambda: False)
    assert unlimited.least(path, 10000) == 0
    unlimited.shut(path, 90)
    assert unlimited.least(path, 1) == 90


def test_a_server_without_limits_is_asked_once_and_never_waited_for() -> None:
    world = World()
    asked = 0

    def is_limited() -> bool:
        nonlocal asked
        asked += 1
        return False

    limiter = Limiter(world.clock, is_limited)
    for _ in range(479):
        assert limiter.enter(FLAGS) is None
    assert asked == 0
    for _ in range(5000):
        assert limiter.enter(FLAGS) is None
        limiter.leave(FLAGS)
    assert asked == 1


def test_one_refusal_teaches_that_a_server_has_limits_all_the_same() -> None:
    world = World()
    limiter = Limiter(world.clock, lambda: False)
    for _ in range(2000):
        world.send(limiter, FLAGS)
    assert world.referee.refused == 1
    for _ in range(500):
        world.send(limiter, INSIGHTS)
    assert world.referee.refused == 1


def test_who_was_refused_does_not_ask() -> None:
    world = World()
    limiter = Limiter(world.clock, lambda: pytest.fail("asked"))
    limiter.shut(FLAGS, 1)
    assert limiter.enter(FLAGS) is not None


def test_what_passed_without_limits_does_not_count_for_the_hour() -> None:
    world = World()
    limiter = Limiter(world.clock, lambda: False)
    for _ in range(6000):
        assert limiter.enter(FLAGS) is None
        limiter.leave(FLAGS)
    limiter.shut(FLAGS, 10)
    wait = limiter.enter(FLAGS)
    assert wait is not None
    assert wait.seconds <= 60


class Traffic(Clock):
    """Several threads that send through one limiter; what is on the way takes as long as it is told."""

    def __init__(self, path: str, latencies: list[float], threads: int) -> None:
        self.time, self.path, self.latencies, self.threads = 0.0, path, latencies, threads
        self.arrivals: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, _: float) -> None:
        pytest.fail("nobody sleeps here")

    def send(self, limiter: Limiter, count: int) -> None:
        events: list[tuple[float, int, str]] = [(0.0, thread, "enter") for thread in range(self.threads)]
        heapq.heapify(events)
        latencies = itertools.cycle(self.latencies)
        sent = 0
        while events:
            self.time, thread, what = heapq.heappop(events)
            if what == "leave":
                limiter.leave(self.path)
            elif what == "arrive":
                self.arrivals.append(self.time)
                heapq.heappush(events, (self.time + next(latencies), thread, "leave"))
                continue
            if sent == count:
                continue
            if wait := limiter.enter(self.path):
                heapq.heappush(events, (self.time + wait.seconds, thread, "enter"))
            else:
                sent += 1
                heapq.heappush(events, (self.time + next(latencies), thread, "arrive"))


@given(st.lists(st.floats(0, 25), min_size=1, max_size=40), st.integers(1, 12))
@settings(max_examples=40)
def test_no_window_ever_has_more_than_its_limit(latencies: list[float], threads: int) -> None:
    traffic = Traffic(INSIGHTS, latencies, threads)
    traffic.send(Limiter(traffic), 700)
    assert len(traffic.arrivals) == 700
    for first, next_but_240 in zip(traffic.arrivals, traffic.arrivals[240:], strict=False):
        assert next_but_240 - first > 60 - 1e-6
