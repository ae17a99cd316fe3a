"""A share of the campaign of random definitions and edits: see ``tests/campaigns/reconcile_laws.py``."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from providers.posthog.inputs import to_properties
from providers.posthog.kinds import KINDS
from providers.posthog.reconcile import changed
from tests.campaigns.generated import GENERATED
from tests.campaigns.reconcile_laws import OLDER, Case, run, running
from tests.support.runs import Runs
from tests.support.sandbox import NEWER

CASES = 2
SERVERS: dict[str, dict[str, Any]] = {"July 2026": OLDER, "newer": NEWER}
DIFFERENT = ("flag", "experiment", "insight", "event", "subscription")
"""The kinds that the two servers treat differently; the others are tried on one of them."""
HANGS_ON = {"template": {"description", "hog"}, "inputs_schema": {"inputs"}, "target_type": {"target_value"}}
"""What a notification copies from its template can't be told from its own without it, nor a subscription's address that
is a secret from one that is none."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Runs]]:
    """Starts each server once: pytest would start one anew whenever the next test is for another."""
    with ExitStack() as stack:

        @cache
        def start(server: str) -> Runs:
            return stack.enter_context(running(tmp_path_factory.mktemp("sandbox"), SERVERS[server]))

        yield start


@pytest.mark.parametrize(
    ("server", "kind"),
    [(server, kind) for server in SERVERS for kind in GENERATED if server == "July 2026" or kind in DIFFERENT],
)
def test_what_a_preview_announces_is_what_is_sent_and_nothing_differs_afterwards(
    started: Callable[[str], Runs], server: str, kind: str
) -> None:
    counts = run(started(server), kind, CASES, seed=2)
    assert counts["cases"] == CASES
    assert counts["seen"] > 0  # edits by hand were there to be seen
    assert counts["patches"] > CASES / 4


@pytest.mark.parametrize("kind", GENERATED)
def test_an_object_is_read_whatever_fields_a_server_leaves_out_or_adds(
    started: Callable[[str], Runs], kind: str
) -> None:
    for number in range(CASES):
        case = Case(started("July 2026"), KINDS[kind], random.Random(f"absent-{kind}-{number}"), 1000 + number)
        state = case.make()
        known, shown = to_properties(kind, case.object.state), case.object.live()
        newer = case.kind.project({**shown, "of_next_year": {"a": [1]}}, known, case.directory)
        assert changed(case.kind, newer, state) == []
        for left_out in shown:
            older = case.kind.project({name: shown[name] for name in shown if name != left_out}, known, case.directory)
            gone = {field.name for field in changed(case.kind, older, state)}
            own = {field.name for field in case.kind.fields if left_out in {field.api_path[0], *field.read_path[:1]}}
            assert gone <= own | HANGS_ON.get(left_out, set()), f"without {left_out}: {gone}"
        case.object.remove()
