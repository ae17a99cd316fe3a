"""A resource's inputs: the definition's properties and its metadata.

Only this module turns canonical properties into a resource's inputs and inputs into properties.

The metadata are one more input. It holds the definition's name and, from the program, its source, the object that it
adopts, and what was applied of it last. ``check`` passes on what ``diff``, ``create`` and ``update`` need, where there
is something to do (:meth:`Metadata.passed_on`). The inputs of a refresh have none, and what stays as it is keeps these:
the engine writes the state once more for each resource of which an input changed. So inputs without metadata are what
PostHog held; others may not be, as those of a flag that is left off. The outputs have the name, so that an error of a
later call can name the definition.

The input is hidden from people (``hide_diffs``): Pulumi shows none whose name begins with ``__``, but where a resource
changes, `pulumi preview --diff` says that one did: ``~ __name (hidden)`` (Pulumi 3.259.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import OWN, UNKEPT, Properties
from providers.posthog.kinds.notification import digest
from providers.posthog.kinds.phrases import printable
from providers.posthog.matching import as_lists

NAME = "__name"
"""The input with the metadata, as one text of JSON, and the output with the name.

Of a mapping the SDK would make an input for each value in it.
"""

MISSING = "__missing:"
"""The prefix of the placeholder for the id of a resource that failed in this run; its name follows, and after ``=`` the
id that it had in the last run, if there was one."""

PROBLEM = "__problem"
"""The input that holds why a new definition can't be applied. It is no invalid input, since the engine ends a run at
the first of these: so one run reports all problems, and what does not depend on them is applied."""

PROJECT = "project_id"
"""The output with the PostHog project that the object lives in."""

HOST = "__host"
"""The output with the address of the PostHog that the project is in; Pulumi shows none whose name begins so."""

UNREAD = "__unread"
"""The input and output that holds why the last refresh could not read an object: what the state says of it may have
changed. When a setting was changed Pulumi starts another provider process after the refresh, which knows only this."""

WAITING = "waiting:"
"""The prefix of the provisional id of an object whose creation waits for an approval; the change request's id
follows."""

_NOT_THERE = re.compile(rf"{MISSING}(?P<name>[^=]+)(=(?P<id>.+))?|{WAITING}[0-9a-f-]{{36}}")


@dataclass(frozen=True)
class Metadata:
    """What the provider must know of a definition in addition to its properties."""

    name: str = ""
    """The Pulumi name (``flag/ai-model-version``); empty where it is unknown."""
    source: str = ""
    """The place in a file (``flags/x.yaml:3:1``); empty where it is unknown."""
    adopt: str | None = None
    """The id of the PostHog object that the definition adopts."""
    missing: str = ""
    """In words, what the definition refers to and does not exist; empty when everything exists."""
    switch: str = ""
    """How a flag that is to be on was applied last: ``consents.ON``, ``consents.CONSENTED``, the time at which it was
    known to be off (ISO 8601), or nothing."""
    id: str = ""
    """The id of the object that was applied last; empty where there was none, or its creation waits for an approval."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Of a definition that was not applied, the names of the definitions that it refers to, by the fields that do. In a
    preview the id of an object that is new to the state is not known, also of one that this run adopts."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Of a definition that was not applied, the names of the others of its kind that were, by their objects' ids. When
    a setting was changed Pulumi starts another provider process after the refresh, which has read none of them."""
    unchanged: bool = False
    """The definition, and what it refers to, is as it was applied last: what differs was changed in PostHog."""
    targeting: str = ""
    """Why a careful stack does not put back a cohort's criteria that were changed in PostHog; empty where it does."""
    flag_switch: str = ""
    """Of an experiment, ``consents.OFF`` or ``consents.LEFT`` where its flag is to be so, else how the flag was applied
    last (see ``switch``)."""
    refused: bool = False
    """The program has refused the change; it registers it in a preview so that the plan shows it."""
    done: str = ""
    """What was done of the change already, in words, before what is said of the rest."""

    def line(self, message: str) -> str:
        """Return a message as one line that begins with the definition, as far as it is known.

        The engine prints it as it is, whatever somebody wrote in PostHog, so that what a terminal would act on is
        escaped.
        """
        parts = (self.source, self.name, self.done, " ".join(message.split()))
        return printable(": ".join(part for part in parts if part))

    def passed_on(self) -> Metadata:
        """Return what is left for ``diff``, ``create`` and ``update`` after ``check``."""
        return Metadata(self.name, self.source, self.adopt, self.missing, self.switch, refused=self.refused)


def to_inputs(properties: Properties, meta: Metadata) -> dict[str, Any]:
    """Return the inputs of a resource, without what a run found out about the object: the program can't know it."""
    inputs = {name: value for name, value in properties.items() if name not in (UNKEPT, OWN)}
    known = {name: value for name, value in vars(meta).items() if value}
    return {**inputs, NAME: json.dumps(known)} if known else inputs


def with_digests(kind_name: str, properties: Properties, environ: Mapping[str, str]) -> Properties:
    """Return a definition's properties with a digest of each secret beside the name of its variable.

    So another value of the variable is a change (see ``kinds.notification``).
    """
    result = deepcopy(properties)
    for secret in KINDS[kind_name].secrets(result):
        secret["digest"] = digest(environ.get(secret["env"], ""))
    return result


def to_properties(kind_name: str, inputs: Mapping[str, Any]) -> Properties:
    """Return the canonical properties in inputs, or in the outputs that mirror them."""
    return KINDS[kind_name].canonical(as_lists(kind_name, inputs))


def switched_off(flag: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flag's inputs or properties with the switch off, also where it was left to PostHog's pages so far."""
    left = [each for each in flag.get("unmanaged") or () if each != "active"]
    return {**flag, "active": False, "unmanaged": left}


def resolved(value: Any) -> tuple[Any, str]:
    """Return inputs with the last known ids instead of placeholders, and what does not exist, in words."""
    if isinstance(value, dict):
        items, missing = resolved(list(value.values()))
        return dict(zip(value, items, strict=True)), missing
    if isinstance(value, list):
        parts = [resolved(item) for item in value]
        return [item for item, _ in parts], next((missing for _, missing in parts if missing), "")
    found = _NOT_THERE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value, ""
    if found["name"] is None:
        return value, "an object whose creation waits for approval"
    id_ = found["id"] or value
    return int(id_) if id_.isdigit() else id_, f"{found['name']}, which was not applied"


def metadata(inputs: Mapping[str, Any]) -> Metadata:
    """Return the metadata in inputs, or the name in outputs and in the inputs of states from before."""
    known = str(inputs.get(NAME, ""))
    return Metadata(**json.loads(known)) if known.startswith("{") else Metadata(known)
