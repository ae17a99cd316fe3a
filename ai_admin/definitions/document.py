"""One file's definition as its author wrote it, with the place of each value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import yaml

from ai_admin.definitions import yaml_text
from ai_admin.definitions.files import File
from ai_admin.definitions.model import Path, Source
from ai_admin.definitions.scalar_places import place_of
from ai_admin.definitions.unreadable import UNREADABLE

_VALUE_AS_COMMENT = re.compile(r"#[^\s#]\S*")


class Document:
    """A file's definition.

    Places of values are looked up in the tree of YAML nodes, which is built only when one is needed.
    """

    value: dict[str, Any]
    """What the file says; empty where that is no mapping. A value that can be read in two ways is UNREADABLE."""
    flaws: list[yaml_text.Flaw]
    """What is wrong with the text."""
    blank: bool
    """The file has no text."""

    def __init__(self, file: File) -> None:
        self.path = file.path
        self.kind = file.kind
        self.text = file.text or ""
        self.blank = file.text is None
        self.flaws = []
        value: Any = None
        if file.message:
            self.flaws.append(yaml_text.Flaw(file.line, 1, file.message, file.fix))
        else:
            value, self.flaws = yaml_text.parse(self.text)
            if not isinstance(value, dict) and not self.flaws:
                message = f"the file holds {_shape(value)}, not a definition"
                self.flaws.append(yaml_text.Flaw(1, 1, message, f'start it with "key: <name of the {self.kind}>"'))
        self.readable = isinstance(value, dict)
        self.value = value if isinstance(value, dict) else {}
        self._spelt: dict[Path, str] = {}

    @property
    def key(self) -> str:
        """The definition's key, empty where it has none that can be read."""
        key = self.value.get("key")
        return key if isinstance(key, str) else ""

    def respell(self, path: Path, meant: str) -> None:
        """Replace the misspelt key at a path by the one that is meant; its place remains."""
        above, key = path[:-1], str(path[-1])
        container: Any = self.value
        for step in above:
            container = container[step]
        if meant not in container:
            items = [(meant if name == key else name, item) for name, item in container.items()]
            container.clear()
            container.update(items)
            self._spelt[(*above, meant)] = key

    @property
    def patches(self) -> dict[str, Any]:
        """The merge patch of each stack that has one; a patch may be anything the author wrote."""
        stacks = self.value.get("stacks")
        found = stacks.items() if isinstance(stacks, dict) else ()
        return {stack: patch for stack, patch in found if patch is not UNREADABLE}

    @property
    def only(self) -> tuple[str, ...] | None:
        """The stacks that the definition is restricted to, or None for all."""
        only = self.value.get("only")
        return tuple(each for each in only if isinstance(each, str)) if isinstance(only, list) else None

    def source(self, path: Path, at_key: bool = False, offset: int | None = None) -> Source:
        """Return where the value at a path starts, or its key; where there is none, the place of what is above it.

        With an offset, it is the place of that character of a text.
        """
        node = found = self._root
        key_node = None
        for step in self._as_spelt(path):
            key_node, found = _child(node, step)
            if found is None:
                break
            node = found
        place = key_node if at_key and found is not None and key_node is not None else node
        if offset is not None and isinstance(place, yaml.ScalarNode):
            line, column = place_of(place, offset, self.text)
            return Source(self.path, line + 1, column + 1)
        mark = place.start_mark if place is not None else None
        return Source(self.path, mark.line + 1, mark.column + 1) if mark else Source(self.path, 1, 1)

    def path_at(self, line: int, column: int) -> Path:
        """Return the innermost path whose key or value starts at a place, or before it; counted as in a source."""
        path: Path = ()
        node, place = self._root, (line - 1, column - 1)
        while True:
            inside = [(step, mark, child) for step, mark, child in _children(node) if (mark.line, mark.column) <= place]
            if not inside:
                return path
            step, _, node = max(inside, key=lambda each: (each[1].line, each[1].column))
            path = (*path, step)

    def written(self, path: Path) -> str | None:
        """Return the text of a scalar as it is in the file (``2.10`` for the number 2.1), or None.

        For one that is empty, it is the comment behind it that looks like a value: ``#ai-alerts``, and not ``# note``.
        """
        node = self._root
        for step in self._as_spelt(path):
            _, node = _child(node, step)
        if isinstance(node, yaml.ScalarNode) and not node.value and node.start_mark.line == node.end_mark.line:
            rest = self.text.split("\n")[node.start_mark.line][node.start_mark.column :].strip()
            return rest if _VALUE_AS_COMMENT.fullmatch(rest) else None
        return node.value if isinstance(node, yaml.ScalarNode) else None

    def _as_spelt(self, path: Path) -> Path:
        if not self._spelt:
            return path
        return tuple(self._spelt.get(path[: n + 1], step) for n, step in enumerate(path))

    @cached_property
    def _root(self) -> Any:
        return yaml_text.compose(self.text) if self.readable else None


def _child(node: Any, step: str | int) -> tuple[Any, Any]:
    """Return the nodes of the key (None in a list) and the value below a step; both None where there is none."""
    if isinstance(node, yaml.MappingNode):
        # The last one wins, as it does in the data.
        for key, item in reversed(node.value):
            if key.value == step:
                return key, item
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None, None


def _children(node: Any) -> Iterator[tuple[str | int, yaml.Mark, Any]]:
    """Yield the steps below a node, where each starts, and the values' nodes."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, key.start_mark, item) for key, item in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((n, item.start_mark, item) for n, item in enumerate(node.value))


def _shape(value: Any) -> str:
    if value is None:
        return "nothing"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
