"""SQL to trees, or to the reason why it can't be read: PostHog's own parser, with a time limit."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ai_admin.definitions.sql import native
from ai_admin.definitions.sql.kept import TooSlow, kept
from ai_admin.definitions.sql.syntax import Flaw, explained
from ai_admin.definitions.sql.text import Token, nesting, tokens

Tree = dict[str, Any]
"""A node: what it is under ``node``, its first character under ``start``, and its parts."""

SELECT, EXPRESSION, ORDER = "select", "expr", "order_expr"
"""What a text is: a query, a value or a condition, or a value to sort by with its direction."""

MOST_WORDS, DEEPEST = 5_000, 20
"""The parser takes many seconds for what is longer, or nested deeper, and crashes on what is much longer."""
_ORDINARY_WORDS, _ORDINARY_DEPTH = 500, 4
"""What is longer, or nested deeper, has the parser for itself: :mod:`native <ai_admin.definitions.sql.native>`."""
_UNSURE = re.compile(r"[fF]'|<[\w/]|\\")
"""An f-string, a tag or an escape: the tokens do not tell how deeply such a text is nested."""
_SECONDS = 3
"""Of the processor, which the parser may take for one of these."""
_CHAIN = re.compile(r"[\w$.]+")
_LOOK = "see in PostHog that it gives a result"


class Parsed(NamedTuple):
    """One of the three."""

    tree: Tree | None
    flaw: Flaw | None
    unread: Flaw | None = None
    """Why it was not read, which says nothing about the text: PostHog may compute it nevertheless."""


class _Failed(Exception):
    """The parser ended without an answer, for a reason that may not be there the next time."""


@lru_cache(maxsize=10_000)
def parse(text: str, form: str) -> Parsed:
    """Return the tree of a text, or what is wrong with it. Never raises, whatever the text.

    Args:
        text: SQL.
        form: one of SELECT, EXPRESSION and ORDER.
    """
    found = tokens(text)
    bad = next((n for n, char in enumerate(text) if char == "\0" or "\ud800" <= char <= "\udfff"), None)
    if bad is not None:
        return Parsed(None, Flaw(bad, f"the SQL has the character U+{ord(text[bad]):04X}", "remove it"))
    if len(found) > MOST_WORDS or _depth(text, found) > DEEPEST:
        return _unread("it is too long, or nested too deeply, for PostHog's parser", _LOOK)
    try:
        answer = kept(text, form, _parse)
    except RecursionError:
        return _unread("it is too deeply nested for Python", _LOOK)
    except TooSlow:
        most = native.allowed(_SECONDS)
        limited = ", and the limit of the processor's time (ulimit -t) leaves it no more" if most < _SECONDS else ""
        return _unread(f"PostHog's parser needs more than {most} s for it{limited}", _LOOK)
    except _Failed as failure:
        return _unread(f"PostHog's parser {failure}", "run ai-admin check again")
    except ImportError:
        return Parsed(None, Flaw(0, "SQL can't be checked without the package hogql-parser", "run make setup"))
    stopped = answer["start"]["offset"] if answer.get("error") else None
    if form == ORDER and stopped is None:  # here the parser ignores what is behind the end
        stopped = next((each.offset for each in found if each.offset >= answer["end"]["offset"]), None)
    return Parsed(answer, None) if stopped is None else Parsed(None, explained(form == SELECT, stopped, found))


def _unread(why: str, fix: str) -> Parsed:
    return Parsed(None, None, Flaw(0, f"this SQL was not checked: {why}", fix))


def _depth(text: str, found: list[Token]) -> int:
    return max(nesting(found).depth, max((each.count(".") for each in _CHAIN.findall(text)), default=0))


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


def joins(query: Tree) -> Iterator[Tree]:
    """Yield what a query's FROM names, first to last: the node of each JOIN, whose table may be a query."""
    join = query.get("select_from")
    while join:
        yield join
        join = join.get("next_join")


def _parse(text: str, form: str) -> str:
    """Return the parser's answer. Raises TooSlow, _Failed or ImportError."""
    found = tokens(text)
    depth = max(_depth(text, found), sum(map(text.count, "([{")) if _UNSURE.search(text) else 0)
    if len(found) <= _ORDINARY_WORDS and depth <= _ORDINARY_DEPTH:
        return native.parse(text, form)
    # Not -I: the package may be where only PYTHONPATH leads. -P: the modules of its folder hide none of Python's.
    command = [sys.executable, "-P", native.__file__, form, str(_SECONDS)]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    except OSError as error:
        raise _Failed(f"can't be started: {error.strerror}") from error
    if done.returncode == native.ABSENT:
        raise ImportError
    # A limit of one second leaves no time to end the parser before it is killed.
    killed = -signal.SIGKILL if resource.getrlimit(resource.RLIMIT_CPU)[1] == 1 else None
    if done.returncode in (-signal.SIGXCPU, killed):
        raise TooSlow
    if done.returncode < 0:
        raise _Failed(f"was ended by a signal: {signal.strsignal(-done.returncode)}")
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise _Failed(f"failed: {last or f'exit code {done.returncode}'}")
    return done.stdout.decode()
