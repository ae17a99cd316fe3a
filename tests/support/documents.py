"""The code blocks of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what the fence says after it (``file=flags/x.yaml``), and its text."""

    document: str
    language: str
    attributes: dict[str, str]
    text: str


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file in their order."""
    return [
        Block(document.name, language, dict(part.split("=", 1) for part in attributes.split()), text)
        for language, attributes, text in _BLOCK.findall(document.read_text(encoding="utf-8"))
    ]
