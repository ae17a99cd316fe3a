"""Whether a person belongs to a cohort: dynamic ones from their definition, static ones by look-up.

Source: cohort_operations.rs in PostHog's rust/feature-flags.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.evaluation.dates import Clock
from sandbox.evaluation.parsing import parse_filter
from sandbox.evaluation.properties import Filter, Properties, match_property


class CohortError(Exception):
    """A cohort that a flag needs can't be resolved. `code` and `description` are what the flag's answer carries."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class LeafGroup:
    """Leaves joined by AND or OR."""

    every: bool
    leaves: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """A parsed cohort. `groups` is None when the definition can't be read."""

    id: int
    is_static: bool
    every: bool = False
    groups: tuple[LeafGroup, ...] | None = ()


def parse_cohort(identifier: int, is_static: bool, filters: Any) -> Cohort:
    """Read a cohort's `filters`: exactly two levels, a group of groups of leaves; no other nesting can be read."""
    if is_static or filters is None:
        return Cohort(identifier, is_static)
    unreadable = Cohort(identifier, is_static, groups=None)
    root = filters.get("properties") if isinstance(filters, dict) else None
    if not isinstance(root, dict) or root.get("type") not in ("AND", "OR"):
        return unreadable
    groups = []
    for group in root.get("values") or ():
        leaves = group.get("values") if isinstance(group, dict) else None
        if not isinstance(leaves, list) or group.get("type") not in ("AND", "OR", "property"):
            return unreadable
        if any(not isinstance(leaf, dict) or "values" in leaf or "key" not in leaf for leaf in leaves):
            return unreadable
        groups.append(LeafGroup(group["type"] != "OR", tuple(parse_filter(leaf) for leaf in leaves)))
    return Cohort(identifier, False, root["type"] == "AND", tuple(groups))


@dataclass(slots=True)
class Membership:
    """One person's cohorts, each computed once.

    `is_static_member(cohort id)` looks up a static cohort (False for a person that doesn't exist).
    """

    cohorts: Mapping[int, Cohort]
    properties: Properties
    clock: Clock
    is_static_member: Callable[[int], bool]
    _known: dict[int, bool] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def has(self, identifier: int) -> bool:
        """Whether the person is in the cohort.

        Raises: CohortError for a cohort that doesn't exist (any more), for one whose definition can't be
        read, and for cohorts that refer to each other in a loop.
        """
        if identifier not in self._known:
            cohort = self.cohorts.get(identifier)
            if cohort is None:
                raise CohortError("dependency_not_found_cohort", "Cohort dependency not found")
            if identifier in self._open:
                raise CohortError("dependency_cycle_cohort", "Cohort dependency cycle detected")
            self._open.add(identifier)
            try:
                self._known[identifier] = (
                    self.is_static_member(identifier) if cohort.is_static else self._in_dynamic(cohort)
                )
            finally:
                self._open.discard(identifier)
        return self._known[identifier]

    def satisfies(self, condition: Filter) -> bool:
        """Whether a filter on a cohort holds: `in` (also when no operator is given) and `not_in`; nothing else does."""
        member = self.has(int(condition.value))
        return condition.operator in ("in", "not_in") and member == (condition.operator == "in")

    def _in_dynamic(self, cohort: Cohort) -> bool:
        if cohort.groups is None:
            raise CohortError("cohort_filters_parsing_error", "Failed to parse cohort filters")
        # Every referenced cohort has to exist, also where the outcome is settled without it.
        for leaf in (leaf for group in cohort.groups for leaf in group.leaves if leaf.type == "cohort"):
            self.has(int(leaf.value))
        holds = (self._group_holds(group) for group in cohort.groups)
        return all(holds) if cohort.every else any(holds)

    def _group_holds(self, group: LeafGroup) -> bool:
        if group.every:
            return all(self._leaf_holds(leaf, leaf.negation) for leaf in group.leaves)
        # PostHog's evaluator forgets the negation of a cohort that is in an OR group; so does this one.
        return any(self._leaf_holds(leaf, leaf.negation and leaf.type != "cohort") for leaf in group.leaves)

    def _leaf_holds(self, leaf: Filter, negated: bool) -> bool:
        if leaf.type == "cohort":
            return self.satisfies(leaf) != negated
        if leaf.type == "behavioral":
            return False  # not resolved outside realtime cohorts, negated or not
        return match_property(leaf, self.properties, self.clock) != negated
