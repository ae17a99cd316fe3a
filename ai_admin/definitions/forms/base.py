"""The parts of every form: fields as PostHog has them, their places in the file, keys and references."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition, Finding, Path
from ai_admin.definitions.query import property_filters
from ai_admin.definitions.trees import READERS, nodes
from ai_admin.definitions.unreadable import at
from providers.posthog.kinds import KINDS, Field, Kind, Ref

Value = dict[str, Any]
Reference = tuple[Path, str, Any]
"""Where a unit refers to another definition, the kind of that, and its key."""

_FILE_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}")
_NO_FILE_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Written:
    """One file: the kind of its folder, its key, and the author's form in it."""

    kind: str
    key: str
    value: Value

    @property
    def path(self) -> str:
        """Where the file belongs in a checkout: named after its key, as far as a file can be.

        An event may be called anything, so a digest keeps two apart that would have one name.
        """
        name = self.key
        if not _FILE_NAME.fullmatch(name):
            readable = _NO_FILE_NAME.sub("-", name).strip("-.") or self.kind
            name = f"{readable[:80]}-{sha256(name.encode()).hexdigest()[:6]}"
        return f"{KINDS[self.kind].folder}/{name}.yaml"


class Gathered:
    """Definitions by kind and key."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = tuple(definitions)
        self._by_kind: dict[str, dict[str, Value]] = {}
        for each in self.definitions:
            self._by_kind.setdefault(each.kind, {})[each.key] = each.properties

    def of(self, kind: str) -> dict[str, Value]:
        """Return the properties of a kind's definitions by key."""
        return self._by_kind.get(kind, {})


@dataclass(frozen=True)
class Form:
    """How a kind's files are written: the way to its resources and back, and what they refer to."""

    expand: Callable[[Unit, Index], Iterator[Definition]]
    """Takes a unit that passed every check and yields the resources that it defines."""
    contract: Callable[[Gathered], Iterator[Written]]
    """Yields the files for the definitions of the kind, as short as they can be said."""
    references: Callable[[Unit], Iterator[Reference]]
    """Yields what a unit refers to; some of it may be UNREADABLE."""


def resource(kind: str, key: str, unit: Unit, properties: Value, path: Path = ()) -> Definition:
    """Return a resource with canonical properties; ``path`` leads from the unit to what is written for it.

    ``adopt`` and ``renamed_from`` among the properties are no fields of the object, but say which one it is.
    """
    source = unit.view.source(Finding((*unit.path, *path), "", ""))
    adopt = properties.get("adopt")
    return Definition(
        kind,
        key,
        KINDS[kind].canonical(properties),
        source,
        adopt=adopt if isinstance(adopt, str | None) else str(int(adopt)),
        renamed_from=properties.get("renamed_from"),
    )


def fields(unit: Unit, *left_out: str) -> Value:
    """Return the fields of a unit with references in the place of keys, and those that follow from them.

    Kind.canonical drops what PostHog does not know.
    """
    kind = KINDS[unit.kind]
    value = {name: item for name, item in unit.value.items() if name not in left_out}
    for field in kind.fields:
        if field.name in value:
            value[field.name] = _expanded(field, value[field.name])
    return {**value, **kind.derive(value)}


def for_file(kind: Kind, properties: Value, *left_out: str) -> Value:
    """Return the properties that a file must have, with keys instead of references.

    These are the ones that are not at their default and do not follow from others.
    """
    follows = {name for name, item in kind.derive(properties).items() if properties.get(name) == item}
    written = {
        field.name: _contracted(field, properties[field.name])
        for field in kind.fields
        if field.name in properties.keys() - follows - {*left_out} and properties[field.name] != field.default
    }
    return written | {name: properties[name] for name in ("unmanaged",) if name in properties}


def _expanded(field: Field, value: Any) -> Any:
    if field.ref:
        return _each(field, value, partial(Ref, field.ref))
    return READERS[field.reader].expand(value) if field.reader else value


def _contracted(field: Field, value: Any) -> Any:
    if field.ref:
        return _each(field, value, key_of)
    return READERS[field.reader].contract(value) if field.reader else value


def _each(field: Field, value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a field's value with another one in the place of each key or reference."""
    if isinstance(value, list):
        return [_each(field, item, change) for item in value]
    return {**value, field.ref_at: change(value[field.ref_at])} if field.ref_at else change(value)


def key_of(value: Any) -> Any:
    """Return the key in a reference; what is none stays as it is."""
    return value.key if isinstance(value, Ref) else value


def file(kind: str, key: str, value: Value) -> Written:
    """Return a file that begins with its key and has the rest in the order of the kind's table."""
    return Written(kind, key, {"key": key, **value})


def expand(unit: Unit, _: Index) -> Iterator[Definition]:
    """Yield the one resource of a unit that is written as PostHog has it."""
    yield resource(unit.kind, unit.key, unit, fields(unit))


def contract(kind: Kind, gathered: Gathered) -> Iterator[Written]:
    """Yield a file per definition of a kind that is written as PostHog has it."""
    for key, properties in gathered.of(kind.name).items():
        yield file(kind.name, key, for_file(kind, properties))


def references(unit: Unit) -> Iterator[Reference]:
    """Yield what the fields of a unit refer to that hold keys, or trees with a reader."""
    for field in KINDS[unit.kind].fields:
        for name in (field.written or (field.name,)) if field.ref else ():
            yield from ((path, field.ref, key) for path, key in _keys(field, (name,), unit.value.get(name)))
    for path, node in nodes(unit) if KINDS[unit.kind].refers_to else ():
        if "action" in node:
            yield (*path, "action"), "action", node["action"]
        for place, leaf in property_filters(node.get("properties"), (*path, "properties")):
            if leaf.get("type") == "cohort":
                yield (*place, "value"), "cohort", leaf.get("value")


def _keys(field: Field, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list):
        for n, item in enumerate(value):
            yield from _keys(field, (*path, n), item)
    elif field.ref_at:
        yield (*path, field.ref_at), at(value, field.ref_at)
    else:
        yield path, value


def usual(leaf: Value) -> Value:
    """Return a filter without the type and the operator that a filter has when it says none."""
    usual = {"type": "person", "operator": "exact"}
    rest = {name: item for name, item in leaf.items() if usual.get(name) != item}
    return in_order(rest, "type", "key", "operator", "value")


def in_order(value: Value, *first: str) -> Value:
    """Return a mapping with some of its keys first, as people read it."""
    return {name: value[name] for name in (*first, *value) if name in value}
