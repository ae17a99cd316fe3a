"""A resource's inputs: the definition's properties, and what else of the definition the provider must know.

This is the one place where canonical properties become a resource's inputs and inputs become properties again.

Keys that begin with ``__`` are shown in no preview. The name stays in the state, so that an error of any later call can
say which definition it is about. Source and adoption don't: ``check`` takes them out of what the engine compares and
keeps, and this process remembers them until ``create`` or ``update``. So it is no change when a definition moves by a
line, or loses its ``adopt:`` once the object was adopted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import Properties

NAME, SOURCE, ADOPT = "__name", "__source", "__adopt"

MISSING = "__missing:"
"""Begins what stands for the id of a resource that failed in this run; its name follows."""

WAITING = "waiting:"
"""Begins the provisional id of an object whose creation waits for an approval; the change request's id follows."""

_NOT_THERE = re.compile(rf"{MISSING}(?P<name>.+)|{WAITING}[0-9a-f-]{{36}}")


@dataclass(frozen=True)
class Note:
    """What is known of a definition beside its properties.

    ``name`` is the Pulumi name (``flag/ai-model-version``), ``source`` the place in a file (``flags/x.yaml:3:1``),
    ``adopt`` the id of the PostHog object that it is to take over. All three may be unknown.
    """

    name: str = ""
    source: str = ""
    adopt: str | None = None

    def line(self, message: str) -> str:
        """Return a message as one line that begins with the definition, as far as it is known."""
        return ": ".join(part for part in (self.source, self.name, " ".join(message.split())) if part)


def to_inputs(properties: Properties, note: Note) -> dict[str, Any]:
    """Return the inputs of a resource."""
    beside = {NAME: note.name, SOURCE: note.source, ADOPT: note.adopt}
    return {**properties, **{name: value for name, value in beside.items() if value}}


def to_properties(kind_name: str, inputs: Mapping[str, Any]) -> Properties:
    """Return the canonical properties in inputs, or in the outputs that mirror them."""
    return KINDS[kind_name].canonical(inputs)


def lacking(value: Any) -> str | None:
    """Return what a definition refers to that isn't there, in words; None when everything is."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return next(filter(None, map(lacking, value)), None)
    found = _NOT_THERE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    name = found["name"]
    return f"{name}, which was not applied" if name else "an object whose creation waits for approval"


class Notes:
    """The notes of this process, by name. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[str, Note] = {}

    def keep(self, inputs: Mapping[str, Any]) -> Note:
        """Remember and return what inputs of the program say of their definition."""
        note = Note(inputs.get(NAME, ""), inputs.get(SOURCE, ""), inputs.get(ADOPT))
        with self._lock:
            self._notes[note.name] = note
        return note

    def of(self, inputs: Mapping[str, Any]) -> Note:
        """Return what is remembered of the definition that inputs or outputs name; at least the name."""
        name = inputs.get(NAME, "")
        with self._lock:
            return self._notes.get(name) or Note(name)
