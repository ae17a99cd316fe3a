"""Another value into the text of a file: only the lines of what changes, and comments around them stay where they are.

yaml-edit does it. ruamel.yaml 0.19, yarutsk, lossless-yaml, pythonizeyaml 0.6 and yamltrip 0.6 were tried as well: they
move comments, or space lists and braces their own way in lines that nobody changed. What is written here is how people
of this repository write YAML, the order of items, and where yaml-edit puts an item or leaves a blank line otherwise
than a person would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from textwrap import indent
from typing import Any

import yaml

from ai_admin.definitions import yaml_text
from ai_admin.definitions.file_text import WIDTH, dumped, mapping
from providers.posthog.errors import NotEdited
from providers.posthog.reconcile import same

try:
    import yaml_edit
except ImportError:  # `make setup` ran before it was needed
    yaml_edit = None  # type: ignore[assignment]

Pair = tuple[int | None, int | None]
_Path = tuple[str | int, ...]
_NAMES = ("key", "name", "description", "insight", "text", "question")
_BLANK = "#\ue000"
"""What stands for a blank line behind a text of several lines, which yaml-edit takes for the end of that."""


def edited(text: str, new: dict[str, Any], whole: bool = False) -> str:
    """Return the text of a file with another value.

    Args:
        text: YAML that can be read as a mapping.
        new: what the text is to say.
        whole: write each top-level key that changes anew, and not only what changes in it.

    Raises :class:`NotEdited` where the text is written in a way that can't be edited so.
    """
    old, flaws = yaml_text.parse(text)
    if flaws or not isinstance(old, dict):
        raise NotEdited("it holds no definition")
    if yaml_edit is None:
        raise NotEdited("this takes the package yaml-edit: run make setup")
    if not whole:
        with suppress(NotEdited, yaml_edit.YamlError):  # such as an alias that would come before its anchor
            return _edited(_in_order(text, (), old, new), new, whole)
    return _edited(text, new, whole)


def _edited(text: str, new: dict[str, Any], whole: bool) -> str:
    try:
        old, flaws = yaml_text.parse(text)
        if flaws:
            raise NotEdited(_UNABLE)
        edit = _Edit(yaml_edit.YamlFile.parse(_marked(text)))
        root: Any = edit.file[0].as_mapping()
        edit.mapping(root, old, new, (), root.is_flow_style(), whole)
        result = str(edit.file)
        for path, place, item in edit.items:
            result = _with_item(result, path, place, item)
    except yaml_edit.YamlError:
        raise NotEdited(_UNABLE) from None
    result = re.sub(f" *{_BLANK}", "", result)
    again, flaws = yaml_text.parse(result)
    if flaws or not same(again, new):
        raise NotEdited(_UNABLE)
    return result


_UNABLE = "it is written in a way that this command does not edit"


def aligned(old: list[Any], new: list[Any]) -> Iterator[Pair]:
    """Yield the places of items that are each other's in two lists; None where the other list has none.

    Items are the same by what they are called, else by what they say but their numbers. Of the others, those that have
    most in common are each other's.
    """
    matcher = SequenceMatcher(None, [*map(_identity, old)], [*map(_identity, new)], autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        if i_end - i == j_end - j:
            yield from zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            yield from _alike(old, new, range(i, i_end), range(j, j_end))


def _alike(old: list[Any], new: list[Any], gone: range, come: range) -> Iterator[Pair]:
    """Pair items that were changed, in their order, with those of the other list that say most of the same."""
    theirs = {m: {*_parts(new[m])} for m in come}
    best: dict[Pair, tuple[float, list[tuple[int, int]]]] = {}
    for n in gone:
        mine = {*_parts(old[n])}
        for m in come:
            alike = len(mine & theirs[m]) / len(mine | theirs[m])
            before, pairs = best.get((n - 1, m - 1), (0.0, []))
            found = [best.get((n - 1, m), (0.0, [])), best.get((n, m - 1), (0.0, []))]
            both = (before + alike, [*pairs, (n, m)] if alike else pairs)
            best[n, m] = max(*found, both, key=lambda each: each[0])
    i, j = gone.start, come.start
    for n, m in (*best.get((gone.stop - 1, come.stop - 1), (0.0, []))[1], (gone.stop, come.stop)):
        yield from ((place, None) for place in range(i, n))
        yield from ((None, place) for place in range(j, m))
        if n < gone.stop:
            yield n, m
        i, j = n + 1, m + 1


def _parts(value: Any, path: str = "") -> Iterator[str]:
    """Yield what a value says, a text for each part."""
    if isinstance(value, dict | list) and value:
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _parts(item, f"{path}/{name}")
    else:
        yield f"{path} {json.dumps(value)}"


def _identity(item: Any) -> str:
    if not isinstance(item, dict):
        return json.dumps(item, sort_keys=True)
    for name in _NAMES:
        if name in item:
            what = item[name]
            return f"{name} {json.dumps(what.get('key') if isinstance(what, dict) else what)}"
    said = {name: what for name, what in item.items() if isinstance(what, bool) or not isinstance(what, int | float)}
    return json.dumps(said, sort_keys=True)


@dataclass
class _Edit:
    """Brings parts of a file to new values; ``flow``: inside of braces."""

    file: yaml_edit.YamlFile
    items: list[tuple[_Path, int, Any]] = field(default_factory=list)
    """Items that are still to come into lists: the list, the place in it, and the item."""

    def mapping(
        self, node: Any, old: dict[str, Any], new: dict[str, Any], path: _Path, flow: bool, whole: bool = False
    ) -> None:
        """Bring a mapping to a new value; ``whole``: and write each value anew that changes."""
        before = None
        for name, item in new.items():
            if name not in old and before is None:
                node.insert_at_index(0, name, _node(item, flow))
            elif name not in old:
                node.insert_after(before, name, _node(item, flow))
            elif not same(old[name], item):
                if whole:
                    node[name] = _node(item, flow)
                else:
                    self._value(node, name, old[name], item, (*path, name), flow)
            before = name
        for name in old:
            if name not in new:
                del node[name]

    def _list(self, node: Any, old: list[Any], new: list[Any], path: _Path, flow: bool) -> None:
        at = 0
        for i, j in aligned(old, new):
            if j is None:
                del node[at]
                continue
            if i is None and not flow:
                self.items.append((path, j, new[j]))
                continue
            if i is None:
                node.insert(at, _node(new[j], True))
            elif not same(old[i], new[j]):
                self._value(node, at, old[i], new[j], (*path, j), flow)
            at += 1

    def _value(self, parent: Any, place: str | int, old: Any, new: Any, path: _Path, flow: bool) -> None:
        """Bring a value of a mapping or a list to a new one: what changes in it, or else all of it."""
        node, inside = parent[place], None
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() & new.keys():
            inside = node.as_mapping()
        elif isinstance(old, list) and isinstance(new, list) and any(None not in pair for pair in aligned(old, new)):
            inside = node.as_sequence()
        if inside is None:
            parent[place] = _node(new, flow, node)
            return
        braces = inside.is_flow_style() and not flow
        room = WIDTH + 1 - node.start_position(str(self.file))[1] if braces else 0
        was = str(inside)
        change = self.mapping if isinstance(new, dict) else self._list
        change(inside, old, new, path, flow or braces)
        if braces and "\n" not in was and ("\n" in str(inside) or len(was) <= room < len(str(inside))):
            parent[place] = _node(new)


def _node(value: Any, flow: bool = False, old: yaml_edit.Node | None = None) -> yaml_edit.Node:
    """Return a value as people of this repository write it; a text of one line in the quotes of an old one."""
    one_line = isinstance(value, str) and len(f"{value}.".splitlines()) == 1
    scalar = old.as_scalar() if old and one_line else None
    style = scalar.style() if scalar else "plain"
    if style == "single-quoted":
        text = "k: '" + value.replace("'", "''") + "'"
    elif style == "double-quoted":
        text = f"k: {json.dumps(value, ensure_ascii=False)}"
    else:
        text = f"k: {dumped(value, flow=True)}" if flow else mapping({"k": value})
    return yaml_edit.Document.parse(text + "\n")["k"]


def _marked(text: str) -> str:
    """Return a text with a mark in the place of the first blank line behind each text of several lines."""
    parts, at = [], 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            marks = (event.start_mark, event.end_mark)
            start, end = (mark.index + text.startswith("\ufeff") for mark in marks if mark)  # uncounted by the parser
            block = text[start:end]
            blank = text.find("\n", start + len(block.rstrip("\r\n"))) + 1
            if blank and blank < end and "+" not in block.partition("\n")[0]:
                parts += [text[at:blank], _BLANK]
                at = blank
    return "".join([*parts, text[at:]])


def _in_order(text: str, path: _Path, old: Any, new: Any) -> str:
    """Return a text in which the items of lists are in the order of the new value, each with the comments above it, and
    without those about the items that go: beside another one they would be about that.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() & new.keys():
            text = _in_order(text, (*path, name), old[name], new[name])
    if not (isinstance(old, list) and isinstance(new, list)):
        return text
    was, is_ = ([*map(_identity, items)] for items in (old, new))
    stay = [n for n, each in enumerate(was) if was.count(each) == is_.count(each) == 1]
    order = dict(zip(stay, sorted(stay, key=lambda n: is_.index(was[n])), strict=True))
    places = [order.get(n, n) for n in range(len(old))]
    permuted = _permuted(text, path, places) if places != sorted(places) else None
    if permuted is not None:
        text, old = permuted, [old[n] for n in places]
    text = _without_comments(text, path, [i for i, j in aligned(old, new) if i is not None and j is None])
    for i, j in aligned(old, new):
        if i is not None and j is not None:
            text = _in_order(text, (*path, i), old[i], new[j])
    return text


def _without_comments(text: str, path: _Path, items: list[int]) -> str:
    """Return a text without the comments that are about items of a list: directly above them, in the column of the
    dashes, and below, if further to the right than these.
    """
    if not items:
        return text
    nodes = _at(text, path).as_sequence()
    data, about = text.encode(), set[int]()
    lines = data.split(b"\n")
    for n in items:
        start, end = nodes[n].byte_range()
        dash = data.rfind(b"-", 0, start)
        begins = data.rfind(b"\n", 0, dash) + 1
        line, below = data.count(b"\n", 0, dash), data.count(b"\n", 0, len(data[:end].rstrip())) + 1
        if nodes.is_flow_style() or data[begins:dash].strip() or data[dash + 1 : start].strip():
            return text
        while line and _is_comment(lines[line - 1]) and lines[line - 1].index(b"#") == dash - begins:
            line -= 1
            about.add(line)
        while below < len(lines) and _is_comment(lines[below], dash - begins + 1):
            about.add(below)
            below += 1
    return b"\n".join(each for n, each in enumerate(lines) if n not in about).decode()


def _permuted(text: str, path: _Path, places: list[int]) -> str | None:
    """Return a text with the items of a list in another order; None where they don't each begin a line.

    The comments above an item go with it, and those below that are further to the right than its dash.
    """
    data, nodes = text.encode(), _at(text, path).as_sequence()
    lines, starts, ends = data.split(b"\n"), [], []
    for n in range(len(places)):
        start, end = nodes[n].byte_range()
        dash = data.rfind(b"-", 0, start)
        begins = data.rfind(b"\n", 0, dash) + 1
        if nodes.is_flow_style() or data[begins:dash].strip() or data[dash + 1 : start].strip():
            return None
        starts.append(data.count(b"\n", 0, dash))
        ends.append(data.count(b"\n", 0, len(data[:end].rstrip())) + 1)
        while ends[n] < len(lines) and _is_comment(lines[ends[n]], dash - begins + 1):
            ends[n] += 1
    first = starts[0]
    while first and _is_comment(lines[first - 1]):
        first -= 1
    parts = [lines[start:end] for start, end in zip([first, *ends], ends, strict=False)]
    moved = [line for n in places for line in parts[n]]
    return b"\n".join([*lines[:first], *moved, *lines[ends[-1] :]]).decode()


def _is_comment(line: bytes, column: int = 0) -> bool:
    """Return whether there is only a comment in a line, at a column or further to the right."""
    return line.lstrip()[:1] == b"#" and len(line) - len(line.lstrip()) >= column


def _at(text: str, path: _Path) -> Any:
    node: Any = yaml_edit.YamlFile.parse(text)[0].root()
    for each in path:
        node = (node.as_sequence() if isinstance(each, int) else node.as_mapping())[each]
    return node


def _with_item(text: str, path: _Path, place: int, item: Any) -> str:
    """Return a text with an item behind another one, or before the first one and the comments above that.

    yaml-edit would put it between an item and the comments above that.
    """
    data, nodes = text.encode(), _at(text, path).as_sequence()
    start, end = nodes[max(place - 1, 0)].byte_range()
    dash = data.rfind(b"-", 0, start)
    begins = data.rfind(b"\n", 0, dash) + 1
    column = dash - begins
    lines = indent(f"-{indent(dumped(item), '  ')[1:]}", " " * column)
    if place:
        at = len(data[:end].rstrip())
        at += len(data[at:].partition(b"\n")[0].rstrip(b"\r"))
        lines = f"\n{lines}"
    elif data[begins:dash].strip():  # a list in a list, or the mark of a file's beginning
        at, lines = dash, f"{lines[column:]}\n{' ' * column}"
    else:
        above = data[:begins].split(b"\n")[:-1]
        while above and _is_comment(above[-1]):
            above.pop()
        at, lines = sum(len(each) + 1 for each in above), f"{lines}\n"
    lines = lines.replace("\n", "\r\n" if b"\r\n" in data else "\n")
    return (data[:at] + lines.encode() + data[at:]).decode()
