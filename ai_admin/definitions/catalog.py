"""The catalogue: which events and properties the product sends, as events/*.yaml describe them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.unreadable import UNREADABLE, at, is_readable


@dataclass(frozen=True, slots=True)
class Property:
    """A described property."""

    name: str
    type: str
    """Its type in PostHog; empty where that can't be read."""
    values: tuple[Any, ...] = ()
    """Its possible values, where they are listed."""


Properties = dict[str, Property]


@dataclass
class Catalogue:
    """Events with their properties, and the properties of persons."""

    events: dict[str, Properties] = field(default_factory=dict)
    person: Properties = field(default_factory=dict)
    partly: set[str] = field(default_factory=set)
    """The events of which not every property can be read."""
    persons_partly: bool = False
    """Not every property of persons can be read."""

    def find(self, kind: str, name: str, events: Iterable[str]) -> Property | None:
        """Return a property that a ``person`` has, or one of these events, or any event where ``events`` is empty."""
        if kind == "person":
            return self.person.get(name)
        described = (self.events.get(event, {}) for event in list(events) or self.events)
        return next((each[name] for each in described if name in each), None)

    def properties(self, kind: str, events: Iterable[str]) -> list[str] | None:
        """Return the names of all properties that an ``event`` or a ``person`` has, None where they are not all known.

        An ``event`` is one of ``events``, or any where that is empty. An event that no file describes can have any
        property.
        """
        if kind == "person":
            return None if self.persons_partly else list(self.person)
        named = list(events)
        if any(event not in self.events for event in named) or not self.partly.isdisjoint(named or self.events):
            return None
        return [name for event in named or self.events for name in self.events[event]]


def catalogue(index: Index) -> Catalogue:
    """Return the catalogue of an index."""
    result: Catalogue = index.cached(_read)
    return result


def values_of_persons(index: Index) -> dict[str, tuple[Any, ...]]:
    """Return all values of the properties of persons whose values the catalogue lists, or that are true or false."""
    person = catalogue(index).person
    found = {name: (True, False) if each.type == "Boolean" else each.values for name, each in person.items()}
    return {name: values for name, values in found.items() if values}


_WITHOUT_DOLLAR = frozenset({
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_name", "utm_term", "gclid", "gad_source", "gclsrc",
    "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid", "li_fat_id", "mc_cid", "igshid", "ttclid", "rdt_cid",
    "epik", "qclid", "sccid", "irclid", "_kx",
    "Application Opened", "Application Backgrounded", "Application Updated", "Application Installed",
    "Application Became Active", "Deep Link Opened",
})  # fmt: skip
"""What PostHog's SDKs send of themselves under names without $ (posthog/taxonomy/taxonomy.py): what a page's address
says of a campaign, as properties of events and of persons, and the events of mobile apps."""


def is_posthogs_own(name: str) -> bool:
    """Return whether an event or property is PostHog's own (``$pageview``, ``utm_source``): no catalogue needs it."""
    return name.startswith("$") or name in _WITHOUT_DOLLAR


def _read(index: Index) -> Catalogue:
    result = Catalogue()
    for unit in index.units:
        if unit.kind != "event":
            continue
        kind, listed = at(unit.value, "type", default="event"), at(unit.value, "properties", default={})
        described = {name: _property(name, item) for name, item in listed.items()}
        if kind != "event":  # or UNREADABLE: then it may be either
            result.person.update(described)
            result.persons_partly |= listed is UNREADABLE
        if kind != "person":  # without a key it is some event
            result.events.setdefault(unit.key, {}).update(described)
            if listed is UNREADABLE:
                result.partly.add(unit.key)
    return result


def is_person(unit: Unit) -> bool:
    """Return whether a file of events/ describes the properties of persons instead of an event."""
    return bool(unit.value.get("type") == "person")


def _property(name: str, item: Mapping[str, Any]) -> Property:
    kind, values = at(item, "type"), at(item, "values", default=())
    return Property(name, kind if isinstance(kind, str) else "", tuple(values) if is_readable(*values) else ())
