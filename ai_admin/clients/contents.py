"""What a generated client has: flags, events and the properties of an installation, of all stacks together. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ai_admin.definitions.catalog import is_person
from ai_admin.definitions.index import Index, Unit

BOOLEAN, VARIANT, ANY_VARIANT = "", "variant", "any variant"
"""What a flag without payload_type gives; one with it gives what that says."""
_TAKEN = (
    *("self", "distinct_id", "flags", "constructor", "then"),  # what has a then, an await takes for a promise
    *("AiAdmin", "Client", "Evaluated", "Fits", "Flags", "Groups", "InvalidEvent", "Json", "Person", "Property"),
    "Readers",
)
"""Names that generated code has for something else."""


Aliases = Mapping[str, str]
"""The name in code of each of a client's choices."""


class NotGenerated(ValueError):
    """No client can be generated for these definitions; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that has a reader."""

    key: str
    path: str
    """The file that defines it."""
    description: str
    gives: str
    """BOOLEAN, VARIANT, ANY_VARIANT where PostHog's pages say which there are, or the payload's type."""
    variants: tuple[str, ...]
    fallback: Any
    """What the reader gives where the flag gives nothing; None is nothing."""
    ceiling: float | None


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an event or of an installation."""

    name: str
    description: str
    type: str
    """Its type in PostHog; empty where it has none."""
    values: tuple[Any, ...]
    required: bool

    @property
    def is_choice(self) -> bool:
        """Whether it is one of some texts; type checkers know no lists of numbers."""
        return bool(self.values) and all(isinstance(value, str) for value in self.values)


@dataclass(frozen=True, slots=True)
class Event:
    """An event that has a capture function."""

    name: str
    path: str
    description: str
    properties: tuple[Property, ...]

    @property
    def constant(self) -> str:
        """The name in code of what it is described by."""
        return f"{named([self.name])[self.name].upper()}_EVENT"


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a client has, in the order of keys."""

    flags: tuple[Flag, ...]
    events: tuple[Event, ...]
    person: tuple[Property, ...]

    def choices(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield all lists of texts of which one is given or sent, each under a name of its own."""
        yield from ((variant_of(flag), flag.variants) for flag in self.flags if flag.gives == VARIANT)
        for owner, properties in ((PERSON, self.person), *((each.name, each.properties) for each in self.events)):
            yield from ((value_of(owner, each), each.values) for each in properties if each.is_choice)


PERSON = "person:"  # an event may be called person


def variant_of(flag: Flag) -> str:
    """Return the name in ``Contents.choices`` of a flag's variants."""
    return f"{flag.key} variant"


def value_of(owner: str, each: Property) -> str:
    """Return the name in ``Contents.choices`` of the values of a property of an event, or of a PERSON."""
    return f"{owner} {each.name}"


def contents(indexes: Mapping[str | None, Index]) -> Contents:
    """Return what a client of these definitions has.

    Args:
        indexes: definitions without problems: as written (None), and by stack. One client is for all stacks, so a flag
            has the variants of each.
    """
    written = sorted(indexes[None].units, key=lambda unit: unit.key)
    described = _described(written)
    events = [unit for unit in written if unit.kind == "event"]
    persons = [each for unit in events if is_person(unit) for each in _properties(unit, described)]
    enrolled = [_enrolment(unit) for unit in written if unit.kind == "early_access_feature"]
    return Contents(
        tuple(_flag(unit, indexes) for unit in written if unit.kind == "flag"),
        tuple(
            Event(unit.key, unit.view.document.path, _text(unit.value), tuple(_properties(unit, described)))
            for unit in events
            if not is_person(unit)
        ),
        tuple({each.name: each for each in (*persons, *enrolled)}.values()),
    )


def named(keys: Iterable[str], capitals: str = "") -> dict[str, str]:
    """Return a name in code for each key: ``ai_max_tokens``, with ``capitals`` ``aiMaxTokens`` or ``AiMaxTokens``.

    Args:
        keys: keys of flags, events or properties.
        capitals: "" for words with underscores, ``first`` for a capital in the first word too, else ``others``.

    Raises NotGenerated where two keys have one name.
    """
    found: dict[str, str] = {}
    for key in keys:
        words = re.findall(r"[A-Za-z0-9]+", key) or ["x"]
        joined = "_".join(words).lower() if not capitals else "".join(word[0].upper() + word[1:] for word in words)
        name = joined[0].lower() + joined[1:] if capitals == "others" else joined
        name = f"_{name}" if name[0].isdigit() else f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name
        if name in found:
            raise NotGenerated(f'"{found[name]}" and "{key}" are both {name} in code; rename one of them')
        found[name] = key
    return {key: name for name, key in found.items()}


def _flag(unit: Unit, indexes: Mapping[str | None, Index]) -> Flag:
    value = unit.value
    there = [found for index in indexes.values() if (found := index.find("flag", unit.key))]
    variants = tuple(dict.fromkeys(each["key"] for flag in there for each in flag.value.get("variants") or ()))
    kind = ANY_VARIANT if "variants" in value.get("unmanaged", ()) else VARIANT if variants else BOOLEAN
    gives = value.get("payload_type") or kind
    fallback = value.get("fallback", False if gives == BOOLEAN else None)
    return Flag(unit.key, unit.view.document.path, _text(value), gives, variants, fallback, value.get("ceiling"))


def _described(units: Iterable[Unit]) -> dict[tuple[bool, str], dict[str, Any]]:
    """Return what files say of a property, by whether it is a person's and by name: it means the same in all events."""
    found: dict[tuple[bool, str], dict[str, Any]] = {}
    for unit in units:
        if unit.kind == "event":
            for name, item in (unit.value.get("properties") or {}).items():
                about = found.setdefault((is_person(unit), name), {})
                about.update({part: value for part, value in item.items() if part not in about})
    return found


def _properties(unit: Unit, described: Mapping[tuple[bool, str], dict[str, Any]]) -> Iterator[Property]:
    for name, item in (unit.value.get("properties") or {}).items():
        about = described[is_person(unit), name]
        values = tuple(about.get("values") or ())
        yield Property(name, _text(about), about.get("type", ""), values, bool(item.get("required")))


def _enrolment(unit: Unit) -> Property:
    """Return the property by which PostHog knows who opted in to a feature (its ``feature_enrollment``)."""
    name = f"$feature_enrollment/{unit.value['flag']}"
    return Property(name, f"Whether it opted in to {unit.value['name']}.", "Boolean", (), False)


def _text(value: Mapping[str, Any]) -> str:
    return " ".join(str(value.get("description") or "").split())
