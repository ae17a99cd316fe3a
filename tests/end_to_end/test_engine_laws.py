"""A share of the campaign through the real engine: see ``tests/campaigns/engine_laws.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.engine_laws import run
from tests.support.sandbox import NEWER


@pytest.mark.parametrize("settings", [{}, NEWER], ids=["July 2026", "newer"])
def test_what_a_plan_and_a_preview_announce_is_what_an_up_sends_and_then_nothing_is_left(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    counts = run(tmp_path, objects=3, rounds=1, seed=3, **settings)
    assert counts["objects"] > 50
    assert counts["edits by hand"] > 10
    assert counts["announced"] > 15
    assert counts["planned"] == counts["announced"]
