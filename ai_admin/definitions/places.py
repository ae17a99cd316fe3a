"""The place in which two values differ, for sentences about what can't be written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

INEXPRESSIBLE = "no file can express"


def inexpressible(fields: Iterable[str], left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """Return the sentence that no file can express the difference of two definitions in these fields."""
    parts = (_differing(name, left.get(name), right.get(name)) for name in fields)
    return f"{INEXPRESSIBLE} the value of {', '.join(parts)}"


def _differing(name: str, left: Any, right: Any) -> str:
    """Return the part of a field in which two of its canonical values differ, the innermost that holds all of it.

    Args:
        name: the field's.
        left: a value.
        right: another one.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        inside: list[Any] = [each for each in {**left, **right} if left.get(each) != right.get(each)]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        inside = [n for n, each in enumerate(left) if each != right[n]]
    else:
        return name
    if len(inside) != 1:
        return name
    [at] = inside
    parts = (left[at], right[at]) if isinstance(left, list) else (left.get(at), right.get(at))
    return _differing(f"{name}[{at}]" if isinstance(left, list) else f"{name}.{at}", *parts)
