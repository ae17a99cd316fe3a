"""Events and properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.contract.gather import Gathered, NotWritable, Value, Written, file, told

PERSON = "person-properties"
"""The key of the file that describes persons."""


def events(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per event, and one for persons. Every event's properties stand with the first event: PostHog knows
    them by their names alone.
    """
    described: dict[str, dict[str, Any]] = {"event": {}, "person": {}}
    for key, properties in gathered.of("property").items():
        described[properties["type"]][properties["name"]] = _property(key, properties)
    for key, properties in gathered.of("event").items():
        value = told("event", properties, "name")
        if described["event"]:
            value, described["event"] = {**value, "properties": described["event"]}, {}
        yield file("event", key, value)
    if described["event"]:
        raise NotWritable(
            f"property/event.{next(iter(described['event']))}", "no event is described that could have it"
        )
    if described["person"]:
        yield file("event", PERSON, {"type": "person", "properties": described["person"]})


def _property(key: str, properties: Value) -> Value:
    if "property_type" not in properties:
        raise NotWritable(f"property/{key}", "PostHog knows no type of it, and a file must say one")
    return {"type": properties["property_type"], **told("property", properties, "name", "type", "property_type")}
