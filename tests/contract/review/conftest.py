"""One sandbox for the tests of a module, and a stack of its own for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        for number in range(20):
            person = {"$set": {"channel": "internal" if number < 5 else "stable"}}
            event = {"event": "seen", "distinct_id": f"p-{number}", "properties": person}
            running.capture(event)
        yield running


@pytest.fixture
def stack(tmp_path: Path, sandbox: Sandbox) -> Stack:
    made = Stack(tmp_path / "checkout", sandbox)
    made.write("event", "installation", type="person", properties={"channel": {"type": "String"}})
    return made
