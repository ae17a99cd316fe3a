"""Event definitions and property definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.catalog import is_person
from ai_admin.definitions.forms.base import Gathered, Written, fields, file, for_file, resource
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition
from providers.posthog.errors import NotWritable
from providers.posthog.kinds import KINDS

PERSON = "person-properties"
"""The key of the file that describes persons."""


def expand(unit: Unit, index: Index) -> Iterator[Definition]:
    """Yield the event and those of its properties that no file before this one has described."""
    kind = "person" if is_person(unit) else "event"
    if kind == "event":
        yield resource("event", unit.key, unit, {**fields(unit, "properties", "type"), "name": unit.key})
    for name in unit.value.get("properties") or {}:
        described = index.cached(_descriptions)[kind, name]
        if described["first"] is unit:
            yield resource("property", f"{kind}.{name}", unit, described["properties"], ("properties", name))


def _descriptions(index: Index) -> dict[tuple[str, str], dict[str, Any]]:
    """Return by type and name each property as all files together describe it, and the first unit that does."""
    result: dict[tuple[str, str], dict[str, Any]] = {}
    for unit in index.units:
        if unit.kind != "event":
            continue
        kind = "person" if is_person(unit) else "event"
        for name, item in (unit.value.get("properties") or {}).items():
            known = result.setdefault((kind, name), {"first": unit, "properties": {"name": name, "type": kind}})
            parts = {"type": "property_type", "description": "description", "tags": "tags", "adopt": "adopt"}
            own = {parts[part]: item[part] for part in parts if part in item}
            known["properties"] = {**own, **known["properties"]}
    return result


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per event, and one for persons.

    The properties of all events are in the file of the first: PostHog knows a property by its name alone.
    """
    described: dict[str, dict[str, Any]] = {"event": {}, "person": {}}
    for properties in gathered.of("property").values():
        typed = {"type": properties["property_type"]} if "property_type" in properties else {}
        about = for_file(KINDS["property"], properties, "name", "type", "property_type")
        described[properties["type"]][properties["name"]] = {**typed, **about}
    for key, properties in gathered.of("event").items():
        value = for_file(KINDS["event"], properties, "name")
        if described["event"]:
            value, described["event"] = {**value, "properties": described["event"]}, {}
        yield file("event", key, value)
    if described["event"]:
        raise NotWritable(
            f"property/event.{next(iter(described['event']))}", "no event is described that could have it"
        )
    if described["person"]:
        yield file("event", PERSON, {"type": "person", "properties": described["person"]})
