"""The code blocks of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what the fence says after it, and its text.

    ``yaml file=flags/x.yaml`` is a whole file, ``yaml add=flags/x.yaml`` what is added to one, and
    ``diff file=flags/x.yaml`` the lines of one that change.
    """

    document: str
    language: str
    attributes: dict[str, str]
    text: str

    @property
    def edits(self) -> str | None:
        """The file that the block changes; None for one that it shows whole."""
        return self.attributes.get("file") if self.language == "diff" else self.attributes.get("add")

    def applied(self, text: str) -> str:
        """Return the text of the file that the block changes, changed."""
        if self.language != "diff":
            return f"{text}{self.text}"
        lines = self.text.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {self.edits}"
        return text.replace(old, new)


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file in their order."""
    return [
        Block(document.name, language, dict(part.split("=", 1) for part in attributes.split()), text)
        for language, attributes, text in _BLOCK.findall(document.read_text(encoding="utf-8"))
    ]
