"""Dates that exist, and ends that come after their starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ai_admin.definitions.model import Finding
from ai_admin.definitions.world import Rule, Unit, World

_DATES = {
    "annotation": ("date_marker",),
    "subscription": ("start_date", "until_date"),
    "experiment": ("start_date", "end_date"),
}
"""The keys that hold dates, a start before its end."""


def exist(unit: Unit, _: World) -> Iterator[Finding]:
    """There is such a day and such a time."""
    for name in _DATES[unit.kind]:
        written = unit.value.get(name)
        if isinstance(written, str) and _time(written) is None:
            yield Finding((name,), f"there is no {written}", "write a day and a time that exist")


def in_order(unit: Unit, _: World) -> Iterator[Finding]:
    """What ends does so after it began."""
    first, last = _DATES[unit.kind]
    start, end = _time(unit.value.get(first)), _time(unit.value.get(last))
    if start is not None and end is not None and end <= start:
        yield Finding((last,), f"{last} is not after {first}", f"write a time after {unit.value[first]}")


def _time(written: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


RULES = (
    *(Rule(kind, exist) for kind in _DATES),
    *(Rule(kind, in_order) for kind, names in _DATES.items() if len(names) > 1),
)
