"""YAML text to plain data, strictly.

Scalars are read by the core schema of YAML 1.2, as editors do: only ``true`` and ``false`` are booleans, and the
country code ``no``, the key ``on``, the time ``12:30`` and dates are text. What YAML allows beyond JSON (tags, merge
keys, keys that are not text, NaN) is a flaw with its place in the text. A value that can be read in two ways is
``UNREADABLE``.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import yaml

from ai_admin.definitions.unreadable import UNREADABLE

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]

    _PARSER_ERRORS: tuple[type[Exception], ...] = (yaml.YAMLError,)
except ImportError:  # PyYAML without libyaml: slower, and its composer recurses in Python

    class _Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer):  # type: ignore[no-redef]
        def __init__(self, text: str) -> None:
            yaml.reader.Reader.__init__(self, text)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)
            yaml.composer.Composer.__init__(self)

    _PARSER_ERRORS = (yaml.YAMLError, RecursionError)

MAX_DEPTH = 60
MAX_VALUES = 50_000
EXACT_INTEGER = 2**53
"""Numbers travel to the provider as doubles: beyond this, whole numbers lose their last digits."""

_PLAIN, _TEXT = "plain", "text"
_ODD_BLANKS = ("\u00a0", "\u2007", "\u202f", "\u3000")
_ODD_BLANK = "there is a no-break space where YAML needs spaces"
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STARTS_NUMBER = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_RADIX = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


class Flaw(NamedTuple):
    """Something wrong with the text itself. Line and column count from 1."""

    line: int
    column: int
    message: str
    fix: str


class Parsed(NamedTuple):
    """The data in a YAML text."""

    value: Any
    """None where the text can't be read. Usable in spite of flaws."""
    flaws: list[Flaw]


class _Composer(_Parser):
    """Builds nodes and leaves their meaning to :class:`_Reader`: a tag only says whether a scalar is plain."""

    def resolve(self, kind: type, _value: str, implicit: Any) -> str:
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _TEXT

    def descend_resolver(self, _node: Any, _index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def parse(text: str) -> Parsed:
    """Return the data that a YAML text holds, and its flaws. Never raises for any text."""
    try:
        node = compose(text)
    except _PARSER_ERRORS as error:
        return Parsed(None, [_syntax(error, text)])
    if node is None:
        return Parsed(None, [Flaw(1, 1, "the file is empty", "write a definition in it or remove it")])
    reader = _Reader()
    value = reader.value(node, 1)
    return Parsed(None if reader.useless else value, reader.flaws)


def compose(text: str) -> Any:
    """Return the root node of a YAML text, None for an empty one.

    Raises yaml.YAMLError. libyaml's composer recurses on the C stack, so a text that could nest deeply is
    measured first.
    """
    if sum(map(text.count, "[{-?:")) > 1000:
        _refuse_deep(text)
    return _Composer(text).get_single_node()


def _refuse_deep(text: str) -> None:
    parser = _Composer(text)
    depth = 0
    while parser.check_event():
        event = parser.get_event()
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=event.start_mark)  # type: ignore[arg-type]
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


_TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"


class _Reader:
    """Turns nodes into data and collects flaws. One use."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self._open: set[int] = set()
        self._done: dict[int, tuple[Any, int]] = {}
        self._count = 0
        self.useless = False
        """The data is not what was meant: there is too much of it, or its indents are no spaces."""

    def value(self, node: Any, depth: int) -> Any:
        """Return the data of a node, ``depth`` levels below the top, and note what is wrong with it."""
        if type(node) is yaml.ScalarNode:
            self._count += 1
            if node.tag == _PLAIN:
                return self._plain(node)
            self._text(node)
            return node.value
        return self._collection(node, depth)

    def _collection(self, node: Any, depth: int) -> Any:
        mark = id(node)
        if mark in self._open:
            self._flaw(node, "an alias refers to a value that it is part of", "write the value out")
            return UNREADABLE
        known = self._done.get(mark)
        if known is not None:
            self._count += known[1]
        if self._count > MAX_VALUES:
            if not self.useless:
                self._flaw(node, f"the file holds more than {MAX_VALUES:,} values", "split it, or use fewer aliases")
            self.useless = True
            return UNREADABLE
        if known is not None:
            return known[0]
        if depth > MAX_DEPTH:
            self._flaw(node, _TOO_DEEP, "flatten them; no definition needs as much")
            return UNREADABLE
        before = self._count
        self._count += 1
        self._open.add(mark)
        if node.tag != _TEXT:
            self._tag(node)
        if type(node) is yaml.MappingNode:
            value: Any = self._mapping(node, depth)
        else:
            value = [self.value(item, depth + 1) for item in node.value]
        self._open.discard(mark)
        self._done[mark] = (value, self._count - before)
        return value

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[Any] = []
        for key_node, item in node.value:
            key = self._key(key_node)
            value = self.value(item, depth + 1)
            if key == "<<" and key_node.tag == _PLAIN:
                self._flaw(key_node, 'merge keys ("<<") are not read', "write the keys out")
                merged += value if isinstance(value, list) else [value]
            elif key in result:
                self._flaw(key_node, f'the key "{key}" is twice in this mapping', "keep one of them")
                result[key] = UNREADABLE
            else:
                result[key] = value
        for base in merged:  # refused, but its keys are not reported as missing
            result = {**base, **result} if isinstance(base, dict) else result
        return result

    def _key(self, node: Any) -> str:
        if type(node) is not yaml.ScalarNode:
            self._flaw(node, "a key is a mapping or a list", "write the key as text")
            return "?"
        text: str = node.value
        if node.tag == _PLAIN:
            if text.startswith(_ODD_BLANKS):
                self._flaw(node, _ODD_BLANK, "indent with spaces")
                self.useless = True
            elif not is_text(text):
                shown = f"the key {text}" if text else "an empty key"
                self._flaw(node, f"{shown} is not text", f'write it in quotes: "{text}"')
        else:
            self._text(node)
        return text

    def _text(self, node: Any) -> None:
        if node.tag != _TEXT:
            self._tag(node)
        elif "\0" in node.value:
            self._flaw(node, "the text contains a NUL character", "remove \\0; PostHog cannot store it")

    def _plain(self, node: Any) -> Any:
        text: str = node.value
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _STARTS_NUMBER:
            return text
        if _INTEGER.match(text):
            return self._integer(node, text)
        if _FLOAT.match(text):
            number = float(text)
            if math.isinf(number):
                self._flaw(node, f"{_short(text)} is too large for a number", "write a smaller number")
                return text
            return number
        if _RADIX.match(text):
            return int(text, 0)
        if _NOT_FINITE.match(text):
            self._flaw(node, f"{text} is not a number that JSON knows", "write a finite number")
        return text

    def _integer(self, node: Any, text: str) -> Any:
        digits = text.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0":
            fix = f'write "{_short(text)}" in quotes if the zeros count, else leave them out'
            self._flaw(node, f"{_short(text)} starts with a zero, which numbers lose", fix)
            return text
        if len(digits) > 16 or abs(int(text)) > EXACT_INTEGER:
            self._flaw(node, f"{_short(text)} is too large to be kept exactly", f'write it as text: "{_short(text)}"')
            return text
        return int(text)

    def _tag(self, node: Any) -> None:
        name = _short(node.tag.replace("tag:yaml.org,2002:", "!!"))
        self._flaw(node, f"the tag {name} is not read", "remove it; quotes make text of a value")

    def _flaw(self, node: Any, message: str, fix: str) -> None:
        mark = node.start_mark
        self.flaws.append(Flaw(mark.line + 1, mark.column + 1, message, fix))


def is_text(scalar: str) -> bool:
    """Return whether a scalar without quotes is read as text; as in YAML 1.2, and not PyYAML, ``1e5`` is a number."""
    forms = (_INTEGER, _FLOAT, _RADIX, _NOT_FINITE)
    is_number = scalar[:1] in _STARTS_NUMBER and any(form.match(scalar) for form in forms)
    return scalar not in _WORDS and not is_number


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _syntax(error: Exception, text: str) -> Flaw:
    """Return the flaw that a parser's complaint means, in an author's words where the cause is known."""
    if isinstance(error, RecursionError):
        return Flaw(1, 1, _TOO_DEEP, "flatten them; no definition needs as much")
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).strip()
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return Flaw(line, 1, "this is the mark of a conflict that Git left", "decide it, and remove its three marks")
    if mark is None:
        position = getattr(error, "position", None)
        line, column = _line_column(text, position if isinstance(position, int) else 0)
    else:
        line, column = mark.line + 1, mark.column + 1
    if problem == _TOO_DEEP:
        return Flaw(line, column, _TOO_DEEP, "flatten them; no definition needs as much")
    if "another document" in str(error) or "but found another" in problem:
        return Flaw(line, column, "the file holds several documents", "keep one definition per file, without ---")
    if _has_tab(text, line):
        return Flaw(line, column, "there is a tab where YAML needs spaces", "indent with spaces")
    opened = getattr(error, "context_mark", None)
    if problem in _BEGUN_BEFORE and opened is not None:  # the end of the file, or the line below, is not the cause
        line, column = opened.line + 1, opened.column + 1
    known = _without_blank(text, line) if problem in _NO_BLANK else None
    known = known or (_hidden_by_comment(text, opened, line) if problem in _UNCLOSED else None)
    if known:
        return known
    fix = _SYNTAX_FIX.get(problem, "correct the syntax here")
    if problem in _UNCLOSED[:2] and opened is not None and opened.line + 1 < line:
        fix = f"{fix}: it begins in line {opened.line + 1}"
    return Flaw(line, column, f"this is not YAML: {problem}", fix)


_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)

_SYNTAX_FIX = {
    "mapping values are not allowed in this context": "quote text that has a colon, or correct the indent",
    "could not find expected ':'": "write a colon after the key",
    "did not find expected key": "line up the keys of a mapping, and quote text that has quotes in it",
    "did not find expected ',' or ']'": "close the list with ]",
    "did not find expected ',' or '}'": "close the mapping with }",
    "found unexpected end of stream": "close the quotes that begin here",
    "found character that cannot start any token": "put text that starts with @, ` or % in quotes",
    "control characters are not allowed": "remove the control character",
    "found undefined alias": "define the anchor before it is used, or quote text that starts with *",
}

_NO_BLANK = ("mapping values are not allowed in this context", "could not find expected ':'")
_BEGUN_BEFORE = ("found unexpected end of stream", "could not find expected ':'")
_KEY_WITHOUT_BLANK = re.compile(r"[ \t]*(?:- )*([A-Za-z_][\w-]*):(?![ \t/:])(?!.*: )\S")


def _without_blank(text: str, until: int) -> Flaw | None:
    """Return the flaw of ``key:t3`` in a line or the one above it, which is text to YAML and goes on below."""
    rows = [(number, row) for number, row in enumerate(text.split("\n")[:until], 1) if row.strip()]
    for number, row in reversed(rows[-2:]):
        if found := _KEY_WITHOUT_BLANK.match(row):
            return Flaw(number, found.end(1) + 1, "there is no space after this colon", f"write {found[1]}: …")
    return None


_UNCLOSED = (
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
    "did not find expected node content",
)
_COMMENT_AS_VALUE = re.compile(r"(?<=[ \t\[{,])(#[^\s#,\]}]+)")


def _hidden_by_comment(text: str, opened: Any, until: int) -> Flaw | None:
    """Return the flaw of a list or mapping whose end a ``#`` hides, such as that of ``{channel: #ai}``.

    It is after the place where the list was ``opened``, and before the one where the parser gave up.
    """
    first = opened.line if opened is not None and opened.line < until - 1 else 0
    for number, row in reversed(list(enumerate(text.split("\n")[first:until], first + 1))):
        found = _COMMENT_AS_VALUE.search(row)
        before = row[: found.start(1)] if found else ""
        inside = before.count("{") + before.count("[") > before.count("}") + before.count("]")
        if found and inside and before.count('"') % 2 == 0:
            fix = f'quote it: "{found[1]}"'
            return Flaw(number, found.start(1) + 1, "`#` begins a comment, which ends the line", fix)
    return None


def _has_tab(text: str, line: int) -> bool:
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return False
    row = lines[line - 1]
    return "\t" in row[: len(row) - len(row.lstrip())]


def _line_column(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
