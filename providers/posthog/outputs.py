"""A stack's outputs, and what became of its resources in a run, as Pulumi's engine says."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Coroutine, Mapping
from typing import Any

import pulumi
from pulumi.runtime.stack import ResourceRegistrationFailed

from providers.posthog.errors import UnreadableState
from providers.posthog.inputs import to_properties
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties

READS, PAUSE = 50, 0.1
"""How often a stack's state is read while it is being written, and the seconds between."""

Outcome = tuple[str | None, Properties | None]
"""A resource's id (None: a preview, or nothing was made), and its canonical properties where they were asked for."""


def read(stack: str, output: str) -> Any:
    """Return an output of a stack of this project, as :func:`export` put it there; None where there is none.

    Raises :class:`UnreadableState`.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    for _ in range(READS):
        try:
            outputs = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value["outputs"]
        except Exception as problem:  # the SDK raises nothing more specific
            # Pulumi's file backend writes the state in place, and may be writing it now.
            if "failed to load checkpoint" in str(problem):
                time.sleep(PAUSE)
                continue
            if "unknown stack" in str(problem):
                raise UnreadableState("there is no such stack in this backend") from None
            raise
        return json.loads(outputs[output]) if output in outputs else None
    raise UnreadableState("its state can't be read")


def export(output: str, value: Any | Coroutine[Any, Any, Any]) -> None:
    """Make this value, or what it becomes, an output of the stack, as one text of JSON.

    Of a mapping the SDK would make outputs, one for each value in it, and take longer over them than over the
    resources.
    """

    async def later(coming: Coroutine[Any, Any, Any]) -> str:
        return _text(await coming)

    pulumi.export(output, later(value) if isinstance(value, Coroutine) else _text(value))


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


async def outcomes(resources: Mapping[Ref, pulumi.CustomResource], asked: Collection[Ref]) -> dict[Ref, Outcome]:
    """Return what became of resources; those that failed are left out, as the engine has said so.

    ``asked`` are those of which the properties are wanted. Where a failure ends the run this never returns.
    """
    found: dict[Ref, Outcome] = {}
    for ref, resource in resources.items():
        try:
            id_ = await resource.id.future()
            found[ref] = id_ or None, await _properties(ref, resource) if ref in asked else None
        except ResourceRegistrationFailed:
            pass
    return found


async def _properties(ref: Ref, resource: pulumi.CustomResource) -> Properties:
    kind = KINDS[ref.kind]
    names = ("unmanaged", *kind.options, *(field.name for field in kind.fields))
    said = {name: await output.future() for name in names if (output := getattr(resource, name, None)) is not None}
    there = to_properties(kind.name, said)
    for secret in kind.secrets(there):
        secret.pop("digest", None)  # no definition has it
    return there
