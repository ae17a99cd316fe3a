"""The one mechanism that says what changed: a field's table, the value before and after, and sentences from them. Pure.

Every command that shows a change uses it, so that no two say it differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from providers.posthog.kinds.base import Field, Kind, Ref
from providers.posthog.kinds.phrases import key_text, plain_text
from providers.posthog.kinds.wording import COMMON, SERVE, TEXT, Wording, called
from providers.posthog.reconcile import created, same

LONGEST = 60
"""Characters of a text that are shown whole."""

AROUND = 24
"""Characters of a longer text that are shown around what differs."""

MOVES = 3
"""Most items of a list of which is said where they moved; of more the new order is shown."""

NOT_SET = " (was not set)"
"""The end of a sentence about what had no value."""

_NAME = called(
    *("custom_name", "name", "label", "key", "event", "property", "code_name", "description", "id", "value", "kind")
)
"""Names an item that its table gives no name."""


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
    wording = field.worded(after) if field.worded else field.wording
    noun = wording.noun or key_text(field.name)
    weight = kind.weighs(field)
    old, new = (_shown(field, each.get(field.name)) for each in (before, after))
    at = _At((), (noun,))
    if field.secret or _digested(old) or _digested(new):
        return [
            Sentence(text, field.name, weight, path) for path, text, *_ in _guarded(at, wording, old, new)
        ]
    return [
        Sentence(text, field.name, weight, path, was, is_)
        for path, text, was, is_ in _said(at, wording, old, new)
    ]


def options(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sentence]:
    """Return what changes in how a definition is applied: what it leaves to PostHog's pages, and the kind's options.

    Args:
        kind: the kind of the object.
        before: canonical properties, as they were applied last.
        after: canonical properties of the definition.
    """
    was, is_ = (set(each.get("unmanaged") or ()) for each in (before, after))
    found = [
        Sentence(f"{field.wording.noun or key_text(field.name)} is {more}left to PostHog's pages", "unmanaged", TEXT)
        for field in kind.fields
        for more, names in (("", is_ - was), ("no longer ", was - is_))
        if field.name in names
    ]
    for name, wording in kind.options.items():
        if not same(bool(before.get(name)), bool(after.get(name))):
            found.append(Sentence(wording.says[bool(after.get(name))], name, kind.weight))
    return found


def of_new(kind: Kind, properties: Mapping[str, Any]) -> list[Sentence]:
    """Return what a new object says of whom it serves, a sentence for each thing; everything else is in its file.

    Args:
        kind: the kind of the object.
        properties: canonical, with references or with names in the place of ids.
    """
    told = [
        each for each in created(kind, properties) if kind.weighs(each) >= SERVE and each.name not in kind.natural_key
    ]
    said = (sentence for field in told for sentence in sentences(kind, field, {}, properties))
    return [replace(each, text=each.text.removesuffix(NOT_SET)) for each in said]


def _shown(field: Field, value: Any) -> Any:
    return field.default if value is None else value


def _digested(value: Any) -> bool:
    """Return whether a value stands for a secret of the environment."""
    return isinstance(value, Mapping) and "digest" in value


@dataclass(frozen=True)
class _At:
    """A place in a field: by names for machines, and in words."""

    path: tuple[str, ...]
    words: tuple[str, ...]

    def into(self, name: str, words: str) -> _At:
        """Return the place of a part."""
        return _At((*self.path, name), (*self.words, words))

    def item(self, name: str, noun: str) -> _At:
        """Return the place of an item, whose noun takes that of its list."""
        return _At((*self.path, name), (*self.words[:-1], f"{noun} {_quoted(name)}"))

    def inside(self, name: str) -> _At:
        """Return the place of a part that is no level of its own in words."""
        return _At((*self.path, name), self.words)

    @property
    def line(self) -> str:
        return ": ".join(self.words)

    def says(self, predicate: str) -> str:
        """Return a predicate about what the part belongs to."""
        return ": ".join((*self.words[:-1], predicate))


Said = Iterator[tuple[tuple[str, ...], str, Any, Any]]


def _guarded(at: _At, wording: Wording, old: Any, new: Any) -> Said:
    """Yield what changes in a value that may hold secrets: what is public in full, of the rest only that it changes."""
    if _digested(old) or _digested(new) or not wording.public or not _mappings(old, new):
        yield at.path, f"{at.line} changes (not shown, as it may hold secrets)", None, None
        return
    old, new = old or {}, new or {}
    for key in dict.fromkeys([*wording.parts, *old, *new]):
        part = wording.parts.get(key) or Wording(f"{at.line}: {key_text(key)}")
        place, was, is_ = _At((*at.path, key), (part.noun,)), old.get(key), new.get(key)
        if key in wording.public and not _digested(was) and not _digested(is_):
            yield from _said(place, part, was, is_)
        elif not same(was, is_):
            yield from _guarded(place, Wording(), was, is_)


def _said(at: _At, wording: Wording, old: Any, new: Any) -> Said:
    if same(old, new):
        return
    if isinstance(new, bool | str | int | None) and new in wording.says:
        yield at.path, at.says(wording.says[new]), old, new
    elif _list_of(Mapping, old, new) and (wording.each or not wording.show):
        yield from _list_said(at, wording, list(old or ()), list(new or ()))
    elif _mappings(old, new) and _walked(wording, old, new):
        parts = [{key: item for key, item in (each or {}).items() if key in wording.shown} for each in (old, new)]
        if not same(*parts):
            yield at.path, at.line + _from_to(wording, old, new), old, new
        yield from _mapping_said(at, wording, old or {}, new or {})
    elif _list_of(bool | int | float | str | Ref, old, new) and not wording.show:
        yield from _set_said(at, list(old or ()), list(new or ()))
    else:
        yield at.path, at.line + _from_to(wording, old, new), old, new


def _list_of(types: Any, *values: Any) -> bool:
    return all(each is None or (isinstance(each, list) and all(isinstance(i, types) for i in each)) for each in values)


def _mappings(*values: Any) -> bool:
    return all(each is None or isinstance(each, Mapping) for each in values)


def _walked(wording: Wording, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    """Return whether two mappings are compared key by key, and not each shown whole."""
    return not wording.show or bool(wording.parts and old and new)


def _mapping_said(at: _At, wording: Wording, old: Mapping[str, Any], new: Mapping[str, Any]) -> Said:
    for key in dict.fromkeys([*wording.parts, *old, *new]):
        if key in wording.shown:
            continue
        if wording.each:
            inner, place = wording.each, at.item(key, at.words[-1])
        else:
            inner = wording.parts.get(key) or COMMON.get(key) or Wording()
            place = at.inside(key) if inner.inline else at.into(key, inner.noun or key_text(key))
        yield from _said(place, inner, old.get(key), new.get(key))


def _set_said(at: _At, old: list[Any], new: list[Any]) -> Said:
    come, go = [each for each in new if each not in old], [each for each in old if each not in new]
    parts = [f"added {plain_text(come)}"] * bool(come) + [f"removed {plain_text(go)}"] * bool(go)
    if parts:
        yield at.path, f"{at.line}: {'; '.join(parts)}", old, new
    else:
        yield at.path, f"{at.line} in another order: {plain_text(new)}", old, new


def _list_said(at: _At, wording: Wording, old: list[Any], new: list[Any]) -> Said:
    each = wording.each or Wording()
    noun = each.noun or _singular(at.words[-1])
    was, is_ = named_items(each, old), named_items(each, new)
    pairs = paired(each, was, is_)
    for key, item in was.items():
        place = at.item(pairs.get(key, key), noun)
        if key not in pairs:
            yield place.path, f"{place.line} is removed{_whole(each, item, key)}", item, None
            continue
        name = pairs[key]
        if name != key and max(len(key), len(name)) <= 2 * LONGEST:  # of longer names what differs would not show
            yield place.path, f"{at.item(key, noun).line} becomes {_quoted(name)}", key, name
            item = _renamed(each, item, is_[name])
        yield from _said(place, each, item, is_[name])
    for key, item in is_.items():
        if key not in pairs.values():
            place = at.item(key, noun)
            yield place.path, f"{place.line} is new{_whole(each, item, key)}", None, item
    stay = [pairs[key] for key in was if key in pairs]
    now = [key for key in is_ if key in pairs.values()]
    if wording.ordered and stay != now:
        yield at.path, _order(at, noun, stay, now), list(was), list(is_)


def _order(at: _At, noun: str, was: list[str], now: list[str]) -> str:
    """Return what moved in a list, or the new order where that is shorter; both have the same names."""
    moved = _moved([was.index(name) for name in now])
    if len(moved) > MOVES:
        return f"{at.line} in another order: {plain_text([_quoted(name) for name in now])}"
    said: list[str] = []
    for place in moved:
        where = f"before {_quoted(now[place + 1])}" if place + 1 < len(now) else f"after {_quoted(now[place - 1])}"
        said.append(f"{noun} {_quoted(now[place])} moves {where}")
    return at.says(", ".join(said))


def _moved(places: list[int]) -> list[int]:
    """Return the positions of as few items as can have moved, by what was the place of each: the first ones."""
    longest: dict[int, list[int]] = {}
    for n in reversed(range(len(places))):
        after = [longest[m] for m in longest if places[m] > places[n]]
        longest[n] = [n, *max(after, key=len, default=[])]
    stay = max(longest.values(), key=len, default=[])
    return [n for n in range(len(places)) if n not in stay]


def named_items(each: Wording, items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return a list's items by their names, in their order; ``each`` is the wording of an item."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        plain = (each.name or _NAME)(item) or f"number {len(found) + 1}"
        number, name = 1, plain
        while name in found:
            number += 1
            name = f"{plain} ({number})"
        found[name] = item
    return found


def paired(each: Wording, was: Mapping[str, Any], is_: Mapping[str, Any]) -> dict[str, str]:
    """Return by its former name what an item that stays is called; ``each`` is the wording of an item.

    Items of another name are the same where they differ in one thing, and where one takes the place of a single other
    of which it keeps what makes it that item.
    """
    found = {name: name for name in was if name in is_}
    left = {name: item for name, item in is_.items() if name not in found}
    for name, item in was.items():
        alike = next((other for other, there in left.items() if name not in found and _alike(item, there)), None)
        if alike is not None:
            found[name] = alike
            del left[alike]
    rest = [name for name in was if name not in found]
    if len(rest) == len(left) == 1:
        [(other, there)] = left.items()
        if all(same(was[rest[0]].get(key), there.get(key)) for key in each.kept):
            found[rest[0]] = other
    return found


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two items differ in one thing only."""
    keys = {*one, *other}
    return len(keys) > 1 and sum(not same(one.get(key), other.get(key)) for key in keys) <= 1


def _renamed(each: Wording, item: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with what makes the other one's name: that was said already."""
    name, result = each.name or _NAME, dict(item)
    for key in other.keys() | item.keys():
        changed = {**{k: v for k, v in item.items() if k != key}, **({key: other[key]} if key in other else {})}
        if name(changed) != name(item):
            result = {**{k: v for k, v in result.items() if k != key}, **({key: other[key]} if key in other else {})}
    return result


def _whole(wording: Wording, item: Any, name: str) -> str:
    """Return what an item is, where its name does not say it."""
    text = wording.show(item) if wording.show else ""
    return f": {_short(text)}" if text not in ("", name) else ""


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _from_to(wording: Wording, old: Any, new: Any) -> str:
    if old in _NOTHING and not wording.empty:
        return f" is {_value(wording, new)}{NOT_SET}"
    if new in _NOTHING and not wording.empty:
        return f" is no longer set (was {_value(wording, old)})"
    before, after = _text(wording, old), _text(wording, new)
    if before == after:
        return " changes"
    if max(len(before), len(after)) > LONGEST:
        if wording.moved and (told := wording.moved(old, new)):
            return f": {told}"
        before, after = _excerpts(before, after)
    return f" from {_put(wording, old, before)} to {_put(wording, new, after)}"


def _value(wording: Wording, value: Any) -> str:
    return _put(wording, value, _short(_text(wording, value)))


def _text(wording: Wording, value: Any) -> str:
    if wording.empty and value in _NOTHING:
        return wording.empty
    return " ".join((wording.show or plain_text)(value).split())


def _put(wording: Wording, value: Any, text: str) -> str:
    """Return a text in quotes, where it could be taken for a part of the sentence."""
    if value in _NOTHING or not (wording.quoted or (isinstance(value, str) and " " in text and not wording.show)):
        return f"{text}{wording.unit}"
    return f'"{text}"{wording.unit}'


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 2 * LONGEST else f"{line[: _word(line, 2 * LONGEST - 1)]}…"


def _word(line: str, stop: int) -> int:
    """Return where the last whole word before a place ends; the place itself in a very long word."""
    return max(line.rfind(" ", stop - LONGEST, stop + 1), 0) or stop


def _excerpts(old: str, new: str) -> tuple[str, str]:
    """Return of two long texts the parts that differ, with a little around them."""
    start = _alike_at_start(old, new)
    end = _alike_at_start(old[start:][::-1], new[start:][::-1])

    def part(text: str) -> str:
        stop = len(text) - end
        first, last = max(start - AROUND, 0), min(stop + AROUND, len(text))
        if first:
            first = text.find(" ", first, start) + 1 or first
        if last < len(text):
            last = max(text.rfind(" ", stop, last), stop)
        middle = text[first:last]
        if len(middle) > 4 * LONGEST:
            middle = f"{middle[: 2 * LONGEST]}…{middle[-LONGEST:]}"
        return f"{'…' if first else ''}{middle}{'…' if last < len(text) else ''}"

    return part(old), part(new)


def _alike_at_start(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _quoted(text: str) -> str:
    return f'"{_short(text)}"'


def _singular(noun: str) -> str:
    for ending, one in (("ies", "y"), ("ses", "s"), ("s", "")):
        if noun.endswith(ending) and noun != "series":
            return noun[: -len(ending)] + one
    return noun


def to_keep(field: Field, said: Mapping[str, Any], there: Mapping[str, Any], source: str) -> str:
    """Return what to write to keep what somebody changed in PostHog, where that is more than the value.

    That is so for a key, by which everything else names the definition; empty for other fields.

    Args:
        field: the field that was changed.
        said: what was applied, or what the file says.
        there: what PostHog holds.
        source: the place of the definition (``flags/x.yaml:2:1``).
    """
    if field.name != "key":
        return ""
    return (
        f"to keep that key, write `key: {there['key']}` and `renamed_from: {said['key']}` into "
        f"{source.partition(':')[0]}, and the new key where other files name it"
    )
