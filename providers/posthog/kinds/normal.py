"""Normal forms of values. Each function is idempotent and leaves references and unknowns as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any


def plain(value: Any) -> Any:
    """Return JSON data with nulls dropped from objects and whole numbers as integers.

    Pulumi's wire turns every number into a double and drops nulls inside objects; PostHog answers 50 or 50.0 for the
    same percentage and null for what was never set. After this both sides are equal.
    """
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def each_item(normalise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what brings each item of a list to its normal form; what is no list is only made plain."""
    return lambda value: [normalise(item) for item in value] if isinstance(value, list | tuple) else plain(value)


def text(value: Any) -> Any:
    """Return a string as PostHog stores it in a plain column: without white space at both ends."""
    return value.strip() if isinstance(value, str) else value


def tags(value: Any) -> Any:
    """Return tags as PostHog keeps them: stripped, lower-cased, each once. It keeps no order, so they are sorted."""
    if not isinstance(value, list | tuple):
        return value
    return sorted({str(tag).strip().lower() for tag in value})


def instant(value: Any) -> Any:
    """Return a point in time as PostHog writes it, in UTC with a Z; a day is its midnight, and no zone means UTC."""
    if not isinstance(value, str):
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return value
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return time.isoformat().replace("+00:00", "Z")


def unordered(value: Any) -> Any:
    """Return a list whose order means nothing in a fixed order; references among the ids stay in it."""
    if not isinstance(value, list | tuple):
        return value
    items: dict[str, Any] = {}
    for item in map(plain, value):
        items.setdefault(repr(item), item)
    return [items[name] for name in sorted(items, key=lambda name: (len(name), name))]


def json_text(value: Any) -> str:
    """Return JSON text in the form that both sides are brought to: sorted names, no spaces, whole numbers as such."""
    return json.dumps(_whole_numbers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def same_json(value: Any) -> Any:
    """Return JSON text re-written by :func:`json_text`; text that is not JSON stays as it is."""
    parsed = parsed_json(value)
    return value if parsed is value and isinstance(value, str) else json_text(parsed)


def parsed_json(value: Any) -> Any:
    """Return what JSON text says; text that is not JSON, and what is no text, as it is.

    A flag's payload may be any of these: not every version of PostHog made JSON text of it.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
