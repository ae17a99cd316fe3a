"""Files are written all or none, and never over what somebody saved meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions.saving import put, save
from providers.posthog.errors import NotEdited


@pytest.mark.parametrize("now", ["key: b\r\n", None])
def test_what_was_saved_meanwhile_is_not_overwritten(tmp_path: Path, now: str | None) -> None:
    put({tmp_path / "flags" / "a.yaml": "key: a\n", tmp_path / "flags" / "b.yaml": now})
    read = {"flags/a.yaml": "key: a\n", "flags/b.yaml": "key: b\n"}
    with pytest.raises(NotEdited, match=r"somebody saved flags/b\.yaml meanwhile; run this again"):
        save(tmp_path, {"flags/a.yaml": "key: c\n", "flags/b.yaml": None}, read)
    assert (tmp_path / "flags" / "a.yaml").read_text() == "key: a\n"
    assert (tmp_path / "flags" / "b.yaml").exists() is (now is not None)


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine\n")
    with pytest.raises(NotEdited, match=r"a\.yaml exists already, and only new files are written"):
        save(tmp_path, {"new.yaml": "new\n", "a.yaml": "other\n"}, {})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.yaml", "mine\n")]


def test_what_can_not_be_written_is_said_and_takes_the_rest_back(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a\n")
    (tmp_path / "flags").mkdir()
    (tmp_path / "flags" / "link.yaml").symlink_to(tmp_path / "gone" / "link.yaml")
    with pytest.raises(NotEdited, match=r"^flags/link\.yaml can't be written: No such file or directory$"):
        save(tmp_path, {"a.yaml": "b\n", "flags/link.yaml": "new\n"}, {"a.yaml": "a\n"})
    assert (tmp_path / "a.yaml").read_text() == "a\n"


def test_files_are_written_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("\ufeffkey: a\r\n".encode())
    (tmp_path / "b.yaml").write_text("b\n")
    read = {"a.yaml": "\ufeffkey: a\r\n", "b.yaml": "b\n"}
    save(tmp_path, {"a.yaml": "\ufeffkey: ü\r\n", "b.yaml": None, "c/d/e.yaml": "e\n"}, read)
    assert (tmp_path / "a.yaml").read_bytes() == "\ufeffkey: ü\r\n".encode()
    assert not (tmp_path / "b.yaml").exists()
    assert (tmp_path / "c" / "d" / "e.yaml").read_text() == "e\n"
