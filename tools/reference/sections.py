"""Sections: one for each object, long list of values and table of values by operator, in the order they are met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.reference.nodes import (
    NOT_NULL,
    Node,
    Part,
    Place,
    by_type,
    is_object,
    is_switch,
    is_variant,
    parts,
    refused,
    settled,
)

MANY = 14
"""Longer lists of values have a section of their own."""

PATCH = "`stacks`: what differs on one stack"


@dataclass
class Section:
    """What one heading of the reference explains.

    ``fields`` are the fields of an object by name; ``inherited`` those of a stack's patch that are like the
    definition's own; ``variants`` the objects it can be, with the conditions; ``rules`` what else must hold.
    """

    node: Node
    title: str
    description: str
    fields: dict[str, Node] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    inherited: list[str] = field(default_factory=list)
    variants: list[Part] = field(default_factory=list)
    rules: list[Part] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """The place of the schema; what refers to it refers here."""
        return self.node.place


class Walk:
    """Collects the sections that definitions can reach, each once."""

    def __init__(self) -> None:
        self.sections: dict[Place, Section] = {}

    def visit(self, node: Node, title: str, final: bool = False) -> None:
        """Collect the section of a node, if it deserves one, and those of all it contains.

        ``title`` is the heading for a schema without a name of its own, or for any if it is ``final``.
        """
        node = settled(node)
        description = node.get("description", "")
        if is_object(node):
            if node.place not in self.sections:
                self._object(node, self._title(node, title, final), description)
        elif is_switch(node) or len(node.get("enum", ())) > MANY:
            self.sections.setdefault(node.place, Section(node, self._title(node, title, final), description))
        if by_type(node):
            for keyword in ("then", "else"):
                self.visit(node.child(keyword), title)
        for keyword in ("items", "additionalProperties"):
            if isinstance(node.get(keyword), dict):
                self.visit(node.child(keyword), title)

    def _object(self, node: Node, title: str, description: str) -> None:
        section = Section(node, title, description)
        self.sections[node.place] = section
        for part in parts(node):
            _take(section, part)
        section.variants = [part for part in section.variants if _possible(section, part)]
        for name, each in section.fields.items():
            inside = f"{title[:-1]}.{name}`" if re.search(": `[^`]*`$", title) else f"{title}: `{name}`"
            self.visit(each, inside)
        for part in parts(node):
            if is_switch(part.node):
                self.visit(part.node, "")
        for part in section.variants:
            self.visit(part.node, f"{title}, {_constant(part.node)}", final=True)

    def _title(self, node: Node, proposed: str, final: bool) -> str:
        if "title" in node:
            return str(node["title"])
        steps = node.place.steps
        if steps == ("$defs", "patch"):
            return PATCH
        if len(steps) == 2 and steps[0] == "$defs" and not final:
            words = re.sub(r"([A-Z])", lambda match: f" {match[0].lower()}", str(steps[1]))
            return words[:1].upper() + words[1:]
        return proposed


def _take(section: Section, part: Part) -> None:
    if is_variant(part):
        section.variants.append(part)
        return
    if not part.when:
        section.required |= set(part.node.get("required", ()))
        for name, each in part.node.fields():
            if refused(each):
                section.fields.pop(name, None)
            elif name not in section.fields:
                if each.get("if") == NOT_NULL:
                    section.inherited.append(name)
                else:
                    section.fields[name] = each
            elif "enum" in each or "const" in each:  # fewer values than the schema that this one builds on
                wider = {key: item for key, item in settled(section.fields[name]).schema.items() if key != "instead"}
                section.fields[name] = Node(each.place, {**wider, **each.schema})
    if part.node.place != section.place or part.node.get("dependentRequired"):
        section.rules.append(part)


def _possible(section: Section, part: Part) -> bool:
    """Return whether a variant's conditions ask for values that the section's fields may have."""
    for test, met in part.when:
        for name, wanted in test.get("properties", {}).items():
            values = section.fields[name].get("enum") if name in section.fields else None
            if met and values and "const" in wanted and wanted["const"] not in values:
                return False
    return True


def _constant(node: Node) -> str:
    values = [f"`{each['const']}`" for _, each in _fields(node) if "const" in each]
    return values[0] if values else str(node.place.steps[-1])


def _fields(node: Node) -> Iterator[tuple[str, Node]]:
    return ((name, settled(each)) for name, each in node.fields())
