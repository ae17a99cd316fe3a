"""Event definitions and property definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.catalog import is_person
from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.world import Unit, World


def expand(unit: Unit, world: World) -> Iterator[Definition]:
    """Yield the event and those of its properties that no file before this one has described."""
    kind = "person" if is_person(unit) else "event"
    if kind == "event":
        yield resource("event", unit.key, unit, {**fields(unit, "properties", "type"), "name": unit.key})
    for name in unit.value.get("properties") or {}:
        described = world.once(_descriptions)[kind, name]
        if described["first"] is unit:
            yield resource("property", f"{kind}.{name}", unit, described["properties"], ("properties", name))


def _descriptions(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    """Return, by type and name, each property as all files together describe it, and the first unit that
    does.
    """
    result: dict[tuple[str, str], dict[str, Any]] = {}
    for unit in world.units:
        if unit.kind != "event":
            continue
        kind = "person" if is_person(unit) else "event"
        for name, item in (unit.value.get("properties") or {}).items():
            known = result.setdefault((kind, name), {"first": unit, "properties": {"name": name, "type": kind}})
            own = {
                "property_type": item["type"],
                **{part: item[part] for part in ("description", "tags", "adopt") if part in item},
            }
            known["properties"] = {**own, **known["properties"]}
    return result
