"""The samples, applied once to a sandbox by the real CLI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.checkouts import SAMPLES
from tests.support.project import Project
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    project = Project(tmp_path_factory.mktemp("project") / "ai", sandbox, definitions=SAMPLES)
    project.up()
    return project
