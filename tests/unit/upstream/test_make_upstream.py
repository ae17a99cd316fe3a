"""`make upstream`: what it reads in PostHog's packages, and the list that it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.toolchain.errors import ToolchainError
from tools.upstream import changes, facts, packages
from tools.upstream.declarations import Declarations
from tools.upstream.shape import ordered, paths
from tools.upstream.zod import Bundle

ROOT = Path(__file__).parents[3]
BUNDLE = Bundle(
    """// src/generated/things/api.ts
var thingsMax = 400;
var ThingsCreateBody = () => object({
  name: string2().max(thingsMax).describe("Its name, (\\"key\\": `x`)"),
  kind: _enum2(["a", "b"]).describe('* `a` - a').optional(),
  size: union([literal(1), literal(2), _null3()]).default(1),
  parts: array(
    union([
      object({ kind: literal("round"), radius: number2() }),
      object({ kind: literal("square"), side: number2(), "data-x": unknown().nullish() })
    ])
  ).describe("Parts")
});
var Whole = external_exports.object({ first: Other.describe("x"), me: external_exports.lazy(() => Whole).optional() });
var Other = /* @__PURE__ */ external_exports.enum(["x"]);
var Bigger = Whole.extend({ second: external_exports.string().regex(new RegExp("^a$")) });
var Odd = object({ a: % });
"""
)
DECLARED = Declarations(
    """declare namespace Schemas {
    type Direction = 'up' | "down";
    type Node = {
        kind?: string | undefined;
        to: (Direction | null);
        also?: Array<Partial<{
            deep: Node | null;
        }>> | undefined;
        map: Record<string, unknown>;
    };
}
declare namespace Endpoints {
    type put_Things_update = {
        responses: {
            200: Schemas.Node;
        };
    };
    type put_Nothings_update = {
        responses: {
            200: unknown;
        };
    };
}
"""
)


def test_fields_values_and_what_is_required_are_read_from_a_bundle() -> None:
    body = BUNDLE.shape("ThingsCreateBody")
    assert body.required == {"name", "parts"}
    assert {path: ordered(shape.values) for path, shape in paths(body, 2)} == {
        "kind": ["a", "b"],
        "name": [],
        "parts": [],
        "parts.data-x": [],
        "parts.kind": ["round", "square"],
        "parts.radius": [],
        "parts.side": [],
        "size": [1, 2],
    }
    round_, square = body.at("parts").choices
    assert (sorted(round_.fields), sorted(square.fields)) == (["kind", "radius"], ["data-x", "kind", "side"])


def test_a_bundle_names_other_definitions_and_itself() -> None:
    bigger = BUNDLE.shape("Bigger")
    assert (sorted(bigger.fields), sorted(bigger.required)) == (["first", "me", "second"], ["first", "second"])
    assert bigger.at("first").values == {"x"}


def test_a_bundle_of_a_new_form_is_refused() -> None:
    with pytest.raises(ToolchainError, match="new form"):
        BUNDLE.shape("Odd")


def test_fields_values_and_what_is_required_are_read_from_declarations() -> None:
    node = DECLARED.shape("Node")
    assert (sorted(node.fields), sorted(node.required)) == (["also", "kind", "map", "to"], ["map", "to"])
    assert node.at("to").values == {"up", "down"}
    assert "deep" in node.at("also").fields
    assert DECLARED.answer("put_Things_update") == node
    assert DECLARED.answer("put_Nothings_update").fields == {}


def test_facts_are_written_a_field_a_line() -> None:
    assert facts.text({"a": {"x": ["1", "2"], "y": []}, "b": {}}) == (
        '{\n  "a": {\n    "x": ["1", "2"],\n    "y": []\n  },\n  "b": {}\n}'
    )


@pytest.mark.parametrize("file", ["api.json", "queries.json"])
def test_what_is_stored_is_written_by_the_tool_and_by_nobody_else(file: str) -> None:
    stored = (ROOT / "tests" / "upstream" / file).read_text("utf-8")
    assert stored == f"{facts.text(json.loads(stored))}\n"


def test_a_change_names_the_field_and_the_files_that_may_have_to_follow() -> None:
    old: dict[str, Any] = {"annotations": {"create": {"a": ["x", "y"], "b": []}, "update": {}, "required": ["a"]}}
    new: dict[str, Any] = {"annotations": {"create": {"a": ["y", "z"], "c": ["1"]}, "update": {}, "required": ["c"]}}
    assert list(changes.api(old, new, ROOT)) == [
        "annotations  (providers/posthog/kinds/annotation.py, schemas/annotation.schema.json, "
        "sandbox/resources/analytics/annotations.py)",
        "  enum  a: +z -x",
        "  gone  b",
        "  new   c (1)",
        "  required now      c",
        "  no more required  a",
    ]
    assert list(changes.api(new, new, ROOT)) == []


def test_a_change_of_a_query_node_names_its_schemas() -> None:
    places = {"Moon": "queries/moon.json", "Moon/shorthand": "queries/short.json", "Sun": "queries/sun.json"}
    old: dict[str, Any] = {"Moon": {"fields": {"a": []}, "required": []}}
    new: dict[str, Any] = {"Moon": {"fields": {}, "required": []}, "Mars": {"fields": {"b": []}, "required": []}}
    assert list(changes.queries(old, new, places)) == [
        "Mars  (no schema: see tests/upstream/places.json)",
        "  new   b",
        "Moon  (schemas/shared/queries/moon.json, schemas/shared/queries/short.json)",
        "  gone  a",
    ]


def test_every_collection_has_a_file_that_may_have_to_follow() -> None:
    assert [name for name in facts.COLLECTIONS if not changes.files(ROOT, name)] == []


def test_without_npm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="Install Node"):
        packages.npm("view", "anything")


def test_an_archive_that_is_not_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\necho other >"$4/a-b-1.tgz"\n', "utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    package = packages.Package("@a/b", "1", "2026-01-01", "sha512-AAAA", "package/x")
    with pytest.raises(ToolchainError, match="integrity"):
        packages.content(package, tmp_path)
