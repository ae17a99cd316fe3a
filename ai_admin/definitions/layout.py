"""Where the tiles of a dashboard are: PostHog's wide grid has twelve columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

COLUMNS = 12
_WIDTH, _HEIGHT, _LOW_HEIGHT = 6, 5, 1
_LOW = ("text", "button")


class Place(NamedTuple):
    """A tile's rectangle, in columns and rows from the top left."""

    x: int
    y: int
    w: int
    h: int

    def overlaps(self, other: Place) -> bool:
        """Return whether two rectangles share a cell."""
        return (
            self.x < other.x + other.w
            and other.x < self.x + self.w
            and self.y < other.y + other.h
            and other.y < self.y + self.h
        )


def place(tiles: Sequence[dict[str, Any]]) -> list[Place]:
    """Return each tile's place: where its layout says, else flowing from left to right, then down.

    Tiles without x and y keep their order and go around those that have them.
    """
    sizes = [_size(tile) for tile in tiles]
    places: list[Place | None] = [_fixed(tile, *size) for tile, size in zip(tiles, sizes, strict=True)]
    taken = [each for each in places if each is not None]
    x = y = 0
    for n, (w, h) in enumerate(sizes):
        if places[n] is not None:
            continue
        taken = [each for each in taken if each.y + each.h > y]  # what lies above is not met again
        here = _free(x, y, w, h, taken)
        places[n] = here
        taken.append(here)
        x, y = here.x + here.w, here.y
    return [each for each in places if each is not None]


def _size(tile: dict[str, Any]) -> tuple[int, int]:
    layout = tile.get("layout") or {}
    return layout.get("w", _WIDTH), layout.get("h", _LOW_HEIGHT if any(name in tile for name in _LOW) else _HEIGHT)


def _fixed(tile: dict[str, Any], w: int, h: int) -> Place | None:
    layout = tile.get("layout") or {}
    return Place(layout["x"], layout["y"], w, h) if "x" in layout and "y" in layout else None


def _free(x: int, y: int, w: int, h: int, taken: list[Place]) -> Place:
    """Return the first free place at or after a cell, row by row."""
    while True:
        whole_row = x == 0
        while x + w <= COLUMNS:
            candidate = Place(x, y, w, h)
            blocking = next((each for each in taken if each.overlaps(candidate)), None)
            if blocking is None:
                return candidate
            x = blocking.x + blocking.w
        # Nothing changes before one of the tiles in the way ends.
        x, y = 0, min(each.y + each.h for each in taken if each.y + each.h > y) if whole_row else y + 1
