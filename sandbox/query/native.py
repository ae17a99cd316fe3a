"""PostHog's own parser, `hogql-parser`, as it is: a text to JSON. Also a program of its own, which reads one text.

Trap: the parser learns from what it reads, and after one text that is nested deeply takes minutes for the next that is
nested to another depth: `lower(` 9 deep after 8 deep did not end in a minute, and each alone takes half a second.
"""

import importlib
import json
import resource
import sys
from functools import cache
from types import ModuleType

MOST_SECONDS = 5
"""Of the processor, for a text that has a process of its own."""


def parse(text: str, what: str) -> str:
    """The parser's answer: a tree, or `error` and a `message`. Raises ImportError."""
    parser = getattr(package(), f"parse_{what}_json")
    try:
        return str(parser(text))
    except ValueError as error:  # the little that it does not report in its answer, such as a `}` too many
        return refusal(str(error))


def refusal(message: str) -> str:
    """What the parser would answer if it were it that refuses a text."""
    return json.dumps({"error": True, "message": message})


@cache
def package() -> ModuleType:
    """The package. When it is imported it looks for the exceptions of PostHog's own code: here they are ValueErrors.
    Nothing of `posthog` is looked for beyond them: that would be PostHog's SDK, ten times the parser's own import.

    Raises: ImportError.
    """
    errors = ModuleType("posthog.hogql.errors")
    for name in ("BaseHogQLError", "ExposedHogQLError", "SyntaxError", "NotImplementedError", "ParsingError"):
        setattr(errors, name, ValueError)
    standing_in = {"posthog": ModuleType("posthog"), errors.__name__: errors}
    absent = [name for name in standing_in if name not in sys.modules]
    sys.modules.update({name: standing_in[name] for name in absent})
    try:
        return importlib.import_module("hogql_parser")
    finally:
        for name in absent:
            del sys.modules[name]


def _main(what: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(parse(sys.stdin.buffer.read().decode(), what).encode())


if __name__ == "__main__":
    _main(*sys.argv[1:])
