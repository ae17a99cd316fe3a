"""Every YAML example of the documentation is a definition that this repository accepts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ai_admin.definitions import load
from ai_admin.definitions.files import FOLDERS
from tests.support.documents import Block, blocks
from tests.support.sandbox import REPOSITORY

DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
EXAMPLES = [block for document in DOCUMENTS for block in blocks(document) if block.language == "yaml"]


def test_every_example_says_which_file_it_is() -> None:
    assert EXAMPLES
    assert [block.text for block in EXAMPLES if "file" not in block.attributes] == []


OWN = [block for block in EXAMPLES if (REPOSITORY / block.attributes["file"]).exists()]
"""Files of this repository, shown whole: the checkout's own tests accept those."""
NEW = [block for block in EXAMPLES if block not in OWN]


@pytest.mark.parametrize("block", OWN, ids=lambda block: f"{block.document}:{block.attributes['file']}")
def test_a_file_of_the_repository_is_shown_as_it_is(block: Block) -> None:
    assert block.text == (REPOSITORY / block.attributes["file"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", NEW, ids=lambda block: f"{block.document}:{block.attributes['file']}")
def test_an_example_is_accepted_beside_the_repositorys_definitions(block: Block, tmp_path: Path) -> None:
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    for settings in REPOSITORY.glob("Pulumi*.yaml"):
        shutil.copy(settings, tmp_path)
    before = len(load(tmp_path).resources)
    (tmp_path / block.attributes["file"]).write_text(block.text, encoding="utf-8")
    after = load(tmp_path)
    assert [str(problem) for problem in after.problems] == []
    assert len(after.resources) > before


def test_code_that_is_shown_is_the_code_that_is_there() -> None:
    shown = [block for document in DOCUMENTS for block in blocks(document) if block.language == "python"]
    assert shown
    for block in shown:
        assert block.text in (REPOSITORY / block.attributes["file"]).read_text(encoding="utf-8")


def test_every_block_is_of_a_kind_that_some_test_looks_at() -> None:
    """Commands are run by the end-to-end tests, which look at the README and at docs/ itself."""
    for document in DOCUMENTS:
        languages = {block.language for block in blocks(document)}
        assert languages <= ({"yaml"} if document.parent.name == "reference" else {"yaml", "python", "sh", "text"})
        assert document.read_text(encoding="utf-8").count("\n```") % 2 == 0
