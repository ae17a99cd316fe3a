"""One store for the tests of a module."""

from collections.abc import Iterator

import pytest

from sandbox.tests.query.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World(tmp_path_factory.mktemp("store"))
    yield opened
    opened.close()
