"""A share of the campaign through the real engine: see ``tests/campaigns/engine_laws.py``.

Under the default settings alone; the field laws run their edits under those of a newer server as well.
"""

from __future__ import annotations

from pathlib import Path

from tests.campaigns.engine_laws import run


def test_what_a_plan_and_a_preview_announce_is_what_an_up_sends_and_then_nothing_is_left(tmp_path: Path) -> None:
    counts = run(tmp_path, objects=2, rounds=1, seed=3)
    assert counts["objects"] > 35
    assert counts["edits by hand"] > 8
    assert counts["announced"] > 12
    assert counts["planned"] == counts["announced"]
