"""Schemas as a reader meets them: nodes that know where they are, so that what is shared is explained once."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ai_admin.definitions.schemas import ANNOTATIONS, FOLDER

NOT_NULL = {"not": {"type": "null"}}
"""The test of a stack's patch: what is not null is checked like the field itself."""


@dataclass(frozen=True)
class Place:
    """Where a schema is: its file below ``schemas/``, and the steps into it."""

    file: str
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Node:
    """A schema at its place."""

    place: Place
    schema: dict[str, Any]

    def __getitem__(self, keyword: str) -> Any:
        return self.schema[keyword]

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.schema

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of a keyword of this schema itself."""
        return self.schema.get(keyword, default)

    def child(self, *steps: str | int) -> Node:
        """Return the schema at further steps."""
        found: Any = self.schema
        for step in steps:
            found = found[step]
        return Node(Place(self.place.file, (*self.place.steps, *steps)), found)

    def fields(self) -> Iterator[tuple[str, Node]]:
        """Yield the fields of this schema itself."""
        for name in self.get("properties", {}):
            yield name, self.child("properties", name)


@dataclass(frozen=True)
class Part:
    """A schema that holds for the same value as another one; ``when`` are the conditions (test, whether it is met)."""

    node: Node
    when: tuple[tuple[Node, bool], ...] = ()


def root(file: str) -> Node:
    """Return the schema of a whole file."""
    return Node(Place(file), _file(file))


@cache
def _file(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(FOLDER) / name).read_text("utf-8"))
    return found


def target(node: Node) -> Node:
    """Return what a node's ``$ref`` leads to."""
    name, _, pointer = node["$ref"].partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(node.place.file), name)) if name else node.place.file
    return root(file).child(*filter(None, pointer.split("/")))


def settled(node: Node) -> Node:
    """Return the schema that says what a value is: past references, and past a patch's test for null."""
    if node.get("if") == NOT_NULL:
        return settled(node.child("then"))
    if "$ref" in node and node.schema.keys() - {"$ref"} <= ANNOTATIONS:
        return settled(target(node))
    return node


def annotation(node: Node, name: str) -> Any:
    """Return a node's own description, examples or default, or those of what it refers to; None without."""
    if name in node:
        return node[name]
    if node.get("if") == NOT_NULL:
        return annotation(node.child("then"), name)
    return annotation(target(node), name) if "$ref" in node else None


def refused(node: Node) -> bool:
    """Return whether a field is here only to be refused, with a sentence why."""
    return bool(settled(node).get("not") == {})


def by_type(node: Node) -> bool:
    """Return whether a node has one schema for one type of value and another for the rest."""
    return set(node.get("if", ())) == {"type"}


def is_switch(node: Node) -> bool:
    """Return whether a node does nothing but choose the schema of ``value`` by ``operator``."""
    branches = node.get("allOf", ())
    return node.schema.keys() - ANNOTATIONS == {"allOf"} and all(
        "if" in each and each.get("then", {}).get("properties", {}).keys() == {"value"} for each in branches
    )


def is_variant(part: Part) -> bool:
    """Return whether a part is a whole object of its own that holds under a condition."""
    return bool(part.when) and part.node.get("type") == "object" and "properties" in part.node


def parts(node: Node, when: tuple[tuple[Node, bool], ...] = ()) -> Iterator[Part]:
    """Yield all that holds for a value of this node, each with its conditions; not what is inside variants."""
    node = settled(node)
    part = Part(node, when)
    yield part
    if is_variant(part) or is_switch(node):
        return
    if "$ref" in node:
        yield from parts(target(node), when)
    for index in range(len(node.get("allOf", ()))):
        yield from parts(node.child("allOf", index), when)
    if "if" in node:
        for keyword, met in (("then", True), ("else", False)):
            if keyword in node:
                yield from parts(node.child(keyword), (*when, (node.child("if"), met)))


def is_object(node: Node) -> bool:
    """Return whether a settled node is an object with fields of its own, and so deserves a section."""
    if by_type(node):
        return False
    return any("properties" in part.node for part in parts(node))
