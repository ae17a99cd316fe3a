"""How generated code is laid out: a line where it fits, else a line for each part. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from ai_admin.clients.contents import Flag

WIDTH = 120


def spread(start: str, parts: Sequence[str], end: str, indent: str = "    ") -> list[str]:
    """Return the lines of a list of parts between its start, whose indentation the others follow, and its end.

    An end that begins with a comma is the same without it where each part has a line, which a comma ends.
    """
    line = f"{start}{', '.join(parts)}{end if len(parts) == 1 else end.removeprefix(',')}"
    if len(line) <= WIDTH:
        return [line]
    margin = " " * (len(start) - len(start.lstrip()))
    return [
        start.rstrip(),
        *(f"{margin}{indent}{part}," for part in parts),
        f"{margin}{end.removeprefix(',').lstrip()}",
    ]


def wrapped(text: str, margin: str, following: str) -> list[str]:
    """Return a text in lines that begin with a margin, all but the first with what follows it."""
    return textwrap.wrap(
        text,
        WIDTH - 4,  # what ends a comment
        initial_indent=margin,
        subsequent_indent=margin + following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def literal(value: Any) -> str:
    """Return a value as JSON writes it, which both languages read; in Python only texts and numbers."""
    return json.dumps(value, ensure_ascii=False)


def remarks(flag: Flag) -> str:
    """Return what readers of code should know of a flag's reader, in a sentence."""
    fallback = literal(flag.fallback) if flag.fallback is not None else "none"
    return f"{flag.path}: fallback {fallback}{f', ceiling {flag.ceiling:,}' if flag.ceiling is not None else ''}."
