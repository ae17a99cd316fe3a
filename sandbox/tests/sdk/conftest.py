"""One sandbox for the tests of a module, and the official SDK against it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from posthog import Posthog

from sandbox.tests.clients import Sdk, sdk
from sandbox.tests.running import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def new_sdk(sandbox: Sandbox) -> Iterator[Sdk]:
    """Makes clients of the project, shut down at the end of the test."""
    with ExitStack() as stack:

        def make(**options: Any) -> Posthog:
            return stack.enter_context(sdk(sandbox, **options))

        yield make
