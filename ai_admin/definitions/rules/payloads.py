"""Payloads that YAML reads as something else than was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path

_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+")


@rule("flag")
def numbers_are_meant(unit: Unit, _: Index) -> Iterator[Finding]:
    """A whole number is written without a dot: ``200.000`` is 200 to YAML, and two hundred thousand to many people.

    With ``payload_type: number`` a fraction is what somebody asked for.
    """
    kind = unit.value.get("payload_type")
    if kind == "number":
        return
    for path, payload in _payloads(unit):
        for place, number in _whole_floats(payload, path):
            written = unit.view.written((*unit.path, *place)) or ""
            if _GROUPED.fullmatch(written):
                fix = f"write {written.replace('.', '')} if that was meant, or {number:.0f}"
                yield Finding(place, f"{written} is {number:.0f} to YAML", fix)
            elif kind == "integer" and place == path:
                yield Finding(place, f"{written} is not written as a whole number", f"write {number:.0f}")


@rule("flag")
def text_is_meant(unit: Unit, _: Index) -> Iterator[Finding]:
    """A mapping or list is written as YAML. PostHog's page takes JSON, which in quotes is a text to applications here.

    PostHog allows such a text, which ``payload_type: string`` says is meant.
    """
    if "payload_type" in unit.value:
        return
    for path, payload in _payloads(unit):
        if isinstance(payload, str) and (meant := _json(payload)) is not None:
            message = f"this payload is delivered as text, not as the {meant} that its text holds"
            yield Finding(path, message, "write it without quotes, or add payload_type: string", note=True)


def _json(text: str) -> str | None:
    """Return which structure a text holds as JSON."""
    try:
        value = json.loads(text) if text.lstrip().startswith(("{", "[")) else None
    except (ValueError, RecursionError):
        return None
    return None if value is None else "mapping" if isinstance(value, dict) else "list"


def _payloads(unit: Unit) -> Iterator[tuple[Path, Any]]:
    if "payload" in unit.value:
        yield ("payload",), unit.value["payload"]
    for n, variant in enumerate(unit.value.get("variants") or ()):
        if "payload" in variant:
            yield ("variants", n, "payload"), variant["payload"]


def _whole_floats(value: Any, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(value, float) and value.is_integer():
        yield path, value
    elif isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _whole_floats(item, (*path, step))
