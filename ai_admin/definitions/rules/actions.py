"""Actions that PostHog takes."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.model import Finding
from ai_admin.definitions.world import Rule, Unit, World


def name_is_free(unit: Unit, world: World) -> Iterator[Finding]:
    """No two actions have the same name: PostHog refuses the second."""
    name = unit.value.get("name")
    first = world.once(_named).get(name.strip()) if isinstance(name, str) else None
    if first is not None and first is not unit:
        place = first.view.source(Finding(("name",), "", ""))
        yield Finding(("name",), f"{first.name} has the same name ({place})", "choose another name")


def _named(world: World) -> dict[str, Unit]:
    """Return the first action with each name."""
    found: dict[str, Unit] = {}
    for unit in world.units:
        if unit.kind == "action" and isinstance(unit.value.get("name"), str):
            found.setdefault(unit.value["name"].strip(), unit)
    return found


RULES = (Rule("action", name_is_free, sees=("action",)),)
