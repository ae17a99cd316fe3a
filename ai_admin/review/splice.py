"""Another value into the text of a file: only the lines of what changes, and every comment stays where it is.

The places are those of PyYAML's nodes. A library that writes a whole document anew (ruamel.yaml 0.19 was tried) takes
the comment above an item for the end of the item before it, so that it goes with that or moves to another item; it also
spaces lists, braces and comments its own way in lines that nobody changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import yaml

from ai_admin.definitions import yaml_text
from ai_admin.definitions.file_text import WIDTH, dumped, mapping
from providers.posthog.errors import NotEdited
from providers.posthog.reconcile import same

Pair = tuple[int | None, int | None]
_BLOCK = ("|", ">")
_NAMES = ("key", "name", "description", "insight", "text", "question")


def edited(text: str, new: dict[str, Any], whole: bool = False) -> str:
    """Return the text of a file with another value.

    Args:
        text: YAML that can be read as a mapping.
        new: what the text is to say.
        whole: write each top-level key that changes anew, and not only what changes in it.

    Raises :class:`NotEdited` where the text is written in a way that can't be edited so.
    """
    old, flaws = yaml_text.parse(text)
    root = yaml_text.compose(text)
    if flaws or not isinstance(old, dict) or not isinstance(root, yaml.MappingNode):
        raise NotEdited("it holds no definition")
    splice = _Splice(text, whole)
    splice.mapping(root, old, new, root.flow_style)
    result = splice.applied()
    again, flaws = yaml_text.parse(result)
    if flaws or not same(again, new):
        raise NotEdited("it is written in a way that this command does not edit")
    return result


def aligned(old: list[Any], new: list[Any]) -> Iterator[Pair]:
    """Yield the places of items that are each other's in two lists; None where the other list has none.

    Items are the same by what they are called, else by what they say but their numbers, else by their place among those
    that changed.
    """
    matcher = SequenceMatcher(None, [*map(_identity, old)], [*map(_identity, new)], autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        if i_end - i == j_end - j:
            yield from zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            yield from ((n, None) for n in range(i, i_end))
            yield from ((None, n) for n in range(j, j_end))


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
class _Splice:
    """Collects replacements of parts of a text."""

    text: str
    whole: bool
    edits: list[tuple[int, int, str]] = field(default_factory=list)

    def applied(self) -> str:
        """Return the text with all replacements."""
        ends = "\r\n" if "\r\n" in self.text else "\n"
        parts, at = [], 0
        for start, end, new in sorted(self.edits, key=lambda edit: edit[:2]):
            if start < at:
                raise NotEdited("what changes in it is written too close together")
            parts += [self.text[at:start], new.replace("\n", ends)]
            at = end
        return "".join([*parts, self.text[at:]])

    # What changes.

    def mapping(
        self, node: yaml.MappingNode, old: dict[str, Any], new: dict[str, Any], flow: bool, top: bool = True
    ) -> None:
        """Bring a mapping to a new value; ``flow``: inside of braces."""
        pairs = dict(zip(old, node.value, strict=True))
        for n, (name, (key, value)) in enumerate(pairs.items()):
            if name not in new:
                self._remove_pair(node, n)
            elif not same(old[name], new[name]):
                if top and self.whole:
                    self._rewrite(key, value, new[name])
                else:
                    self._value(key, value, old[name], new[name], flow)
        before = None
        for name in new:
            if name in pairs:
                before = name
            else:
                self._insert_pair(node, pairs.get(before) if before else None, name, new[name])

    def _value(self, key: yaml.Node, node: yaml.Node, old: Any, new: Any, flow: bool) -> None:
        before = len(self.edits)
        if self._put_in_place(node, old, new, flow) and (flow or not self._is_too_much(node, old, new, before)):
            return
        del self.edits[before:]
        self._rewrite(key, node, new)

    def _item(self, node: yaml.Node, old: Any, new: Any, flow: bool) -> None:
        before = len(self.edits)
        if self._put_in_place(node, old, new, flow) and (flow or not self._is_too_much(node, old, new, before)):
            return
        del self.edits[before:]
        dash = self._dash(node)
        self._replace(dash, self._end(node), _item_text(new, self._column(dash)))

    def _is_too_much(self, node: yaml.Node, old: Any, new: Any, since: int) -> bool:
        """Return whether edits, from one on, make a line of braces longer than lines are, and it was not, or put a text
        of several lines into it.
        """
        if not isinstance(node, yaml.CollectionNode) or not node.flow_style:
            return False
        if _has_lines(new) and not _has_lines(old):
            return True
        start, end = self._index(node.start_mark), self._end(node)
        line = self.text[self._line_start(start) : self._line_end(end)]
        grown = sum(len(new) - (to - begin) for begin, to, new in self.edits[since:])
        return "\n" not in line and len(line) <= WIDTH < len(line) + grown

    def _put_in_place(self, node: yaml.Node, old: Any, new: Any, flow: bool) -> bool:
        """Edit a value where it is, and return whether that is possible."""
        if self._inside(node, old, new, flow):
            return True
        if flow:
            self._put(node, dumped(new, flow=True))
        elif _is_line(node) and not isinstance(new, dict | list) and "\n" not in str(new):
            self._put(node, _scalar(new, node))
        else:
            return False
        return True

    def _inside(self, node: yaml.Node, old: Any, new: Any, flow: bool) -> bool:
        """Change parts of a mapping or a list; return whether that can be."""
        if isinstance(old, dict) and isinstance(new, dict) and isinstance(node, yaml.MappingNode) and old and new:
            flow = flow or bool(node.flow_style)
            if flow and len(old.keys() - new.keys()) > 1:
                return False
            self.mapping(node, old, new, flow, top=False)
            return True
        if isinstance(old, list) and isinstance(new, list) and isinstance(node, yaml.SequenceNode) and old and new:
            flow = flow or bool(node.flow_style)
            pairs = [*aligned(old, new)]
            if (flow and any(None in pair for pair in pairs)) or all(i is None or j is None for i, j in pairs):
                return False
            self._list(node, old, new, pairs, flow)
            return True
        return False

    def _list(self, node: yaml.SequenceNode, old: list[Any], new: list[Any], pairs: list[Pair], flow: bool) -> None:
        last: int | None = None
        for i, j in pairs:
            if i is not None and j is None:
                self._remove_item(node.value[i])
            elif i is not None and j is not None and not same(old[i], new[j]):
                self._item(node.value[i], old[i], new[j], flow)
            elif i is None and j is not None:
                self._insert_item(node, last, new[j])
            last = i if i is not None else last

    # Lines that go and come.

    def _remove_pair(self, node: yaml.MappingNode, n: int) -> None:
        key, value = node.value[n]
        start, last = self._index(key.start_mark), n + 1 == len(node.value)
        if node.flow_style and len(node.value) > 1:
            begin = self._end(node.value[n - 1][1]) if last else start
            self._replace(begin, self._end(value) if last else self._index(node.value[n + 1][0].start_mark), "")
        elif not self._line_before(start).strip():
            self._replace(self._line_start(start), self._next_line(self._end(value)), "")
        elif not last:  # behind the dash of an item: the next key comes in its place
            self._replace(start, self._index(node.value[n + 1][0].start_mark), "")
        else:
            raise NotEdited("the only key of an item goes")

    def _insert_pair(
        self, node: yaml.MappingNode, before: tuple[yaml.Node, yaml.Node] | None, name: str, new: Any
    ) -> None:
        first = self._index(node.value[0][0].start_mark)
        if node.flow_style:
            said = dumped({name: new}, flow=True)[1:-1]
            place = self._end(before[1]) if before else first
            self._replace(place, place, f", {said}" if before else f"{said}, ")
            return
        indent = " " * node.value[0][0].start_mark.column
        lines = mapping({name: new}).replace("\n", f"\n{indent}")
        if before is None and not self._line_before(first).strip():
            self._replace(first, first, f"{lines}\n{indent}")
        else:
            end = self._line_end(self._end((before or node.value[0])[1]))
            self._replace(end, end, f"\n{indent}{lines}")

    def _remove_item(self, node: yaml.Node) -> None:
        dash = self._dash(node)
        if self._line_before(dash).strip():
            raise NotEdited("an item that does not begin its line goes")
        self._replace(self._line_start(dash), self._next_line(self._end(node)), "")

    def _insert_item(self, node: yaml.SequenceNode, after: int | None, new: Any) -> None:
        dash = self._dash(node.value[0])
        lines, indent = _item_text(new, self._column(dash)), " " * self._column(dash)
        if after is None:
            if self._line_before(dash).strip():
                raise NotEdited("an item comes before one that does not begin its line")
            self._replace(dash, dash, f"{lines}\n{indent}")
        else:
            end = self._line_end(self._end(node.value[after]))
            self._replace(end, end, f"\n{indent}{lines}")

    def _rewrite(self, key: yaml.Node, node: yaml.Node, new: Any) -> None:
        """Write the value of a key anew."""
        indent = " " * key.start_mark.column
        lines = mapping({"k": new}).removeprefix("k").replace("\n", f"\n{indent}")
        end = max(self._end(node), self._index(key.end_mark) + 1)
        comment = self.text[end : self._line_end(end)]
        if "\n" in lines and comment.strip().startswith("#"):  # on the line of the key, or it would be in the value
            first, _, rest = lines.partition("\n")
            lines, end = f"{first}{comment}\n{rest}", self._line_end(end)
        self._replace(self._index(key.end_mark), end, lines)

    def _put(self, node: yaml.Node, new: str) -> None:
        self._replace(self._index(node.start_mark), self._end(node), new)

    def _replace(self, start: int, end: int, new: str) -> None:
        self.edits.append((start, min(end, len(self.text)), new))

    # Places.

    def _index(self, mark: yaml.Mark) -> int:
        # The parser does not count a byte order mark.
        return mark.index + self.text.startswith("\ufeff")

    def _end(self, node: yaml.Node) -> int:
        """Return where a node's own text ends: that of a block is counted with the comments after it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        start, end = self._index(node.start_mark), self._index(node.end_mark)
        if isinstance(node, yaml.ScalarNode) and node.style in _BLOCK:
            return start + len(self.text[start:end].rstrip())
        return end

    def _dash(self, node: yaml.Node) -> int:
        start = self._index(node.start_mark)
        dash = self.text.rfind("-", 0, start)
        if dash < 0 or self.text[dash + 1 : start].strip():
            raise NotEdited("the dash of an item is not right before it")
        return dash

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        end = len(self.text) if end < 0 else end
        return end - self.text.endswith("\r", 0, end)

    def _next_line(self, index: int) -> int:
        return self.text.find("\n", index) + 1 or len(self.text)

    def _line_before(self, index: int) -> str:
        return self.text[self._line_start(index) : index].removeprefix("\ufeff")

    def _column(self, index: int) -> int:
        return index - self._line_start(index)


def _has_lines(value: Any) -> bool:
    """Return whether there is a text of several lines in a value."""
    if isinstance(value, dict | list):
        return any(map(_has_lines, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and "\n" in value


def _is_line(node: yaml.Node) -> bool:
    begins, ends = node.start_mark.index, node.end_mark.index
    return isinstance(node, yaml.ScalarNode) and node.style not in _BLOCK and begins < ends


def _scalar(new: Any, node: yaml.Node) -> str:
    """Return a value of one line, a text in the quotes of the one that it replaces."""
    if isinstance(new, str) and isinstance(node, yaml.ScalarNode) and node.style == "'":
        return "'" + new.replace("'", "''") + "'"
    if isinstance(new, str) and isinstance(node, yaml.ScalarNode) and node.style == '"':
        return json.dumps(new, ensure_ascii=False)
    return mapping({"k": new}).removeprefix("k: ")


def _item_text(new: Any, column: int) -> str:
    """Return an item of a list with its dash, for a dash at a column."""
    text = dumped(new)
    if isinstance(new, list) and "\n" in text:
        text = dumped(new, flow=True)
    return "- " + text.replace("\n", "\n" + " " * (column + 2))
