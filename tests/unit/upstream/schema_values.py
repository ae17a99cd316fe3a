"""What a place in our schemas allows: the names of its fields, and the values that a field may have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urljoin

from tests.unit.schemas.reading import BASE, Schema, registry

Found = tuple[str, Schema]


@cache
def lookup(address: str) -> Found:
    """Return the schema at an address below schemas/, with the address that its references are relative to."""
    whole = urljoin(BASE, address)
    return whole, registry().resolver(base_uri=BASE).lookup(whole).contents


def alternatives(address: str, schema: Any) -> Iterator[Found]:
    """Yield a schema and everything that may stand in its place: what it refers to, its branches, a list's items."""
    if not isinstance(schema, dict):
        return
    yield address, schema
    if "$ref" in schema:
        yield from alternatives(*lookup(urljoin(address, schema["$ref"])))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(keyword, ()):
            yield from alternatives(address, branch)
    for keyword in ("then", "else", "items"):
        yield from alternatives(address, schema.get(keyword))


@cache
def fields(address: str) -> dict[str, list[Found]]:
    """Return the fields of the object at an address, each with the schemas that stand for it."""
    found: dict[str, list[Found]] = {}
    for base, schema in alternatives(*lookup(address)):
        for name, each in schema.get("properties", {}).items():
            found.setdefault(name, []).append((base, each))
    return found


def required(address: str) -> set[str]:
    """Return the fields that the object at an address can't do without, whatever else it says."""
    found: set[str] = set()
    pending = [lookup(address)]
    for base, schema in pending:
        found.update(schema.get("required", ()))
        pending += [lookup(urljoin(base, schema["$ref"]))] if "$ref" in schema else []
    return found


def values(schemas: list[Found]) -> set[Any]:
    """Return every value that an enumeration among these names; a short range of whole numbers is one too."""
    found: set[Any] = set()
    for pair in schemas:
        for _, schema in alternatives(*pair):
            found.update(schema.get("enum", ()))
            found.update([schema["const"]] if "const" in schema else ())
            if "minimum" in schema and "maximum" in schema and schema.get("type") == "integer":
                found.update(range(schema["minimum"], schema["maximum"] + 1))
    return {each for each in found if each is not None}


def instead(schemas: list[Found]) -> set[Any]:
    """Return the values that are refused with the reason and what to write instead, in the schema itself."""
    return {value for pair in schemas for _, schema in alternatives(*pair) for value in schema.get("instead", ())}
