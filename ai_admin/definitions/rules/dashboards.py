"""The tiles of a dashboard: each insight once, inside the grid, none on another."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.layout import COLUMNS, Place, place
from ai_admin.definitions.model import Finding
from ai_admin.definitions.unreadable import at, is_readable


@rule("dashboard")
def each_insight_once(unit: Unit, _: Index) -> Iterator[Finding]:
    """No insight is on a dashboard twice: PostHog keeps one tile per insight."""
    seen: set[str] = set()
    for n, tile in enumerate(unit.value.get("tiles") or ()):
        insight = tile.get("insight")
        key = insight.get("key") if isinstance(insight, dict) else insight
        if not isinstance(key, str):
            continue
        if key in seen:
            path = ("tiles", n, "insight", "key") if isinstance(insight, dict) else ("tiles", n, "insight")
            yield Finding(path, f'the insight "{key}" is on this dashboard already', "remove one of the tiles")
        seen.add(key)


@rule("dashboard")
def inside_the_grid(unit: Unit, _: Index) -> Iterator[Finding]:
    """No tile reaches beyond the twelve columns, and none lies on another."""
    tiles = unit.value.get("tiles") or ()
    fitting = []
    for n, tile in enumerate(tiles):
        layout = at(tile, "layout", default={})
        if not is_readable(tile, layout, *layout.values()):
            continue  # it could be anywhere
        reach = layout.get("x", 0) + layout.get("w", 6)
        if reach > COLUMNS:
            message = f"the tile reaches to column {reach} of {COLUMNS}"
            fix = f"write x: {max(0, COLUMNS - layout.get('w', 6))} or less, or a smaller w"
            yield Finding(("tiles", n, "layout"), message, fix)
        else:
            fitting.append(n)
    places = zip(fitting, place([tiles[n] for n in fitting]), strict=True)
    above: list[tuple[int, Place]] = []
    for n, here in sorted(places, key=lambda each: each[1].y):
        above = [(other, there) for other, there in above if there.y + there.h > here.y]
        for other, there in above:
            if here.overlaps(there):
                message = f"the tile overlaps tile {other + 1} (x {there.x}, y {there.y}, w {there.w}, h {there.h})"
                fix = "move it, or leave x and y out: tiles then flow"
                yield Finding(("tiles", n, "layout"), message, fix)
                break
        above.append((n, here))
