"""What goes on beside the requests."""

import asyncio
from pathlib import Path

import pytest

from sandbox.app import create_app
from sandbox.wire.context import Services


def test_work_that_fails_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    services: Services = create_app(tmp_path).state.services

    def fail() -> None:
        raise LookupError("no such cohort")

    async def begun() -> None:
        services.later(0, fail)
        while services.tasks:
            await asyncio.sleep(0)
        services.later(60, fail)
        (waiting,) = services.tasks
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(begun())
    services.store.close()
    assert capsys.readouterr().err.count("LookupError: no such cohort\n") == 1
