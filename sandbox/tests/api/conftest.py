"""One sandbox for the tests of a module, and its administrator."""

from collections.abc import Iterator

import pytest

from sandbox.tests.running import Sandbox, running_sandbox
from sandbox.tests.shapes import Api


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox)
