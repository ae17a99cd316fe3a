"""New texts of files are not written over what somebody saved meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions.saved import save
from providers.posthog.errors import NotEdited

BEFORE = {"one.yaml": "key: one\r\n", "two.yaml": "key: two\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in BEFORE.items():
        (tmp_path / path).write_bytes(text.encode())
    return tmp_path


def test_what_is_as_it_was_read_is_written_and_removed(root: Path) -> None:
    save(root, BEFORE, {"one.yaml": "key: é\r\n", "two.yaml": None})
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {"one.yaml": "key: é\r\n".encode()}


@pytest.mark.parametrize("saved", ["key: two # ours\n", "key: two\r\n", None])
def test_nothing_is_written_where_one_file_was_saved_meanwhile(root: Path, saved: str | None) -> None:
    two = root / "two.yaml"
    two.unlink() if saved is None else two.write_bytes(saved.encode())
    with pytest.raises(NotEdited, match=r"two\.yaml was saved by somebody else meanwhile"):
        save(root, BEFORE, {"one.yaml": "key: new\n", "two.yaml": "key: new\n"})
    assert (root / "one.yaml").read_bytes() == b"key: one\r\n"
    assert (two.read_bytes().decode() if two.exists() else None) == saved
