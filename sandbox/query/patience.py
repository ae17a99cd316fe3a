"""Queries that take long. Whoever asks one holds up everybody else, as a request is handled without a pause.

Most take milliseconds. One that doesn't is computed beside the requests, by a thread, and who asked for it is begun
anew, in another transaction, to find the answer there.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, TypeVar

Found = TypeVar("Found")
ANSWERS: ContextVar[dict[str, Future[Any]] | None] = ContextVar("answers", default=None)
"""What was answered to who asks at present, however often begun; None for somebody who waits for everything."""


class SlowQuery(BaseException):
    """A query takes long. No `Exception`, as nobody on the way to `patiently` can do anything about it."""

    def __init__(self, sql: str, answer: Future[Any]) -> None:
        super().__init__(sql)
        self.sql, self.answer = sql, answer


def pause() -> None:
    """Let others be served: who asks is begun anew, and does not do again what was done. Nobody who waits for
    everything.
    """
    if ANSWERS.get() is not None:
        nothing = Future[None]()
        nothing.set_result(None)
        raise SlowQuery("", nothing)


async def patiently(job: Callable[[], Found]) -> Found:
    """Run a job, which may be done several times: whenever a query in it takes long, until all are answered."""
    answers: dict[str, Future[Any]] = {}
    while True:
        token = ANSWERS.set(answers)
        try:
            return job()
        except SlowQuery as slow:
            answer = answers[slow.sql] = slow.answer
        finally:
            ANSWERS.reset(token)
        # Also a failure is for the job, which asks again.
        await asyncio.gather(asyncio.wrap_future(answer), return_exceptions=True)
