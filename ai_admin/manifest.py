"""What was applied, kept from run to run as a *manifest* among a stack's outputs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ai_admin.definitions import Definition
from ai_admin.safety.applied import Manifest, name_of, off, switch_known, switch_left
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.reconcile import changed
from providers.posthog.references import readable, with_ids

OUTPUT = "__manifest"
"""The output. Pulumi shows none whose name begins so; it is no secret, so that a stack with another passphrase can read
it."""

Outcome = tuple[str | None, Properties | None]
"""What became of a resource: its id, and its properties where they were asked for (``providers.posthog.outputs``)."""


def ids(manifest: Manifest) -> dict[Ref, str]:
    """Return the ids in PostHog of what was applied."""
    return {Ref.parse(name): str(entry["id"]) for name, entry in manifest.items() if entry.get("id")}


def in_question(before: Manifest, after: Manifest) -> set[Ref]:
    """Return the resources whose outcome must be looked up: flags, and everything that changes."""
    moved = {name for name in before.keys() & after.keys() if before[name].get("digest") != after[name]["digest"]}
    return {ref for name in after if (ref := Ref.parse(name)).kind == "flag" or name in moved}


def applied(
    before: Manifest,
    after: Manifest,
    definitions: Iterable[Definition],
    outcomes: Mapping[Ref, Outcome],
    consents: Collection[str],
    now: str,
) -> Manifest:
    """Return the manifest that holds once every resource is applied, with the ids of PostHog.

    What was not applied keeps its entry: what failed, what waits for an approval, and what the engine was told to leave
    alone (`--target`).

    Args:
        before: the manifest of what was applied last, under the keys of now.
        after: the manifest of the definitions.
        definitions: what was registered; what is referred to comes first.
        outcomes: what became of the resources, with the properties of those :func:`in_question`; a failed one is not
            among them.
        consents: the words in the stack's configuration.
        now: the time, ISO 8601.
    """
    entries: dict[str, dict[str, Any]] = {}
    known: dict[Ref, Any] = {}
    for definition in definitions:
        ref, name = Ref(definition.kind, definition.key), name_of(definition)
        entry = switch_left(name, before[name], consents) if name in before else None
        id_, there = outcomes.get(ref, (None, None))
        if id_:
            known[ref] = readable(ref, id_)
            if there is None or _is_as_defined(definition, there, known):
                entry = switch_known(name, after[name], now, consents)
        if entry is not None:
            entries[name] = {**entry, "id": id_ or entry.get("id")}
    return entries


def _is_as_defined(definition: Definition, there: Properties, known: Mapping[Ref, Any]) -> bool:
    """Return whether the engine's result for a resource equals its definition."""
    kind = KINDS[definition.kind]
    wanted = kind.canonical(with_ids(definition.properties, lambda ref: known.get(ref, ref)))
    return not changed(kind, there, wanted)


def all_but_off(last: Manifest, outcomes: Mapping[str, Outcome], now: str) -> Manifest:
    """Return the manifest of a refused run: the last one, in which those of these flags are off that were switched off.

    ``outcomes`` are those of flags that were registered to be off, with their properties, by the names under which they
    were applied last; ``now`` is the time, ISO 8601.
    """
    entries = dict(last)
    for name, (_, there) in outcomes.items():
        if there is not None and there.get("active") is False:
            entries[name] = switch_known(name, off(name, last), now, ())
    return entries
