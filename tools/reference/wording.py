"""Schemas in words: what a value may be, when something holds, and what else must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml

from tools.reference.nodes import Node, Part, annotation, by_type, is_object, is_switch, refused, settled
from tools.reference.sections import MANY, Section

Link = Callable[[Node], str]
"""Returns the Markdown link to a node's section."""

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "object": "object",
    "array": "list",
    "null": "null",
}
_SHORT = 60
"""An example of at most so many characters goes before a shorter one that comes later."""


def code(value: Any) -> str:
    """Return a value as inline code, written as in YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return "`" + text.removesuffix("...\n").strip() + "`"


def listed(items: Iterable[str], word: str = "or") -> str:
    """Return items as people list them: a, b or c."""
    *most, last = items
    return f"{', '.join(most)} {word} {last}" if most else last


def type_of(node: Node, link: Link) -> str:
    """Return what a value may be, with links to what has a section of its own."""
    node = settled(node)
    if is_object(node):
        if isinstance(node.get("type"), list):
            others = [_one_type(name, node, link) for name in node["type"] if name != "object"]
            return listed([*others, link(node)])
        return link(node)
    if by_type(node):
        then = settled(node.child("then"))
        typed = Node(then.place, {"type": node["if"]["type"], **then.schema})
        return listed(type_of(each, link) for each in (typed, node.child("else")))
    if "const" in node:
        return code(node["const"])
    if "enum" in node:
        return ", ".join(map(code, node["enum"])) if len(node["enum"]) <= MANY else link(node)
    types = node.get("type", [])
    names = types if isinstance(types, list) else [types]
    if not names:
        return "any value"
    said = [_one_type(name, node, link) for name in names if name != "boolean"]
    return listed([*(("true", "false") if "boolean" in names else ()), *said])


def _one_type(name: str, node: Node, link: Link) -> str:
    if name == "array":
        return _list(node, link)
    if name == "object" and isinstance(node.get("additionalProperties"), dict):
        return f"names, each with {type_of(node.child('additionalProperties'), link)}"
    return _TYPES[name] + (_bounds(node) if name in ("integer", "number") else "")


def _list(node: Node, link: Link) -> str:
    if not isinstance(node.get("items"), dict):
        return "list"
    low, high = node.get("minItems"), node.get("maxItems")
    counts = [f"exactly {low}"] if low and low == high else [f"at least {low}"] if low else []
    counts += [f"at most {high}"] if high and high != low else []
    count = f" ({', '.join(counts)})" if counts else ""
    return f"list{count} of {type_of(node.child('items'), link)}"


def _bounds(node: Node) -> str:
    low, above, high = node.get("minimum"), node.get("exclusiveMinimum"), node.get("maximum")
    if above is not None:
        return f", above {above:,}" + (f" and at most {high:,}" if high is not None else "")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    return f", at least {low:,}" if low is not None else f", at most {high:,}" if high is not None else ""


def example_of(node: Node) -> str:
    """Return one of a field's examples as inline code: the first that is short, else the shortest."""
    examples = [code(each) for each in annotation(node, "examples") or ()]
    short = [each for each in examples if len(each) <= _SHORT]
    return next(iter(short), min(examples, key=len, default=""))


def default_of(node: Node) -> str:
    """Return a field's default as inline code; nothing without one."""
    default = annotation(node, "default")
    if default in ("", [], {}):
        return "empty"
    return "" if default is None else code(default)


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop, as far as it has none."""
    text = text if text.startswith("`") else text[:1].upper() + text[1:]
    return text if text.endswith((".", ")", "!")) else f"{text}."


def conditions(section: Section, part: Part) -> str:
    """Return the conditions of a part in words, beginning with when or unless."""
    met = [_test(section, test.schema) for test, met in part.when if met]
    unmet = [_test(section, test.schema) for test, met in part.when if not met]
    words = (("when", met, "and"), ("unless", unmet, "or"))
    return ", ".join(f"{word} {listed(tests, joint)}" for word, tests, joint in words if tests)


def _test(section: Section, test: dict[str, Any]) -> str:
    if "anyOf" in test:
        return listed(_test(section, each) for each in test["anyOf"])
    required = set(test.get("required", ()))
    said = [
        f"`{name}` {_is(value)}" + ("" if name in required | section.required else " or left out")
        for name, value in test.get("properties", {}).items()
    ]
    said += [f"`{name}` is set" for name in test.get("required", ()) if name not in test.get("properties", {})]
    return listed(said, "and")


def _is(value: dict[str, Any]) -> str:
    if "contains" in value:
        return f"names {code(value['contains']['const'])}"
    return f"is {listed(map(code, value['enum'] if 'enum' in value else [value['const']]))}"


def rules_of(section: Section) -> Iterator[str]:
    """Yield what must hold beside the fields' own types, a sentence each."""
    for name, needed in section.node.get("dependentRequired", {}).items():
        yield f"`{name}` needs {listed((f'`{each}`' for each in needed), 'and')}."
    for part in section.rules:
        when = conditions(section, part)
        for text in _demands(part):
            yield sentence(f"{when}: {text}" if when else text)


def _demands(part: Part) -> Iterator[str]:
    node = part.node
    if is_switch(node):  # the field's own cell leads there
        return
    if "errorMessage" in node:
        yield node["errorMessage"]
    elif part.when and "required" in node:
        yield f"{listed((f'`{name}`' for name in node['required']), 'and')} must be there"
    ignored = node.get("propertyNames", {}).get("not", {})
    if ignored:
        names = ignored["enum"] if "enum" in ignored else [ignored["const"]]
        yield f"no {listed((f'`{name}`' for name in names), 'and')}"
    for name, each in node.fields() if part.when else ():
        yield from _refinements(name, each)
    if not part.when:
        yield from (settled(each)["errorMessage"] for _, each in node.fields() if refused(each))


def _refinements(name: str, node: Node) -> Iterator[str]:
    """Yield what a condition says of a field that is there anyway, and of the fields inside it."""
    if refused(node):
        yield settled(node).get("errorMessage") or f"no `{name}`"
        return
    inner = node.child("items") if "items" in node else node
    inside = f"{name}[]" if "items" in node else name
    deeper = list(inner.fields())
    if "errorMessage" in node:
        yield node["errorMessage"]
    elif "description" in node and not deeper:
        yield f"`{name}`: {node['description']}"
    for each, child in deeper:
        yield from _refinements(f"{inside}.{each}", child)


def type_cell(section: Section, name: str, node: Node, link: Link) -> str:
    """Return the type of an object's field, for a table."""
    switch = next((part.node for part in section.rules if is_switch(part.node)), None)
    if name == "value" and switch is not None:
        return f"by {link(switch)}"
    return type_of(node, link)
