"""New texts of files into a checkout, and never over what somebody saved there meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from providers.posthog.errors import NotEdited


def save(root: Path, before: Mapping[str, str], texts: Mapping[str, str | None]) -> None:
    """Write new texts of files.

    Args:
        root: the checkout.
        before: by path in the checkout, what each file held when its new text was made of it.
        texts: by path, the new texts; None removes the file.

    Raises :class:`NotEdited`, before anything is written, where a file does not hold that any more, and ``OSError``.
    """
    for path in texts:
        if not _holds(root / path, before[path]):
            raise NotEdited(f"{path} was saved by somebody else meanwhile; run the command again")
    for path, text in texts.items():
        if text is None:
            (root / path).unlink()
        else:
            (root / path).write_bytes(text.encode("utf-8"))


def _holds(file: Path, text: str) -> bool:
    try:
        return file.read_bytes() == text.encode("utf-8")
    except FileNotFoundError:
        return False
