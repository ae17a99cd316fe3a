"""Shapes from TypeScript declarations: `type Name = {key?: (string | null) | undefined; ...};`."""

from __future__ import annotations

import re
from functools import cached_property

from tools.toolchain.errors import ToolchainError
from tools.upstream.shape import ANYTHING, Shape, merged

DEFINITION = re.compile(r"^ {4}type (\w+) = ", re.M)
DEFINITION_END = "\n    };"
ANSWER = re.compile(r"\b200: Schemas\.(\w+);")
TOKEN = re.compile(r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<name>[\w$.]+)|(?P<mark>.))""", re.S)


class Declarations:
    """The types of a declaration file; the first of a name counts, later ones belong to other namespaces."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[str, Shape] = {}
        self._place = 0

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each type begins."""
        return {found[1]: found.end() for found in reversed([*DEFINITION.finditer(self.text)])}

    def shape(self, name: str) -> Shape:
        """Return the shape of a type.

        Raises:
            KeyError: there is none of this name.
            ToolchainError: it is written in a way that this module does not know.
        """
        if name not in self._known:
            self._known[name] = ANYTHING  # what refers to itself
            back, self._place = self._place, self.places[name]
            self._known[name] = self._union()[0]
            self._place = back
        return self._known[name]

    def answer(self, call: str) -> Shape:
        """Return the shape of what a call of the API answers with 200; anything where the file does not say."""
        place = self.places.get(call)
        found = ANSWER.search(self.text, place, self.text.index(DEFINITION_END, place)) if place else None
        return self.shape(found[1]) if found else ANYTHING

    def _next(self) -> tuple[str, str]:
        found = TOKEN.match(self.text, self._place)
        if found is None:
            raise ToolchainError("a declaration has no end")
        self._place = found.end()
        return str(found.lastgroup), found[str(found.lastgroup)]

    def _passes(self, mark: str) -> bool:
        before = self._place
        if self._next() == ("mark", mark):
            return True
        self._place = before
        return False

    def _union(self) -> tuple[Shape, bool]:
        """Return the shape of alternatives, and whether one of them is `undefined`."""
        self._passes("|")
        shapes, undefined = [], False
        while True:
            shape, is_undefined = self._one()
            shapes.append(shape)
            undefined = undefined or is_undefined
            if not (self._passes("|") or self._passes("&")):
                return merged(shapes), undefined

    def _one(self) -> tuple[Shape, bool]:
        kind, text = self._next()
        undefined = False
        if kind == "text":
            shape = Shape(values=frozenset([text[1:-1]]))
        elif text == "{":
            shape = self._object()
        elif text == "(":
            shape, undefined = self._union()
            self._passes(")")
        elif kind == "name":
            shape, undefined = self._named(text), text == "undefined"
        else:
            near = self.text[max(self._place - 40, 0) : self._place]
            raise ToolchainError(f"the declarations have a type of a new form: {near}")
        while self._passes("["):
            self._next()
        return shape, undefined

    def _named(self, name: str) -> Shape:
        given = []
        if self._passes("<"):
            while not self._passes(">"):
                given.append(self._union()[0])
                self._passes(",")
        if name == "Partial":
            return Shape(given[0].fields)
        if name == "Array":
            return given[0]
        own = name.removeprefix("Schemas.")
        return self.shape(own) if own in self.places and not given else ANYTHING

    def _object(self) -> Shape:
        fields: dict[str, Shape] = {}
        required = set()
        while not self._passes("}"):
            kind, text = self._next()
            name = text[1:-1] if kind == "text" else text
            optional = self._passes("?")
            self._passes(":")
            fields[name], undefined = self._union()
            if not (optional or undefined):
                required.add(name)
            self._passes(";")
        return Shape(fields, frozenset(required))
