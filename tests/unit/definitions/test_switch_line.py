"""The one line that is edited when a flag is switched, and nothing else in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.switch_line import flag_files, is_on, line_of, switched, unreadable_files
from providers.posthog.errors import NotEdited


def document(text: str) -> Document:
    return Document(File("flags/x.yaml", "flag", text))


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("key: x\nname: y\n", "key: x\nactive: false\nname: y\n"),
        (
            "# Ü 🚦\nkey: 'x'  # the switch\n# more\ntags: [a]\n",
            "# Ü 🚦\nkey: 'x'  # the switch\nactive: false\n# more\ntags: [a]\n",
        ),
        ("tags: [a]\nactive:  true   # since May\nkey: x\n", "tags: [a]\nactive:  false   # since May\nkey: x\n"),
        ("key: x\r\ntags: [a]\r\n", "key: x\r\nactive: false\r\ntags: [a]\r\n"),
        ("tags: [a]\nkey: x", "tags: [a]\nkey: x\nactive: false\n"),
        ("{key: x, tags: [a]}\n", "{key: x, active: false, tags: [a]}\n"),
        ("\ufeffkey: x\nactive: true\n", "\ufeffkey: x\nactive: false\n"),
        ("---\n  key: x\n  tags: [a]\n", "---\n  key: x\n  active: false\n  tags: [a]\n"),
        ('key: x\n"active": True\n', 'key: x\n"active": false\n'),
        (
            "key: x\nactive: true\nstacks:\n  prod: {active: true, tags: [b]}\n",
            "key: x\nactive: true\nstacks:\n  prod: {active: false, tags: [b]}\n",
        ),
        (
            "key: x\nstacks:\n  prod: {tags: [b]}\n  other: {active: true}\n",
            "key: x\nactive: false\nstacks:\n  prod: {tags: [b]}\n  other: {active: true}\n",
        ),
        ("key: x\nactive: false\nstacks: {prod: {tags: []}}\n", "key: x\nactive: false\nstacks: {prod: {tags: []}}\n"),
        (
            "key: x\nunmanaged: [active]\nstacks:\n  prod:  # live\n    # none\n    unmanaged: []\n",
            "key: x\nunmanaged: [active]\nstacks:\n  prod:  # live\n    # none\n    active: false\n    unmanaged: []\n",
        ),
        (
            "key: x\nstacks: {prod: {}, other: {unmanaged: [active]}}\n",
            "key: x\nstacks: {prod: {active: false}, other: {unmanaged: [active]}}\n",
        ),
        (
            "key: x\nactive: true\nstacks:\n  other: {active: null, unmanaged: [active]}\n",
            "key: x\nactive: false\nstacks:\n  other: {active: null, unmanaged: [active]}\n",
        ),
    ],
    ids=[
        *("added", "comments", "replaced", "crlf", "last", "flow", "bom"),
        *("indented", "quoted", "patch", "other", "off"),
        *("left but here", "left elsewhere", "left elsewhere and said"),
    ],
)
def test_only_the_switch_is_edited(text: str, edited: str) -> None:
    result = switched(document(text), "prod", False)
    assert result.text == edited
    assert is_on(result, "prod") is False
    assert "active" in edited.splitlines()[line_of(result, "prod") - 1]


@pytest.mark.parametrize("line", ["unmanaged: 3\n", "d: !!date 2\n", "n: [.nan]\n", "1: 2\n", "stacks: 3\nonly: 4\n"])
def test_what_else_is_wrong_with_the_file_does_not_matter(line: str) -> None:
    assert switched(document(f"key: x\n{line}"), "prod", False).text == f"key: x\nactive: false\n{line}"


def test_on_again_is_the_same_line() -> None:
    assert switched(document("key: x\nactive: false # why\n"), "prod", True).text == "key: x\nactive: true # why\n"
    assert switched(document("key: x\n"), "prod", True).text == "key: x\n"


def test_what_would_be_said_of_a_stack_that_leaves_it_to_posthog_is_not_written() -> None:
    left = document("key: x\nstacks: {other: {unmanaged: [active]}}\n")
    with pytest.raises(NotEdited, match=r"leaves the switch .* write it under `stacks:`, `prod: {active: false}`"):
        switched(left, "prod", False)


@pytest.mark.parametrize(
    "text", ["key: x\ntags: [\n", "key: x\narchived: &no true\nactive: *no\n", "tags: [a]\n", "[key]\n"]
)
def test_what_is_not_surely_the_switch_is_not_edited(text: str) -> None:
    with pytest.raises(NotEdited):
        switched(document(text), "prod", False)


def test_a_flag_is_found_by_its_key_among_broken_files(tmp_path: Path) -> None:
    (tmp_path / "flags" / "team").mkdir(parents=True)
    (tmp_path / "flags" / "a.yaml").write_text("key: x\n  broken: [\n")
    (tmp_path / "flags" / "b.yaml").write_text("key: other\ndescription: 'key: x'\n")
    (tmp_path / "flags" / "c.yaml").write_bytes(b"key: \xff\n")
    (tmp_path / "flags" / "team" / "z.yml").write_text("tags: [a]\n'key': \"x\" # here\n")
    (tmp_path / "flags" / "team" / "copy.yaml").write_text("{key: x}\n")
    early_access = tmp_path / "flags" / "early_access"
    early_access.mkdir()
    (early_access / "x.yaml").write_text("key: x\nflag: x\nname: X\n")
    (early_access / "broken.yaml").write_text("key: x\nflag: [\n")
    assert [each.path for each in flag_files(tmp_path, "x")] == ["flags/team/copy.yaml", "flags/team/z.yml"]
    assert list(flag_files(tmp_path, "y")) == []
    assert [each.path for each in unreadable_files(tmp_path, "x")] == ["flags/a.yaml"]
    assert [each.path for each in unreadable_files(tmp_path, "c")] == ["flags/c.yaml"]
    assert list(unreadable_files(tmp_path, "other")) == []


def test_only_says_where_a_flag_is_at_all() -> None:
    assert is_on(document("key: x\nonly: [staging]\n"), "prod") is None
    assert is_on(document("key: x\nonly: [staging]\n"), "staging") is True
