"""Installations, and what PostHog's SDK can't know about one, decided before the SDK is asked.

For the SDK, a property that was not passed is one that PostHog may know. Here an installation has only what is said
about it, so filters on other properties are decided as PostHog's flag service decides them (property_matching.rs in
rust/feature-flags): a filter matches an installation without the property only if it says what the property is not. A
missing version is unequal to none.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from ai_admin.evaluation.served import Json, Served, with_criteria, with_leaves

EVERYBODY, NOBODY = "everybody", "nobody"
"""Names of two cohorts that no key is mistaken for, as keys of definitions are looked up under a prefix."""

_NEGATIVE = frozenset({"is_not", "is_not_set"})
_KEY = "cohort/"


@dataclass(frozen=True)
class Group:
    """A group that an installation belongs to."""

    key: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """An installation. It has no other property and is in no other group than is said."""

    distinct_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    cohorts: frozenset[str] = frozenset()
    """Cohorts that it is in whatever their criteria say; it is in no other one that has no criteria to compute."""
    groups: Mapping[int, Group] = field(default_factory=dict)
    """By the index of the group type."""
    device_id: str | None = None


def crowd(like: Person, number: int) -> Iterator[Person]:
    """Yield as many installations like this one but with random ids, which are the same ones every time."""
    chance = random.Random(0)
    for _ in range(number):
        name = str(UUID(int=chance.getrandbits(128), version=4))
        groups = {index: replace(group, key=name) for index, group in like.groups.items()}
        yield replace(like, distinct_id=name, device_id=name, groups=groups)


def cohorts_for(served: Served, key: str, person: Person) -> Json:
    """Return the cohorts that a flag looks at as the SDK takes them, with what properties don't tell decided."""

    def decide(leaf: Json) -> Json:
        return {**settled(leaf, person), "negation": leaf.get("negation", False)}  # PostHog's pages may leave it out

    # An empty group of criteria matches everybody.
    decided: Json = {EVERYBODY: {}, NOBODY: {"type": "AND", "values": [{**constant(True), "negation": True}]}}
    for name in served.cohorts_of(key):
        criteria = served.cohorts.get(name)
        if name in person.cohorts:
            decided[_KEY + name] = {}
        elif criteria is None:
            decided[_KEY + name] = decided[NOBODY]
        else:
            decided[_KEY + name] = with_criteria(criteria, decide)
    return decided


def flag_for(flag: Json, person: Person) -> Json:
    """Return a flag as the SDK takes it, with those of its filters decided that ask for what is not said of a person.

    Who never opted in or out is not asked for enrolment (PostHog evaluates the conditions then). Experience continuity
    matters to who had another id before, and the SDK evaluates no flag that has it.
    """
    filters = flag["filters"]
    enrolment = bool(filters.get("feature_enrollment")) and f"$feature_enrollment/{flag['key']}" in person.properties
    changed = {**flag, "filters": {**filters, "feature_enrollment": enrolment}, "ensure_experience_continuity": False}
    return with_leaves(changed, lambda leaf: settled(leaf, person))


def settled(leaf: Json, person: Person) -> Json:
    """Return a filter as the SDK takes it: itself, or one that is decided."""
    kind = leaf["type"]
    if kind == "cohort":
        return {**leaf, "value": _KEY + leaf["value"]}
    if kind == "flag" or leaf["key"] in properties_of(leaf, person):
        return leaf
    operator = str(leaf.get("operator"))
    return constant(operator in _NEGATIVE or operator.startswith("not_"))


def properties_of(leaf: Json, person: Person) -> Mapping[str, Any]:
    """Return the properties that a filter looks at: the installation's or its group's, with PostHog's own."""
    if leaf["type"] != "group":
        return {"distinct_id": person.distinct_id, **person.properties}
    group = person.groups.get(leaf["group_type_index"])
    return {"$group_key": group.key, **group.properties} if group else {}


def constant(matches: bool) -> Json:
    """Return a filter that matches everybody, or nobody."""
    return {"type": "cohort", "key": "id", "operator": "in", "value": EVERYBODY if matches else NOBODY}
