"""What was applied, kept from run to run among a stack's outputs, and read from there by this stack and others."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.runtime.stack import ResourceRegistrationFailed

from ai_admin.definitions import Definition
from ai_admin.safety import Followed, Manifest, name_of, off, switch_known, switch_left
from providers.posthog.inputs import to_properties
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.reconcile import changed
from providers.posthog.resources import readable, with_ids

OUTPUT = "__manifest"
"""The output. Pulumi shows none whose name begins so; it is no secret, so that a stack with another passphrase can read
it."""

READS, PAUSE = 50, 0.1
"""How often a stack's state is read while it is being written, and the seconds between."""


class UnreadableState(Exception):
    """A stack's outputs can't be read. The reason, in half a sentence."""


def applied_last(stack: str) -> Manifest | None:
    """Return the manifest of a stack of this project, which an `up` wrote; None before the first one.

    Raises :class:`UnreadableState`.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    for _ in range(READS):
        try:
            outputs = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value["outputs"]
        except Exception as problem:  # the SDK raises nothing more specific
            # Pulumi's file backend writes the state in place, and just now it may be at it.
            if "failed to load checkpoint" in str(problem):
                time.sleep(PAUSE)
                continue
            if "unknown stack" in str(problem):
                raise UnreadableState("there is no such stack in this backend") from None
            raise
        found: Manifest | None = json.loads(outputs[OUTPUT]) if OUTPUT in outputs else None
        return found
    raise UnreadableState("its state can't be read")


def followed(stack: str) -> Followed:
    """Return what was applied to the stack that this one follows."""
    try:
        return Followed(stack, applied_last(stack), "nothing was applied to it yet")
    except UnreadableState as problem:
        return Followed(stack, None, str(problem))


def keep(manifest: Manifest | Coroutine[Any, Any, Manifest]) -> None:
    """Make this the manifest that the next run reads.

    As one text: of a mapping the SDK would make outputs, one for each value in it, and take longer over them than over
    the resources.
    """

    pulumi.export(OUTPUT, _later(manifest) if isinstance(manifest, Coroutine) else _text(manifest))


def _text(manifest: Manifest) -> str:
    return json.dumps(manifest, separators=(",", ":"))


async def _later(manifest: Coroutine[Any, Any, Manifest]) -> str:
    return _text(await manifest)


async def applied(
    before: Manifest,
    after: Manifest,
    definitions: Iterable[Definition],
    resources: Mapping[Ref, Any],
    consents: Collection[str],
) -> Manifest:
    """Return the manifest that holds once every resource is applied, with the ids of PostHog.

    What was not applied keeps its entry: what failed, what waits for an approval, and what the engine was told to leave
    alone (`--target`). So of flags, and of all that this run changes, it counts what the engine says stands there.
    Where a failure ends the run this never becomes known, and the last manifest stays. ``consents`` are the words in
    the stack's configuration.
    """
    entries: dict[str, dict[str, Any]] = {}
    ids: dict[Ref, Any] = {}
    for definition in definitions:  # what is referred to comes first
        ref, name = Ref(definition.kind, definition.key), name_of(definition)
        id_, entry = None, switch_left(name, before[name], consents) if name in before else None
        try:
            id_ = await resources[ref].id.future()
            if id_:
                ids[ref] = readable(ref, id_)
                moved = name in before and before[name].get("digest") != after[name]["digest"]
                if not (moved or ref.kind == "flag") or await _stands(definition, resources[ref], ids):
                    entry = switch_known(name, after[name], _now(), consents)
        except ResourceRegistrationFailed:
            pass  # the engine has said so, and goes on with the others
        if entry is not None:
            entries[name] = {**entry, "id": id_ or entry.get("id")}
    return entries


async def all_but_off(before: Manifest, resources: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a refused run: the last one, in which those of these flags are off that were switched off.

    ``resources`` are flags by their Pulumi names, registered to be off.
    """
    entries = dict(before)
    for name, resource in resources.items():
        try:
            if await resource.active.future() is False:
                entries[name] = switch_known(name, off(before[name]), _now(), ())
        except ResourceRegistrationFailed:
            pass  # PostHog refused it, and the engine has said so
    return entries


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def _stands(definition: Definition, resource: Any, ids: Mapping[Ref, Any]) -> bool:
    """Return whether what the engine says of a resource is what its definition says."""
    kind = KINDS[definition.kind]
    wanted = kind.canonical(with_ids(definition.properties, lambda ref: ids.get(ref, ref)))
    names = ("unmanaged", *kind.options, *(field.name for field in kind.fields))
    said = {name: await output.future() for name in names if (output := getattr(resource, name, None)) is not None}
    there = to_properties(kind.name, said)
    for secret in kind.secrets(there):
        secret.pop("digest", None)  # no definition has it
    return not changed(kind, there, wanted)
