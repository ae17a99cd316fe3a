"""The limiter alone, on a clock that the test moves."""

import asyncio
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from sandbox.app import create_app
from sandbox.auth.identity import throttle
from sandbox.control.limits import AdjustableClock, Limiter
from sandbox.query.patience import SlowQuery
from sandbox.wire.context import Context, Identity, endpoint
from sandbox.wire.errors import ApiError

PATH = "/api/projects/1/cohorts"


class Wall:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def limiter(wall: Wall) -> Limiter:
    limiter = Limiter()
    limiter.clock = AdjustableClock(wall)
    limiter.enabled = True
    return limiter


def _ask(limiter: Limiter, times: int, path: str = PATH) -> list[str | None]:
    """What each request is told to wait, None when it is let through."""
    waits: list[str | None] = []
    for _ in range(times):
        try:
            limiter.check(path, "a key")
            waits.append(None)
        except ApiError as error:
            waits.append(error.headers["Retry-After"])
    return waits


def test_a_request_is_let_through_as_soon_as_it_was_told(limiter: Limiter, wall: Wall) -> None:
    assert _ask(limiter, 480) == [None] * 480
    wall.time += 47.5
    assert _ask(limiter, 1) == ["13"], "12.5 seconds, rounded up"
    wall.time += 12.4
    assert _ask(limiter, 1) == ["1"]
    wall.time += 0.1
    assert _ask(limiter, 1) == [None]


def test_the_hour_has_a_limit_of_its_own(limiter: Limiter, wall: Wall) -> None:
    for _ in range(10):
        assert _ask(limiter, 480) == [None] * 480
        wall.time += 60
    assert _ask(limiter, 1) == ["3000"], "ten minutes after the first"
    wall.time += 3000
    assert _ask(limiter, 481) == [None] * 480 + ["60"], "only the first minute's have left the hour"


def test_what_the_minute_refuses_counts_for_the_hour(limiter: Limiter, wall: Wall) -> None:
    assert _ask(limiter, 4800).count(None) == 480
    wall.time += 60
    assert _ask(limiter, 1) == ["3540"]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/projects/1/persons", 240),
        ("/api/environments/1/persons/some-uuid", 240),
        ("/api/projects/1/insights/7", 240),
        ("/api/projects/1/query", 240),
        ("/api/projects/1/feature_flags/some-key/remote_config", 600),
        ("/api/projects/1/feature_flags", 480),
        ("/api/users/@me", 480),
    ],
)
def test_each_class_of_endpoints_has_its_limit(limiter: Limiter, path: str, most: int) -> None:
    assert _ask(limiter, most + 1, path).count(None) == most


def test_changing_the_speed_does_not_move_the_clock(wall: Wall) -> None:
    clock = AdjustableClock(wall)
    wall.time += 2
    clock.set_speed(60)
    assert clock.now() == 2
    wall.time += 1
    assert clock.now() == 62
    clock.set_speed(1)
    wall.time += 1
    assert clock.now() == 63


def test_a_request_that_is_begun_again_for_a_slow_query_counts_once(tmp_path: Path) -> None:
    services = create_app(tmp_path).state.services
    services.limiter.change({"enabled": True})
    begun, done = list[datetime](), list[int]()

    def handler(context: Context) -> Any:
        context.identity = Identity({}, None, key={"id": "a key"})
        throttle(context)
        begun.append(context.begun)
        context.after_commit.append(partial(done.append, len(begun)))
        if len(begun) == 1:
            answer = Future[Any]()
            answer.set_result(None)
            raise SlowQuery("a query", answer)
        return {}

    async def body() -> Any:
        return {"type": "http.request", "body": b""}

    async def ask() -> int:
        scope = {"type": "http", "method": "GET", "path": PATH, "headers": [], "query_string": b""}
        return (await endpoint(handler)(Request({**scope, "sandbox.services": services}, body))).status_code

    assert asyncio.run(ask()) == 200
    assert len(begun) == 2
    assert begun[0] == begun[1]
    assert done == [2], "what the first attempt left for later is not done"
    assert [asyncio.run(ask()) for _ in range(480)] == [200] * 479 + [429]
