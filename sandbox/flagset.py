"""A project's flags and cohorts as the evaluator reads them, parsed once and kept until one of them changes.

Triggers count every change of a flag or cohort, whoever makes it, so that no resource has to remember to say
so. After a change only what is new is parsed again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sandbox.evaluation.cohorts import Cohort, parse_cohort
from sandbox.evaluation.evaluate import broken_dependencies
from sandbox.evaluation.flags import Flag, parse_flag
from sandbox.store import Data, Store

FLAG, COHORT = "feature_flag", "cohort"
SURVEY_PREFIX = "survey-targeting-"  # flags that a survey made for itself

TABLES = "INSERT OR IGNORE INTO counters VALUES ('flag_changes', 0);\n" + "".join(
    f"CREATE TRIGGER IF NOT EXISTS flag_changes_{event.lower()} AFTER {event} ON objects"
    f" WHEN {row}.kind IN ('{FLAG}', '{COHORT}')"
    " BEGIN UPDATE counters SET value = value + 1 WHERE name = 'flag_changes'; END;\n"
    for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)


@dataclass
class FlagSet:
    """What stands in one project at one moment. Deleted flags and cohorts aren't in it."""

    version: int
    rows: Mapping[str, Data]  # stored flags by id
    flags: Mapping[str, Flag]  # the same, parsed
    cohorts: Mapping[int, Cohort]
    cohort_rows: Mapping[int, Data]
    memo: dict[Any, Any] = field(default_factory=dict)  # what others derive from it, for as long as it stands

    @cached_property
    def by_key(self) -> dict[str, Flag]:
        return {flag.key: flag for flag in self.flags.values()}

    @cached_property
    def active(self) -> tuple[Flag, ...]:
        return tuple(flag for flag in self.flags.values() if flag.active)

    @cached_property
    def inactive(self) -> frozenset[str]:
        return frozenset(identifier for identifier, flag in self.flags.items() if not flag.active)

    @cached_property
    def broken(self) -> frozenset[str]:
        return broken_dependencies(self.flags)

    @cached_property
    def steady(self) -> tuple[str, ...]:
        """Keys of the active flags that persist across authentication."""
        return tuple(flag.key for flag in self.active if flag.continuity)


@dataclass
class _Kept:
    """The last set of a project and every text it was parsed from."""

    current: FlagSet | None = None
    flags: dict[str, tuple[str, Data, Flag]] = field(default_factory=dict)
    cohorts: dict[str, tuple[str, Data, Cohort]] = field(default_factory=dict)


_KEPT: WeakKeyDictionary[Store, dict[int, _Kept]] = WeakKeyDictionary()


def flagset(store: Store, project: int) -> FlagSet:
    """The flags and cohorts of a project as they are now."""
    kept = _KEPT.setdefault(store, {}).setdefault(project, _Kept())
    version = int(store.execute("SELECT value FROM counters WHERE name = 'flag_changes'").fetchone()[0])
    if kept.current is None or kept.current.version != version:
        kept.flags = _refreshed(store, FLAG, project, kept.flags, parse_flag)
        kept.cohorts = _refreshed(store, COHORT, project, kept.cohorts, _cohort)
        kept.current = FlagSet(
            version,
            {identifier: row for identifier, (_, row, _) in kept.flags.items() if not row.get("deleted")},
            {identifier: flag for identifier, (_, row, flag) in kept.flags.items() if not row.get("deleted")},
            {cohort.id: cohort for _, row, cohort in kept.cohorts.values() if not row.get("deleted")},
            {cohort.id: row for _, row, cohort in kept.cohorts.values() if not row.get("deleted")},
        )
    return kept.current


def _refreshed(store: Store, kind: str, project: int, known: Mapping[str, Any], parse: Any) -> dict[str, Any]:
    fresh = {}
    rows = store.execute(
        "SELECT id, data FROM objects WHERE kind = ? AND parent = ? ORDER BY seq", (kind, str(project))
    )
    for identifier, text in rows:
        entry = known.get(identifier)
        if entry is None or entry[0] != text:
            row = json.loads(text)
            entry = (text, row, parse(row))
        fresh[identifier] = entry
    return fresh


def _cohort(row: Data) -> Cohort:
    return parse_cohort(int(row["id"]), bool(row.get("is_static")), row.get("filters"))
