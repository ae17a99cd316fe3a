"""How commands write for people."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import click

from ai_admin.definitions.spelling import printable

PATIENCE = 2.0
"""Seconds after which a command says what it is at."""


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number of things, in words; the plural is the noun with an s where none is given."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def waiting(line: str) -> None:
    """Show a message about a wait on standard error."""
    click.echo(line, err=True)


@contextmanager
def progress(doing: Callable[[], str]) -> Iterator[None]:
    """Say on standard error what a command is at and for how long, where that takes a while: after :data:`PATIENCE`
    seconds, and then each time after twice as many. Only on a terminal: in a log nobody waits.

    ``doing`` returns what it is at, when it is asked.
    """
    done, start = Event(), time.monotonic()

    def tell() -> None:
        pause = PATIENCE
        while not done.wait(pause):
            waiting(f"{doing()}: {time.monotonic() - start:.0f} s so far")
            pause *= 2

    if sys.stderr.isatty():
        Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def ended(why: str, code: int) -> click.exceptions.Exit:
    """Say on standard error why a command ends, and return its end with an exit code."""
    click.echo(why, err=True)
    return click.exceptions.Exit(code)


def show_json(data: object) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def coloured(text: str, colour: str) -> str:
    """Return a text in a colour; ``bold`` and the empty text (none) are allowed, too."""
    return click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour) if colour else text


def styled(text: str, colour: str) -> str:
    """Return a text in a colour, with control characters escaped."""
    return coloured(printable(text), colour)
