"""Definitions as PostHog holds them, in the form that the gates compare.

A flag or cohort that is new to a stack was not applied, but may serve people already: an adoption is compared with what
is live. So is a file into which somebody wrote a change that was made in PostHog.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ai_admin.definitions.model import Definition
from ai_admin.manifest import ids
from ai_admin.safety.applied import SERVES, Manifest, manifest, name_of, serves_alike, serving
from providers.posthog.client import Client
from providers.posthog.errors import Problem
from providers.posthog.inputs import WAITING
from providers.posthog.inventory import Inventory, PostHogDirectory
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.base import Reading
from providers.posthog.reconcile import changed, same
from providers.posthog.references import readable, with_ids, with_refs

AUDIENCES = ("flag", "cohort", "holdout")
"""The kinds that decide whom something is for."""


def live_audiences(client: Client, definitions: Iterable[Definition], before: Manifest) -> Manifest:
    """Return a manifest of the flags and cohorts in PostHog that belong to definitions and are not in the manifest
    ``before``.

    Asks PostHog nothing when there is no such definition. Raises ``ApiError``.
    """
    every = tuple(definitions)
    new = [each for each in every if each.kind in AUDIENCES and name_of(each) not in before]
    if not new:
        return {}
    inventory, directory = Inventory(client), PostHogDirectory(client)
    refs = _Refs(inventory, every, before)
    found = []
    for each in new:
        kind, id_ = KINDS[each.kind], refs.id_of(each)
        live = inventory.get(kind, id_) if id_ else None
        there = kind.project(live, each.properties, directory) if live else {}
        # An object that would have to be replaced (a static cohort by one with criteria) is another object.
        if there and not any(field.immutable for field in changed(kind, there, each.properties)):
            found.append(replace(each, properties=with_refs(kind, there, refs.of)))
    return manifest(found, {})


def live_as_written(
    client: Client, definitions: Iterable[Definition], before: Manifest, after: Manifest
) -> Manifest:
    """Return the entries of ``before`` to replace by what PostHog holds, because the files (``after``) now say the
    same.

    Somebody changed these flags and cohorts in PostHog and then wrote that into the files, so this run does not change
    whom they serve. Or a file takes back release conditions that it had left to PostHog's pages, and only PostHog knows
    whom the flag serves. Reads each of those whose file changes by itself. Raises ``ApiError``.
    """
    every = tuple(definitions)
    inventory, directory = Inventory(client), PostHogDirectory(client)
    refs, known = _Refs(inventory, every, before), ids(before)
    found = {}
    for each in every:
        name, kind, id_ = name_of(each), KINDS[each.kind], known.get(Ref(each.kind, each.key))
        if each.kind in SERVES and id_ and not serves_alike(name, before[name], after[name]):
            live = inventory.fetch(kind, id_) or {}
            there = with_refs(kind, kind.project(live, each.properties, directory), refs.of) if live else {}
            [(_, entry)] = manifest([replace(each, properties=there)], {}).items()
            if serves_alike(name, entry, after[name]) or (before[name].get("left") and not entry.get("left")):
                found[name] = serving(name, before[name], entry)
    return found


def held_as_written(
    client: Client, definitions: Iterable[Definition], before: Manifest, after: Manifest
) -> frozenset[str]:
    """Return the names of definitions that changed in the files (``after``) since they were applied last (``before``),
    and that PostHog already holds as the files say.

    Somebody changed them in PostHog and then wrote that into the files. Tiles are not compared, and what can't be read
    is not among these.
    """
    inventory, directory, known = Inventory(client), PostHogDirectory(client), ids(before)

    def id_of(ref: Ref) -> Any:
        return readable(ref, known[ref]) if ref in known else ref

    found = set()
    for each in definitions:
        name, kind, id_ = name_of(each), KINDS[each.kind], known.get(Ref(each.kind, each.key), WAITING)
        if kind.lifecycle == "tiles" or id_.startswith(WAITING) or before[name]["digest"] == after[name]["digest"]:
            continue
        wanted = kind.canonical(with_ids(each.properties, id_of))
        with suppress(Problem):
            live = inventory.get(kind, id_)
            if live and not live.get("deleted") and _holds(kind, Reading(live, wanted, directory), wanted):
                found.add(name)
    return frozenset(found)


def _holds(kind: Kind, reading: Reading, wanted: Mapping[str, Any]) -> bool:
    """Return whether PostHog holds a definition to the letter, which it can show of no secret.

    Also what people add to must be the definition's alone: else what a file takes out of it would be taken for theirs.
    """
    owned = [each for each in kind.fields if each.name not in wanted.get("unmanaged", ())]
    return all(each.kept and not each.secret and same(each.held(reading), wanted.get(each.name)) for each in owned)


class _Refs:
    """Which definition an id in PostHog is of, so that a live condition is told from its definition by what it says."""

    def __init__(self, inventory: Inventory, definitions: Iterable[Definition], before: Manifest) -> None:
        self._inventory = inventory
        self._new: dict[str, list[Definition]] = {}
        for each in definitions:
            if name_of(each) not in before:
                self._new.setdefault(each.kind, []).append(each)
        self._known = {(ref.kind, id_): ref for ref, id_ in ids(before).items()}
        self._live: dict[str, dict[Any, list[str]]] = {}
        self._found: dict[str, dict[str, Ref]] = {}

    def id_of(self, new: Definition) -> str | None:
        """Return the id of the object that a new definition adopts, as far as that is told by what it is called."""
        (name,) = KINDS[new.kind].natural_key
        ids = self._by_name(new.kind).get(new.properties.get(name), [])
        return new.adopt or (ids[0] if len(ids) == 1 else None)  # of several the provider asks for a choice

    def of(self, kind: str, id_: Any) -> Ref | None:
        """Return the definition of a kind that has an id, or adopts the object that has it."""
        known = self._known.get((kind, str(id_)))
        if known is None and kind not in self._found:
            new = self._new.get(kind, ())
            self._found[kind] = {found: Ref(kind, each.key) for each in new if (found := self.id_of(each))}
        return known or self._found[kind].get(str(id_))

    def _by_name(self, kind: str) -> Mapping[Any, list[str]]:
        """Return the ids of the live objects of a kind by what they are called."""
        if kind not in self._live:
            (name,) = KINDS[kind].natural_key
            found: dict[Any, list[str]] = {}
            for id_, live in self._inventory.all(KINDS[kind]).items():
                if not live.get("deleted"):
                    found.setdefault(live.get(name), []).append(id_)
            self._live[kind] = found
        return self._live[kind]
