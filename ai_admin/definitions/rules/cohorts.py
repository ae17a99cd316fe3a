"""Cohorts that PostHog can calculate, and which of them a flag can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ai_admin.definitions.forms.cohort import cohort_leaves
from ai_admin.definitions.forms.cohort import references as cohort_references
from ai_admin.definitions.forms.flag import references as flag_references
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.unreadable import at, is_readable


@rule("flag", sees=("cohort",))
def usable_in_flags(unit: Unit, index: Index) -> Iterator[Finding]:
    """No flag uses an event-based cohort, directly or through another cohort.

    PostHog refuses it (``behavioral_cohort_found``): flags are evaluated from properties alone. Static
    cohorts are exempt.
    """
    for path, kind, key in flag_references(unit):
        way = _event_based(key, index, ()) if kind == "cohort" else None
        if way is None:
            continue
        through = f" (through {' -> '.join(way[1:])})" if len(way) > 1 else ""
        message = f'the cohort "{key}" is event-based{through}, and PostHog does not evaluate events in flags'
        yield Finding(path, message, "use a cohort of person properties, or a static one")


def _event_based(key: str, index: Index, above: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the keys that lead from a cohort to one with an event-based leaf, or None."""
    cohort = index.find("cohort", key)
    if cohort is None or key in above or at(cohort.value, "is_static", default=False) is not False:
        return None
    if any(leaf.get("type") == "behavioral" for _, leaf in cohort_leaves(cohort)):
        return (key,)
    for _, _, inner in cohort_references(cohort):
        way = _event_based(inner, index, (*above, key))
        if way is not None:
            return (key, *way)
    return None


@rule("cohort")
def names_somebody(unit: Unit, _: Index) -> Iterator[Finding]:
    """A cohort says who is in it, and not only who is not.

    PostHog's cohort query takes those who are not from those who are, and fails where nobody is: "Top level condition
    cannot be negated".
    """
    filters = unit.value.get("filters")
    leaves = unit.value.get("properties")
    path: Path
    if isinstance(filters, dict) and is_readable(filters, filters.get("values")):
        groups = filters.get("values") or ()
        sides = [_is_negated(group.get("type"), group.get("values") or ()) for group in groups if is_readable(group)]
        path, negated = ("filters", "values"), _combined(filters.get("type"), sides)
    else:
        path, negated = ("properties",), _is_negated("AND", leaves or ())
    if negated:
        message = "the criteria say only who is not in the cohort, and PostHog cannot calculate that"
        fix = 'add a condition for those who are, such as {key: <property>, operator: is_set}, joined by "AND"'
        yield Finding(path, message, fix)


def _is_negated(kind: Any, leaves: Sequence[dict[str, Any]]) -> bool | None:
    """Return whether a group of criteria is a negation as a whole; None where that can't be read."""
    if not is_readable(leaves, *leaves):
        return None
    return _combined(kind, [at(leaf, "negation", default=False) for leaf in leaves])


def _combined(kind: Any, sides: Sequence[bool | None]) -> bool | None:
    if not sides or not all(isinstance(side, bool) for side in sides) or kind not in ("AND", "OR"):
        return None
    return all(sides) if kind == "AND" else any(sides)


@rule("cohort")
def can_be_met(unit: Unit, _: Index) -> Iterator[Finding]:
    """An event-based criterion can be met, and PostHog can calculate it."""
    for path, leaf in cohort_leaves(unit):
        kind, least, most = leaf.get("value"), leaf.get("min_periods"), leaf.get("total_periods")
        if kind == "performed_event_regularly" and isinstance(least, int) and isinstance(most, int) and least > most:
            message = f"there are only {most} periods (total_periods), so it never happens in {least}"
            yield Finding((*path, "min_periods"), message, f"write {most} or less")
        if kind == "performed_event_multiple" and leaf.get("operator") == "lt" and leaf.get("operator_value") == 1:
            message = "PostHog counts only for those who did it, so nobody did it less than once"
            fix = "write value: performed_event and negation: true for never, without operator and operator_value"
            yield Finding((*path, "operator_value"), message, fix)
        if kind in ("stopped_performing_event", "restarted_performing_event"):
            whole, recent = _days(leaf, "time"), _days(leaf, "seq_time")
            if whole is not None and recent is not None and recent >= whole:
                message = "the time since which it changed (seq_time_value) is no shorter than the whole (time_value)"
                yield Finding((*path, "seq_time_value"), message, "write a shorter time, or a longer time_value")


_DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "year": 365}


def _days(leaf: dict[str, Any], prefix: str) -> float | None:
    count, unit = leaf.get(f"{prefix}_value"), leaf.get(f"{prefix}_interval")
    return count * _DAYS[unit] if isinstance(count, int) and isinstance(unit, str) and unit in _DAYS else None
