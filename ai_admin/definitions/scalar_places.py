"""Where a character of a YAML text value is in its file: block, folded, quoted and plain scalars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import yaml

_BEFORE = re.compile(r"(?:[&!]\S*\s+)*")
"""Anchor and tag, which YAML's nodes begin with."""
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n|.)", re.DOTALL)
_HEXADECIMAL = "xuU"
_SPACES = "nrtvN_LP \t\r\n"
"""Escapes (without the backslash) that stand for white space, which folding may change as well."""


def place_of(node: yaml.ScalarNode, offset: int, text: str) -> tuple[int, int]:
    """Return line and column, from 0, of a character of a scalar's value.

    White space is what YAML folds, adds and removes; the other characters are in the file one by one. So the n-th of
    them in the value is the n-th in the file.

    Args:
        node: the scalar.
        offset: of the character in the value; behind its end, the place behind the last one is meant.
        text: the file.
    """
    before = sum(not char.isspace() for char in node.value[:offset])
    inside = offset < len(node.value) and not node.value[offset].isspace()
    start = _start(node, text)
    wanted = list(islice(_characters(node.style, text, start), max(before - 1, 0), before + 1))
    if inside and len(wanted) == min(before, 1) + 1:
        found = wanted[-1][0]
    else:
        found = wanted[0][1] if before and wanted else start
    line = text.count("\n", 0, found)
    return line, found - (text.rfind("\n", 0, found) + 1)


def _start(node: yaml.ScalarNode, text: str) -> int:
    """Return where the value begins: behind a quote, or in the line below the head of a block."""
    start = _BEFORE.match(text, _offset(text, node.start_mark.line, node.start_mark.column)).end()  # type: ignore[union-attr]
    if node.style in ("|", ">"):
        return text.find("\n", start) + 1
    return start + (node.style in ("'", '"'))


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
    return start + column


def _characters(style: str | None, text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each character that is no white space."""
    while start < len(text):
        end = start + 1
        space = text[start].isspace()
        if style == "'" and text.startswith("''", start):
            end = start + 2
        elif style == '"' and (escape := _ESCAPE.match(text, start)):
            end, said = escape.end(), escape[0][1:]
            space = chr(int(said[1:], 16)).isspace() if said[0] in _HEXADECIMAL and said[1:] else said[0] in _SPACES
        if not space:
            yield start, end
        start = end
