"""The text of SQL queries, as far as one can tell without a parser."""

from __future__ import annotations

import re
from typing import NamedTuple

# No character is looked at more than a few times, whatever the text.
_TOKEN = re.compile(
    r"""(?P<comment>(?:--|//)[^\n\r]*|/\*(?:[^*]|\*(?!/))*+\*/)"""
    r"""|(?P<quoted>'(?:[^'\\]|\\.|'')*+'|`[^`]*`|"[^"]*")|(?P<word>[\w$]+)|(?P<space>\s+)|(?P<sign>[<>=!]=|<>|\|\||->|::|.)""",
    re.DOTALL,
)
_CLOSED_BY = {"(": ")", "[": "]", "{": "}", "case": "end"}
_OPENED_BY = {closing: opening for opening, closing in _CLOSED_BY.items()}


class Token(NamedTuple):
    """A word, a quoted text or a sign."""

    offset: int
    text: str


class Nesting(NamedTuple):
    """How brackets (and CASE ... END) are nested."""

    depth: int
    open: Token | None
    """The innermost one that is never closed."""
    unopened: Token | None
    """The first one that closes nothing, or something else."""


def tokens(text: str) -> list[Token]:
    """Return the words, quoted texts and signs of a text, without comments."""
    skipped = ("comment", "space")
    return [Token(each.start(), each[0]) for each in _TOKEN.finditer(text) if each.lastgroup not in skipped]


def without_comments(text: str) -> str:
    """Return a text with a blank in the place of each comment."""
    return "".join(" " if each.lastgroup == "comment" else each[0] for each in _TOKEN.finditer(text))


def nesting(found: list[Token]) -> Nesting:
    """Return how the brackets among some tokens are nested."""
    stack: list[Token] = []
    depth, unopened = 0, None
    for token in found:
        word = token.text.lower()
        if word in _CLOSED_BY:
            stack.append(token)
            depth = max(depth, len(stack))
        elif word in _OPENED_BY:
            if stack and stack[-1].text.lower() == _OPENED_BY[word]:
                stack.pop()
            elif word != "end":  # which may be a column's name
                unopened = unopened or token
    return Nesting(depth, stack[-1] if stack else None, unopened)


def closing(token: Token) -> str:
    """Return what closes an opening bracket or CASE."""
    return _CLOSED_BY[token.text.lower()].upper()
