"""PostHog's own parser of HogQL, the package hogql-parser, as it is: a text to JSON.

It is also a program of its own, which reads one text. The parser learns from every text and, once it has learnt from
one that is nested deeply, takes minutes for the next one that is nested to another depth: 10 calls in each other take
it half a second, and 15 one second, but 15 after 10 more than five minutes.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType

ABSENT = 3
"""The exit code where the parser can't be imported."""


def parse(text: str, form: str) -> str:
    """Return what the parser answers, as JSON: a tree, or with ``error`` where it stopped.

    Raises ImportError.
    """
    parser: Callable[[str], str] = getattr(_module(), f"parse_{form}_json")
    try:
        return parser(text)
    except ValueError as stop:  # the little that it does not report in its answer, such as a `}` too many
        return json.dumps({"error": True, "start": {"offset": getattr(stop, "start", None) or 0}})


def allowed(seconds: int) -> int:
    """Return how many seconds of the processor a text may take where somebody limited the time of processes.

    At the hard limit comes SIGKILL, which others send too: the time ends a second before, if more than one is left.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    return seconds if hard == resource.RLIM_INFINITY else max(1, min(seconds, hard - 1))


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


def _main(form: str, seconds: str) -> None:
    """Read one text, in so many seconds of the processor at most; SIGXCPU says that it needs more."""
    import signal

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed(int(seconds)), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = parse(sys.stdin.buffer.read().decode(), form)
    except ImportError:
        sys.exit(ABSENT)
    sys.stdout.buffer.write(answer.encode())


if __name__ == "__main__":
    _main(*sys.argv[1:])
