"""PostHog's own parser, `hogql-parser`, as it is: a text to JSON. Also a program of its own, which reads one text.

Trap: the parser learns from what it reads, and after one text that is nested deeply takes minutes for the next that is
nested to another depth: `lower(` 9 deep after 8 deep did not end in a minute, and each alone takes half a second.
"""

import importlib
import re
import resource
import subprocess
import sys
from functools import cache
from types import ModuleType

ORDINARY = 4
"""Brackets in each other. A text with more, which no query of ours has, is parsed by a process of its own."""

MOST_SECONDS = 5
"""Of the processor, for one of these."""

_TEXTS = re.compile(r"'(?:[^'\\]|\\.)*'")


def parse(text: str, what: str) -> str:
    """The parser's answer. Raises ValueError for the little that it does not report in its answer, such as a `}` too
    many; ImportError; TimeoutError where it takes too long."""
    if _depth(text) <= ORDINARY:
        return _parse(text, what)
    _parser()
    command = [sys.executable, "-I", __file__, what]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode == 1:
        raise ValueError(done.stderr)
    if done.returncode:
        raise TimeoutError
    return done.stdout


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in _TEXTS.sub("", text):
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _parse(text: str, what: str) -> str:
    return str(getattr(_parser(), f"parse_{what}_json")(text))


@cache
def _parser() -> ModuleType:
    """The package. When it is imported it looks for the exceptions of PostHog's own code: here they are ValueErrors."""
    errors = ModuleType("posthog.hogql.errors")
    for name in ("BaseHogQLError", "ExposedHogQLError", "SyntaxError", "NotImplementedError", "ParsingError"):
        setattr(errors, name, ValueError)
    sys.modules[errors.__name__] = errors
    try:
        return importlib.import_module("hogql_parser")
    finally:
        del sys.modules[errors.__name__]


def _main(what: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sys.stdout.write(_parse(sys.stdin.read(), what))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main(*sys.argv[1:])
