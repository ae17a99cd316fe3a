"""Flags and cohorts in the form in which PostHog serves them to the SDKs that evaluate themselves.

The form is that of ``GET /flags/definitions`` (PostHog's rust/feature-flags, flag_definitions.rs): a flag's columns as
they are stored, dependencies on flags by key and each with the chain of flags to evaluate, and beside the flags the
criteria of each dynamic cohort. Keys take the place of ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Index
from ai_admin.definitions.model import Definition
from providers.posthog import reconcile
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import refs
from providers.posthog.kinds.early_access_feature import ENROLLING
from providers.posthog.references import with_ids

Json = dict[str, Any]

KINDS_NEEDED = ("flag", "cohort", "early_access_feature", "experiment", "holdout")
"""The kinds of definition of which a flag's answers depend."""

_KEY = attrgetter("key")

COMPUTED = ("person", "cohort")
"""The types of a cohort's criteria that are computed from an installation's properties."""


class _NoLookUps:
    """The look-ups that definitions may need; flags and cohorts need none."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"flags and cohorts are written without {name}")


@dataclass(frozen=True)
class Served:
    """What a stack's definitions make of PostHog, as far as flags need it; all by key."""

    flags: Mapping[str, Json]
    cohorts: Mapping[str, Json | None]
    """The criteria of each cohort; None where properties do not say who is in it: it is static, looks at events or at
    when PostHog first saw somebody, or is left to PostHog's pages."""

    def needed(self, key: str) -> list[Json]:
        """Return the flags that a flag depends on, each after what it depends on itself."""
        return [self.flags[other] for other in _chain(self.flags, key)[:-1]]

    def cohorts_of(self, key: str) -> set[str]:
        """Return the cohorts that a flag and those that it depends on look at, also through other cohorts."""
        found: set[str] = set()
        waiting = [each for flag in (*self.needed(key), self.flags[key]) for each in _named_cohorts(_leaves(flag))]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _named_cohorts(criteria_leaves(self.cohorts.get(name)))
        return found


def resources(index: Index) -> Iterator[Definition]:
    """Yield what is defined in a stack and matters to flags, in canonical form; there must be no problems in it."""
    for unit in index.units:
        if unit.kind in KINDS_NEEDED:
            yield from FORMS[unit.kind].expand(unit, index)


def standing(definitions: Iterable[Definition]) -> list[Definition]:
    """Return those of definitions of which some are left out that can be evaluated: all that they refer to is there."""
    left = [each for each in definitions if each.kind in KINDS_NEEDED]
    while True:
        there = {Ref(each.kind, each.key) for each in left}
        named = ((each, (ref for ref in refs(each.properties) if ref.kind in KINDS_NEEDED)) for each in left)
        whole = [each for each, needed in named if there.issuperset(needed)]
        if len(whole) == len(left):
            return left
        left = whole


def served(definitions: Iterable[Definition], live: Mapping[str, Json] | None = None) -> Served:
    """Return what PostHog serves once definitions are applied.

    Args:
        definitions: a stack's definitions in canonical form.
        live: flags as PostHog holds them, by key. What a definition leaves to PostHog's pages is taken from there;
            without it a new flag's is assumed, and what PostHog writes into a flag for the experiment or early access
            feature on it.
    """
    definitions = list(definitions)
    flags = {each.key: _flag(each, (live or {}).get(each.key)) for each in definitions if each.kind == "flag"}
    for key, part in _written_by_posthog(definitions):
        if key in flags and (live is None or key not in live):
            flags[key]["filters"] |= part
    for flag in flags.values():
        for leaf in _leaves(flag):
            if leaf.get("type") == "flag":
                leaf["dependency_chain"] = _chain(flags, leaf["key"])
    return Served(flags, {each.key: _criteria(each) for each in definitions if each.kind == "cohort"})


def _flag(definition: Definition, live: Json | None) -> Json:
    kind, directory = KINDS["flag"], _NoLookUps()
    properties = with_ids(definition.properties, _KEY)
    unmanaged = properties.get("unmanaged", ()) if live is not None else ()
    owned = [field for field in kind.fields if field.name not in unmanaged]
    flag = {**(live or {}), **reconcile.body(kind, owned, properties, directory, live)}
    indexes = {each.get("aggregation_group_type_index") for each in flag["filters"]["groups"]}
    # PostHog derives it from the conditions, where they agree.
    flag["filters"]["aggregation_group_type_index"] = indexes.pop() if len(indexes) == 1 else None
    return flag


def _leaves(flag: Json) -> Iterator[Json]:
    for condition in flag["filters"]["groups"]:
        yield from condition["properties"]


def _chain(flags: Mapping[str, Json], key: str) -> list[str]:
    """Return a flag and all that it depends on, in the order of evaluation; what is in no file is left out."""
    found: dict[str, None] = {}

    def visit(other: str) -> None:
        if other in flags and other not in found:
            for leaf in _leaves(flags[other]):
                if leaf.get("type") == "flag":
                    visit(leaf["key"])
            found[other] = None

    visit(key)
    return list(found)


def _written_by_posthog(definitions: list[Definition]) -> Iterator[tuple[str, Json]]:
    """Yield what PostHog writes into the filters of flags for what is defined on them."""
    by_name = {(each.kind, each.key): each.properties for each in definitions}
    for each in definitions:
        said = each.properties
        if each.kind == "early_access_feature" and said.get("stage") in ENROLLING:
            yield said["flag"].key, {"feature_enrollment": True}
        if each.kind == "experiment" and "holdout" in said:
            share = by_name["holdout", said["holdout"].key]["exclusion_percentage"]
            yield said["flag"].key, {"holdout": {"id": said["holdout"].key, "exclusion_percentage": share}}


def with_leaves(flag: Json, change: Callable[[Json], Json]) -> Json:
    """Return a flag whose conditions have other filters, each what ``change`` makes of it."""
    filters = flag["filters"]
    groups = [
        {**condition, "properties": [change(leaf) for leaf in condition.get("properties") or ()]}
        for condition in filters.get("groups") or ()
    ]
    return {**flag, "filters": {**filters, "groups": groups}}


def with_criteria(part: Json, change: Callable[[Json], Json]) -> Json:
    """Return a cohort's criteria whose leaves are what ``change`` makes of them."""
    if "values" in part:
        return {**part, "values": [with_criteria(each, change) for each in part["values"]]}
    return change(part)


def criteria_leaves(part: Json | None) -> Iterator[Json]:
    """Yield the leaves of a cohort's criteria; none where there are none to compute."""
    if part is not None and "values" in part:
        for each in part["values"]:
            yield from criteria_leaves(each)
    elif part:
        yield part


def _named_cohorts(leaves: Iterable[Json]) -> list[str]:
    return [leaf["value"] for leaf in leaves if leaf.get("type") == "cohort"]


def _criteria(cohort: Definition) -> Json | None:
    criteria: Json | None = with_ids(cohort.properties.get("filters"), _KEY)
    return criteria if criteria and all(leaf["type"] in COMPUTED for leaf in criteria_leaves(criteria)) else None
