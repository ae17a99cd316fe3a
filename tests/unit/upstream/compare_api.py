"""Net one: each kind's field table, schema and sandbox declaration sent the bodies that PostHog publishes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from referencing.exceptions import Unresolvable

from providers.posthog.kinds import Kind
from sandbox.rest.fields import Field as SandboxField
from sandbox.wire.errors import Invalid
from tests.unit.upstream import schema_values
from tests.unit.upstream.settled import Finding

Body = Mapping[str, Any]

# How an object goes, and where it stands in PostHog's tree of files when it is made.
NO_FIELDS = {"deleted", "_create_in_folder"}


def written(body: Body) -> dict[str, list[Any]]:
    """Return every field that a body may hold, on create or on update, with the values of its enumeration."""
    return {name: values for name, values in {**body["create"], **body["update"]}.items() if name not in NO_FIELDS}


def accounted_for(kind: Kind, name: str) -> bool:
    """Tell whether a field of the API is owned, sent along, or left; a part of a column by its whole path."""
    steps = tuple(name.split("."))
    owned = any(field.api_path[: len(steps)] == steps or field.api_path == steps[:1] for field in kind.fields)
    sent = any(name in field.sent_with for field in kind.fields)
    left = any(steps[: len(each.split("."))] == tuple(each.split(".")) for each in kind.left)
    parent = any(each.split(".")[: len(steps)] == list(steps) for each in kind.left)
    return owned or sent or left or parent or name in kind.constants


def always_sent(kind: Kind) -> set[str]:
    """Return the fields of the API that every create has."""
    return {*kind.constants, *(field.api_path[0] for field in kind.fields if field.required)}


def table_findings(kind: Kind, body: Body) -> Iterator[Finding]:
    """Yield what the field table of a kind does not do as PostHog publishes it."""
    where = f"providers/posthog/kinds/{kind.name}.py"
    for name in columns(written(body), kind):
        if not accounted_for(kind, name):
            todo = f"PostHog can write this field: own it in {where}, or name it in `left` with the reason"
            yield Finding(f"{kind.name} blind {name}", todo)
    for name in sorted(set(body["required"]) - always_sent(kind)):
        todo = f"PostHog requires the field on create: make it `required` in {where}"
        yield Finding(f"{kind.name} sends not always {name}", todo)
    for field in kind.fields:
        if field.api_path[0] in body["answered"] and field.api_path[0] not in written(body):
            todo = f"no published body has this field, PostHog only answers it: don't write it in {where}"
            yield Finding(f"{kind.name} writes {field.api_path[0]}", todo)


def columns(paths: Iterable[str], kind: Kind) -> Iterator[str]:
    """Yield the fields of a body, and of a column that the table splits, its parts."""
    split = {field.api_path[0] for field in kind.fields if len(field.api_path) > 1}
    for path in paths:
        steps = path.split(".")
        if len(steps) == 1 or (len(steps) == 2 and steps[0] in split):
            yield path


def schema_findings(kind: Kind, body: Body, places: Mapping[str, list[str]]) -> Iterator[Finding]:
    """Yield the values of enumerations that people can't write, and those that PostHog does not know.

    `places` says where in the schemas a field stands that is not the field of the same name in the kind's own schema.
    """
    names = {field.api_path: field.name for field in kind.fields}
    for path, theirs in written(body).items():
        steps = tuple(path.split("."))
        if not theirs or any(steps[: len(each.split("."))] == tuple(each.split(".")) for each in kind.left):
            continue
        mine, refused = _allowed(places.get(path, [f"{kind.name}.schema.json#/{names.get(steps)}"]))
        if not mine:
            todo = "say in tests/upstream/places.json where people write this field"
            yield Finding(f"{kind.name} schema nowhere {path}", todo)
            continue
        for value in sorted(set(theirs) - mine - refused, key=str):
            todo = "PostHog takes this value: allow it in the schema"
            yield Finding(f"{kind.name} schema lacks {path}={value}", todo)
        for value in sorted(mine - set(theirs), key=str):
            todo = "PostHog publishes no such value: refuse it in the schema"
            yield Finding(f"{kind.name} schema has {path}={value}", todo)


def _allowed(addresses: Iterable[str]) -> tuple[set[Any], set[Any]]:
    """Return the values that people can write at some addresses, and those that are refused there with a reason.

    An address is an object's and the name of its field, or ``*`` where the fields' names are the values.
    """
    mine: set[Any] = set()
    refused: set[Any] = set()
    for address in addresses:
        file, _, name = address.rpartition("/")
        try:
            fields = schema_values.fields(file)
        except Unresolvable:  # a kind without a schema of its own
            continue
        mine |= set(fields) if name == "*" else schema_values.values(fields.get(name, []))
        refused |= schema_values.instead(fields.get(name, []))
    return mine, refused


def sandbox_findings(collection: str, fields: Iterable[SandboxField], body: Body) -> Iterator[Finding]:
    """Yield what the sandbox declares otherwise than PostHog publishes it."""
    ours = {field.name: field for field in fields if field.check is not None and field.name not in NO_FIELDS}
    theirs = {name: values for name, values in written(body).items() if "." not in name}
    for name in sorted(theirs.keys() - ours.keys()):
        yield Finding(f"sandbox {collection} takes not {name}", "PostHog takes this field: declare it writable")
    for name in sorted(name for name in ours.keys() - theirs.keys() if not name.startswith("_")):  # `_`: how to write
        yield Finding(f"sandbox {collection} takes {name}", "no published body has this field: make it read-only")
    needed = {name for name, field in ours.items() if field.required}
    for name in sorted(set(body["required"]) - needed):
        yield Finding(f"sandbox {collection} asks not for {name}", "PostHog requires the field: make it required")
    for name in sorted(needed - set(body["required"])):
        yield Finding(f"sandbox {collection} asks for {name}", "PostHog does not publish the field as required")
    for name in sorted(name for name in theirs.keys() & ours.keys() if theirs[name]):
        for value in theirs[name]:
            if not accepts(ours[name], value):
                todo = "PostHog takes this value: add it to the choices"
                yield Finding(f"sandbox {collection} refuses {name}={value}", todo)
        for value in sorted(choices(ours[name].check) - set(theirs[name]), key=str):
            yield Finding(f"sandbox {collection} takes {name}={value}", "PostHog publishes no such value: refuse it")
        if accepts(ours[name], "no such value"):
            yield Finding(f"sandbox {collection} takes any {name}", "PostHog takes some values only: refuse others")


def accepts(field: SandboxField, value: Any) -> bool:
    """Tell whether a field takes a value, by itself or in a list."""
    for form in (value, [value]):
        try:
            field.clean(form)
        except Invalid:
            continue
        return True
    return False


def choices(check: Callable[..., Any] | None) -> set[Any]:
    """Return the values of a `choice`, also of one inside `items`; none for another check."""
    if check is None or not inspect.isfunction(check):
        return set()
    held = inspect.getclosurevars(check).nonlocals
    return set(held.get("values", ())) or choices(held.get("of"))
