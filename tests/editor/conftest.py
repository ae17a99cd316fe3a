"""A checkout with a definition of each kind, as people open it, and a language server that looks at it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_admin.definitions import proposals
from ai_admin.definitions.check import check
from tests.editor.language_server import LanguageServer
from tests.unit.definitions.checkouts import Checkout

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which nobody has run anything yet."""
    root = tmp_path_factory.mktemp("cloned")
    Checkout(root).with_flag_and_action()
    shutil.copytree(ROOT / "schemas", root / "schemas")
    for file in (root / "schemas/local").iterdir():
        schema = json.loads(file.read_text("utf-8"))
        schema.pop("anyOf", None)  # as it stands in git, whatever was checked here
        file.write_text(json.dumps(schema), "utf-8")
    return root


@pytest.fixture(scope="session")
def checked(cloned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after ``ai-admin check``."""
    root = tmp_path_factory.mktemp("checked") / "checkout"
    shutil.copytree(cloned, root)
    proposals.write(root, check(root).indexes[None])
    return root


@pytest.fixture(scope="session")
def before_check(cloned: Path) -> Iterator[LanguageServer]:
    with LanguageServer(cloned) as server:
        yield server


@pytest.fixture(scope="session")
def editor(checked: Path) -> Iterator[LanguageServer]:
    with LanguageServer(checked) as server:
        yield server
