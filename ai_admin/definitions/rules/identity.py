"""Which object of PostHog's a definition is: no two take over the same."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.files import KINDS
from ai_admin.definitions.model import Finding
from ai_admin.definitions.world import Rule, Unit, World


def takes_over_a_free_key(unit: Unit, world: World) -> Iterator[Finding]:
    """A flag's former key is not its own, and no other flag has it now or had it before."""
    former = unit.value.get("renamed_from")
    if not isinstance(former, str):
        return
    other = world.find("flag", former)
    first = world.once(_renamed)[former]
    if former == unit.key:
        message, fix = "the flag is renamed from its own key", "write the key it had before, or remove renamed_from"
    elif other is not None:
        message = f'the flag "{former}" still exists ({_place(other)}), so this one cannot take its place'
        fix = "remove that flag, or remove renamed_from"
    elif first is not unit:
        message, fix = f'{first.shown} is renamed from "{former}" as well ({_place(first)})', "keep one of the two"
    else:
        return
    yield Finding(("renamed_from",), message, fix)


def adopted_once(unit: Unit, world: World) -> Iterator[Finding]:
    """No other definition of the kind takes over the same object."""
    if isinstance(unit.value.get("adopt"), int | float | str):
        first = world.once(_adopting)[unit.kind, str(unit.value["adopt"])]
        if first is not unit:
            message = f"{first.shown} adopts {unit.value['adopt']} as well ({_place(first)})"
            yield Finding(("adopt",), message, "keep one of the two")


def _renamed(world: World) -> dict[str, Unit]:
    """Return the first flag that was renamed from each key."""
    found: dict[str, Unit] = {}
    for unit in world.units:
        if unit.kind == "flag" and isinstance(unit.value.get("renamed_from"), str):
            found.setdefault(unit.value["renamed_from"], unit)
    return found


def _adopting(world: World) -> dict[tuple[str, str], Unit]:
    """Return the first definition of each kind that adopts each id."""
    found: dict[tuple[str, str], Unit] = {}
    for unit in world.units:
        if isinstance(unit.value.get("adopt"), int | float | str):
            found.setdefault((unit.kind, str(unit.value["adopt"])), unit)
    return found


def _place(unit: Unit) -> str:
    return str(unit.view.source(Finding((*unit.path, "key"), "", "")))


RULES = (
    Rule("flag", takes_over_a_free_key, sees=("flag",)),
    *(Rule(kind, adopted_once, sees=(kind,)) for kind in KINDS),
)
