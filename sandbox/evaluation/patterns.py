"""Regular expressions as PostHog's flag service runs them: Rust's syntax with look-around, and a limit on
what a search may cost.

Known difference: Unicode classes (`\\p{…}`), which Python's `re` calls invalid.
"""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType

# Rust's service gives up after 10,000 steps back, about a millisecond. A loaded machine gets more.
_SECONDS = 0.05


class _TooExpensiveError(Exception):
    pass


def search(pattern: str, haystack: str) -> bool | None:
    """Whether the pattern occurs anywhere in the haystack, case-sensitively.

    Returns: None when the pattern is invalid or the search costs too much: neither `regex` nor `not_regex`
    matches then.
    """
    compiled = _compiled(pattern)
    if compiled is None:
        return None
    try:
        with _limited(_SECONDS):
            return compiled.search(haystack) is not None
    except _TooExpensiveError:
        return None


@lru_cache(maxsize=10_000)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(_in_python(pattern))
    except (re.error, OverflowError, RecursionError):
        return None


def _in_python(pattern: str) -> str:
    r"""The pattern in Python's spelling: `(?<name>` with a P, and `$` and `\z`, which in Rust match only at
    the very end, as `\Z`.
    """
    strict = "(?m" not in pattern
    out, in_class, escaped = [], False, False
    for char in pattern:
        if escaped:
            out.append("Z" if char == "z" and not in_class else char)
            escaped = False
            continue
        escaped = char == "\\"
        in_class = (in_class or char == "[") and char != "]"
        out.append(r"\Z" if char == "$" and strict and not in_class else char)
    return re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", "".join(out))


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Break off what runs longer, with an alarm: nothing else can stop `re`, and one pattern would hold the server.

    Only the main thread can have an alarm, and only where there are any (not on Windows); elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise _TooExpensiveError
