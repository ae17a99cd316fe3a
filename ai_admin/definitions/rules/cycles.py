"""Definitions that refer to each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.forms.cohort import references as cohort_references
from ai_admin.definitions.forms.flag import references as flag_references
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path


def _edges(unit: Unit) -> list[tuple[Path, str]]:
    references = flag_references if unit.kind == "flag" else cohort_references
    return [(path, key) for path, kind, key in references(unit) if kind == unit.kind and isinstance(key, str)]


def _graph(index: Index) -> dict[tuple[str, str], list[str]]:
    return {
        (unit.kind, unit.key): [key for _, key in _edges(unit)]
        for kind in ("flag", "cohort")
        for unit in index.by_key.get(kind, {}).values()
    }


@rule("flag", "cohort", sees=lambda kind: (kind,))
def acyclic(unit: Unit, index: Index) -> Iterator[Finding]:
    """No flag depends on itself and no cohort on itself, directly or through others; PostHog refuses both."""
    if index.find(unit.kind, unit.key) is not unit:
        return
    for path, key in _edges(unit):
        way = _way(unit.kind, key, unit.key, index.cached(_graph))
        if way is not None:
            circle = " -> ".join([unit.key, *way])
            yield Finding(
                path,
                f"the {unit.kind}s refer to each other in a circle: {circle}",
                "remove one of the references",
            )


def _way(kind: str, start: str, goal: str, graph: dict[tuple[str, str], list[str]]) -> list[str] | None:
    """Return the keys from start to goal along references, the shortest way; None when there is none."""
    ways: dict[str, list[str]] = {start: [start]}
    queue = [start]
    for key in queue:
        if key == goal:
            return ways[key]
        for following in graph.get((kind, key), ()):
            if following not in ways:
                ways[following] = [*ways[key], following]
                queue.append(following)
    return None
