"""A flag's release conditions: group aggregation that fits its filters."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.unreadable import at, is_readable


@rule("flag")
def aggregation_fits(unit: Unit, _: Index) -> Iterator[Finding]:
    """A condition that rolls out by group filters on groups of that type; one that rolls out by person, on persons.

    PostHog's rules ``group_property_type_index_mismatch``, ``person_aggregation_property_type`` and
    ``group_aggregation_property_type``.
    """
    of_flag = at(unit.value, "aggregation_group_type_index")
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        index = condition.get("aggregation_group_type_index", of_flag)
        if isinstance(index, int) and "cohort" in condition:
            yield _of_persons(("release_conditions", n, "cohort"), "a cohort", index)
        for m, leaf in enumerate(condition.get("properties") or ()):
            kind, of_filter = leaf.get("type", "person"), leaf.get("group_type_index")
            if kind in _PERSONS and isinstance(index, int):
                yield _of_persons(("release_conditions", n, "properties", m), _PERSONS[kind], index)
            if kind != "group" or of_filter == index or not is_readable(of_filter, index):
                continue
            path = ("release_conditions", n, "properties", m, "group_type_index")
            by = "person" if index is None else f"group type {index}"
            message = f"the filter looks at group type {of_filter}, but the condition rolls out by {by}"
            fix = f"write group_type_index: {index}"
            if index is None:
                fix = f"add aggregation_group_type_index: {of_filter} to the condition"
            yield Finding(path, message, fix)


_PERSONS = {"person": "a property of persons", "cohort": "a cohort", "flag": "another flag"}


def _of_persons(path: Path, looked_at: str, index: int) -> Finding:
    message = f"the condition rolls out by group type {index}, and PostHog does not look at {looked_at} there"
    fix = f"write filters of type group with group_type_index: {index}, or remove aggregation_group_type_index"
    return Finding(path, message, fix)
