"""The TypeScript client. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from ai_admin.clients.layout import WIDTH, literal, remarks, spread, wrapped

_PERSON = "What is known of an installation: give all that conditions look at, or they do not match."
_TYPES = {
    "": "unknown", "String": "string", "Numeric": "number", "Duration": "number", "Boolean": "boolean",
    "DateTime": "Date",
}  # fmt: skip
_PAYLOADS = {
    "integer": "number", "number": "number", "string": "string", "boolean": "boolean", "object": "Json",
    "array": "unknown[]",
}  # fmt: skip
_GIVEN = {BOOLEAN: "boolean", ANY_VARIANT: "string", **_PAYLOADS}
"""What a reader gives; that of VARIANT is one of the choices."""
_READERS = {
    BOOLEAN: "_switched", VARIANT: "_variant", ANY_VARIANT: "_anyVariant", "integer": "_number", "number": "_number",
}  # fmt: skip
"""The readers of ``runtime.ts``, but for `_payload`, which reads all others."""


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
    line = f"export type {alias} = {' | '.join(map(literal, texts))}"
    return [line] if len(line) <= WIDTH else [f"export type {alias} =", *(f"  | {literal(each)}" for each in texts)]


def _interface(
    name: str, description: str, owner: str, properties: tuple[Property, ...], aliases: Aliases
) -> Iterator[str]:
    yield from _comment(description, "")
    yield f"export interface {name} {{"
    for each in properties:
        kind = aliases[value_of(owner, each)] if each.is_choice else _TYPES[each.type]
        yield from _comment(each.description, "  ")
        yield f"  {literal(each.name)}{'' if each.required else '?'}: {kind}"
    yield "}"


def _described(event: Event) -> Iterator[str]:
    yield f"const {event.constant} = new Map<string, Property>(["
    for each in event.properties:
        about = {"type": each.type, "required": each.required, "values": each.values}
        parts = [f"{name}: {literal(value)}" for name, value in about.items()]
        yield from spread(f"  [{literal(each.name)}, {{ ", parts, " }],", "  ")
    yield "])"


def _flags(flags: tuple[Flag, ...], aliases: Aliases) -> Iterator[str]:
    yield from _comment("What the flags give one installation, evaluated at one time.", "")
    yield "export class Flags extends Readers {"
    names = named((flag.key for flag in flags), "others")
    for number, flag in enumerate(flags):
        kind = _GIVEN.get(flag.gives) or aliases[variant_of(flag)]
        given = kind + ("" if flag.fallback is not None else " | undefined")
        if number:
            yield ""
        yield from _comment(f"{flag.description} {remarks(flag)}", "  ")
        yield f"  {names[flag.key]}(): {given} {{"
        yield from spread(f"    return this.{_READERS.get(flag.gives, '_payload')}(", list(_how(flag)), ")", "  ")
        yield "  }"
    yield "}"


def _how(flag: Flag) -> Iterator[str]:
    """Yield what a flag's reader is told."""
    yield literal(flag.key)
    if flag.gives == VARIANT:
        yield f"{literal(flag.variants)} as const"
    if flag.gives in _PAYLOADS:
        yield f"FITS.{flag.gives}"
    yield literal(flag.fallback) if flag.fallback is not None else "undefined"
    if flag.ceiling is not None:
        yield literal(flag.ceiling)


def _client(contents: Contents, names: Mapping[str, str]) -> Iterator[str]:
    yield from _comment("The flags and events of the definitions that this module was generated from.", "")
    yield "export class AiAdmin extends Client {"
    yield from _comment("What the flags give an installation, as far as it is known; PostHog is not asked.", "  ")
    yield "  async flags(distinctId: string, person: Person = {}, by: Groups = {}): Promise<Flags> {"
    yield from spread("    const keys = [", [literal(flag.key) for flag in contents.flags], "]", "  ")
    yield "    return new Flags(await this.evaluated(keys, distinctId, person, by))"
    yield "  }"
    for event in contents.events:
        name = names[event.name]
        yield ""
        throws = (
            f"{event.path}. Throws InvalidEvent where a property is not as described. Given what the flags gave the "
            "installation, the event can be broken down by it."
        )
        yield from _comment(f"{event.description} {throws}", "  ")
        parts = ["distinctId: string", f"properties: {name}Event", "flags?: Flags"]
        yield from spread(f"  capture{name}(", parts, "): void {", "  ")
        yield f"    this.send({literal(event.name)}, distinctId, {event.constant}, properties, flags)"
        yield "  }"
    yield "}"


def _comment(text: str, margin: str) -> Iterator[str]:
    lines = wrapped(text.strip().replace("*/", "* /"), f"{margin} * ", "")
    if len(lines) == 1:
        yield f"{margin}/** {lines[0].strip().removeprefix('* ')} */"
    elif lines:
        yield from (f"{margin}/**", *lines, f"{margin} */")
