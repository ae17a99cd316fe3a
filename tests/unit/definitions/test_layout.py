"""Where tiles stand that do not say it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_admin.definitions.layout import COLUMNS, Place, place


def insight(**layout: int) -> dict[str, Any]:
    return {"insight": "a", "layout": layout}


@pytest.mark.parametrize(
    ("tiles", "places"),
    [
        pytest.param([{"insight": "a"}, {"insight": "b"}, {"insight": "c"}],
                     [(0, 0, 6, 5), (6, 0, 6, 5), (0, 5, 6, 5)], id="two in a row"),
        pytest.param([{"text": "a"}, {"insight": "b"}], [(0, 0, 6, 1), (6, 0, 6, 5)], id="a text is one row high"),
        pytest.param([insight(w=4, h=2)] * 4,
                     [(0, 0, 4, 2), (4, 0, 4, 2), (8, 0, 4, 2), (0, 2, 4, 2)], id="three in a row"),
        pytest.param([insight(h=5), insight(h=1), insight(h=3)],
                     [(0, 0, 6, 5), (6, 0, 6, 1), (6, 1, 6, 3)], id="below a low tile beside a high one"),
        pytest.param([insight(w=8, h=2), insight(w=8, h=2), insight(w=4, h=1)],
                     [(0, 0, 8, 2), (0, 2, 8, 2), (8, 2, 4, 1)], id="never back up"),
        pytest.param([insight(h=2), insight(x=6, y=0, w=6, h=2), insight(w=12, h=1)],
                     [(0, 0, 6, 2), (6, 0, 6, 2), (0, 2, 12, 1)], id="around one that is placed"),
        pytest.param([insight(x=0, y=0, w=12, h=1_000_000_000), insight(w=12, h=1)],
                     [(0, 0, 12, 1_000_000_000), (0, 1_000_000_000, 12, 1)], id="far below"),
    ],
)  # fmt: skip
def test_tiles_flow(tiles: list[dict[str, Any]], places: list[tuple[int, int, int, int]]) -> None:
    assert [tuple(each) for each in place(tiles)] == places


SIZES = st.fixed_dictionaries({"w": st.integers(1, COLUMNS), "h": st.integers(1, 6)})


@given(
    st.lists(SIZES, max_size=12),
    st.lists(st.builds(Place, st.integers(0, 6), st.integers(0, 9), st.integers(1, 6), st.integers(1, 4)), max_size=3),
)
def test_flowing_tiles_overlap_nothing_and_keep_their_order(sizes: list[dict[str, int]], fixed: list[Place]) -> None:
    tiles = [{"layout": each._asdict()} for each in fixed] + [{"layout": size} for size in sizes]
    places = place(tiles)
    flowing = places[len(fixed) :]
    assert places[: len(fixed)] == fixed
    assert [(each.w, each.h) for each in flowing] == [(size["w"], size["h"]) for size in sizes]
    for n, here in enumerate(flowing):
        assert here.x + here.w <= COLUMNS
        assert not any(here.overlaps(other) for other in fixed + flowing[:n])
    assert [(each.y, each.x) for each in flowing] == sorted((each.y, each.x) for each in flowing)
