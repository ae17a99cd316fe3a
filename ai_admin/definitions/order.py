"""Resources in the order in which they can be created."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

from ai_admin.definitions.model import Definition
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import refs


def in_order(resources: Iterable[Definition]) -> tuple[Definition, ...]:
    """Return resources with every referenced one before those that refer to it, else by kind and key.

    A reference to nothing does not count. Raises graphlib.CycleError, which the checks exclude.
    """
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    by_name = {Ref(each.kind, each.key): each for each in resources}
    names = sorted(by_name, key=lambda ref: (ranks[ref.kind], ref.key))
    graph = TopologicalSorter({name: sorted(_first(by_name[name]) & by_name.keys(), key=str) for name in names})
    return tuple(by_name[name] for name in graph.static_order())


def _first(each: Definition) -> set[Ref]:
    return {*refs(each.properties), *KINDS[each.kind].first(each.properties)}
