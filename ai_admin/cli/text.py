"""How commands write for people."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """Return a number of things, in words."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(line: object) -> str:
    """Return something on one line, with what terminals would act on escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(line))
