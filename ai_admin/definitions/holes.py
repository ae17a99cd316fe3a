"""Places of a definition that can't be read: rules look at everything else, and say nothing of what they can't see.

A schema's finding punches a hole where it is, and so does a flaw of the text. A hole reads as an empty mapping and
is false, so that a rule that walks through a definition passes over it; a rule that counts, compares or misses
something asks whether it sees a hole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ai_admin.definitions.model import Path


class _Hole(dict[str, Any]):
    """The value for something that can't be read; equal to nothing but itself."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:  # type: ignore[override]  # it never changes
        return id(self)


HOLE: Any = _Hole()


def at(value: Any, *steps: str, default: Any = None) -> Any:
    """Return what is below these keys, ``default`` where there is nothing, HOLE where it can't be read."""
    for step in steps:
        if value is HOLE:
            return HOLE
        value = value.get(step) if isinstance(value, dict) else None
    return default if value is None else value


def seen(*values: Any) -> bool:
    """Whether none of these values is a hole."""
    return all(value is not HOLE for value in values)


def punched(value: dict[str, Any], broken: Iterable[Path]) -> dict[str, Any]:
    """Return a definition with holes at these places; itself where there are none."""
    result: Any = value
    for path in broken:
        result = _punched(result, path)
    found: dict[str, Any] = result
    return found


def _punched(value: Any, path: Path) -> Any:
    if not path or value is HOLE:
        return HOLE
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and (step in value or not rest):
        return {**value, step: _punched(value.get(step), rest)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _punched(value[step], rest), *value[step + 1 :]]
    return value


def leads_into_a_hole(value: Any, path: Path) -> bool:
    """Whether the way along a path ends at a hole or before one."""
    for step in path:
        if value is HOLE:
            return True
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return False
    return value is HOLE
