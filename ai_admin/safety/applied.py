"""What was applied last: a *manifest*, which the program keeps among its stack's outputs. Pure.

A manifest holds one entry for each resource by its Pulumi name (``flag/ai-model-version``): a digest of its properties,
its id in PostHog; of a flag whether it is on, who it serves, in the order of its conditions, by which cohorts and
flags and by what they are drawn, and the numbers in its payloads; of one that is off also who it served when it was on
last; of a cohort a digest of its criteria, and which cohorts they name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from providers.posthog.kinds.base import Ref, refs
from providers.posthog.safety import Rollout, condition_digest, digest, numbers, rollout

Entry = Mapping[str, Any]
Manifest = Mapping[str, Entry]

FLAG, COHORT = "flag/", "cohort/"

FORMER = "former"
"""In an entry: the key that a flag or cohort had, from which it gets another one in this run."""


class Definition(Protocol):
    """What the gates look at of a definition: see ``ai_admin.definitions``."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def properties(self) -> dict[str, Any]: ...
    @property
    def renamed_from(self) -> str | None: ...


def manifest(definitions: Iterable[Definition], before: Manifest) -> dict[str, dict[str, Any]]:
    """Return what has to be known of these definitions in the next run; ``before`` is the manifest of the last one."""
    return {(name := name_of(each)): _entry(each, before.get(name, {})) for each in definitions}


def name_of(definition: Definition) -> str:
    """Return a definition's Pulumi name."""
    return f"{definition.kind}/{definition.key}"


def _entry(definition: Definition, before: Entry) -> dict[str, Any]:
    properties = {name: value for name, value in definition.properties.items() if name != "key"}
    entry: dict[str, Any] = {"digest": digest(properties)}
    if definition.kind == "flag":
        served = rollout(properties)
        peak = before.get("peak") or {}
        entry["active"] = properties.get("active", True)
        entry["rollout"] = served
        entry["peak"] = {
            condition: {
                variant: max(share, peak.get(condition, {}).get(variant, 0))
                for variant, share in variants.items()
                if variant
            }
            for condition, variants in served.items()
            if len(variants) > 1
        }
        entry["by"] = properties.get("bucketing_identifier", "distinct_id")
        entry |= _filled(
            groups=_groups(properties),
            cohorts=_cohorts(properties),
            flags=_flags(properties),
            numbers=numbers(properties.get("payloads") or {}),
            early_exit=properties.get("early_exit"),
        )
        if not entry["active"] and (last := served_last(before)):
            entry["served"] = last
    if definition.kind == "cohort":
        entry["targeting"] = digest(properties.get("filters"))
        entry["static"] = bool(properties.get("is_static"))
        entry |= _filled(names=sorted({f"{COHORT}{ref.key}" for ref in refs(properties) if ref.kind == "cohort"}))
    return entry


def _filled(**facts: Any) -> dict[str, Any]:
    """Return the facts that say anything: most flags have none of them, and a manifest is read in every run."""
    return {name: fact for name, fact in facts.items() if fact}


def _groups(flag: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return by condition which group types it is rolled out by; conditions for persons are left out."""
    found: dict[str, set[int]] = {}
    for condition in flag.get("release_conditions") or ():
        index = condition.get("aggregation_group_type_index")
        if index is not None:
            found.setdefault(condition_digest(condition), set()).add(index)
    return {condition: sorted(indexes) for condition, indexes in found.items()}


def _cohorts(flag: Mapping[str, Any]) -> dict[str, float]:
    """Return the cohorts in a flag's conditions, each with the largest share that it decides on."""
    found: dict[str, float] = {}
    for condition in flag.get("release_conditions") or ():
        for ref in refs(condition):
            if ref.kind == "cohort":
                name = f"{COHORT}{ref.key}"
                found[name] = max(found.get(name, 0), condition.get("rollout_percentage", 100))
    return found


def _flags(flag: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the flags in a flag's conditions, each with the largest share that it decides on, by what it has to be (as
    JSON).
    """
    found: dict[str, dict[str, float]] = {}
    for condition in flag.get("release_conditions") or ():
        for leaf in condition.get("properties") or ():
            if leaf.get("type") == "flag" and isinstance(leaf["key"], Ref):
                shares, value = found.setdefault(f"{FLAG}{leaf['key'].key}", {}), json.dumps(leaf.get("value"))
                shares[value] = max(shares.get(value, 0), condition.get("rollout_percentage", 100))
    return found


def off(entry: Entry) -> dict[str, Any]:
    """Return the entry of a flag of which nothing was applied but that it is off."""
    return {**entry, "active": False, "served": served_last(entry)}


def renamed(before: Manifest, definitions: Iterable[Definition]) -> dict[str, Entry]:
    """Return a manifest in which what gets another key, and says so, stands under the new one already."""
    names = {
        f"{each.kind}/{each.renamed_from}": name_of(each)
        for each in definitions
        if each.renamed_from and name_of(each) not in before
    }
    return {
        names.get(name, name): {**entry, FORMER: name.partition("/")[2]} if name in names else entry
        for name, entry in before.items()
    }


def served(entry: Entry | None) -> Rollout:
    """Return who a flag's entry says is served: nobody, where there is no flag or it is off."""
    found: Rollout = (entry or {}).get("rollout") or {}
    return found if (entry or {}).get("active") else {}


def served_last(entry: Entry | None) -> Rollout:
    """Return who a flag serves or, when it is off, served when it was on last; nobody where that is not known."""
    return served(entry) or (entry or {}).get("served") or {}


def still_on(before: Manifest, after: Manifest) -> set[str]:
    """Return the names of the flags that are to be on and were so already when they were applied last."""
    return {name for name, entry in after.items() if entry.get("active") and before.get(name, {}).get("active")}


def switched_off(before: Manifest, after: Manifest) -> list[str]:
    """Return the names of the flags that this run switches off."""
    return [
        name for name, entry in after.items() if before.get(name, {}).get("active") and entry.get("active") is False
    ]
