"""Why a text is no SQL, in words for its author. PostHog's parser says where it stopped and what it would accept."""

from __future__ import annotations

from typing import NamedTuple

from ai_admin.definitions.spelling import closest
from ai_admin.definitions.sql.text import Token, closing, nesting

_STARTS = ("SELECT", "WITH", "{", "<")
_GRAMMAR = """
    SELECT DISTINCT FROM WHERE PREWHERE GROUP ORDER HAVING LIMIT OFFSET UNION EXCEPT INTERSECT JOIN LEFT RIGHT INNER
    OUTER CROSS ARRAY WITH AND NOT BETWEEN LIKE ILIKE INTERVAL CASE THEN ELSE DESC USING SAMPLE PARTITION SECOND MINUTE
    HOUR DAY WEEK MONTH QUARTER YEAR
"""
_KEYWORDS = tuple(_GRAMMAR.split())
_GO_ON = (*"+-*/%=<>,", "||", "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "BETWEEN", "FROM", "WHERE", "BY", "AS", "ON")
"""What belongs behind one of these is missing where it is the last."""
_BEFORE_BY = ("GROUP", "ORDER", "PARTITION")
_WRITE = {
    **dict.fromkeys("‘’‚", "'"), **dict.fromkeys("“”„", "' around texts"), "`": "a second `", '"': 'a second "',
    "&": "AND", "!": "NOT, or != between two values", "'": "a second '", "–": "-", "−": "-", "×": "*", "≥": ">=",
    "≤": "<=", "≠": "!=", "@": "{variables.name} for a variable", "#": "-- before a comment",
    "\\": "nothing in its place",
}  # fmt: skip


class Flaw(NamedTuple):
    """What is wrong with a text: the place in it, the words, and what to write instead."""

    offset: int
    message: str
    fix: str


def explained(select: bool, offset: int, found: list[Token]) -> Flaw:
    """Return why a text can't be read.

    Args:
        select: the text must be a query, and not only an expression.
        offset: where the parser stopped.
        found: its tokens.
    """
    if not found:
        fix = "write a query, such as SELECT count() FROM events" if select else "write an expression"
        return Flaw(0, "the SQL is empty", fix)
    first = next((each for each in found if each.text != "("), found[0])
    if select and first.text.upper() not in _STARTS:
        near = closest(first.text, _STARTS[:2])
        fix = f'write "{near}"' if near else "start the query with SELECT"
        return Flaw(first.offset, "HogQL takes only SELECT and WITH", fix)
    return of_characters(found) or _of_words(offset, found) or _of_brackets(found) or _here(offset, found)


def of_characters(found: list[Token]) -> Flaw | None:
    """Return a flaw for a character that no SQL has outside of quotes, or for a quote that is never closed."""
    for each in found:
        if each.text in _WRITE:
            opening = each.text in "'\"`"
            message = f"the {each.text} that opens here is never closed" if opening else f"SQL has no {each.text}"
            return Flaw(each.offset, message, f"write {_WRITE[each.text]}")
    return None


def _of_words(offset: int, found: list[Token]) -> Flaw | None:
    """Name a keyword that is misspelt, where the parser stopped or one or two words before: it took it for a name."""
    at = next((n for n, each in enumerate(found) if each.offset >= offset), len(found))
    for n in (at, at - 1, at - 2):
        if not 0 <= n < len(found) or found[n].text.upper() in _KEYWORDS:
            continue
        near = closest(found[n].text, _KEYWORDS)
        if near:
            return Flaw(found[n].offset, f'"{found[n].text}" is not expected here', f'write "{near}"')
    if 0 < at < len(found) and found[at - 1].text.upper() in _BEFORE_BY and found[at].text.upper() != "BY":
        word = found[at - 1].text
        return Flaw(found[at - 1].offset, f'"{word}" is not followed by BY', f'write "{word} BY"')
    return None


def _of_brackets(found: list[Token]) -> Flaw | None:
    _, opened, unopened = nesting(found)
    if unopened is not None:
        return Flaw(unopened.offset, f'"{unopened.text}" closes nothing that is open', "remove it, or open it")
    if opened is not None:
        fix = f'write "{closing(opened)}" behind what it holds'
        return Flaw(opened.offset, f'"{opened.text}" is never closed', fix)
    return None


def _here(offset: int, found: list[Token]) -> Flaw:
    at = next((n for n, each in enumerate(found) if each.offset >= offset), None)
    last = found[-1]
    if at is None or (found[at] is last and last.text.upper() in _GO_ON):
        return Flaw(last.offset, f'the SQL ends after "{last.text}"', "write what belongs behind it, or remove it")
    word, before = found[at].text, found[at - 1].text if at else ""
    if word == ",":
        fix = "remove the comma, or write what is missing before it"
    elif before == ";":
        fix = "write one query, and remove what follows the semicolon"
    elif before:
        fix = f'remove it, or write what is missing between "{before}" and it'
    else:
        fix = "remove it"
    return Flaw(found[at].offset, f'"{word}" is not expected here', fix)
