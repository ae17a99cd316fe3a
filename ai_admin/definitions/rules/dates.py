"""Dates that exist, and ends that come after their starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from typing import Any

from ai_admin.definitions import schemas
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.query import query_of
from ai_admin.definitions.unreadable import at


@cache
def _moments(kind: str) -> tuple[str, ...]:
    """Return the keys that hold a moment, by the format in the kind's schema; in its order, which is that of time."""
    properties = schemas.schema(kind)["properties"]
    return tuple(name for name, each in properties.items() if each.get("format") == "moment")


@rule(*FORMS)
def exist(unit: Unit, _: Index) -> Iterator[Finding]:
    """The day and the time exist."""
    for name in _moments(unit.kind):
        written = unit.value.get(name)
        if isinstance(written, str) and _time(written) is None:
            yield Finding((name,), f"there is no {written}", "write a day and a time that exist")


@rule(*FORMS)
def in_order(unit: Unit, _: Index) -> Iterator[Finding]:
    """An end comes after its start."""
    for first, last in pairwise(_moments(unit.kind)):
        start, end = _time(unit.value.get(first)), _time(unit.value.get(last))
        if start is not None and end is not None and end <= start:
            yield Finding((last,), f"{last} is not after {first}", f"write a time after {unit.value[first]}")


@rule("insight", "dashboard")
def ranges_in_order(unit: Unit, _: Index) -> Iterator[Finding]:
    """What an insight or a dashboard looks at is of days that exist, and ends after it begins: PostHog shows an empty
    chart for others.
    """
    for path, held in _ranges(unit):
        for name in ("date_from", "date_to"):
            if day := _no_day(at(held, name)):
                yield Finding((*path, name), f"there is no {day}", "write a day that exists")
        first, last = at(held, "date_from"), at(held, "date_to")
        start, end = _comparable(first), _comparable(last)
        if start is not None and end is not None and start[0] == end[0] and end[1] < start[1]:
            fix = f"write a time after {first}, or exchange the two"
            yield Finding((*path, "date_to"), f"date_to {last} is before date_from {first}", fix)


def _ranges(unit: Unit) -> Iterator[tuple[Path, Any]]:
    if unit.kind == "dashboard":
        yield ("filters",), unit.value.get("filters")
        return
    query = query_of(unit.value)
    if query is not None:
        yield query.path, query.node if query.shorthand else None
        yield (*query.path, "dateRange"), query.node.get("dateRange")


def _no_day(written: Any) -> str:
    """Return the day that a time begins with, where there is no such day; else the empty text."""
    found = _DAY.match(written) if isinstance(written, str) else None
    if found is None:
        return ""
    try:
        date(*map(int, found.groups()))
    except ValueError:
        return found[0]
    return ""


_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")


def _comparable(written: Any) -> tuple[str, float] | None:
    """Return what kind of a time it is and where it is among those; None for what can't be compared offline."""
    if not isinstance(written, str):
        return None
    ago = _AGO.fullmatch(written)
    if ago:
        return ago[2], -float(ago[1])
    time = _time(written)
    return ("date", time.timestamp()) if time is not None else None


_AGO = re.compile(r"-([0-9]+)([hdwmqy])")


def _time(written: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)
