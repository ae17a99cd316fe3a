"""PostHog's own parser of HogQL, the package hogql-parser: a text to a tree, or to why it can't be read."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from types import ModuleType
from typing import Any, NamedTuple

from ai_admin.definitions.sql.kept import kept
from ai_admin.definitions.sql.syntax import Flaw, explained, of_characters
from ai_admin.definitions.sql.text import Token, nesting, tokens

Tree = dict[str, Any]
"""A node: what it is under ``node``, its first character under ``start``, and its parts."""

SELECT, EXPRESSION, ORDER = "select", "expr", "order_expr"
"""What a text is: a query, a value or a condition, or a value to sort by with its direction."""

MOST_WORDS, DEEPEST = 5_000, 30
"""The parser takes minutes for what is longer, or nested deeper, and crashes on what is much longer."""
_CHAIN = re.compile(r"[\w$.]+")


class Parsed(NamedTuple):
    """One of the two."""

    tree: Tree | None
    flaw: Flaw | None


@lru_cache(maxsize=10_000)
def parse(text: str, form: str) -> Parsed:
    """Return the tree of a text, or what is wrong with it. Never raises, whatever the text.

    Args:
        text: SQL.
        form: one of SELECT, EXPRESSION and ORDER.
    """
    found = tokens(text)
    flaw = _unfit(text, found)
    if flaw is not None:
        return Parsed(None, flaw)
    try:
        answer = kept(text, form, _parse)
    except ValueError as stop:  # the little that it does not report in its answer, such as a `}` too many
        return Parsed(None, explained(form == SELECT, getattr(stop, "start", None) or 0, found))
    except RecursionError:
        return Parsed(None, Flaw(0, "the SQL has too many operators in a row to be checked", "write fewer"))
    except ImportError:
        return Parsed(None, Flaw(0, "SQL can't be checked without the package hogql-parser", "run make setup"))
    stopped = answer["start"]["offset"] if answer.get("error") else None
    if form == ORDER and stopped is None:  # here the parser ignores what is behind the end
        stopped = next((each.offset for each in found if each.offset >= answer["end"]["offset"]), None)
    return Parsed(answer, None) if stopped is None else Parsed(None, explained(form == SELECT, stopped, found))


def _unfit(text: str, found: list[Token]) -> Flaw | None:
    """Return why a text is not given to the parser."""
    chain = max((each.count(".") for each in _CHAIN.findall(text)), default=0)
    nested = max(nesting(found).depth, chain)
    if len(found) > MOST_WORDS or nested > DEEPEST:
        large = f"nested {nested} deep" if nested > DEEPEST else f"{len(found):,} words long"
        limit = f"{DEEPEST} levels" if nested > DEEPEST else f"{MOST_WORDS:,} words"
        return Flaw(0, f"the SQL is {large}, too much to be checked", f"write at most {limit}")
    bad = next((n for n, char in enumerate(text) if char == "\0" or "\ud800" <= char <= "\udfff"), None)
    if bad is not None:
        return Flaw(bad, f"the SQL has the character U+{ord(text[bad]):04X}", "remove it")
    # The parser drops a backslash, and writes to standard error.
    return of_characters(found) if any(each.text == "\\" for each in found) else None


def walk(tree: Any) -> Iterator[Tree]:
    """Yield a tree's nodes, each before its parts."""
    left = [tree]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            if "node" in each:
                yield each
            left += reversed(each.values())
        elif isinstance(each, list):
            left += reversed(each)


def _parse(text: str, form: str) -> str:
    parser: Callable[[str], str] = getattr(_module(), f"parse_{form}_json")
    return parser(text)


@cache
def _module() -> ModuleType:
    """Return the parser, which is slow to use and imported only for checkouts with SQL.

    It is a part of PostHog's server, and at its import looks for a module of that. Nobody may find what stands in for
    that module later: ``posthog`` is PostHog's SDK.
    """
    errors = ModuleType("posthog.hogql.errors")
    errors.__getattr__ = lambda name: ValueError  # type: ignore[method-assign]
    standing_in = {"posthog": ModuleType("posthog"), errors.__name__: errors}
    absent = [name for name in standing_in if name not in sys.modules]
    sys.modules.update({name: standing_in[name] for name in absent})
    try:
        import hogql_parser
    finally:
        for name in absent:
            del sys.modules[name]
    return hogql_parser
