"""The reference is what the schemas say, whole, and its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from ai_admin.definitions.files import FOLDERS
from ai_admin.definitions.schemas import schema
from tests.support.sandbox import REPOSITORY
from tools.reference import reference as made

reference = cache(made)  # every test reads all pages
FOLDER = REPOSITORY / "docs" / "reference"
KINDS = tuple(FOLDERS.values())


def test_the_pages_are_what_make_docs_writes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert written == reference(), "run `make docs` and commit docs/reference"


def fields(part: Any, seen: set[int]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield every field that can be reached in a schema whose references are followed.

    Each comes with its name, its schema, and whether that only says when a field explained elsewhere takes less.
    """
    if isinstance(part, list):
        for each in part:
            yield from fields(each, seen)
    if not isinstance(part, dict) or id(part) in seen:
        return
    seen.add(id(part))
    for name, field in part.get("properties", {}).items():
        yield name, field, "type" not in part
    for keyword, inner in part.items():
        if keyword == "properties":
            for each in inner.values():
                yield from fields(each, seen)
        elif keyword in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "then", "else"):
            yield from fields(inner, seen)


def words(field: dict[str, Any]) -> list[str]:
    """Return what a page may say of a field: its description, or the sentence that tells what is wrong with it.

    Without the first letter and the last point, which differ.
    """
    field = field.get("then", {}) if field.get("if") == {"not": {"type": "null"}} else field
    said = [field.get("description"), field.get("errorMessage")]
    return [re.sub(r"\s+", " ", text).replace("|", "\\|")[1:].rstrip(".") for text in said if text]


def is_said(lines: list[str], name: str, texts: list[str]) -> bool:
    """Say whether a line that names the field says one of the texts; without a name, whether any line does."""
    return any(text in line for line in lines if name in line for text in texts)


def leads_inside(field: dict[str, Any]) -> bool:
    """Say whether a field has fields of its own; where it only says less, those are what it is about."""
    return "properties" in field or "properties" in field.get("items", {})


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_at_every_depth_is_on_a_page(kind: str) -> None:
    lines = [line for text in reference().values() for line in text.splitlines()]
    missing = [
        (name, words(field))
        for name, field, says_less in fields(schema(kind), set())
        if not (says_less and leads_inside(field))
        and not is_said(lines, "" if says_less else f"`{name}`", words(field))
    ]
    assert missing == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_file_has_type_description_and_example(kind: str) -> None:
    text, whole = (FOLDER / f"{kind}.md").read_text(encoding="utf-8"), schema(kind)
    for name, field in whole["properties"].items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        _, _, type_, default, description, example, _ = re.split(r"(?<!\\)\|", row)
        assert type_.strip()
        assert description.strip() == field["description"]
        assert example.strip().startswith("`")
        assert (default.strip() == "**required**") == (name in whole["required"])


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M):
        slug = "".join(char for char in heading.lower() if char.isalnum() or char in "-_ ").replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


@pytest.mark.parametrize("name", sorted(str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob("docs/**/*.md")))
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    page = REPOSITORY / name
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link
