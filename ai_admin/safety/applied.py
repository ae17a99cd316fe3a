"""What was applied last: a *manifest*, which the program keeps among its stack's outputs. Pure.

A manifest holds one entry for each resource by its Pulumi name (``flag/ai-model-version``): a digest of its properties,
its id in PostHog, and of a flag whether it is on and who it serves; of one that is off also who it served when it was
on last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from providers.posthog.safety import Rollout, digest, rollout

Entry = Mapping[str, Any]
Manifest = Mapping[str, Entry]

FLAG = "flag/"


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
        if not entry["active"] and (last := served_last(before)):
            entry["served"] = last
    return entry


def off(entry: Entry) -> dict[str, Any]:
    """Return the entry of a flag of which nothing was applied but that it is off."""
    return {**entry, "active": False, "served": served_last(entry)}


def renamed(before: Manifest, definitions: Iterable[Definition]) -> dict[str, Entry]:
    """Return a manifest in which a flag that gets another key, and says so, stands under the new one already."""
    names = {
        f"{FLAG}{each.renamed_from}": name_of(each)
        for each in definitions
        if each.kind == "flag" and each.renamed_from and name_of(each) not in before
    }
    return {names.get(name, name): entry for name, entry in before.items()}


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
