"""The schemas as any validator reads them: every file under its own address, nothing from the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from ai_admin.definitions.files import FOLDERS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "schemas"
KINDS = tuple(FOLDERS.values())
BASE = "file:///schemas/"  # references are relative to a file's place, whatever stands in front of it
Schema = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """YAML as editors read it: a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path) -> Any:
    """Return what a YAML file holds."""
    return yaml.load(path.read_text("utf-8"), _Loader)


def _address(path: Path) -> str:
    return f"{BASE}{path.relative_to(FOLDER).as_posix()}"


@cache
def files() -> dict[str, Schema]:
    """Return every schema by its address."""
    paths = sorted(FOLDER.rglob("*.schema.json"))
    return {_address(path): json.loads(path.read_text("utf-8")) for path in paths}


@cache
def registry() -> Registry[Any]:
    """Return all schemas as one registry that knows no other place to look."""
    resources = [(address, DRAFT202012.create_resource(schema)) for address, schema in files().items()]
    return Registry[Any]().with_resources(resources)


def validator(address: str) -> Draft202012Validator:
    """Return a validator for ``flag``, or for an address with a JSON pointer."""
    address = f"{BASE}{address}.schema.json" if "://" not in address else address
    return Draft202012Validator({"$ref": address}, registry=registry())


def subschemas(schema: Any, pointer: str = "", is_field: bool = False) -> Iterator[tuple[str, Schema, bool]]:
    """Yield every schema inside a schema, itself included, but not what only asks (``if``).

    Each comes with its JSON pointer and whether it is a field, so a value of ``properties``.
    """
    if not isinstance(schema, dict):
        return
    yield pointer, schema, is_field
    for keyword in ("properties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            yield from subschemas(part, f"{pointer}/{keyword}/{name}", keyword == "properties")
    for keyword in ("items", "additionalProperties", "propertyNames", "then", "else"):
        yield from subschemas(schema.get(keyword), f"{pointer}/{keyword}")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(schema.get(keyword, ())):
            yield from subschemas(part, f"{pointer}/{keyword}/{index}")


def fields() -> Iterator[tuple[str, Schema]]:
    """Yield the address and schema of every field at every depth of every file."""
    for address, schema in files().items():
        for pointer, part, is_field in subschemas(schema):
            if is_field:
                yield f"{address}#{pointer}", part


def annotation(address: str, schema: Schema, name: str) -> Any:
    """Return a field's own description or examples, or those of what it refers to."""
    if name in schema:
        return schema[name]
    then = schema.get("then") if "if" in schema else None
    reference = schema.get("$ref") or (then or {}).get("$ref")
    if reference is None:
        return None
    target = urljoin(address, reference)
    return annotation(target, registry().resolver().lookup(target).contents, name)
