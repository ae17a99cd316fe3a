"""A share of the campaign over the laws of the pure core: see ``tests/campaigns/reconcile_laws.py``."""

from __future__ import annotations

import pytest

from tests.campaigns.generated import GENERATED
from tests.campaigns.reconcile_laws import run

CASES = 100


@pytest.mark.parametrize("kind", GENERATED)
def test_what_a_preview_announces_is_what_is_sent_and_nothing_differs_afterwards(kind: str) -> None:
    counts = run(kind, CASES, seed=2)
    assert counts["cases"] == CASES
    assert counts["seen"] > CASES / 4  # edits by hand were there to be seen
    assert counts["patches"] > CASES / 4
