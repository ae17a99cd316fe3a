"""Values of a definition that can't be read: a rule checks all others, and reports nothing about these.

``UNREADABLE`` replaces a value with a flaw in its text, and one that does not follow its schema. It is an empty mapping
and false, so that a rule that walks through a definition skips it. A rule that counts or compares values, or reports a
missing one, first tests that all of them are readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ai_admin.definitions.model import Path


class _Unreadable(dict[str, Any]):
    """The type of the one value UNREADABLE, which equals only itself."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:  # type: ignore[override]  # it never changes
        return id(self)


UNREADABLE: Any = _Unreadable()


def at(value: Any, *steps: str, default: Any = None) -> Any:
    """Return the value below these keys: ``default`` if there is none, UNREADABLE if it or one above it is."""
    for step in steps:
        if value is UNREADABLE:
            return UNREADABLE
        value = value.get(step) if isinstance(value, dict) else None
    return default if value is None else value


def is_readable(*values: Any) -> bool:
    """Return whether none of these values is UNREADABLE."""
    return all(value is not UNREADABLE for value in values)


def made_unreadable(value: dict[str, Any], broken: Iterable[Path]) -> dict[str, Any]:
    """Return a definition in which the values at these paths are UNREADABLE; itself if there are no paths."""
    result: Any = value
    for path in broken:
        result = _made_unreadable(result, path)
    found: dict[str, Any] = result
    return found


def _made_unreadable(value: Any, path: Path) -> Any:
    if not path or value is UNREADABLE:
        return UNREADABLE
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and (step in value or not rest):
        return {**value, step: _made_unreadable(value.get(step), rest)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _made_unreadable(value[step], rest), *value[step + 1 :]]
    return value


def is_unreadable_at(value: Any, path: Path) -> bool:
    """Return whether the value at a path, or one above it, is UNREADABLE."""
    for step in path:
        if value is UNREADABLE:
            return True
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return False
    return value is UNREADABLE
