"""What `ai-admin check` leaves for editors: the names of the checkout, in files that git passes over."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ai_admin.definitions import proposals, schemas
from ai_admin.definitions.check import check
from tests.unit.definitions.checkouts import Checkout

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``schemas/local`` as it is in git, in a checkout that is committed."""
    Checkout(tmp_path).with_flag_and_action()
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    folder = tmp_path / "schemas/local"
    for file in folder.iterdir():
        file.write_text('{"title": "As in git"}\n')
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "all")
    return folder


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


def write(folder: Path) -> None:
    root = folder.parents[1]
    proposals.write(root, check(root).indexes[None])


def proposed(folder: Path, file: str) -> list[str]:
    schema = json.loads((folder / f"{file}.schema.json").read_text("utf-8"))
    return [each["const"] for each in schema.get("anyOf", ()) if "const" in each]


def test_every_kind_of_name_is_written(folder: Path) -> None:
    write(folder)
    assert {
        file.name.partition(".")[0]: proposed(folder, file.name.partition(".")[0]) for file in folder.iterdir()
    } == {
        "action": ["failed"],
        "cohort": ["internal"],
        "dashboard": ["usage"],
        "event": ["ai_used"],
        "eventProperty": ["at", "model", "success", "tokens"],
        "flag": ["ab", "enabled"],
        "holdout": [],
        "insight": ["runs"],
        "personProperty": ["health", "seen", "usage", "version"],
        "saved_metric": [],
    }


def test_anything_else_is_allowed_too(folder: Path) -> None:
    write(folder)
    assert json.loads((folder / "flag.schema.json").read_text("utf-8"))["anyOf"][-1] == {}


def test_git_sees_no_change(folder: Path) -> None:
    write(folder)
    root = folder.parents[1]
    assert git(root, "status", "--short") == ""
    git(root, "add", "--all")
    assert git(root, "status", "--short") == ""


def test_nothing_is_written_where_nothing_changed(folder: Path) -> None:
    write(folder)
    before = {file: file.stat().st_mtime_ns for file in (*folder.iterdir(), folder.parents[1] / ".git/index")}
    write(folder)
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_names_stay_while_a_file_cannot_be_read(folder: Path) -> None:
    write(folder)
    (folder.parents[1] / "flags/enabled.yaml").write_text("key: [\n")
    write(folder)
    assert proposed(folder, "flag") == ["ab", "enabled"]


def test_nothing_is_written_while_git_is_at_work(folder: Path) -> None:
    (folder.parents[1] / ".git/index.lock").touch()
    write(folder)
    assert proposed(folder, "flag") == []


def test_a_checkout_without_the_folder_gets_none(tmp_path: Path) -> None:
    Checkout(tmp_path)
    proposals.write(tmp_path, check(tmp_path).indexes[None])
    assert not (tmp_path / "schemas").exists()


def test_another_checkouts_folder_is_left_alone(folder: Path, tmp_path: Path) -> None:
    borrower = tmp_path / "borrower"
    borrower.mkdir()
    Checkout(borrower)
    (borrower / "schemas").symlink_to(folder.parent)
    proposals.write(borrower, check(borrower).indexes[None])
    assert proposed(folder, "flag") == []


def test_a_file_that_cannot_be_written_is_no_error(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
        file.mkdir()
    write(folder)


def test_the_check_does_not_see_them(folder: Path) -> None:
    """What is proposed rules nothing out, and costs nothing: a schema means the same before and after."""
    before = json.dumps(schemas.schema("alert", folder.parent), check_circular=False)
    write(folder)
    assert json.dumps(schemas.schema("alert", folder.parent), check_circular=False) == before
    assert "local" not in before
