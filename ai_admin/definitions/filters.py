"""Property filters wherever they are: which property each is about, and who has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ai_admin.definitions.catalog import Property, catalogue
from ai_admin.definitions.forms.cohort import cohort_leaves
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Path
from ai_admin.definitions.query import all_filters, node_events, property_filters, query_of
from ai_admin.definitions.trees import WITH_NODES, nodes
from ai_admin.definitions.unreadable import UNREADABLE


@dataclass(frozen=True, slots=True)
class Filter:
    """A property filter: its path in the unit, what it says, and the events that it is about (none: any)."""

    path: Path
    leaf: dict[str, Any]
    type: str
    events: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of the property; empty where the filter is about something else."""
        key = self.leaf.get("key")
        return key if isinstance(key, str) and self.type in ("event", "person") else ""


def filters(unit: Unit) -> list[Filter]:
    """Return every property filter of a unit; what can't be read in one is UNREADABLE."""
    return list(_FILTERS[unit.kind](unit))


def described(filter_: Filter, index: Index) -> Property | None:
    """Return what the catalogue of an index says of a filter's property, or None."""
    return catalogue(index).find(filter_.type, filter_.key, filter_.events) if filter_.key else None


def _of_flag(unit: Unit) -> Iterator[Filter]:
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        for m, leaf in enumerate(condition.get("properties") or ()):
            yield Filter(("release_conditions", n, "properties", m), leaf, leaf.get("type", "person"))


def _of_cohort(unit: Unit) -> Iterator[Filter]:
    for path, leaf in cohort_leaves(unit):
        if "cohort" in leaf:
            continue
        kind = leaf.get("type", "person")
        if kind == "behavioral":
            event = leaf.get("key")
            for n, inner in enumerate(leaf.get("event_filters") or ()):
                events = (event,) if isinstance(event, str) or event is UNREADABLE else ()
                yield Filter((*path, "event_filters", n), inner, inner.get("type", ""), events)
        else:
            yield Filter(path, leaf, kind)


def _of_insight(unit: Unit) -> Iterator[Filter]:
    query = query_of(unit.value)
    if query is not None:
        for path, leaf, events in all_filters(query):
            yield Filter(path, leaf, leaf.get("type", ""), events)


def _of_dashboard(unit: Unit) -> Iterator[Filter]:
    own = (unit.value.get("filters") or {}).get("properties")
    for path, leaf in property_filters(own, ("filters", "properties")):
        yield Filter(path, leaf, leaf.get("type", ""))


def _of_nodes(unit: Unit) -> Iterator[Filter]:
    for path, node in nodes(unit):
        for place, leaf in property_filters(node.get("properties"), (*path, "properties")):
            yield Filter(place, leaf, leaf.get("type", ""), node_events(node))


_FILTERS = {
    "flag": _of_flag,
    "cohort": _of_cohort,
    "insight": _of_insight,
    "dashboard": _of_dashboard,
    **dict.fromkeys(WITH_NODES, _of_nodes),
}
FILTERED = tuple(_FILTERS)
"""The kinds of unit that have property filters."""
