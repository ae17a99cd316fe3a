"""Every example of the documentation is a definition, or a change of one, that is accepted beside the samples."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from ai_admin.definitions import Definition, load
from ai_admin.definitions.files import FOLDERS
from tests.support.checkouts import SAMPLES, sample_checkout
from tests.support.documents import Block, blocks
from tests.support.sandbox import REPOSITORY

DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
EXAMPLES = [block for document in DOCUMENTS for block in blocks(document) if block.language in ("yaml", "diff")]


def test_every_example_says_which_file_it_is() -> None:
    assert EXAMPLES
    assert [block.text for block in EXAMPLES if not block.attributes.keys() & {"file", "add"}] == []


EDITS = [block for block in EXAMPLES if block.edits]
OWN = [block for block in EXAMPLES if not block.edits and (SAMPLES / block.attributes["file"]).exists()]
"""Samples, shown whole: the tests accept those."""
NEW = [block for block in EXAMPLES if block not in (*EDITS, *OWN)]


@cache
def samples() -> tuple[Definition, ...]:
    return load(SAMPLES).resources


def name(block: Block) -> str:
    return f"{block.document}:{block.edits or block.attributes['file']}"


@pytest.mark.parametrize("block", OWN, ids=name)
def test_a_sample_is_shown_as_it_is(block: Block) -> None:
    assert block.text == (SAMPLES / block.attributes["file"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", NEW, ids=name)
def test_an_example_is_accepted_beside_the_samples(block: Block, tmp_path: Path) -> None:
    """Daily loop A4: beside the samples, so a definition of the checkout may have an example's key."""
    sample_checkout(tmp_path)
    (tmp_path / block.attributes["file"]).write_text(block.text, encoding="utf-8")
    after = load(tmp_path)
    assert [str(problem) for problem in after.problems] == []
    assert len(after.resources) > len(samples())


@pytest.mark.parametrize("block", EDITS, ids=name)
def test_a_change_of_a_sample_changes_it_and_nothing_else(block: Block, tmp_path: Path) -> None:
    """Daily loop A6: whoever does what the example says keeps the definition that stands there."""
    path = sample_checkout(tmp_path) / str(block.edits)
    path.write_text(block.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
    after = load(tmp_path)
    assert [str(problem) for problem in after.problems] == []
    changed = [
        (new.kind, new.key)
        for old, new in zip(samples(), after.resources, strict=True)
        if (old.kind, old.key, old.properties) != (new.kind, new.key, new.properties)
    ]
    kind = FOLDERS[str(block.edits).rpartition("/")[0]]
    assert changed == [(kind, yaml.safe_load(path.read_text(encoding="utf-8"))["key"])]


def test_the_example_of_switching_off_is_the_one_line_to_add() -> None:
    """Daily loop A6."""
    [block] = [block for block in EDITS if block.language == "yaml" and block.document == "README.md"]
    assert (block.edits, block.text) == ("flags/ai-enhancement-enabled.yaml", "active: false\n")


def test_code_that_is_shown_is_the_code_that_is_there() -> None:
    shown = [block for document in DOCUMENTS for block in blocks(document) if block.language == "python"]
    assert shown
    for block in shown:
        assert block.text in (REPOSITORY / block.attributes["file"]).read_text(encoding="utf-8")


def test_every_block_is_of_a_kind_that_some_test_looks_at() -> None:
    """Commands are run by the end-to-end tests, which look at the README and at docs/ itself."""
    for document in DOCUMENTS:
        languages = {block.language for block in blocks(document)}
        known = {"yaml"} if document.parent.name == "reference" else {"yaml", "diff", "python", "sh", "text"}
        assert languages <= known
        assert document.read_text(encoding="utf-8").count("\n```") % 2 == 0
