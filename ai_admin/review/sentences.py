"""The one mechanism that says what changed: a field's table, the value before and after, and sentences from them. Pure.

Every command that shows a change uses it, so that no two say it differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.wording import SERVE, Wording, plain_text
from providers.posthog.reconcile import created, same

LONGEST = 60
"""Characters of a text that are shown whole."""

AROUND = 20
"""Characters of a longer text that are shown around what differs."""

_NAMES = ("custom_name", "name", "key", "event", "uuid", "description", "id", "kind")
"""The keys by which an item is called that its table gives no name, the best first."""


@dataclass(frozen=True)
class Sentence:
    """One thing that changes."""

    text: str
    field: str
    """The field's name."""
    weight: int
    """How much depends on it: see ``providers.posthog.kinds.wording``."""
    path: tuple[str, ...] = ()
    """Where inside the field, by the names of items and keys."""
    before: Any = None
    after: Any = None
    """The values there; a secret's are None."""


def sentences(kind: Kind, field: Field, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sentence]:
    """Return what changes in one field, a sentence for each thing.

    Args:
        kind: the kind of the object.
        field: a field in which the two differ.
        before: canonical properties, with references or with names in the place of ids.
        after: canonical properties of the same form.
    """
    noun = field.wording.noun or words(field.name)
    if field.secret:
        return [Sentence(f"{noun} changes (not shown, as it may hold secrets)", field.name, kind.weighs(field))]
    old, new = (_shown(field, each.get(field.name)) for each in (before, after))
    found = [
        Sentence(text, field.name, kind.weighs(field), tuple(path[1:]), was, is_)
        for path, text, was, is_ in _said([noun], field.wording, old, new)
    ]
    return found or [Sentence(f"{noun} changes", field.name, kind.weighs(field))]


def of_new(kind: Kind, properties: Mapping[str, Any]) -> list[Sentence]:
    """Return what a new object says of whom it serves, a sentence for each thing; everything else is in its file.

    Args:
        kind: the kind of the object.
        properties: canonical, with references or with names in the place of ids.
    """
    named = {*kind.natural_key, *(each.name for each in kind.fields if each.immutable)}
    told = (each for each in created(kind, properties) if kind.weighs(each) >= SERVE and each.name not in named)
    return [sentence for field in told for sentence in sentences(kind, field, {}, properties)]


def _shown(field: Field, value: Any) -> Any:
    return field.default if value is None else value


Said = Iterator[tuple[list[str], str, Any, Any]]


def _said(path: list[str], wording: Wording, old: Any, new: Any) -> Said:
    if same(old, new):
        return
    if isinstance(new, bool | str | int) and new in wording.says:
        subject = path[:-1]
        yield path, _line([*subject, wording.says[new]]), old, new
    elif _items(old) and _items(new) and not (wording.show and not wording.each):
        yield from _list_said(path, wording, list(old or ()), list(new or ()))
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and (wording.parts or not wording.show):
        yield from _mapping_said(path, wording, old, new)
    elif _scalars(old) and _scalars(new) and not wording.show:
        yield from _set_said(path, list(old or ()), list(new or ()))
    else:
        yield path, _line(path) + _from_to(wording, old, new), old, new


def _items(value: Any) -> bool:
    return value in (None, []) or (isinstance(value, list) and all(isinstance(each, Mapping) for each in value))


def _scalars(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(each, Mapping | list) for each in value)


def _mapping_said(path: list[str], wording: Wording, old: Mapping[str, Any], new: Mapping[str, Any]) -> Said:
    for key in dict.fromkeys([*wording.parts, *old, *new]):
        if key in wording.hidden:
            continue
        inner = wording.parts.get(key) or Wording()
        inside = path if key in wording.inline else [*path, inner.noun or words(key)]
        yield from _said(inside, inner, old.get(key), new.get(key))


def _set_said(path: list[str], old: list[Any], new: list[Any]) -> Said:
    come, go = [each for each in new if each not in old], [each for each in old if each not in new]
    if not come and not go:
        yield path, f"{_line(path)} in another order: {plain_text(new)}", old, new
        return
    parts = [f"{plain_text(come)} added"] * bool(come) + [f"{plain_text(go)} removed"] * bool(go)
    yield path, f"{_line(path)}: {', '.join(parts)}", old, new


def _list_said(path: list[str], wording: Wording, old: list[Any], new: list[Any]) -> Said:
    each = wording.each or Wording()
    noun, name = each.noun or _singular(path[-1]), each.name or _name
    was, is_ = _by_name(old, name), _by_name(new, name)
    pairs = {key: key for key in was if key in is_}
    pairs |= _paired({k: v for k, v in was.items() if k not in pairs}, {k: v for k, v in is_.items() if k not in pairs})
    for key, item in was.items():
        if key not in pairs:
            yield [*path, key], _line([*path[:-1], f"{noun} {_quoted(key)} goes"]) + _whole(each, item), item, None
    for key, item in was.items():
        if key in pairs:
            called = pairs[key]
            if called != key:
                now = f"{noun} {_quoted(key)} becomes {_quoted(called)}"
                yield [*path, key], _line([*path[:-1], now]), key, called
            changes = list(_said([*path[:-1], f"{noun} {_quoted(called)}"], each, item, is_[called]))
            told_by_name = called != key and len(changes) == 1
            yield from () if told_by_name else changes
    for key, item in is_.items():
        if key not in pairs.values():
            yield [*path, key], _line([*path[:-1], f"{noun} {_quoted(key)} is new"]) + _whole(each, item), None, item
    stay = [pairs[key] for key in was if key in pairs]
    if stay != [key for key in is_ if key in pairs.values()]:
        yield path, f"{_line(path)} in another order: {', '.join(map(_quoted, is_))}", list(was), list(is_)


def _paired(was: Mapping[str, Any], is_: Mapping[str, Any]) -> dict[str, str]:
    """Return which items are the same under another name: the ones most alike, and a single one in another's place."""
    found: dict[str, str] = {}
    left = dict(is_)
    for key, item in was.items():
        alike = [other for other, there in left.items() if _alike(item, there)]
        if alike:
            found[key] = alike[0]
            del left[alike[0]]
    rest = [key for key in was if key not in found]
    if len(rest) == len(left) == 1:
        found[rest[0]] = next(iter(left))
    return found


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two items differ in one thing only."""
    keys = {*one, *other}
    return len(keys) > 1 and sum(not same(one.get(key), other.get(key)) for key in keys) <= 1


def _by_name(items: Sequence[Any], name: Callable[[Mapping[str, Any]], str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        plain = name(item)
        number, key = 1, plain
        while key in found:
            number += 1
            key = f"{plain} ({number})"
        found[key] = item
    return found


def _name(item: Mapping[str, Any]) -> str:
    return next((plain_text(item[key]) for key in _NAMES if item.get(key) not in (None, "")), "item")


def _whole(wording: Wording, item: Any) -> str:
    return f": {wording.show(item)}" if wording.show else ""


def _from_to(wording: Wording, old: Any, new: Any) -> str:
    if old in (None, "", [], {}):
        return f" is {_value(wording, new)} (was not set)"
    if new in (None, "", [], {}):
        return f" is no longer set (was {_value(wording, old)})"
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONGEST and not wording.show:
        old, new = _excerpts(old, new)
    return f" from {_value(wording, old)} to {_value(wording, new)}"


def _value(wording: Wording, value: Any) -> str:
    if wording.show:
        return wording.show(value)
    text = _reference(value) or (_quoted(value) if isinstance(value, str) and " " in value else plain_text(value))
    return f"{_short(text)}{wording.unit}"


def _reference(value: Any) -> str:
    return value.key if hasattr(value, "key") and hasattr(value, "kind") else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 2 * LONGEST else f"{line[: 2 * LONGEST - 1]}…"


def _excerpts(old: str, new: str) -> tuple[str, str]:
    """Return of two long texts the parts that differ, with a little around them."""
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    room = min(len(old), len(new)) - start
    end = next((n for n, (a, b) in enumerate(zip(old[::-1], new[::-1], strict=False)) if a != b or n == room), room)

    def part(text: str) -> str:
        first, last = max(start - AROUND, 0), min(len(text) - end + AROUND, len(text))
        return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"

    return part(old), part(new)


def _line(path: Sequence[str]) -> str:
    return ": ".join(path)


def _quoted(text: str) -> str:
    return f'"{_short(text)}"'


def words(key: str) -> str:
    """Return a key as words."""
    return _WORDS.get(key, key.replace("_", " "))


_WORDS = {"date_from": "first day", "date_to": "last day", "w": "width", "h": "height", "x": "column", "y": "row"}


def _singular(noun: str) -> str:
    for ending, one in (("ies", "y"), ("ses", "s"), ("s", "")):
        if noun.endswith(ending) and noun != "series":
            return noun[: -len(ending)] + one
    return noun
