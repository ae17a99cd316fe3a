"""A sandbox with something in it, and a browser to look at it."""

from collections.abc import Iterator

import pytest

from sandbox.tests.browser.chromium import Browser, running_browser
from sandbox.tests.browser.content import Content
from sandbox.tests.running import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="session")
def content(sandbox: Sandbox) -> Content:
    return Content(sandbox)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running
