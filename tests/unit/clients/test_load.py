"""What the load test of the example service takes for a broken cap."""

from __future__ import annotations

from collections import Counter

import pytest

from examples.ai_service import load
from examples.ai_service.service import Run


@pytest.mark.parametrize(("days", "over"), [(1, {"inst-1": 60}), (2, {})])
def test_each_day_has_its_tokens(days: int, over: dict[str, float]) -> None:
    runs = [Run(40, 40, None), Run(40, 40, None)]
    arrived: load.Seen = Counter({("inst-1", 80, None): 2})
    found = load._compared(["inst-1"] * 2, list(runs), arrived, {"inst-1": (100, 80)}, 1, days)
    assert (found.over_day, found.lost, found.unsent, found.over_request) == (over, 0, 0, 0)
