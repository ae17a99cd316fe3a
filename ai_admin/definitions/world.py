"""All definitions as they stand together in one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.stacks import View


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a file defines: the file's definition itself, or an insight in a dashboard's tile.

    ``path`` leads to its ``value`` inside the file's author's form. ``broken`` are those of its keys whose
    values do not follow the schema (every key, where ``whole`` is false), so that nothing can be said about
    them.
    """

    kind: str
    key: str
    view: View
    path: Path
    value: dict[str, Any]
    broken: frozenset[str] = frozenset()
    whole: bool = True

    @property
    def name(self) -> str:
        """``kind/key``, as messages name it."""
        return f"{self.kind}/{self.key}" if self.key else ""

    def readable(self, keys: Iterable[str]) -> bool:
        """Whether the values of these keys follow the schema."""
        return self.whole and self.broken.isdisjoint(keys)


@dataclass
class World:
    """What exists in a stack, by kind and key; ``stack`` None is everything as ``written``.

    ``changed`` are the kinds of which a unit is patched in this stack or left out of it. ``unread`` are keys that stand
    in files which could not be read, so that a reference to one is not called wrong.
    """

    stack: str | None
    units: list[Unit] = field(default_factory=list)
    by_key: dict[str, dict[str, Unit]] = field(default_factory=dict)
    unread: Mapping[str, frozenset[str]] = field(default_factory=dict)
    written: World | None = None
    changed: set[str] = field(default_factory=set)
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

    def once(self, compute: Callable[[World], Any]) -> Any:
        """Return what a function makes of this world, computed once."""
        if compute not in self.caches:
            self.caches[compute] = compute(self)
        return self.caches[compute]


Check = Callable[[Unit, World], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one kind of unit. It runs where the values of the keys that it ``reads`` follow the schema.

    Paths of its findings start at the unit. ``sees`` are the kinds of other units that it looks at.
    """

    kind: str
    reads: tuple[str, ...]
    check: Check
    sees: tuple[str, ...] = ()


def units(view: View, findings: Iterable[Finding]) -> Iterator[Unit]:
    """Yield what a view defines, given what its schema finds wrong with it.

    Args:
        view: a definition as it stands in a stack.
        findings: the schema's findings, with paths in the view's value.
    """
    findings = list(findings)
    kind = view.document.kind
    yield _unit(kind, view, (), view.value, findings)
    if kind != "dashboard":
        return
    tiles = view.value.get("tiles")
    for n, tile in enumerate(tiles if isinstance(tiles, list) else ()):
        insight = tile.get("insight") if isinstance(tile, dict) else None
        if isinstance(insight, dict):
            yield _unit("insight", view, ("tiles", n, "insight"), insight, findings)


def _unit(kind: str, view: View, path: Path, value: dict[str, Any], findings: list[Finding]) -> Unit:
    broken: set[str] = set()
    whole = True
    for finding in findings:
        if finding.path[: len(path)] != path:
            continue
        below = finding.path[len(path) :]
        step = below[0] if below else finding.absent
        if step is None:
            whole = False
        else:
            broken.add(str(step))
    key = value.get("key")
    return Unit(kind, key if isinstance(key, str) else "", view, path, value, frozenset(broken), whole)
