"""Reading schemas: references are followed once, and a broken checkout says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai_admin.definitions.schemas import schema
from providers.posthog.errors import SchemaError


def write(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def test_references_are_followed_from_the_file_that_holds_them(tmp_path: Path) -> None:
    one = {"x": {"items": {"$ref": "deep/two.schema.json"}}, "y/z": {"type": "string"}}
    two = [{"$ref": "../one.schema.json#/$defs/y~1z"}, {"$ref": "#/$defs/n"}]
    write(
        tmp_path,
        {
            "flag.schema.json": {"properties": {"a": {"$ref": "shared/one.schema.json#/$defs/x"}}},
            "shared/one.schema.json": {"$defs": one},
            "shared/deep/two.schema.json": {"anyOf": two, "$defs": {"n": {"type": "null"}}},
        },
    )
    assert schema("flag", tmp_path) == {
        "properties": {"a": {"items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    }


def test_what_stands_beside_a_reference_is_kept(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "flag.schema.json": {
                "properties": {
                    "described": {"$ref": "#/$defs/x", "description": "new", "examples": [1]},
                    "narrowed": {"$ref": "#/$defs/x", "minimum": 1},
                },
                "$defs": {"x": {"type": "integer", "description": "old"}},
            }
        },
    )
    assert schema("flag", tmp_path)["properties"] == {
        "described": {"type": "integer", "description": "new", "examples": [1]},
        "narrowed": {"minimum": 1, "allOf": [{"type": "integer", "description": "old"}]},
    }


def test_a_schema_may_contain_itself(tmp_path: Path) -> None:
    write(tmp_path, {"flag.schema.json": {"properties": {"inner": {"$ref": "#"}}}})
    read = schema("flag", tmp_path)
    assert list(read["properties"]["inner"]) == ["allOf"]
    assert read["properties"]["inner"]["allOf"][0] is read


def test_what_refers_to_a_broken_schema_is_not_taken_for_read(tmp_path: Path) -> None:
    broken = {"properties": {"a": {"$ref": "b.schema.json"}, "x": {"$ref": "#/$defs/gone"}}}
    back = {"properties": {"back": {"$ref": "flag.schema.json"}}}
    write(tmp_path, {"flag.schema.json": broken, "b.schema.json": back})
    for kind in ("flag", "b", "flag"):
        with pytest.raises(SchemaError, match=r"has nothing at #/\$defs/gone"):
            schema(kind, tmp_path)


def test_a_forbidden_property_keeps_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"flag.schema.json": {"properties": {"gone": False}, "additionalProperties": False}})
    assert schema("flag", tmp_path) == {"properties": {"gone": {"not": {}}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "schemas/flag.schema.json cannot be read: "),
        ({"flag.schema.json": {"$ref": "gone.schema.json"}}, "schemas/gone.schema.json cannot be read: "),
        ({"flag.schema.json": {"$ref": "#/$defs/gone"}}, "schemas/flag.schema.json has nothing at #/$defs/gone"),
    ],
)
def test_a_missing_schema_is_named(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    write(tmp_path, files)
    with pytest.raises(SchemaError) as raised:
        schema("flag", tmp_path)
    assert str(raised.value).startswith(message)
