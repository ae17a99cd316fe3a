"""The code blocks of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the second-level heading above it, its language, what the fence says after it, and its text.

    ``yaml file=flags/x.yaml`` is a whole file, ``yaml add=flags/x.yaml`` what is added to one, and
    ``diff file=flags/x.yaml`` the lines of one that change.
    """

    document: str
    heading: str
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
    text = document.read_text(encoding="utf-8")
    headings = [(found.start(), found[1]) for found in re.finditer(r"^## (.+)$", text, re.MULTILINE)]
    return [
        Block(
            document.name,
            next((heading for start, heading in reversed(headings) if start < found.start()), ""),
            found[1],
            dict(part.split("=", 1) for part in found[2].split()),
            found[3],
        )
        for found in _BLOCK.finditer(text)
    ]
