"""Lists as the engine compares them: by what their items are, and not by where they are.

The engine compares lists place by place, so one condition put in front of four reads as five changes. In inputs and in
state such a list is therefore a mapping: each item under its name (see ``Field.item``), and one text of the names, a
line each, that says their order. One condition more is then one item and one line more; a variant that moved is one
line that moved.

A state from before has lists. What equals the definition stays the list that it is, so that nothing changes in a
state's first run with this; a list that the definition changes becomes a mapping with that change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from providers.posthog.kinds import KINDS
from providers.posthog.reconcile import same

ORDER = "(order)"
"""The key of the names in their order. A name can't be the same."""

LONGEST = 70
"""Characters of a name; a condition may list thousands of values."""


def named(items: Sequence[Any], name: Callable[[Mapping[str, Any]], str]) -> dict[str, Any]:
    """Return items by their names, with their order; of items with one name the later ones are numbered."""
    result: dict[str, Any] = {}
    for item in items:
        plain = _line(name(item))
        number, key = 1, plain
        while key in result or key == ORDER:
            number += 1
            key = f"{plain} ({number})"
        result[key] = item
    # Each line ends: without, what comes after the last name would change that name's line.
    return {**result, ORDER: "".join(f"{key}\n" for key in result)} if result else {}


def in_order(value: Any) -> Any:
    """Return the list that :func:`named` made a mapping of; anything else as it is."""
    if not isinstance(value, Mapping) or (value and ORDER not in value):
        return value
    return [value[key] for key in str(value.get(ORDER, "")).split("\n") if key in value]


def as_mappings(kind_name: str, inputs: Mapping[str, Any], like: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return inputs with a mapping in the place of each list whose items have names.

    ``like`` are inputs or outputs whose lists stay lists here as well.
    """
    result = dict(inputs)
    for field in KINDS[kind_name].fields:
        value = result.get(field.name)
        if field.item and isinstance(value, list) and not isinstance((like or {}).get(field.name), list):
            result[field.name] = named(value, field.item)
    return result


def as_lists(kind_name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs, or the outputs that mirror them, with each such mapping as a list."""
    names = {field.name for field in KINDS[kind_name].fields if field.item}
    return {name: in_order(value) if name in names else value for name, value in inputs.items()}


def unchanged_lists(kind_name: str, olds: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lists of old inputs that canonical properties leave as they are."""
    before = KINDS[kind_name].canonical(as_lists(kind_name, olds))
    return {
        name: value
        for name, value in olds.items()
        if isinstance(value, list) and same(before.get(name), properties.get(name))
    }


def _line(name: str) -> str:
    line = " ".join(name.split())
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    # What begins with two underscores is internal to the engine, which then shows nothing of it.
    return f"'{line}'" if line.startswith("__") or not line else line
