"""Flags that are live already and new to a stack, as the gates see them.

Nobody applied them with this stack, but they serve people: what is live is the base that an adoption is measured by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ai_admin.definitions.model import Definition
from ai_admin.safety import Manifest, manifest, name_of
from providers.posthog.client import Client
from providers.posthog.inventory import Inventory, Live, PostHogDirectory
from providers.posthog.kinds import KINDS, Ref

FLAG, COHORT = KINDS["flag"], KINDS["cohort"]


def live_flags(client: Client, definitions: Iterable[Definition], before: Manifest) -> Manifest:
    """Return a manifest of the flags in PostHog that definitions stand for which are not in the manifest ``before``.

    Asks PostHog nothing when there is no such definition. Raises ``ApiError``.
    """
    every = tuple(definitions)
    new = [each for each in every if each.kind == "flag" and name_of(each) not in before]
    if not new:
        return {}
    inventory, directory = Inventory(client), PostHogDirectory(client)
    ids = {str(live["key"]): id_ for id_, live in inventory.all(FLAG).items() if not live.get("deleted")}
    found: list[tuple[Definition, Live]] = []
    for each in new:
        id_ = each.adopt or ids.get(each.key)
        live = inventory.get(FLAG, id_) if id_ else None
        if live:
            found.append((each, live))
    refs = _Refs(inventory, every, before, ids)
    return manifest(
        [replace(each, properties=refs.put(FLAG.project(live, each.properties, directory))) for each, live in found], {}
    )


class _Refs:
    """Puts references where PostHog has ids, so that a live condition is told from its definition by what it says."""

    def __init__(
        self, inventory: Inventory, definitions: Iterable[Definition], before: Manifest, flags: Mapping[str, str]
    ) -> None:
        self._inventory = inventory
        self._flags = {id_: Ref("flag", key) for key, id_ in flags.items()}
        self._new = [each for each in definitions if each.kind == "cohort" and name_of(each) not in before]
        self._cohorts = {
            str(entry.get("id")): Ref(*name.split("/", 1))
            for name, entry in before.items()
            if name.startswith("cohort/")
        }
        self._listed = False

    def put(self, value: Any) -> Any:
        """Return a flag's properties with references."""
        if isinstance(value, list):
            return [self.put(item) for item in value]
        if not isinstance(value, dict):
            return value
        value = {name: self.put(item) for name, item in value.items()}
        if value.get("type") == "cohort" and "value" in value:
            value["value"] = self._cohort(str(value["value"])) or value["value"]
        if value.get("type") == "flag" and "key" in value:
            value["key"] = self._flags.get(str(value["key"]), value["key"])
        return value

    def _cohort(self, id_: str) -> Ref | None:
        if id_ not in self._cohorts and self._new and not self._listed:
            self._listed = True
            names = {each.properties.get("name"): Ref("cohort", each.key) for each in self._new}
            for live in self._inventory.all(COHORT).values():
                if live.get("name") in names:
                    self._cohorts.setdefault(str(live["id"]), names[live["name"]])
            chosen = {each.adopt: Ref("cohort", each.key) for each in self._new if each.adopt}
            self._cohorts.update(chosen)
        return self._cohorts.get(id_)
