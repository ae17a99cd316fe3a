"""The definitions of one stack, by kind and key, as rules see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.spelling import alike
from ai_admin.definitions.stacks import View
from ai_admin.definitions.unreadable import UNREADABLE, at, made_unreadable
from ai_admin.definitions.unreadable_files import UnreadableFiles
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import mappings


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a file defines: the file's definition itself, or an insight in a dashboard's tile."""

    kind: str
    key: str
    """Empty where it has none that can be read."""
    view: View
    path: Path
    """Where it is in the file."""
    value: dict[str, Any]
    """What it says, UNREADABLE where that does not follow the schema."""
    written: dict[str, Any]
    """The same with every value as its author wrote it."""

    @property
    def name(self) -> str:
        """``kind/key``, as messages name it; empty without a key."""
        return str(Ref(self.kind, self.key)) if self.key else ""

    @property
    def shown(self) -> str:
        """How a message about another definition names it: ``kind/key``, else the file's path."""
        return self.name or self.view.document.path


@dataclass
class Index:
    """What exists in a stack, by kind and key."""

    stack: str | None
    """None for all definitions as written, before any stack's patch."""
    units: list[Unit] = field(default_factory=list)
    by_key: dict[str, dict[str, Unit]] = field(default_factory=dict)
    unreadable_files: Mapping[str, UnreadableFiles] = field(default_factory=dict)
    """By kind of file."""
    written: Index | None = None
    """The index of all definitions as written; None in that one."""
    changed: set[str] = field(default_factory=set)
    """The kinds of which this stack patches a unit or leaves one out."""
    unsure: set[int] = field(default_factory=set)
    """Documents (by id) of which an error hides in which stacks they exist, or how. References find them in every
    stack, and rules check them as written only."""
    caches: dict[Any, Any] = field(default_factory=dict)

    def add(self, unit: Unit) -> None:
        """Add a unit; of two with the same key, references mean the first."""
        self.units.append(unit)
        if unit.key:
            self.by_key.setdefault(unit.kind, {}).setdefault(unit.key, unit)

    def find(self, kind: str, key: Any) -> Unit | None:
        """Return the unit of a kind with a key, or None."""
        return self.by_key.get(kind, {}).get(key) if isinstance(key, str) else None

    def keys(self, kind: str) -> Iterable[str]:
        """Return the keys that exist of a kind."""
        return self.by_key.get(kind, {})

    def may_exist(self, kind: str, name: str) -> bool:
        """Return whether a definition that is not in the index may be in something that can't be read.

        Args:
            kind: a kind of definition, or ``property``.
            name: its key; of a property its name.
        """
        files = (file for file in _files(kind) if file in self.unreadable_files)
        if any(self.unreadable_files[file].may_name(name, inside=file != kind) for file in files):
            return True
        exact, like = self.cached(_partly_read)
        return name in exact.get(kind, ()) or alike(name, like.get(kind, ()))

    def cached(self, compute: Callable[[Index], Any]) -> Any:
        """Return a function's result for this index, computed once."""
        if compute not in self.caches:
            self.caches[compute] = compute(self)
        return self.caches[compute]

    def first(self, marks: Callable[[Unit], Iterable[Any]]) -> dict[Any, Unit]:
        """Return the first unit with each of the marks that a function gives units, computed once."""
        if marks not in self.caches:
            self.caches[marks] = {mark: unit for unit in reversed(self.units) for mark in marks(unit)}
        found: dict[Any, Unit] = self.caches[marks]
        return found


Check = Callable[[Unit, Index], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one kind of unit, which skips what is :mod:`unreadable <ai_admin.definitions.unreadable>` in it."""

    kind: str
    check: Check
    """Yields findings, whose paths start at the unit."""
    sees: tuple[str, ...] = ()
    """The kinds of other units that it looks at."""

    @property
    def name(self) -> str:
        """The name by which tools know it: that of its module and its function, ``variants/sum-to-100``."""
        return f"{self.check.__module__.rpartition('.')[2]}/{self.check.__name__}".replace("_", "-")


RULES: list[Rule] = []
"""The rules of the modules that were imported."""


def rule(*kinds: str, sees: tuple[str, ...] | Callable[[str], tuple[str, ...]] = ()) -> Callable[[Check], Check]:
    """Make a function a rule of each of these kinds of unit; ``sees`` are the kinds of other units that it looks at."""

    def registered(check: Check) -> Check:
        RULES.extend(Rule(kind, check, sees(kind) if callable(sees) else sees) for kind in kinds)
        return check

    return registered


def units(view: View, broken: Iterable[Path]) -> Iterator[Unit]:
    """Yield what a view defines.

    Args:
        view: a definition as it is in a stack.
        broken: paths in the view's value that don't follow the schema.
    """
    kind, value = view.document.kind, made_unreadable(view.value, broken)
    yield _unit(kind, view, (), value, view.value)
    if kind != "dashboard":
        return
    for n, tile in enumerate(value.get("tiles") or ()):
        insight = tile.get("insight")
        if isinstance(insight, dict) and insight is not UNREADABLE:
            written = view.value["tiles"][n]["insight"]
            yield _unit("insight", view, ("tiles", n, "insight"), insight, written)


def _unit(kind: str, view: View, path: Path, value: dict[str, Any], written: dict[str, Any]) -> Unit:
    key = written.get("key")
    return Unit(kind, key if isinstance(key, str) else "", view, path, value, written)


def _files(kind: str) -> tuple[str, ...]:
    """Return the kinds of file in which definitions of a kind may be."""
    return (*((kind,) if KINDS[kind].folder else ()), *KINDS[kind].homes)


def _partly_read(index: Index) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return, by kind, keys in units that can be read in part, and texts that a key that can't be read may be like.

    The texts are what else such a definition says of itself, and the name of its file.
    """
    exact: dict[str, set[str]] = {}
    like: dict[str, set[str]] = {}
    for unit in index.units:
        if unit.value is unit.written:
            continue
        if unit.kind == "dashboard":
            keys = (inside.get("key") for inside in mappings(unit.written))
            exact.setdefault("insight", set()).update(key for key in keys if isinstance(key, str))
        if unit.kind == "event":
            exact.setdefault("property", set()).update(*mappings(unit.written))
        if at(unit.value, "key") is UNREADABLE:
            texts = {text for text in unit.written.values() if isinstance(text, str)}
            file = PurePosixPath(unit.view.document.path)
            like.setdefault(unit.kind, set()).update(texts if unit.path else {*texts, file.stem})
    return exact, like
