"""Tiles and the insights on them, through the provider against the real sandbox."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.runs import Applied, Runs
from tests.support.samples.world import TREND
from tests.support.sandbox import Sandbox

HERE = {"x": 0, "y": 0, "w": 6, "h": 5}


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    return Runs(sandbox, {})


def dashboard(runs: Runs, name: str) -> int:
    return int(Applied(runs, "dashboard", {"name": name}).id)


def tiles(board: int, *insights: Applied) -> dict[str, Any]:
    return {"dashboard": board, "tiles": [{"insight": int(each.id), "layout": HERE} for each in insights]}


def shown_on(board: int, sandbox: Sandbox) -> list[int]:
    live = sandbox.call("GET", f"dashboards/{board}/")["tiles"]
    return [tile["insight"]["id"] for tile in live if tile["insight"]]


def test_an_insight_whose_dashboards_are_left_to_people_gets_its_tile_and_keeps_theirs(
    runs: Runs, sandbox: Sandbox
) -> None:
    ours, theirs = dashboard(runs, "Ours"), dashboard(runs, "Theirs")
    insight = Applied(runs, "insight", {"name": "Shared", "query": TREND, "unmanaged": ["dashboards"]})
    insight.by_hand({"dashboards": [theirs]})
    board = Applied(runs, "tiles", tiles(ours, insight))
    assert board.shown(tiles(ours, insight)) == []
    assert shown_on(ours, sandbox) == shown_on(theirs, sandbox) == [int(insight.id)]


def test_an_insight_that_two_dashboards_take_at_the_same_time_is_on_both(runs: Runs, sandbox: Sandbox) -> None:
    insight = Applied(runs, "insight", {"name": "Everywhere", "query": TREND, "unmanaged": ["dashboards"]})
    boards = [dashboard(runs, name) for name in ("First", "Second", "Third")]
    provider = runs.new_run("tiles")
    wanted = [dict(provider.check({}, tiles(board, insight)).inputs) for board in boards]
    late = {"kind": "latency", "seconds": 0.1, "path": "/insights/"}
    with sandbox.faults(late), ThreadPoolExecutor() as pool:
        list(pool.map(provider.create, wanted))
    assert [shown_on(board, sandbox) for board in boards] == [[int(insight.id)]] * 3


def test_an_insight_goes_after_its_tile_has_gone(runs: Runs, sandbox: Sandbox) -> None:
    ours = dashboard(runs, "Shrinking")
    insight = Applied(runs, "insight", {"name": "Going", "query": TREND, "dashboards": [ours]})
    board = Applied(runs, "tiles", tiles(ours, insight))
    board.apply(tiles(ours))
    assert shown_on(ours, sandbox) == []
    # Read before the tile went, as the engine reads everything first.
    runs.new_run("insight").delete(insight.id, insight.state)
    assert "Going" not in [item["name"] for item in sandbox.items("insights")]


NOTE = {"text": "## Please read", "layout": {"x": 0, "y": 0, "w": 6, "h": 1}}
BUTTON = {"button": {"url": "https://example.com/runbook", "text": "Runbook"}, "layout": NOTE["layout"]}
SHOWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (NOTE, {"text": {"body": NOTE["text"]}, "layouts": {}}),
    "button": (BUTTON, {"button_tile": BUTTON["button"], "layouts": {}}),
}


@pytest.fixture(scope="module")
def ana(sandbox: Sandbox) -> str:
    """The key of somebody else."""
    return sandbox.user("ana@example.com")


def standing(board: int, sandbox: Sandbox) -> list[int]:
    return [tile["id"] for tile in sandbox.call("GET", f"dashboards/{board}/")["tiles"]]


def theirs(sandbox: Sandbox, board: int, tile: dict[str, Any], key: str) -> int:
    before = standing(board, sandbox)
    sandbox.call("PATCH", f"dashboards/{board}/", {"tiles": [tile]}, key=key)
    [made] = set(standing(board, sandbox)) - set(before)
    return made


@pytest.mark.parametrize("sort", SHOWN)
@pytest.mark.parametrize("by", ["adoption", "update"])
def test_what_shows_the_same_and_somebody_else_made_is_left_alone(
    runs: Runs, sandbox: Sandbox, ana: str, sort: str, by: str
) -> None:
    """B4: it is neither changed nor removed as the definition's, which gets a tile of its own."""
    tile, sent = SHOWN[sort]
    board = int(sandbox.call("POST", "dashboards/", {"name": f"Ana's {sort} {by}"}, key=ana)["id"])
    wanted, other = {"dashboard": board, "tiles": [tile]}, {"dashboard": board, "tiles": [{**NOTE, "text": "Ours"}]}
    first = Applied(runs, "tiles", other) if by == "update" else None
    hers = theirs(sandbox, board, sent, ana)
    ours = first or Applied(runs, "tiles", wanted)
    ours.apply(wanted)
    assert len(standing(board, sandbox)) == 2
    assert ours.shown(wanted) == []
    # Where ours was taken off by hand, hers does not pass for it.
    [own] = [each for each in standing(board, sandbox) if each != hers]
    ours.by_hand({"tiles": [{"id": own, "deleted": True}]})
    assert ours.shown(wanted) == ["tiles"]
    ours.apply(wanted)
    ours.apply({"dashboard": board, "tiles": [{**NOTE, "text": "Another text"}]})
    assert hers in standing(board, sandbox)
    ours.remove()
    assert standing(board, sandbox) == [hers]


@pytest.mark.parametrize("sort", SHOWN)
def test_what_a_killed_run_has_left_is_found(runs: Runs, sandbox: Sandbox, sort: str) -> None:
    """A text by its author; a button, which has none, on a dashboard that nobody else has changed."""
    wanted = {"dashboard": (board := dashboard(runs, f"Killed {sort}")), "tiles": [SHOWN[sort][0]]}
    Applied(runs, "tiles", wanted)
    [first] = standing(board, sandbox)
    Applied(runs, "tiles", wanted)
    assert standing(board, sandbox) == [first]


def test_a_text_that_somebody_else_has_edited_is_theirs(runs: Runs, sandbox: Sandbox, ana: str) -> None:
    wanted = {"dashboard": (board := dashboard(runs, "Edited")), "tiles": [NOTE]}
    made = sandbox.call("PATCH", f"dashboards/{board}/", {"tiles": [{"text": {"body": "Mine"}, "layouts": {}}]})
    [tile] = made["tiles"]
    text = {"id": tile["text"]["id"], "body": NOTE["text"], "created_by": tile["text"]["created_by"]}
    sandbox.call("PATCH", f"dashboards/{board}/", {"tiles": [{"id": tile["id"], "text": text}]}, key=ana)
    Applied(runs, "tiles", wanted)
    assert len(standing(board, sandbox)) == 2


@pytest.mark.parametrize("sort", SHOWN)
def test_an_answer_that_is_lost_makes_no_second_tile(runs: Runs, sandbox: Sandbox, ana: str, sort: str) -> None:
    """Also on somebody else's dashboard: what has come since the first look is the definition's."""
    board = int(sandbox.call("POST", "dashboards/", {"name": f"Lost {sort}"}, key=ana)["id"])
    theirs(sandbox, board, SHOWN[sort][1], ana)
    rule = {"kind": "error_after", "methods": ["PATCH"], "path": "/dashboards/", "times": 1, "status": 502}
    with sandbox.faults(rule):
        Applied(runs, "tiles", {"dashboard": board, "tiles": [SHOWN[sort][0]]})
    assert len(standing(board, sandbox)) == 2
