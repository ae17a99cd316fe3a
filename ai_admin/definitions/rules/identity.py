"""Which definition is which: no two have one key, or adopt the same object of PostHog's."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from providers.posthog.kinds import KINDS


def duplicates(index: Index) -> Iterator[tuple[Unit, Finding]]:
    """Yield the later of two units of a kind with the same key, even if ``only`` puts them on different stacks."""
    for unit in index.units:
        first = index.find(unit.kind, unit.key)
        if first is not None and first is not unit:
            message = f'the {KINDS[unit.kind].words} key "{unit.key}" is taken ({_place(first)})'
            fix = "choose another key, or write what differs per stack under stacks of the one definition"
            yield unit, Finding((*unit.path, "key"), message, fix)


@rule(*FORMS, sees=lambda kind: (kind,))
def takes_over_a_free_key(unit: Unit, index: Index) -> Iterator[Finding]:
    """A former key is not the definition's own, and no other one of its kind has it now or had it before."""
    former = unit.value.get("renamed_from")
    if not isinstance(former, str):
        return
    kind = KINDS[unit.kind].words
    other = index.find(unit.kind, former)
    first = index.first(_renamed)[unit.kind, former]
    if former == unit.key:
        message = f"the {kind} is renamed from its own key"
        fix = "write the key it had before, or remove renamed_from"
    elif other is not None:
        message = f'the {kind} "{former}" still exists ({_place(other)}), so this one cannot take its place'
        fix = f"remove that {kind}, or remove renamed_from"
    elif first is not unit:
        message, fix = f'{first.shown} is renamed from "{former}" as well ({_place(first)})', "keep one of the two"
    else:
        return
    yield Finding(("renamed_from",), message, fix)


@rule(*FORMS, sees=lambda kind: (kind,))
def adopted_once(unit: Unit, index: Index) -> Iterator[Finding]:
    """No other definition of the kind adopts the same object."""
    if isinstance(unit.value.get("adopt"), int | float | str):
        first = index.first(_adopting)[unit.kind, str(unit.value["adopt"])]
        if first is not unit:
            message = f"{first.shown} adopts {unit.value['adopt']} as well ({_place(first)})"
            yield Finding(("adopt",), message, "keep one of the two")


@rule(*FORMS, sees=lambda kind: (kind,))
def distinct(unit: Unit, index: Index) -> Iterator[Finding]:
    """No two definitions of a kind have the same value where PostHog refuses the second."""
    for field in KINDS[unit.kind].fields:
        value = unit.value.get(field.name)
        if field.distinct and isinstance(value, str):
            first = index.first(_distinct)[unit.kind, field.name, value.strip()]
            if first is not unit:
                place = first.view.source(Finding((field.name,), "", ""))
                message = f"{first.name} has the same {field.name} ({place})"
                yield Finding((field.name,), message, f"choose another {field.name}")


@rule("flag", sees=("flag",))
def told_apart(unit: Unit, index: Index) -> Iterator[Finding]:
    """The keys of two flags differ in more than capital letters: PostHog has two flags, but people read one."""
    first = index.first(_lower)[unit.key.lower()]
    if first is not unit and first.key != unit.key:
        message = f"{first.shown} ({_place(first)}) has this key in other letters, and is another flag"
        yield Finding(("key",), message, "give one of the two another key, unless both are in use", note=True)


def _lower(unit: Unit) -> Iterator[str]:
    if unit.kind == "flag":
        yield unit.key.lower()


def _distinct(unit: Unit) -> Iterator[tuple[str, str, str]]:
    """Yield the values of the fields that are distinct."""
    for field in KINDS[unit.kind].fields:
        if field.distinct and isinstance(unit.value.get(field.name), str):
            yield unit.kind, field.name, unit.value[field.name].strip()


def _renamed(unit: Unit) -> Iterator[tuple[str, str]]:
    """Yield the key from which a definition was renamed."""
    if isinstance(unit.value.get("renamed_from"), str):
        yield unit.kind, unit.value["renamed_from"]


def _adopting(unit: Unit) -> Iterator[tuple[str, str]]:
    """Yield the id of the object that a definition adopts."""
    if isinstance(unit.value.get("adopt"), int | float | str):
        yield unit.kind, str(unit.value["adopt"])


def _place(unit: Unit) -> str:
    return str(unit.view.source(Finding((*unit.path, "key"), "", "")))
