"""Which alternative of a union (oneOf, anyOf) a value is meant to follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ai_admin.definitions.model import Path
from ai_admin.definitions.schemas import Violation


@dataclass
class Meant:
    """What to report of a value that follows no alternative: one of ``errors``, ``options`` and ``types``."""

    errors: list[Violation] = field(default_factory=list)
    """How the value breaks the alternative that is meant."""
    options: list[Any] = field(default_factory=list)
    """The values that select an alternative."""
    path: Path = ()
    """The place of the value that selects none of them."""
    value: Any = None
    """That value."""
    types: list[str] = field(default_factory=list)
    """The types of all alternatives, where the value has none of these."""


def meant(error: Violation) -> Meant:
    """Return which alternative of a violated oneOf or anyOf is meant, or why that is not known."""
    branches: dict[int, list[Violation]] = {}
    for inner in error.parts:
        branches.setdefault(inner.alternative, []).append(inner)
    depth = len(error.path)
    fitting = {n: inners for n, inners in branches.items() if not any(_wrong_type(each, depth) for each in inners)}
    if not fitting:
        return Meant(types=_types(branches, depth))
    selectors = {n: [inner for inner in inners if _selects(inner, depth)] for n, inners in fitting.items()}
    if all(selectors.values()):
        return _no_selection(fitting, selectors)
    selected = {n: inners for n, inners in fitting.items() if not selectors[n]}
    return Meant(errors=min(selected.values(), key=_distance))


def _wrong_type(error: Violation, depth: int) -> bool:
    return error.keyword == "type" and len(error.path) == depth


def _types(branches: dict[int, list[Violation]], depth: int) -> list[str]:
    found: dict[str, None] = {}
    for inner in (each for inners in branches.values() for each in inners if _wrong_type(each, depth)):
        wanted = inner.wanted
        found.update(dict.fromkeys([wanted] if isinstance(wanted, str) else wanted))
    return list(found)


def _selects(error: Violation, depth: int) -> bool:
    """Return whether a violation is about what selects an alternative: the value itself, or one of its keys."""
    return error.keyword in ("const", "enum") and len(error.path) <= depth + 1


def _no_selection(
    fitting: dict[int, list[Violation]],
    selectors: dict[int, list[Violation]],
) -> Meant:
    options: list[Any] = []
    for inner in (each for inners in selectors.values() for each in inners):
        values = [inner.wanted] if inner.keyword == "const" else inner.wanted
        options += [value for value in values if value not in options]
    paths = {inner.path for inners in selectors.values() for inner in inners}
    if len(paths) == 1:
        first = next(inner for inners in selectors.values() for inner in inners)
        return Meant(options=options, path=paths.pop(), value=first.found)
    return Meant(errors=min(fitting.values(), key=_distance))


def _distance(errors: list[Violation]) -> tuple[int, int]:
    """Return how far a value is from an alternative: missing and unknown keys weigh more than wrong values."""
    structural = sum(error.keyword in ("required", "additionalProperties") for error in errors)
    return structural, len(errors)
