"""Tiles and the insights on them, through the provider against the real sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.desk import Applied, Desk
from tests.support.samples.world import TREND
from tests.support.sandbox import Sandbox

HERE = {"x": 0, "y": 0, "w": 6, "h": 5}


@pytest.fixture(scope="module")
def desk(sandbox: Sandbox) -> Desk:
    return Desk(sandbox, {})


def dashboard(desk: Desk, name: str) -> int:
    return int(Applied(desk, "dashboard", {"name": name}).id)


def tiles(board: int, *insights: Applied) -> dict[str, Any]:
    return {"dashboard": board, "tiles": [{"insight": int(each.id), "layout": HERE} for each in insights]}


def shown_on(board: int, sandbox: Sandbox) -> list[int]:
    live = sandbox.call("GET", f"dashboards/{board}/")["tiles"]
    return [tile["insight"]["id"] for tile in live if tile["insight"]]


def test_an_insight_whose_dashboards_are_left_to_people_gets_its_tile_and_keeps_theirs(
    desk: Desk, sandbox: Sandbox
) -> None:
    ours, theirs = dashboard(desk, "Ours"), dashboard(desk, "Theirs")
    insight = Applied(desk, "insight", {"name": "Shared", "query": TREND, "unmanaged": ["dashboards"]})
    insight.by_hand({"dashboards": [theirs]})
    board = Applied(desk, "tiles", tiles(ours, insight))
    assert board.shown(tiles(ours, insight)) == []
    assert shown_on(ours, sandbox) == shown_on(theirs, sandbox) == [int(insight.id)]


def test_an_insight_goes_after_its_tile_has_gone(desk: Desk, sandbox: Sandbox) -> None:
    ours = dashboard(desk, "Shrinking")
    insight = Applied(desk, "insight", {"name": "Going", "query": TREND, "dashboards": [ours]})
    board = Applied(desk, "tiles", tiles(ours, insight))
    board.apply(tiles(ours))
    assert shown_on(ours, sandbox) == []
    # Read before the tile went, as the engine reads everything first.
    desk.new_run("insight").delete(insight.id, insight.state)
    assert "Going" not in [item["name"] for item in sandbox.items("insights")]
