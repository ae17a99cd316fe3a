"""One provider process for the tests of a module, and runs in this one where PostHog has the objects of the samples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plugin import Plugin, running_plugin
from tests.support.runs import Runs
from tests.support.samples.world import stand
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="module")
def plugin(sandbox: Sandbox) -> Iterator[Plugin]:
    with running_plugin(sandbox.environ) as running:
        yield running


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    return Runs(sandbox, stand(sandbox))
