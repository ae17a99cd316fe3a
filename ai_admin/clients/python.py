"""The Python client. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ai_admin.clients.contents import (
    ANY_VARIANT,
    BOOLEAN,
    PERSON,
    VARIANT,
    Aliases,
    Contents,
    Event,
    Flag,
    Property,
    named,
    value_of,
    variant_of,
)
from ai_admin.clients.layout import literal, remarks, spread, wrapped

IMPORTS = """\
from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Thread
from typing import Any, Literal, NamedTuple, TypedDict, TypeVar

from posthog import Posthog
from posthog.feature_flag_evaluations import FeatureFlagEvaluations
"""
_TYPES = {
    "": "object", "String": "str", "Numeric": "float", "Duration": "float", "Boolean": "bool", "DateTime": "datetime",
}  # fmt: skip
_GIVEN = {
    BOOLEAN: "bool", ANY_VARIANT: "str",
    "integer": "int", "number": "float", "string": "str", "boolean": "bool", "object": "dict[str, Any]",
    "array": "list[Any]",
}  # fmt: skip
"""What a reader gives; that of VARIANT is one of the choices."""
_READERS = {
    BOOLEAN: "_switch", VARIANT: "_variant", ANY_VARIANT: "_any_variant", "integer": "_integer", "number": "_number",
}  # fmt: skip
"""The readers of ``runtime.py``, but for `_payload`, which reads all others."""
_KINDS = {"string": "str", "boolean": "bool", "object": "dict", "array": "list"}


def module(contents: Contents, title: str, runtime: str) -> str:
    """Return the text of the client's module.

    Args:
        contents: what it has.
        title: its first line, which says where it comes from.
        runtime: what ``runtime.py`` has after its imports.

    Raises NotGenerated where two keys have one name in code.
    """
    choices = dict(contents.choices())
    aliases = named(choices, "first")
    parts = [
        f'"""{title}"""\n\n{IMPORTS}\n{runtime.strip()}',
        "\n".join(line for of, alias in aliases.items() for line in _choice(alias, choices[of])),
        "\n".join(_person(contents.person, aliases)),
        "\n".join(_flags(contents.flags, aliases)),
        *("\n".join(_described(event)) for event in contents.events),
        "\n".join(_client(contents, aliases)),
    ]
    return "\n\n\n".join(filter(None, parts)) + "\n"


def _choice(alias: str, texts: tuple[str, ...]) -> list[str]:
    return spread(f"{alias} = Literal[", list(map(literal, texts)), "]")


def _person(properties: tuple[Property, ...], aliases: Aliases) -> Iterator[str]:
    yield "Person = TypedDict("
    yield '    "Person",'
    yield "    {"
    for each in properties:
        yield from (f"        {line}" for line in wrapped(each.description, "# ", ""))
        yield f"        {literal(each.name)}: {_type(PERSON, each, aliases)},"
    yield "    },"
    yield "    total=False,"
    yield ")"
    yield '"""What is known of an installation: give all that conditions look at, or they do not match."""'


def _flags(flags: tuple[Flag, ...], aliases: Aliases) -> Iterator[str]:
    yield "class Flags(Readers):"
    yield '    """What the flags give one installation, evaluated at one time."""'
    names = named(flag.key for flag in flags)
    for flag in flags:
        yield ""
        given = (_GIVEN.get(flag.gives) or aliases[variant_of(flag)]) + ("" if flag.fallback is not None else " | None")
        yield f"    def {names[flag.key]}(self) -> {given}:"
        yield from _docstring(flag.description, remarks(flag))
        yield from spread(f"        return self.{_READERS.get(flag.gives, '_payload')}(", list(_how(flag)), ")")


def _how(flag: Flag) -> Iterator[str]:
    """Yield what a flag's reader is told."""
    yield literal(flag.key)
    if flag.gives == VARIANT:
        yield _tuple(flag.variants)
    if flag.gives in _KINDS:
        yield _KINDS[flag.gives]
    yield _value(flag.fallback)
    if flag.ceiling is not None:
        yield repr(flag.ceiling)


def _described(event: Event) -> Iterator[str]:
    yield f"_{event.constant}: dict[str, Property] = {{"
    for each in event.properties:
        arguments = [literal(each.type), str(each.required), _tuple(each.values)]
        yield from spread(f"    {literal(each.name)}: Property(", arguments, "),")
    yield "}"


def _client(contents: Contents, aliases: Aliases) -> Iterator[str]:
    yield "class AiAdmin(Client):"
    yield '    """The flags and events of the definitions that this module was generated from."""'
    yield ""
    yield from spread(
        "    def flags(",
        [
            "self", "distinct_id: str", "person: Person | None = None", "*", "groups: Mapping[str, str] | None = None",
            "group_properties: Mapping[str, Mapping[str, object]] | None = None",
        ],
        ") -> Flags:",
    )  # fmt: skip
    yield '        """Return what the flags give an installation, as far as it is known; PostHog is not asked."""'
    yield from spread("        keys = (", [literal(flag.key) for flag in contents.flags], ",)")
    yield "        known = (person or {}, groups or {}, group_properties or {})"
    yield "        return Flags(self._evaluated(keys, distinct_id, *known))"
    names = named(event.name for event in contents.events)
    for event in contents.events:
        yield ""
        yield from _capture(event, names[event.name], aliases)


def _capture(event: Event, name: str, aliases: Aliases) -> Iterator[str]:
    names = named(each.name for each in event.properties)
    given = sorted(event.properties, key=lambda each: not each.required)
    types = {each.name: _type(event.name, each, aliases) for each in given}
    parts = [f"{names[each.name]}: {types[each.name]}{'' if each.required else ' | None = None'}" for each in given]
    marks = ["/", "*"] if parts else ["/"]
    described = [f"{names[each.name]}: {each.description}" for each in given if each.description]
    own = ["self", "distinct_id: str", "flags: Flags | None = None"]
    yield from spread(f"    def capture_{name}(", [*own, *marks, *parts], ") -> bool:")
    yield from _docstring(
        event.description,
        f"{event.path}. Returns whether the SDK took it; raises InvalidEvent where a property is not as described.",
        ["flags: what the flags gave the installation, by which the event can be broken down.", *described],
    )
    items = [f"{literal(each.name)}: {names[each.name]}" for each in event.properties]
    start = f"        return self._capture({literal(event.name)}, distinct_id, flags, _{event.constant}, {{"
    yield from spread(start, items, "})")


def _docstring(description: str, remarks: str, arguments: list[str] | None = None) -> Iterator[str]:
    margin = " " * 8
    lines = wrapped(_plain(description or remarks), margin, "")
    yield f'{margin}"""{lines[0].lstrip()}'
    yield from lines[1:]
    if description:
        yield ""
        yield from wrapped(_plain(remarks), margin, "")
    if arguments:
        yield ""
        yield f"{margin}Args:"
        for each in arguments:
            yield from wrapped(_plain(each), margin + "    ", "    ")
    yield f'{margin}"""'


def _type(owner: str, each: Property, aliases: Aliases) -> str:
    return aliases[value_of(owner, each)] if each.is_choice else _TYPES[each.type]


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _value(value: Any) -> str:
    return literal(value) if isinstance(value, str) else repr(value)


def _tuple(values: Sequence[Any]) -> str:
    return f"({', '.join(map(_value, values))}{',' if len(values) == 1 else ''})"
