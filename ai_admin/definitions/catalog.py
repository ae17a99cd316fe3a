"""The catalogue: which events and properties the product sends, as events/*.yaml describe them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ai_admin.definitions.world import Unit, World


@dataclass(frozen=True, slots=True)
class Property:
    """A described property: its type in PostHog and, where they are listed, its possible values."""

    name: str
    type: str
    values: tuple[Any, ...] = ()


@dataclass
class Catalogue:
    """Events with their properties, and the properties of persons. ``complete`` is false when a file could
    not be read.
    """

    events: dict[str, dict[str, Property]] = field(default_factory=dict)
    person: dict[str, Property] = field(default_factory=dict)
    complete: bool = True

    def event_property(self, name: str, events: Iterable[str]) -> Property | None:
        """Return a property that one of these events has; of any event where none is named."""
        for event in list(events) or self.events:
            found = self.events.get(event, {}).get(name)
            if found is not None:
                return found
        return None

    def event_property_names(self, events: Iterable[str]) -> list[str]:
        """Return the names of the properties that these events have (any event's, where none is named)."""
        return [name for event in list(events) or self.events for name in self.events.get(event, ())]


def catalogue(world: World) -> Catalogue:
    """Return the catalogue of a world."""
    result: Catalogue = world.once(_read)
    return result


def is_posthogs_own(name: str) -> bool:
    """Whether an event or property is PostHog's own (``$pageview``), which no catalogue needs to describe."""
    return name.startswith("$")


def _read(world: World) -> Catalogue:
    result = Catalogue(complete="event" not in world.unread)
    for unit in world.units:
        if unit.kind != "event":
            continue
        if not unit.key or not unit.readable(("type", "properties")):
            result.complete = False
            continue
        described = {name: _property(name, item) for name, item in (unit.value.get("properties") or {}).items()}
        if is_person(unit):
            result.person.update(described)
        else:
            result.events.setdefault(unit.key, {}).update(described)
    return result


def is_person(unit: Unit) -> bool:
    """Whether a file of events/ describes the properties of persons instead of an event."""
    return bool(unit.value.get("type") == "person")


def _property(name: str, item: dict[str, Any]) -> Property:
    return Property(name, item["type"], tuple(item.get("values") or ()))
