"""Writing files that people also edit: all or none, and never over a file that somebody saved meanwhile."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from providers.posthog.errors import NotEdited


def save(root: Path, texts: Mapping[str, str | None], read: Mapping[str, str]) -> None:
    """Write new texts of files, where each is still what it was when it was read.

    Args:
        root: the folder that they are in.
        texts: by path below it; None: the file goes.
        read: what each file said, from which its new text was made; one that is not among these is a new file.

    Raises :class:`NotEdited`, and has written nothing then, where one was saved or made since, or can't be written.
    """
    path = ""
    try:
        for path in texts:
            before = read[path].encode("utf-8") if path in read else None
            if _bytes(root / path) != before:
                raise NotEdited(
                    f"{path} exists already, and only new files are written; move it away first"
                    if before is None
                    else f"somebody saved {path} meanwhile; run this again"
                )
        put({root / path: text for path, text in texts.items()})
    except OSError as problem:
        where = os.path.relpath(problem.filename or root / path, root)
        raise NotEdited(f"{where} can't be written: {problem.strerror}") from None


def put(texts: Mapping[Path, str | None]) -> None:
    """Write files; None: the file goes. When one can't be written, those before it are taken back.

    Raises ``OSError``.
    """
    before = {path: _bytes(path) for path in texts}
    done: list[Path] = []
    try:
        for path, text in texts.items():
            done.append(path)
            _put(path, None if text is None else text.encode("utf-8"))
    except OSError:
        for path in done:
            _put(path, before[path])
        raise


def _bytes(path: Path) -> bytes | None:
    """Return what a file holds; None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
