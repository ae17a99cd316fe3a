"""What the commands that show numbers share: the period, the form, and how figures are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from ai_admin.cli.checkout import checkout
from ai_admin.cli.switching import AT_THE_SCREEN, Stack, opened
from ai_admin.cli.text import count
from ai_admin.definitions.spelling import listed, printable
from ai_admin.numbers import Period
from ai_admin.numbers.product import MOST_USED

NOT_READ = 1
"""Exit code: PostHog could not be read."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def period_options(start: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator for the options of a period; by default it begins at ``start``."""
    form = "period's start: now, -24h, -7d, -2w, 2026-11-27 or 2026-11-27T09:30, in UTC."

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        command = click.option("--to", "end", default="now", show_default=True, help="Its end, likewise.")(command)
        return click.option("--from", "start", default=start, show_default=True, help=f"The {form}")(command)

    return add


def forms(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a form."""
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)
    return click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")(command)


def asked(
    scopes: Sequence[str],
    stack: str | None,
    start: str,
    end: str,
    as_csv: bool = False,
    as_json: bool = False,
    patience: float = AT_THE_SCREEN,
    **_: Any,
) -> tuple[Stack, Period, str]:
    """Return the stack, the period and the form that a command was asked for. Raises click.UsageError.

    ``scopes`` are those that the API key must have; ``patience`` is how many seconds a request waits in all.
    """
    if as_csv and as_json:
        raise click.UsageError("choose one of --csv and --json")
    try:
        period = Period.of(start, end, datetime.now(UTC))
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    there = opened(checkout(), stack, needs=f"the scopes {listed(scopes, 'and')}", patience=patience)
    return there, period, "csv" if as_csv else "json" if as_json else "text"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Give a heading and a line for each row, in columns; those in ``right`` are right-aligned."""
    cells = [list(heads), *map(list, rows)]
    widths = [max(len(_STYLE.sub("", cell)) for cell in column) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = []
        for place, (cell, width) in enumerate(zip(line, widths, strict=True)):
            space = " " * (width - len(_STYLE.sub("", cell)))
            padded.append(space + cell if place in right else cell + space)
        yield "  ".join(padded).rstrip()


def in_no_sum(odd: int) -> Iterator[str]:
    """Yield the number of runs that are in no sum, if there are any."""
    if odd:
        verb = "says" if odd == 1 else "say"
        such = f"NaN, below 0, above {number(MOST_USED)}"
        yield f"{count(odd, 'run')} {verb} tokens or a cost that no run has ({such}): in no sum"


def plain(value: float) -> float:
    """Return a figure for programs: without rounding errors of sums, and as an integer if it is whole."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def short(text: str, most: int = 40) -> str:
    """Return a text that may be of any length, for a column."""
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def number(value: float) -> str:
    """Return a number as people read it: ``1,240``; ``1.24M`` from a million on."""
    if abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value / 1e9:,.2f}B" if abs(value) >= 1e9 else f"{value / 1e6:,.2f}M"


def dollars(value: float) -> str:
    """Return US dollars: with cents, or what is left of them where it is less than one."""
    sign, amount = "-" if value < 0 else "", abs(value)
    return f"{sign}${amount:,.2f}" if amount >= 0.01 or value == 0 else f"{sign}${amount:.4f}"


def percent(share: float) -> str:
    """Return a share in per cent."""
    return f"{share * 100:.1f} %" if 0 < share < 0.995 else f"{round(share * 100):,} %"


def bar(share: float, width: int = 20) -> str:
    """Return a share as a bar, which is full from 1 on."""
    done = max(0, min(width, round(share * width)))
    return "█" * done + "░" * (width - done)


def moment(when: datetime | None, now: datetime) -> str:
    """Return how long ago a moment is: the greatest unit that fits."""
    if when is None:
        return "never"
    seconds = (now - when).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "just now"
