"""The TypeScript client. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ai_admin.clients.contents import (
    ANY_VARIANT,
    BOOLEAN,
    PERSON,
    VARIANT,
    Contents,
    Event,
    Flag,
    Property,
    named,
    value_of,
    variant_of,
)
from ai_admin.clients.layout import WIDTH, remarks, spread, wrapped

Aliases = Mapping[str, str]
"""The name in code of each of a client's choices."""
_PERSON = "What is known of an installation: give all that conditions look at, or they do not match."
_TYPES = {
    "": "unknown", "String": "string", "Numeric": "number", "Duration": "number", "Boolean": "boolean",
    "DateTime": "Date",
}  # fmt: skip
_PAYLOADS = {
    "integer": "number", "number": "number", "string": "string", "boolean": "boolean", "object": "Json",
    "array": "unknown[]",
}  # fmt: skip


def module(contents: Contents, title: str, runtime: str) -> str:
    """Return the text of the client's module; see :func:`ai_admin.clients.python.module`."""
    choices = dict(contents.choices())
    aliases = named(choices, "first")
    names = named((event.name for event in contents.events), "first")
    parts = [
        f"// {title}\nimport type {{ PostHog }} from 'posthog-node'\n\n{runtime.strip()}",
        "\n".join(line for of, alias in aliases.items() for line in _choice(alias, choices[of])),
        "\n".join(_interface("Person", _PERSON, PERSON, contents.person, aliases)),
        *(
            "\n".join(_interface(f"{names[event.name]}Event", event.description, event.name, event.properties, aliases))
            for event in contents.events
        ),
        *("\n".join(_described(event)) for event in contents.events),
        "\n".join(_flags(contents.flags, aliases)),
        "\n".join(_client(contents, names)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _choice(alias: str, texts: tuple[str, ...]) -> list[str]:
    line = f"export type {alias} = {' | '.join(map(_json, texts))}"
    return [line] if len(line) <= WIDTH else [f"export type {alias} =", *(f"  | {_json(each)}" for each in texts)]


def _interface(
    name: str, description: str, owner: str, properties: tuple[Property, ...], aliases: Aliases
) -> Iterator[str]:
    yield from _comment(description, "")
    yield f"export interface {name} {{"
    for each in properties:
        kind = aliases[value_of(owner, each)] if each.is_choice else _TYPES[each.type]
        yield from _comment(each.description, "  ")
        yield f"  {_json(each.name)}{'' if each.required else '?'}: {kind}"
    yield "}"


def _described(event: Event) -> Iterator[str]:
    yield f"const {_constant(event)} = new Map<string, Property>(["
    for each in event.properties:
        about = [f"type: {_json(each.type)}", f"required: {_json(each.required)}", f"values: {_json(each.values)}"]
        yield from spread(f"  [{_json(each.name)}, {{ ", about, " }],", "  ")
    yield "])"


def _constant(event: Event) -> str:
    return f"{named([event.name])[event.name].upper()}_EVENT"


def _flags(flags: tuple[Flag, ...], aliases: Aliases) -> Iterator[str]:
    yield from _comment("What the flags give one installation, evaluated at one time.", "")
    yield "export class Flags extends Readers {"
    names = named((flag.key for flag in flags), "others")
    for number, flag in enumerate(flags):
        kind = {BOOLEAN: "boolean", VARIANT: aliases.get(variant_of(flag), ""), ANY_VARIANT: "string"}
        given = (kind.get(flag.gives) or _PAYLOADS[flag.gives]) + ("" if flag.fallback is not None else " | undefined")
        if number:
            yield ""
        yield from _comment(f"{flag.description} {remarks(flag)}", "  ")
        yield f"  {names[flag.key]}(): {given} {{"
        yield from spread(f"    return this.{_reader(flag.gives)}(", list(_how(flag)), ")", "  ")
        yield "  }"
    yield "}"


def _reader(gives: str) -> str:
    own = {BOOLEAN: "_switched", VARIANT: "_variant", ANY_VARIANT: "_anyVariant"}
    return own.get(gives) or ("_number" if gives in ("integer", "number") else "_payload")


def _how(flag: Flag) -> Iterator[str]:
    """Yield what a flag's reader is told."""
    yield _json(flag.key)
    if flag.gives == VARIANT:
        yield f"{_json(flag.variants)} as const"
    if flag.gives in _PAYLOADS:
        yield f"FITS.{flag.gives}"
    yield _json(flag.fallback) if flag.fallback is not None else "undefined"
    if flag.ceiling is not None:
        yield _json(flag.ceiling)


def _client(contents: Contents, names: Mapping[str, str]) -> Iterator[str]:
    yield from _comment("The flags and events of the definitions that this module was generated from.", "")
    yield "export class AiAdmin extends Client {"
    yield from _comment("What the flags give an installation, as far as it is known; PostHog is not asked.", "  ")
    yield "  async flags(distinctId: string, person: Person = {}, by: Groups = {}): Promise<Flags> {"
    yield from spread("    const keys = [", [_json(flag.key) for flag in contents.flags], "]", "  ")
    yield "    return new Flags(await this.evaluated(keys, distinctId, person, by))"
    yield "  }"
    for event in contents.events:
        name = names[event.name]
        yield ""
        throws = f"{event.path}. Throws InvalidEvent where a property is not as described."
        yield from _comment(f"{event.description} {throws}", "  ")
        yield f"  capture{name}(distinctId: string, properties: {name}Event): void {{"
        yield f"    this.send({_json(event.name)}, distinctId, {_constant(event)}, properties)"
        yield "  }"
    yield "}"


def _comment(text: str, margin: str) -> Iterator[str]:
    lines = wrapped(text.strip().replace("*/", "* /"), f"{margin} * ", "")
    if len(lines) == 1:
        yield f"{margin}/** {lines[0].strip().removeprefix('* ')} */"
    elif lines:
        yield from (f"{margin}/**", *lines, f"{margin} */")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
