"""What a stack's state says, read without the engine: `pulumi stack export` reads it from any backend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ai_admin.manifest import OUTPUT, ids
from ai_admin.safety.applied import Manifest
from providers.posthog.connection import Connection
from providers.posthog.consents import digest
from providers.posthog.errors import UnreadableState
from providers.posthog.inputs import HOST, PROJECT, WAITING, to_properties
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import APPLIED, OWN, UNKEPT, Properties
from providers.posthog.lifecycle.discovered import PENDING
from providers.posthog.reconcile import applied_last
from providers.posthog.references import with_refs
from providers.posthog.stackfile import pulumi

_TYPE = "pulumi-python:dynamic/posthog:"
_KINDS = {f"{_TYPE}{kind.type}": kind.name for kind in KINDS.values()}
_NONE = ("no stack named", "no previous deployment")
"""What Pulumi says of a stack that nothing was applied to."""


@dataclass(frozen=True)
class Resource:
    """A resource of the state."""

    ref: Ref
    id: str
    properties: Properties
    """Canonical, with PostHog's ids: as it was applied last, or as the last refresh found it, if it was not applied
    since."""
    project: str = ""
    """The PostHog project that it is in."""
    host: str = ""
    """The address of the PostHog that it is in; empty in a state from before these were kept."""
    record: Mapping[str, str] = field(default_factory=dict)
    """What was applied last of the fields that a refresh found otherwise (``kinds.base.APPLIED``)."""

    @property
    def applied(self) -> Properties:
        """What was applied last."""
        return applied_last(KINDS[self.ref.kind], self.properties, self.record)

    @property
    def pending(self) -> bool:
        """Whether PostHog had not met it in an event, so that the id is provisional and nothing was sent."""
        return self.id.startswith(PENDING)


@dataclass(frozen=True)
class State:
    """What was applied to a stack last; empty where nothing was."""

    resources: Mapping[Ref, Resource] = field(default_factory=dict)
    replaced: tuple[Resource, ...] = ()
    """What another one took the place of, and a run that failed did not delete."""
    manifest: Manifest | None = None

    def misses(self, connection: Connection) -> str:
        """Return why what was applied is not in the project of a connection; "" if it is."""
        said = (connection.misses(each.host, each.project) for each in self.resources.values())
        return next(filter(None, said), "")

    @property
    def gone(self) -> dict[Ref, str]:
        """The ids of what was applied and a refresh did not find any more, so that it is not among the resources."""
        found = ids(self.manifest or {})
        return {ref: id_ for ref, id_ in found.items() if ref not in self.resources and not id_.startswith(WAITING)}


def read(root: Path, stack: str) -> State:
    """Return the state of a stack of the checkout ``root``. Raises :class:`UnreadableState`."""
    answer = pulumi(root, "stack", "export", "--stack", stack)
    if answer.returncode:
        if any(text in answer.stderr for text in _NONE):
            return State()
        raise UnreadableState(" ".join(answer.stderr.split()))
    try:
        found = json.loads(answer.stdout)["deployment"].get("resources") or ()
    except (ValueError, KeyError, AttributeError):
        raise UnreadableState("`pulumi stack export` printed no state") from None
    return parsed(found)


def parsed(resources: Iterable[Mapping[str, Any]]) -> State:
    """Return the state in the resources of a deployment, as Pulumi writes them."""
    standing: dict[Ref, Resource] = {}
    replaced, manifest = [], None
    for each in resources:
        outputs = each.get("outputs") or {}
        if each["type"] == "pulumi:pulumi:Stack":
            manifest = json.loads(outputs[OUTPUT]) if OUTPUT in outputs else None
        kind = _KINDS.get(each["type"])
        if kind is None:
            continue
        ref = Ref.parse(each["urn"].split("::", 3)[3])
        project, host = (str(outputs.get(name) or "") for name in (PROJECT, HOST))
        record = outputs.get(APPLIED) or {}
        options = {name: outputs[name] for name in (UNKEPT, OWN) if outputs.get(name)}
        properties = {**to_properties(kind, outputs), **options}
        found = Resource(ref, str(each.get("id", "")), properties, project, host, record)
        if each.get("delete"):
            replaced.append(found)
        else:
            standing[ref] = found
    return State(_with_valid_records(standing, manifest or {}), tuple(replaced), manifest)


def _with_valid_records(standing: Mapping[Ref, Resource], manifest: Manifest) -> dict[Ref, Resource]:
    """Return resources without the records of those that a file follows since: the engine updates nothing then, and so
    keeps a record, but the manifest has the digest of what PostHog holds.
    """
    owners = {(ref.kind, each.id): ref for ref, each in standing.items()}

    def is_followed(each: Resource) -> bool:
        kind = KINDS[each.ref.kind]
        plain = {name: item for name, item in each.properties.items() if name not in ("key", UNKEPT, OWN)}
        said = with_refs(kind, deepcopy(plain), lambda name, id_: owners.get((name, str(id_))))
        for secret in kind.secrets(said):
            secret.pop("digest", None)  # no definition has it
        return digest(said) == manifest.get(str(each.ref), {}).get("digest")

    return {
        ref: replace(each, record={}) if each.record and is_followed(each) else each for ref, each in standing.items()
    }
