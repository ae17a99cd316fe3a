"""The plan of a tiles PATCH."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import OWN
from providers.posthog.kinds.tiles import plan

PLACE = {"x": 0, "y": 0, "w": 6, "h": 5}


def insight(tile_id: int, insight_id: int, **layout: int) -> dict[str, Any]:
    return {"id": tile_id, "insight": {"id": insight_id}, "layouts": {"sm": {**PLACE, **layout}} if layout else {}}


def text(tile_id: int, body: str, **layout: int) -> dict[str, Any]:
    return {"id": tile_id, "text": {"id": tile_id + 100, "body": body}, "layouts": {"sm": {**PLACE, **layout}}}


def test_tiles_that_stand_as_described_need_nothing() -> None:
    live = [text(1, "# Cost", y=0), insight(2, 7, y=1)]
    wanted: list[dict[str, Any]] = [{"text": "# Cost", "layout": PLACE}, {"insight": 7, "layout": {**PLACE, "y": 1}}]
    assert plan(live, wanted, {}) == []


def test_a_new_insights_tile_is_placed_by_its_tile_id() -> None:
    assert plan([insight(2, 7)], [{"insight": 7, "layout": PLACE}], {}) == [{"id": 2, "layouts": {"sm": PLACE}}]


def test_an_edited_text_keeps_its_tile_and_its_text() -> None:
    wanted = [{"text": "new", "layout": PLACE}, {"text": "kept", "layout": PLACE}]
    items = plan([text(1, "old"), text(3, "kept")], wanted, {OWN: [1, 3]})
    assert items == [{"id": 1, "text": {"id": 101, "body": "new"}, "layouts": {"sm": PLACE}}]


def test_a_new_text_is_added_once_and_what_people_added_stays() -> None:
    live = [insight(9, 99, y=3), text(10, "theirs", y=4)]
    wanted: list[dict[str, Any]] = [{"text": "new", "layout": PLACE}]
    added = [{"text": {"body": "new"}, "layouts": {"sm": PLACE}}]
    assert plan(live, wanted, {}) == added
    assert plan([*live, text(11, "new", y=0)], wanted, {}) == []


def test_a_tile_that_leaves_the_definition_is_taken_away_and_with_exclusive_tiles_so_are_others() -> None:
    live = [text(1, "ours", y=0), text(2, "theirs", y=1)]
    assert plan(live, [], {"tiles": [{"text": "ours"}]}) == [{"id": 1, "deleted": True}]
    assert plan(live, [], {OWN: [1]}) == [{"id": 1, "deleted": True}]
    assert [item["id"] for item in plan(live, [], {"exclusive_tiles": True})] == [1, 2]


def test_a_text_that_somebody_edited_is_still_the_definitions() -> None:
    wanted: list[dict[str, Any]] = [{"text": "ours", "layout": PLACE}]
    live = [text(1, "edited", y=0), text(2, "theirs", y=1)]
    assert plan(live, wanted, {OWN: [1], "tiles": [{"text": "edited"}]}) == [
        {"id": 1, "text": {"id": 101, "body": "ours"}, "layouts": {"sm": PLACE}}
    ]


def test_a_removed_colour_is_cleared_with_an_empty_string() -> None:
    live = [{**insight(2, 7, y=0), "color": "blue", "show_description": True}]
    assert plan(live, [{"insight": 7, "layout": PLACE}], {}) == [
        {"id": 2, "layouts": {"sm": PLACE}, "color": "", "show_description": None}
    ]


def test_tiles_read_in_the_order_of_their_places_whatever_order_posthog_gives() -> None:
    kind = KINDS["tiles"]
    live = {"id": 4, "tiles": [insight(2, 7, y=5), text(1, "top", y=0), {**text(3, "gone"), "deleted": True}]}
    ours = {"dashboard": 4, "tiles": [
        {"insight": 7, "layout": {**PLACE, "y": 5}}, {"text": "top", "layout": PLACE}]}  # fmt: skip
    assert kind.project(live, ours, None) == kind.canonical(ours)  # type: ignore[arg-type]
