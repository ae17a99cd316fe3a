"""All definitions of one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ai_admin.definitions.holes import HOLE, at, punched
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.nearest import alike
from ai_admin.definitions.stacks import View
from ai_admin.definitions.unread import Unread, mappings_inside
from providers.posthog.kinds import KINDS, Ref


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a file defines: the file's definition itself, or an insight in a dashboard's tile.

    ``path`` leads to it inside the file's author's form. ``written`` is what is there, ``value`` the same with
    holes where it does not follow the schema.
    """

    kind: str
    key: str
    view: View
    path: Path
    value: dict[str, Any]
    written: dict[str, Any]

    @property
    def name(self) -> str:
        """``kind/key``, as messages name it; empty without a key."""
        return str(Ref(self.kind, self.key)) if self.key else ""

    @property
    def shown(self) -> str:
        """How the message of another one names it."""
        return self.name or self.view.document.path


@dataclass
class World:
    """What exists in a stack, by kind and key; ``stack`` None is everything as ``written``.

    ``changed`` are the kinds of which a unit is patched in this stack or left out of it. ``unread`` is, by kind of
    file, what could not be read. ``unsure`` are documents (by id) of which it can't be told in which stacks
    they exist, or how: references find them everywhere, and their own are looked at as written only.
    """

    stack: str | None
    units: list[Unit] = field(default_factory=list)
    by_key: dict[str, dict[str, Unit]] = field(default_factory=dict)
    unread: Mapping[str, Unread] = field(default_factory=dict)
    written: World | None = None
    changed: set[str] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)
    caches: dict[Any, Any] = field(default_factory=dict)

    def add(self, unit: Unit) -> None:
        """Take a unit in; of two with the same key the first stays the one that references mean."""
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
        """Whether something of a kind that is not there may be where it can't be read.

        Args:
            kind: a kind of definition, or ``property``.
            name: its key; of a property its name.
        """
        files = (file for file in _files(kind) if file in self.unread)
        if any(self.unread[file].may_name(name, inside=file != kind) for file in files):
            return True
        exact, like = self.once(_half_read)
        return name in exact.get(kind, ()) or alike(name, like.get(kind, ()))

    def once(self, compute: Callable[[World], Any]) -> Any:
        """Return what a function makes of this world, computed once."""
        if compute not in self.caches:
            self.caches[compute] = compute(self)
        return self.caches[compute]


Check = Callable[[Unit, World], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one kind of unit, which looks past the holes in it (see :mod:`ai_admin.definitions.holes`).

    Paths of its findings start at the unit. ``sees`` are the kinds of other units that it looks at.
    """

    kind: str
    check: Check
    sees: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name by which tools know it: that of its module and its function, ``variants/sum-to-100``."""
        return f"{self.check.__module__.rpartition('.')[2]}/{self.check.__name__}".replace("_", "-")


def units(view: View, broken: Iterable[Path]) -> Iterator[Unit]:
    """Yield what a view defines, given where its schema finds that it can't be read.

    Args:
        view: a definition as it is in a stack.
        broken: paths in the view's value.
    """
    kind, value = view.document.kind, punched(view.value, broken)
    yield _unit(kind, view, (), value, view.value)
    if kind != "dashboard":
        return
    for n, tile in enumerate(value.get("tiles") or ()):
        insight = tile.get("insight")
        if isinstance(insight, dict) and insight is not HOLE:
            written = view.value["tiles"][n]["insight"]
            yield _unit("insight", view, ("tiles", n, "insight"), insight, written)


def _unit(kind: str, view: View, path: Path, value: dict[str, Any], written: dict[str, Any]) -> Unit:
    key = written.get("key")
    return Unit(kind, key if isinstance(key, str) else "", view, path, value, written)


def _files(kind: str) -> tuple[str, ...]:
    """Return the kinds of file in which definitions of a kind may be."""
    return (*((kind,) if KINDS[kind].folder else ()), *KINDS[kind].homes)


def _half_read(world: World) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return, by kind, the keys that are in holes, and what the keys may be like that can't be read.

    The second are what else such a definition says of itself, and the name of its file.
    """
    exact: dict[str, set[str]] = {}
    like: dict[str, set[str]] = {}
    for unit in world.units:
        if unit.value is unit.written:
            continue
        if unit.kind == "dashboard":
            keys = (inside.get("key") for inside in mappings_inside(unit.written))
            exact.setdefault("insight", set()).update(key for key in keys if isinstance(key, str))
        if unit.kind == "event":
            exact.setdefault("property", set()).update(*mappings_inside(unit.written))
        if at(unit.value, "key") is HOLE:
            texts = {text for text in unit.written.values() if isinstance(text, str)}
            file = PurePosixPath(unit.view.document.path)
            like.setdefault(unit.kind, set()).update(texts if unit.path else {*texts, file.stem})
    return exact, like
