"""Shapes from a JavaScript bundle with zod schemas. The bundle is read as text; nothing of it is run.

A definition is `var Name = () => object({key: string().optional(), ...}).describe("...")`. Only the calls that say
which fields and values there are are looked at; names get numbers behind them where the bundler found two alike
(`string2`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tools.toolchain.errors import ToolchainError
from tools.upstream.shape import ANYTHING, Scalar, Shape, merged

DEFINITION = re.compile(r"^var (\w+) = (?:\(\) => )?(?=[\w/(])", re.M)
TOKEN = re.compile(
    r"""(?:\s|/\*.*?\*/|//[^\n]*)*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
    r"""|(?P<number>-?\d[\d.e+]*)|(?P<name>[\w$]+)|(?P<mark>=>|\.\.\.|.))""",
    re.S,
)
LEAVES_OUT = {"optional", "nullish", "default", "catch"}


@dataclass(frozen=True)
class Name:
    """A name in the bundle."""

    name: str


@dataclass(frozen=True)
class Call:
    """A call `of.name(given)`; `of` is None for a plain function."""

    of: Any
    name: str
    given: list[Any]


class Reader:
    """Reads one expression, from a place in a text."""

    def __init__(self, text: str, place: int) -> None:
        self.text = text
        self.place = place

    def next(self) -> tuple[str, str]:
        """Return kind and text of the next token, and pass over it."""
        found = TOKEN.match(self.text, self.place)
        if found is None:
            raise ToolchainError("a definition of the bundle has no end")
        self.place = found.end()
        return str(found.lastgroup), found[str(found.lastgroup)]

    def passes(self, mark: str) -> bool:
        """Pass over a mark if it is the next token."""
        before = self.place
        if self.next() == ("mark", mark):
            return True
        self.place = before
        return False

    def expression(self) -> Any:
        """Return a value, a list, a dictionary, a `Name` or a `Call`."""
        kind, text = self.next()
        value: Any
        if kind == "text":
            value = _text(text)
        elif kind == "number":
            value = float(text) if "." in text or "e" in text else int(text)
        elif kind == "name":
            value = {"true": True, "false": False, "null": None}.get(text, Name(text))
            if text == "new":
                return self.expression()
        elif text == "[":
            value = self.items("]")
        elif text == "{":
            value = self.object()
        elif text == "(":
            [value] = self.items(")") or [None]
            value = self.expression() if self.passes("=>") else value
        else:
            near = self.text[max(self.place - 40, 0) : self.place]
            raise ToolchainError(f"the bundle has an expression of a new form: {near}")
        return self.rest(value)

    def rest(self, value: Any) -> Any:
        """Return the value with the calls and names behind it."""
        while True:
            if self.passes("."):
                value = Call(value, self.next()[1], [])
            elif self.passes("("):
                given = self.items(")")
                value = Call(value.of, value.name, given) if isinstance(value, Call) else Call(None, value.name, given)
            elif self.passes("["):
                value = Call(value, "shape", self.items("]"))
            else:
                return value

    def items(self, end: str) -> list[Any]:
        """Return what is between commas up to an end."""
        found: list[Any] = []
        while not self.passes(end):
            self.passes("...")
            found.append(self.expression())
            self.passes(",")
        return found

    def object(self) -> dict[str, Any]:
        """Return an object's fields."""
        found: dict[str, Any] = {}
        while not self.passes("}"):
            if self.passes("..."):
                self.expression()
            else:
                kind, text = self.next()
                name = _text(text) if kind == "text" else text
                found[name] = self.expression() if self.passes(":") else Name(text)
            self.passes(",")
        return found


def _text(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def _function(name: str) -> str:
    return re.sub(r"^_|\d+$", "", name)


class Bundle:
    """The definitions of a bundle."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[str, Shape] = {}

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each definition's expression begins."""
        return {found[1]: found.end() for found in DEFINITION.finditer(self.text)}

    def shape(self, name: str) -> Shape:
        """Return the shape of a definition.

        Raises:
            KeyError: the bundle has none of this name.
            ToolchainError: it is written in a way that this module does not know.
        """
        if name not in self._known:
            self._known[name] = ANYTHING  # what refers to itself
            self._known[name] = self._shape(Reader(self.text, self.places[name]).expression())[0]
        return self._known[name]

    def _shape(self, node: Any) -> tuple[Shape, bool]:
        """Return the shape that an expression describes, and whether the field may be left out."""
        if isinstance(node, Name):
            return (self.shape(node.name) if node.name in self.places else ANYTHING), False
        if not isinstance(node, Call):
            return ANYTHING, False
        shape, left_out = self._shape(node.of) if isinstance(node.of, Call | Name) else (ANYTHING, False)
        function, given = _function(node.name), node.given
        if function in ("object", "looseObject", "strictObject"):
            return self._object(given[0]), False
        if function in ("enum", "literal"):
            return Shape(values=frozenset(_scalars(given))), False
        if function in ("array", "lazy", "preprocess") and given:
            return self._shape(given[-1])[0], False
        if function in ("union", "discriminatedUnion", "intersection"):
            return merged(self._shape(each)[0] for each in (given[-1] if function != "intersection" else given)), False
        if function == "extend":
            return _extended(shape, self._object(given[0])), left_out
        if function == "partial":
            return Shape(shape.fields, values=shape.values), left_out
        return shape, left_out or function in LEAVES_OUT

    def _object(self, written: dict[str, Any]) -> Shape:
        found = {name: self._shape(node) for name, node in written.items()}
        required = frozenset(name for name, (_, left_out) in found.items() if not left_out)
        return Shape({name: shape for name, (shape, _) in found.items()}, required)


def _extended(shape: Shape, more: Shape) -> Shape:
    required = (shape.required - set(more.fields)) | more.required
    return Shape({**shape.fields, **more.fields}, required, shape.values)


def _scalars(given: Any) -> list[Scalar]:
    found = given[0] if given else []
    listed = found.values() if isinstance(found, dict) else found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, str | int | float)]
