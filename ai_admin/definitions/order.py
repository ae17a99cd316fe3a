"""Resources in the order in which they can be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from typing import Any

from ai_admin.definitions.model import Definition
from providers.posthog.kinds import KINDS, Ref


def in_order(resources: Iterable[Definition]) -> tuple[Definition, ...]:
    """Return resources with every referenced one before those that refer to it, else by kind and key.

    Raises graphlib.CycleError, and KeyError for a reference that leads nowhere: the checks exclude both.
    """
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    by_name = {Ref(each.kind, each.key): each for each in resources}
    names = sorted(by_name, key=lambda ref: (ranks[ref.kind], ref.key))
    graph = TopologicalSorter({name: sorted(_first(by_name[name]), key=str) for name in names})
    return tuple(by_name[name] for name in graph.static_order())


def _first(each: Definition) -> set[Ref]:
    return {*refs(each.properties), *KINDS[each.kind].first(each.properties)}


def refs(value: Any) -> Iterator[Ref]:
    """Yield every reference inside canonical properties."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from refs(item)
