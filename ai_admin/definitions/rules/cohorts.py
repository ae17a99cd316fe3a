"""Which cohorts a flag can use."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.holes import at
from ai_admin.definitions.model import Finding
from ai_admin.definitions.rules.references import cohort_leaves, cohort_references, flag_references
from ai_admin.definitions.world import Rule, Unit, World


def usable_in_flags(unit: Unit, world: World) -> Iterator[Finding]:
    """No flag uses an event-based cohort, directly or through another cohort.

    PostHog refuses it (``behavioral_cohort_found``): flags are evaluated from properties alone. Static
    cohorts are exempt.
    """
    for path, kind, key in flag_references(unit):
        way = _event_based(key, world, ()) if kind == "cohort" else None
        if way is None:
            continue
        through = f" (through {' -> '.join(way[1:])})" if len(way) > 1 else ""
        message = f'the cohort "{key}" is event-based{through}, and PostHog does not evaluate events in flags'
        yield Finding(path, message, "use a cohort of person properties, or a static one")


def _event_based(key: str, world: World, above: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the keys that lead from a cohort to one with an event-based leaf, or None."""
    cohort = world.find("cohort", key)
    if cohort is None or key in above or at(cohort.value, "is_static", default=False) is not False:
        return None
    if any(leaf.get("type") == "behavioral" for _, leaf in cohort_leaves(cohort)):
        return (key,)
    for _, _, inner in cohort_references(cohort):
        way = _event_based(inner, world, (*above, key))
        if way is not None:
            return (key, *way)
    return None


RULES = (Rule("flag", usable_in_flags, sees=("cohort",)),)
