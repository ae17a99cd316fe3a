"""A project's flags and cohorts as the evaluator reads them, parsed once and kept until one of them changes.

Triggers note every change of a flag or cohort, whoever makes it, so that no resource has to remember to say so. After a
change only what was changed is read and parsed again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sandbox.evaluation.cohorts import Cohort, parse_cohort
from sandbox.evaluation.evaluate import broken_dependencies
from sandbox.evaluation.flags import Flag, parse_flag
from sandbox.storage import jsontext
from sandbox.storage.store import Data, Store

FLAG, COHORT = "feature_flag", "cohort"
SURVEY_PREFIX = "survey-targeting-"  # flags that a survey made for itself

TABLES = """
CREATE TABLE IF NOT EXISTS flag_changes (
    version INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (kind, id)
);
""" + "".join(
    f"CREATE TRIGGER IF NOT EXISTS note_flag_{event.lower()} AFTER {event} ON objects"
    f" WHEN {row}.kind IN ('{FLAG}', '{COHORT}') BEGIN"
    f" DELETE FROM flag_changes WHERE kind = {row}.kind AND id = {row}.id;"
    f" INSERT INTO flag_changes (kind, id) VALUES ({row}.kind, {row}.id);"
    " END;\n"
    for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)


@dataclass
class FlagSet:
    """The flags and cohorts of one project at one moment, without deleted ones."""

    version: int  # the last change that is in it
    rows: dict[str, Data] = field(default_factory=dict)  # stored flags by id
    flags: dict[str, Flag] = field(default_factory=dict)  # the same, parsed
    cohort_rows: dict[int, Data] = field(default_factory=dict)
    cohorts: dict[int, Cohort] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)  # what others derive from one flag, by its id
    memo: dict[Any, Any] = field(default_factory=dict)  # what others derive from the set, for as long as it is current

    def after(self, version: int, changed: Iterable[tuple[str, str, Data | None]]) -> "FlagSet":
        """The set with objects (kind, id, row) put in the place of what they were; None takes one out."""
        new = FlagSet(
            version, dict(self.rows), dict(self.flags), dict(self.cohort_rows), dict(self.cohorts), dict(self.texts)
        )
        for kind, identifier, row in changed:
            gone = row is None or row.get("deleted")
            if kind == FLAG:
                new.texts.pop(identifier, None)
                _place(new.rows, identifier, None if gone else row)
                _place(new.flags, identifier, None if gone or row is None else parse_flag(row))
            else:
                _place(new.cohort_rows, int(identifier), None if gone else row)
                _place(new.cohorts, int(identifier), None if gone or row is None else _cohort(row))
        return new

    @cached_property
    def by_key(self) -> dict[str, Flag]:
        """The flags by key."""
        return {flag.key: flag for flag in self.flags.values()}

    @cached_property
    def active(self) -> tuple[Flag, ...]:
        """The active flags."""
        return tuple(flag for flag in self.flags.values() if flag.active)

    @cached_property
    def inactive(self) -> frozenset[str]:
        """The ids of the others."""
        return frozenset(identifier for identifier, flag in self.flags.items() if not flag.active)

    @cached_property
    def broken(self) -> frozenset[str]:
        """The ids of flags whose dependencies are missing or go round in a circle."""
        return broken_dependencies(self.flags)

    @cached_property
    def steady(self) -> tuple[str, ...]:
        """Keys of the active flags that persist across authentication."""
        return tuple(flag.key for flag in self.active if flag.continuity)


def _place(table: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


_KEPT: WeakKeyDictionary[Store, dict[int, FlagSet]] = WeakKeyDictionary()


def flagset(store: Store, project: int) -> FlagSet:
    """The flags and cohorts of a project as they are now."""
    sets = _KEPT.setdefault(store, {})
    if project not in sets:
        rows = store.execute(
            "SELECT kind, id, data FROM objects WHERE kind IN (?, ?) AND parent = ? ORDER BY seq",
            (FLAG, COHORT, str(project)),
        )
        everything = [(kind, identifier, jsontext.decode(data)) for kind, identifier, data in rows]
        version = store.execute("SELECT coalesce(max(version), 0) FROM flag_changes").fetchone()[0]
        sets[project] = FlagSet(0).after(version, everything)
    known = sets[project]
    changes = store.execute(
        "SELECT version, kind, id FROM flag_changes WHERE version > ? ORDER BY version", (known.version,)
    ).fetchall()
    if changes:
        changed = [(kind, identifier, store.get(kind, identifier, str(project))) for _, kind, identifier in changes]
        sets[project] = known.after(changes[-1][0], changed)
    return sets[project]


def _cohort(row: Data) -> Cohort:
    return parse_cohort(int(row["id"]), bool(row.get("is_static")), row.get("filters"))
