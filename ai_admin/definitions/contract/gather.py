"""What every contraction needs: the definitions by kind and key, and the way back to see that nothing was lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ai_admin.definitions.document import Document
from ai_admin.definitions.expand import EXPAND
from ai_admin.definitions.files import FOLDERS, File
from ai_admin.definitions.model import Definition
from ai_admin.definitions.stacks import View
from ai_admin.definitions.world import World, units
from providers.posthog.kinds import KINDS, Ref

Value = dict[str, Any]
_FILE_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}")
_NO_FILE_NAME = re.compile(r"[^\w.-]+")
_FOLDER_OF = {kind: folder for folder, kind in FOLDERS.items()}


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
        return f"{_FOLDER_OF[self.kind]}/{name}.yaml"


class NotWritable(Exception):
    """No file can stand for a definition. One line with its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


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


def file(kind: str, key: str, value: Value) -> Written:
    """Return a file that begins with its key and name, and has the rest in the order of the kind's table."""
    return Written(kind, key, {"key": key, **value})


def told(kind: str, properties: Value, *left_out: str) -> Value:
    """Return the properties that a file has to tell: those that are not at their default."""
    told = {
        field.name: properties[field.name]
        for field in KINDS[kind].fields
        if field.name in properties and properties[field.name] != field.default and field.name not in left_out
    }
    return told | {name: properties[name] for name in ("unmanaged",) if name in properties}


def key_of(value: Any) -> Any:
    """Return the key in a reference; what is none stays as it is."""
    return value.key if isinstance(value, Ref) else value


def expanded(files: Iterable[Written]) -> dict[tuple[str, str], Value]:
    """Return what files stand for, by kind and key."""
    world = World(None)
    for each in files:
        document = Document(File(each.path, each.kind, ""))
        for unit in units(View(document, None, each.value), ()):
            world.add(unit)
    return {(each.kind, each.key): each.properties for each in _definitions(world)}


def _definitions(world: World) -> Iterator[Definition]:
    for unit in world.units:
        yield from EXPAND[unit.kind](unit, world)
