"""The samples: each satisfies its schema as written and on every stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ai_admin.definitions.files import FOLDERS, TOP_FOLDERS
from tests.support.checkouts import SAMPLES
from tests.unit.schemas.reading import ROOT, load, validator

FILES = [(kind, path) for folder, kind in FOLDERS.items() for path in sorted((SAMPLES / folder).glob("*.yaml"))]
NAMES = [path.relative_to(SAMPLES).as_posix() for _, path in FILES]
STACKS = ("sandbox", "staging", "production")


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON Merge Patch as in RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


@pytest.mark.parametrize(("kind", "path"), FILES, ids=NAMES)
def test_a_definition_satisfies_its_schema_on_every_stack(kind: str, path: Path) -> None:
    written = load(path)
    patches = written.get("stacks", {})
    assert set(patches) <= set(STACKS)
    for form in (written, *(merge(written, patches.get(stack, {})) for stack in STACKS)):
        assert [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(form)] == []


@pytest.mark.parametrize(("kind", "path"), FILES, ids=NAMES)
def test_an_editor_finds_the_schema_from_the_first_line(kind: str, path: Path) -> None:
    first, _, _ = path.read_text("utf-8").partition("\n")
    name, _, schema = first.partition("$schema=")
    assert name == "# yaml-language-server: "
    assert (path.parent / schema).resolve() == ROOT / "schemas" / f"{kind}.schema.json"


def test_every_kind_has_samples() -> None:
    assert {kind for kind, _ in FILES} == set(FOLDERS.values())
    there = {path for folder in TOP_FOLDERS for path in (SAMPLES / folder).rglob("*.*")}
    assert {path for _, path in FILES} == there
