"""Escapes control characters in what commands print. Imports almost nothing, since every command needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import TextIOWrapper
from unicodedata import category

_OURS = r"\x1b\[(?:0|1|3[1-6]|90)m"
"""How a terminal is told our colours, and bold."""

_LOOKED_AT = re.compile(rf"{_OURS}|[^\n\t\x20-\x7e]")


def escape(stream: TextIOWrapper) -> None:
    """Have everything that is written to a stream escaped.

    Whatever a command prints may be what somebody wrote in PostHog: a name, a description, an address. It may hold
    codes for terminals, and characters by which text is read in another order than it has.
    """
    stream.write = _escaping(stream.write)  # type: ignore[method-assign]


def _escaping(write: Callable[[str], int]) -> Callable[[str], int]:
    return lambda text: write(escaped(text))


def escaped(text: str) -> str:
    """Return lines of text as they may be shown. The escapes are JSON's, so that JSON stays what it is."""
    return _LOOKED_AT.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    harmless = len(char) > 1 or char.isprintable() or category(char) == "Zs"
    return char if harmless else json.dumps(char)[1:-1]
