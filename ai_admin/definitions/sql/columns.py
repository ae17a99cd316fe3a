"""The columns of an SQL query's result, as far as its text shows them: an alert watches one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ai_admin.definitions.sql_text import COMMENT

_TOKEN = re.compile(r"""'(?:[^'\\]|\\.|'')*+'|`[^`]*`|"[^"]*"|[\w$.]+|\s+|.""", re.DOTALL)
_END = frozenset({"from", "where", "prewhere", "group", "having", "order", "limit", "offset", "union", "settings"})
_COUNTS = re.compile(
    r"(?:count|sum|avg|uniq|median|quantile|round|floor|ceil|toFloat|toInt|toUInt|toDecimal|dateDiff|length|stddev)"
    r"\w*\s*\(",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(
    r"(?:toStartOf|toMonday|toDate|toString|toLastDay|concat|lower|upper|formatDateTime|now|today|yesterday)\w*\s*\(|'",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name (empty where PostHog invents one), and whether it holds numbers (None: can't be told)."""

    name: str
    numeric: bool | None


def columns(query: str) -> list[Column] | None:
    """Return the columns that the outermost SELECT of a query names, None where its text does not show all of them."""
    items = list(_items(COMMENT.sub(" ", query)))
    found = [_column(item) for item in items]
    return None if not items or any(item == "*" or item.endswith(".*") for item in items) else found


def _items(text: str) -> Iterator[str]:
    """Yield what is between the commas of the first SELECT that is in no parentheses."""
    depth, inside, item = 0, False, ""
    for token in _TOKEN.findall(text):
        word = token.lower()
        if depth == 0 and not inside:
            inside = word == "select"
        elif depth == 0 and (word in _END or word == ";"):
            break
        elif depth == 0 and word == ",":
            yield item.strip()
            item = ""
        elif inside:
            item += token
        depth += (word in "([{") - (word in ")]}")
    if item.strip():
        yield item.strip()


def _column(item: str) -> Column:
    item = re.sub(r"^distinct\s+", "", item, flags=re.IGNORECASE)
    named = re.search(r"\s+as\s+([`\"]?)([^`\"()]+)\1$", item, re.IGNORECASE)
    expression = item[: named.start()] if named else item
    bare = re.fullmatch(r"\w+", item) is not None and not _NUMBER.fullmatch(item)
    return Column(named[2] if named else item if bare else "", _numeric(expression))


def _numeric(expression: str) -> bool | None:
    if _COUNTS.match(expression) or _NUMBER.fullmatch(expression):
        return True
    return False if _NO_NUMBER.match(expression) else None
