"""The schemas themselves: valid, complete offline, and explained field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.unit.schemas.reading import (
    BASE,
    FOLDER,
    KINDS,
    Schema,
    annotation,
    fields,
    files,
    registry,
    subschemas,
    validator,
)

FIELDS = dict(fields())
NOTHING: dict[str, Any] = {}
# `errorMessage` is what the editor and `ai-admin check` say when this part of a schema is not met; `instead` has values
# and keys that is not allowed here, each with the reason and what to write; `synonyms` has what people call things.
KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "examples", "default", "errorMessage", "instead", "synonyms"),
    *("type", "enum", "const", "properties", "required", "additionalProperties", "propertyNames"),
    *("minProperties", "maxProperties", "dependentRequired", "items", "minItems", "maxItems", "uniqueItems"),
    *("pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
}


@pytest.mark.parametrize("address", files())
def test_is_a_valid_schema_of_2020_12(address: str) -> None:
    schema = files()[address]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    Draft202012Validator.check_schema(schema)


def test_there_is_one_for_each_kind_of_file() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == {f"{kind}.schema.json" for kind in KINDS}


@pytest.mark.parametrize("address", files())
def test_every_reference_leads_to_a_schema_in_the_repository(address: str) -> None:
    resolver = registry().resolver(base_uri=address)
    for _, part, _ in subschemas(files()[address]):
        if "$ref" in part:
            assert isinstance(resolver.lookup(part["$ref"]).contents, dict)


def test_every_reference_leads_to_what_it_means_at_once() -> None:
    """Editors find nothing where the target is itself a reference, and say nothing: they take files as they come."""
    chains = []
    for address, schema in files().items():
        resolver = registry().resolver(base_uri=address)
        for pointer, part, _ in subschemas(schema):
            if "$ref" in part and "$ref" in resolver.lookup(part["$ref"]).contents:
                chains.append(f"{address}#{pointer}")
    assert chains == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_of_a_patch_says_what_the_field_says(kind: str) -> None:
    """It repeats it, since it can't refer to a field that is a reference itself."""
    schema = files()[f"{BASE}{kind}.schema.json"]
    different = [
        name
        for name, field in schema["$defs"].get("patch", {}).get("properties", {}).items()
        if "$ref" in field.get("then", NOTHING) and "$ref" in schema["properties"].get(name, NOTHING)
        if field["then"] != schema["properties"][name]
    ]
    assert different == []


def test_only_known_keywords_are_used() -> None:
    """A validator passes over a misspelt keyword, and with it over the rule."""
    used = {keyword for schema in files().values() for _, part, _ in subschemas(schema) for keyword in part}
    assert used - KEYWORDS == set()


def _is_refusal(address: str, schema: Schema) -> bool:
    """Tell whether a field only stands in a branch to be refused there, with a sentence why."""
    return bool(annotation(address, schema, "not") == NOTHING)


def test_every_field_has_a_description_in_sentences() -> None:
    texts = {address: annotation(address, schema, "description") or "" for address, schema in FIELDS.items()}
    assert [pair for pair in texts.items() if not (pair[1][:1].isupper() and pair[1][-1] in ".)")] == []


def test_every_field_has_examples() -> None:
    missing = [
        address
        for address, schema in FIELDS.items()
        if not _is_refusal(address, schema) and not annotation(address, schema, "examples")
    ]
    assert missing == []


@pytest.mark.parametrize("file", files())
def test_every_example_satisfies_its_own_field(file: str) -> None:
    wrong = [
        (address, error.message)
        for address, schema in FIELDS.items()
        if address.startswith(f"{file}#") and not _is_refusal(address, schema)
        for example in annotation(address, schema, "examples") or ()
        for error in validator(address).iter_errors(example)
    ]
    assert wrong == []


def test_every_object_with_fields_forbids_unknown_ones() -> None:
    """An object whose fields depend on a condition leaves it to the branches."""
    open_objects = []
    for address, schema in files().items():
        for pointer, part, _ in subschemas(schema):
            is_object = part.get("type") == "object" and "properties" in part
            dispatches = any("if" in branch for branch in part.get("allOf", ())) or "if" in part
            if is_object and "additionalProperties" not in part and not dispatches:
                open_objects.append(f"{address}#{pointer}")
    assert open_objects == []


def test_files_are_short_enough_to_read() -> None:
    assert [path.name for path in FOLDER.rglob("*.json") if path.read_text("utf-8").count("\n") > 400] == []


def test_files_are_json_without_byte_order_marks_or_duplicate_keys() -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    for path in FOLDER.rglob("*.json"):
        json.loads(path.read_text("utf-8"), object_pairs_hook=unique)
