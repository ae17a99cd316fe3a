"""Which files are read, and what is said of those that can't be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ai_admin.definitions.check import check
from ai_admin.definitions.files import FOLDERS, MAX_BYTES, find
from providers.posthog.kinds import KINDS, Kind
from tests.support.checkouts import SAMPLES
from tests.unit.definitions.checkouts import Checkout

FLAG = b"key: a\nrelease_conditions: [{}]\n"


def said(root: Path) -> dict[str, str]:
    """Return what is said of each file that is not read."""
    return {file.path: f"{file.line}: {file.message}; {file.fix}" for file in find(root) if file.message}


def read(root: Path) -> list[str]:
    return [file.path for file in find(root) if not file.message]


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    folder = tmp_path / "flags"
    folder.mkdir()
    return folder


def test_yaml_and_yml_are_read_also_in_sub_folders_and_through_links(flags: Path) -> None:
    elsewhere = flags.parent / "elsewhere"
    (flags / "team" / "deep").mkdir(parents=True)
    elsewhere.mkdir()
    for path in (flags / "a.yaml", flags / "b.yml", flags / "team" / "deep" / "c.yaml", elsewhere / "d.yaml"):
        path.write_bytes(FLAG)
    (flags / "e.yaml").symlink_to(flags / "a.yaml")
    (flags / "linked").symlink_to(elsewhere)
    assert read(flags.parent) == [
        "flags/a.yaml",
        "flags/b.yml",
        "flags/e.yaml",
        "flags/linked/d.yaml",
        "flags/team/deep/c.yaml",
    ]
    assert said(flags.parent) == {}


def test_hidden_files_and_files_of_other_kinds_are_ignored(flags: Path) -> None:
    for name in (".a.yaml", "README.md", "a.yaml~", ".gitkeep", "a.yaml.orig"):
        (flags / name).write_bytes(FLAG)
    (flags / ".git").mkdir()
    (flags / ".git" / "a.yaml").write_bytes(FLAG)
    assert list(find(flags.parent)) == []


def test_what_looks_like_a_definition_and_is_not_read_is_noted(flags: Path) -> None:
    (flags / "team.b").mkdir()
    for name in ("a", "b.yaml.orig", "team.b/c.yml.txt", ".d.yaml.swp", "e.yaml~", "f.yaml"):
        (flags / name).write_bytes(FLAG)
    for name in ("LICENSE", "g.yaml.txt"):
        (flags / name).write_text("Not a definition.\n")
    notes = [str(each) for each in check(flags.parent).notes]
    said = "note: only *.yaml and *.yml are read; rename it to flags/{}.yaml if it is meant as a definition, else "
    assert notes == [
        f"flags/{path}:1:1: {said.format(name)}move it elsewhere"
        for path, name in (("a", "a"), ("b.yaml.orig", "b"), ("team.b/c.yml.txt", "team.b/c"))
    ]


def test_every_folder_has_its_kind(tmp_path: Path) -> None:
    for folder in (*FOLDERS, "other"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "a.yaml").write_bytes(FLAG)
    assert {file.path: file.kind for file in find(tmp_path)} == {
        f"{kind.folder}/a.yaml": kind.name for kind in KINDS.values() if kind.folder
    }


@pytest.mark.parametrize(
    ("name", "renamed"), [("a.json", "a.yaml"), ("a.YAML", "a.yaml"), ("a.Yml", "a.yaml"), ("a.toml", "a.yaml")]
)
def test_a_file_meant_as_a_definition_is_not_silently_ignored(flags: Path, name: str, renamed: str) -> None:
    (flags / name).write_bytes(FLAG)
    expected = f"1: only *.yaml and *.yml are read; rename it to flags/{renamed}, or move it elsewhere"
    assert said(flags.parent) == {f"flags/{name}": expected}


def test_links_that_lead_nowhere_or_in_circles(flags: Path) -> None:
    (flags / "nowhere.yaml").symlink_to("gone.yaml")
    (flags / "itself.yaml").symlink_to("itself.yaml")
    (flags / "up").symlink_to("..")
    (flags / "sub").mkdir()
    (flags / "sub" / "back").symlink_to(flags)
    assert said(flags.parent) == {
        "flags/itself.yaml": "1: the file cannot be read (too many levels of symbolic links); "
        "correct its permissions or its link",
        "flags/nowhere.yaml": "1: the link leads nowhere; correct or remove it",
        "flags/sub/back": "1: the link leads back to a folder above it; remove the link",
        "flags/up/flags": "1: the link leads back to a folder above it; remove the link",
    }


def test_what_is_no_regular_file(flags: Path) -> None:
    (flags / "folder.yaml").mkdir()
    os.mkfifo(flags / "pipe.yaml")
    assert said(flags.parent) == {
        "flags/folder.yaml": "1: this is a folder with the name of a file; rename it without the ending",
        "flags/pipe.yaml": "1: this is not a regular file; replace it by a file with YAML in it",
    }


def test_a_file_where_a_folder_belongs(tmp_path: Path) -> None:
    (tmp_path / "flags").write_bytes(FLAG)
    (tmp_path / "events").symlink_to("gone")
    assert said(tmp_path) == {
        "flags": "1: this is a file where a folder belongs; make flags a folder of YAML files",
        "events": "1: the link leads nowhere; correct or remove it",
    }


def test_bytes_that_are_not_utf_8(flags: Path) -> None:
    (flags / "latin.yaml").write_bytes(b"key: a\ndescription: caf\xe9\n")
    (flags / "utf16.yaml").write_bytes("key: a".encode("utf-16"))
    assert said(flags.parent) == {
        "flags/latin.yaml": "2: byte 24 is not UTF-8; save the file as UTF-8",
        "flags/utf16.yaml": "1: byte 1 is not UTF-8; save the file as UTF-8",
    }


def test_a_name_that_is_not_utf_8(flags: Path) -> None:
    with open(os.fsencode(flags) + b"/\xff.yaml", "wb") as file:
        file.write(FLAG)
    assert said(flags.parent) == {"flags/\ufffd.yaml": "1: the name of the file is not UTF-8; rename the file"}


def test_a_file_that_is_too_large_is_not_read(flags: Path) -> None:
    (flags / "large.yaml").write_bytes(b"#" * 10 * MAX_BYTES)
    (flags / "full.yaml").write_bytes(b"#" * MAX_BYTES)
    expected = "1: the file is too large (10.0 MB; at most 1 MB); split it into definitions"
    assert said(flags.parent) == {"flags/large.yaml": expected}
    assert read(flags.parent) == ["flags/full.yaml"]


def test_files_and_folders_that_may_not_be_read(flags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (flags / "secret.yaml").write_bytes(FLAG)
    (flags.parent / "alerts").mkdir()
    scan = os.scandir

    def refuse(path: str, *_: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) if path.endswith("alerts") else scan(path))
    fix = "correct its permissions"
    assert said(flags.parent) == {
        "flags/secret.yaml": f"1: the file cannot be read (permission denied); {fix} or its link",
        "alerts": f"1: the folder cannot be read (permission denied); {fix}",
    }


def test_one_run_reports_the_problems_of_every_bad_file(checkout: Checkout) -> None:
    checkout.write("flags/empty.yaml", "")
    checkout.write("flags/list.yaml", "- a")
    checkout.write("flags/text.yaml", "hello")
    checkout.write("flags/broken.yaml", "key: [")
    (checkout.root / "flags" / "wrong.json").write_text("{}")
    checkout.write("cohorts/typo.yaml", "key: typo\nnme: Typo\nproperties: [{key: version, value: a}]\n")
    assert [line.partition(":")[0] for line in checkout.problems()] == [
        "cohorts/typo.yaml",
        "flags/broken.yaml",
        "flags/empty.yaml",
        "flags/list.yaml",
        "flags/text.yaml",
        "flags/wrong.json",
    ]


def test_a_file_that_holds_no_mapping(checkout: Checkout) -> None:
    checkout.write("flags/a.yaml", "- key: a")
    checkout.write("flags/b.yaml", "12")
    checkout.write("flags/c.yaml", "---\n")
    fix = 'start it with "key: <name of the flag>"'
    assert checkout.problems() == [
        f"flags/a.yaml:1:1: the file holds a list, not a definition; {fix}",
        f"flags/b.yaml:1:1: the file holds a number, not a definition; {fix}",
        f"flags/c.yaml:1:1: the file holds nothing, not a definition; {fix}",
    ]


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.folder], ids=lambda kind: kind.name)
def test_a_definition_at_the_top_is_never_sent_to_the_folder_of_another_kind(tmp_path: Path, kind: Kind) -> None:
    sample = min((SAMPLES / kind.folder).glob("*.yaml"))
    unnamed = sample.read_text(encoding="utf-8").partition("\n")[2]
    (tmp_path / "lost.yaml").write_text(unnamed, encoding="utf-8")
    fix = said(tmp_path)["lost.yaml"].partition("; ")[2]
    assert fix in (f"move it to {kind.folder}/", "move it to the folder of its kind")
    assert kind.folder in fix or kind.name in ("playlist", "saved_metric")  # others have all of their keys, too
