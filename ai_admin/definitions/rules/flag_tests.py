"""The tests in a flag's file ask for what the flag can give, to installations that there can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ai_admin.definitions.catalog import catalogue
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.rules.catalogue import Use, property_known
from ai_admin.definitions.rules.references import missing
from ai_admin.definitions.rules.variants import variant_keys
from ai_admin.definitions.spelling import listed, suggestion
from ai_admin.definitions.unreadable import at, is_readable

HELD_OUT = "holdout-"
"""What a variant begins with that PostHog gives to those in a holdout; tests name the holdout's key after it."""


_ANSWERING = ("variants", "release_conditions")
"""The fields without which nothing can be said of what a flag gives."""


@rule("flag", sees=("cohort", "event"))
def installations_exist(unit: Unit, index: Index) -> Iterator[Finding]:
    """The cohorts and properties of a test are known, and texts are texts."""
    for path, test in _tests(unit, index):
        for n, key in enumerate(at(test, "cohorts", default=())):
            if isinstance(key, str) and index.find("cohort", key) is None and not index.may_exist("cohort", key):
                yield missing((*path, "cohorts", n), "cohort", key, index)
        for name, value in at(test, "properties", default={}).items():
            place = (*path, "properties", name)
            yield from (replace(each, at_key=True) for each in property_known(Use(place, "person", name), index))
            known = catalogue(index).person.get(name)
            if known and known.type == "String" and isinstance(value, int | float) and not isinstance(value, bool):
                written = unit.view.written((*unit.path, *place)) or str(value)
                message = f'"{name}" is of type String, and {written} is a number'
                yield Finding(place, message, f'write "{written}", in quotation marks')


@rule("flag", sees=("holdout",))
def answers_exist(unit: Unit, index: Index) -> Iterator[Finding]:
    """A flag gives one of its variants, or true where it has none; false to those whom no condition matches."""
    variants = variant_keys(unit)
    if variants is None:
        return
    for path, test in _tests(unit, index):
        expected = at(test, "expect")
        if not is_readable(expected) or expected is False or expected in variants or _held_out(expected, index):
            continue
        path = (*path, "expect")
        if not variants and isinstance(expected, str):
            yield Finding(path, f'the flag has no variants, so it never gives "{expected}"', "write true or false")
        elif isinstance(expected, str):
            fix = suggestion(expected, variants, f"write {listed([*variants, 'false'])}")
            yield Finding(path, f'the flag has no variant "{expected}"', fix)
        elif expected is True and variants:
            message = "a flag with variants gives the key of one, and never true"
            yield Finding(path, message, f"write {listed([*variants, 'false'])}")


@rule("flag")
def answers_are_known(unit: Unit, _: Index) -> Iterator[Finding]:
    """What is left to PostHog's pages can't be tested offline."""
    unmanaged = at(unit.value, "unmanaged", default=())
    left = [name for name in _ANSWERING if name in unmanaged] if is_readable(unmanaged) else []
    if left and at(unit.value, "tests"):
        names = listed([name.replace("_", " ") for name in left], "and")
        yield Finding(
            ("tests",), f"the {names} are left to PostHog's pages, so tests can't know them", "remove the tests"
        )


def _held_out(expected: Any, index: Index) -> bool:
    key = expected.removeprefix(HELD_OUT) if isinstance(expected, str) else expected
    return key != expected and index.find("holdout", key) is not None


def _tests(unit: Unit, index: Index) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the tests that are for a index.

    A test that names its stacks says nothing of the others, and nothing of the definition as written where all of these
    are patched.
    """
    for n, test in enumerate(at(unit.value, "tests", default=())):
        stacks = at(test, "stacks")
        if stacks is None:
            there = True
        elif index.stack is None:
            there = not unit.view.document.patches.keys() >= set(stacks)
        else:
            there = index.stack in stacks
        if there:
            yield ("tests", n), test
