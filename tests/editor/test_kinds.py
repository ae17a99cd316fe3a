"""At the top of a file of each kind an editor proposes, explains and underlines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.editor.conftest import ROOT
from tests.editor.language_server import LanguageServer
from tests.unit.schemas.reading import KINDS


def fields(kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / f"schemas/{kind}.schema.json").read_text("utf-8"))
    return dict(schema["properties"])


def written(kind: str, text: str) -> str:
    return f"# yaml-language-server: $schema=../schemas/{kind}.schema.json\n{text}\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("run", ["before_check", "editor"])
class TestKinds:
    def test_every_field_is_proposed(self, request: pytest.FixtureRequest, run: str, kind: str) -> None:
        server: LanguageServer = request.getfixturevalue(run)
        proposed = server.completions(f"{kind}s", written(kind, "key: something\n▮"))
        assert proposed.keys() >= fields(kind).keys() - {"key"}
        assert [field for field in fields(kind).keys() - {"key"} if not proposed[field]] == []

    def test_a_field_is_explained(self, request: pytest.FixtureRequest, run: str, kind: str) -> None:
        server: LanguageServer = request.getfixturevalue(run)
        said = server.hover(f"{kind}s", written(kind, "ke▮y: something"))
        assert "identity" in said or kind == "event"

    def test_a_misspelt_field_is_underlined(self, request: pytest.FixtureRequest, run: str, kind: str) -> None:
        server: LanguageServer = request.getfixturevalue(run)
        found = server.problems(f"{kind}s", written(kind, "key: something\nownr: team"))
        assert "ownr: Property ownr is not allowed." in found
