"""Who is begun anew when a query takes long."""

import asyncio
import gc
from concurrent.futures import Future
from typing import Any

import pytest

from sandbox.query.patience import ANSWERS, SlowQuery, patiently


def test_a_slow_query_that_fails_is_told_to_who_asked_and_logged_nowhere() -> None:
    logged = list[Any]()

    def job() -> Any:
        answers = ANSWERS.get()
        assert answers is not None
        if "a query" in answers:
            return answers["a query"].result()
        failed = Future[Any]()
        failed.set_exception(ValueError("its failure"))
        raise SlowQuery("a query", failed)

    async def ask() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
        await patiently(job)

    with pytest.raises(ValueError, match="its failure"):
        asyncio.run(ask())
    gc.collect()
    assert logged == []
