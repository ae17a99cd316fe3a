"""A share of the campaign over the laws of the pure core: see ``tests/campaigns/reconcile_laws.py``."""

from __future__ import annotations

import random

import pytest

from providers.posthog.kinds import KINDS
from providers.posthog.reconcile import changed
from tests.campaigns.generated import GENERATED
from tests.campaigns.reconcile_laws import Case, run

CASES = 100
HANGS_ON = {"template": {"description", "hog"}, "inputs_schema": {"inputs"}}
"""What a notification copies from its template can't be told from its own without it."""


@pytest.mark.parametrize("kind", GENERATED)
def test_what_a_preview_announces_is_what_is_sent_and_nothing_differs_afterwards(kind: str) -> None:
    counts = run(kind, CASES, seed=2)
    assert counts["cases"] == CASES
    assert counts["seen"] > CASES / 4  # edits by hand were there to be seen
    assert counts["patches"] > CASES / 4


@pytest.mark.parametrize("kind", GENERATED)
def test_an_object_is_read_whatever_fields_a_server_leaves_out_or_adds(kind: str) -> None:
    for number in range(20):
        case = Case(KINDS[kind], random.Random(f"absent-{kind}-{number}"))
        state = case.definition()
        case.make(state)
        shown = case.shown()
        newer = case.kind.project({**shown, "of_next_year": {"a": [1]}}, state, case.names)
        assert changed(case.kind, newer, state) == []
        for left_out in shown:
            older = case.kind.project({name: shown[name] for name in shown if name != left_out}, state, case.names)
            gone = {field.name for field in changed(case.kind, older, state)}
            own = {field.name for field in case.kind.fields if left_out in {field.api_path[0], *field.read_path[:1]}}
            assert gone <= own | HANGS_ON.get(left_out, set()), f"without {left_out}: {gone}"
