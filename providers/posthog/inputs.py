"""A resource's inputs: the definition's properties, and what else of the definition the provider must know.

This is the one place where canonical properties become a resource's inputs and inputs become properties again.

Beside the properties there is one more input; its key begins with ``__``, so that no preview shows it. It holds the
definition's name, and from the program also its source, what it adopts, and of a flag how its switch was applied last.
The name stays in the state, so that an error of any later call can say which definition it is about. The rest doesn't:
``check`` takes it out of what the engine compares and keeps, and this process remembers it until ``create`` or
``update``. So it is no change when a definition moves by a line, or loses its ``adopt:`` once the object was adopted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import OWN, UNKEPT, Properties
from providers.posthog.matching import as_lists

NAME = "__name"
"""From the program a mapping of what it knows of the definition; in the state the name alone."""

MISSING = "__missing:"
"""Begins what stands for the id of a resource that failed in this run; its name follows, and after ``=`` the id that it
had in the last run, if it was there."""

PROBLEM = "__problem"
"""Why a definition that is new to the state can't be applied. It goes along with the inputs, since the engine ends a
run at the first input that is invalid: so all of them are known after one run, and what does not depend on them is
applied."""

WAITING = "waiting:"
"""Begins the provisional id of an object whose creation waits for an approval; the change request's id follows."""

_NOT_THERE = re.compile(rf"{MISSING}(?P<name>[^=]+)(=(?P<id>.+))?|{WAITING}[0-9a-f-]{{36}}")


@dataclass(frozen=True)
class Note:
    """What is known of a definition beside its properties.

    ``name`` is the Pulumi name (``flag/ai-model-version``), ``source`` the place in a file (``flags/x.yaml:3:1``),
    ``adopt`` the id of the PostHog object that it is to take over; all three may be unknown. ``lacks`` says in words
    what the definition refers to and isn't there; it is empty when everything is. ``switch`` says of a flag that is to
    be on how it was applied last: ``safety.ON``, ``safety.CONSENTED``, the time at which it was known to be off (ISO
    8601), or nothing. ``refused`` says that the program has refused the change already, and registers it in a preview
    so that the plan shows it.
    """

    name: str = ""
    source: str = ""
    adopt: str | None = None
    lacks: str = ""
    switch: str = ""
    refused: bool = False

    def line(self, message: str) -> str:
        """Return a message as one line that begins with the definition, as far as it is known."""
        return ": ".join(part for part in (self.source, self.name, " ".join(message.split())) if part)


def to_inputs(properties: Properties, note: Note) -> dict[str, Any]:
    """Return the inputs of a resource. What a run found out about the object is no part: the program can't know it."""
    inputs = {name: value for name, value in properties.items() if name not in (UNKEPT, OWN)}
    told = {name: value for name, value in asdict(note).items() if value and name != "lacks"}
    if not told:
        return inputs
    return {**inputs, NAME: note.name if told.keys() == {"name"} else told}


def to_properties(kind_name: str, inputs: Mapping[str, Any]) -> Properties:
    """Return the canonical properties in inputs, or in the outputs that mirror them."""
    return KINDS[kind_name].canonical(as_lists(kind_name, inputs))


def resolved(value: Any) -> tuple[Any, str]:
    """Return inputs with the last known ids in the place of what failed, and what isn't there, in words."""
    if isinstance(value, dict):
        items, lacks = resolved(list(value.values()))
        return dict(zip(value, items, strict=True)), lacks
    if isinstance(value, list):
        parts = [resolved(item) for item in value]
        return [item for item, _ in parts], next((lacks for _, lacks in parts if lacks), "")
    found = _NOT_THERE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value, ""
    if found["name"] is None:
        return value, "an object whose creation waits for approval"
    id_ = found["id"] or value
    return int(id_) if id_.isdigit() else id_, f"{found['name']}, which was not applied"


def _note(inputs: Mapping[str, Any]) -> Note:
    told = inputs.get(NAME, "")
    return Note(**told) if isinstance(told, Mapping) else Note(told)


class Notes:
    """The notes of this process, by name. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[str, Note] = {}

    def keep(self, inputs: Mapping[str, Any], lacks: str) -> Note:
        """Remember and return what inputs of the program say of their definition."""
        note = replace(_note(inputs), lacks=lacks)
        with self._lock:
            self._notes[note.name] = note
        return note

    def of(self, inputs: Mapping[str, Any]) -> Note:
        """Return what is remembered of the definition that inputs or outputs name; at least the name."""
        told = _note(inputs)
        with self._lock:
            return self._notes.get(told.name, told)
