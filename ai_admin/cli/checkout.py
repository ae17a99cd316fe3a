"""Finding the checkout, and the stack, that a command is about."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from ai_admin.cli.text import ended
from ai_admin.definitions import Definitions, load
from ai_admin.definitions.model import Problem
from ai_admin.definitions.spelling import closest, listed, printable
from ai_admin.definitions.stacks import known_stacks, project_stacks
from ai_admin.stackfile import settings
from providers.posthog.connection import contradicted, is_loopback
from providers.posthog.errors import ConnectionProblem
from providers.posthog.settings import VARIABLES, Settings

PROBLEMS = 3
"""Exit code: the definitions have problems."""


def checkout(start: Path | None = None) -> Path:
    """Return the folder with ``Pulumi.yaml`` at or above a path (None: where we are). Raises click.UsageError."""
    start = start or Path().resolve()
    for folder in (start, *start.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    raise click.UsageError(f"there is no Pulumi.yaml in {start} or above it; run ai-admin in a checkout, or name one")


def known(stack: str, root: Path) -> str:
    """Return the name of a stack of a checkout. Raises click.UsageError when there is no such stack."""
    stacks = known_stacks(root)
    if stack not in stacks:
        raise no_such("stack", stack, stacks)
    return stack


def no_such(what: str, name: str, known: Collection[str], where: str = "") -> click.UsageError:
    """Return the error that there is no such thing, with the name that was probably meant, or all names."""
    near = closest(name, known)
    hint = f"did you mean {near}?" if near else f"the {what}s are {listed(known, 'and')}"
    return click.UsageError(f'there is no {what} "{name}"{where}: {hint}')


def undefined(what: str, key: str, known: Collection[str], broken: bool, where: str = "") -> Exception:
    """Return the error that no file has a key: wrong use, unless a ``broken`` file may have it."""
    if not broken:
        return no_such(what, key, known, where)
    return ended(f'there is no {what} "{printable(key)}" in the files that can be read', PROBLEMS)


def only_stack(root: Path, stack: str | None, by_shell: bool = True) -> str:
    """Return the stack that is named, or the only one beside that of `make demo`.

    ``by_shell``: stacks of another PostHog than this shell is set up for do not count; that of `make demo` is left
    then, if the shell is set up for this machine. Raises click.UsageError.
    """
    if stack is not None:
        return known(stack, root)
    stacks = known_stacks(root)
    every = project_stacks(root) or stacks
    here = of_this_shell(root) if by_shell else stacks
    # The file of the demo's stack has no host: with a leftover variable it would be any PostHog.
    only = [each for each in every if each in here] or (here if by_shell and _is_local() else every)
    if len(only) != 1:
        raise click.UsageError(f"say which stack: --stack {' or --stack '.join(stacks) or 'NAME'}")
    _say_left_out(every, only)
    return only[0]


def looked_at(root: Path, named: Sequence[str], online: bool) -> list[str]:
    """Return the stacks that are named, or else all of them; where PostHog is asked, all :func:`of_this_shell`.

    What is left out is said. Raises click.UsageError.
    """
    if named:
        return [known(each, root) for each in named]
    stacks = [*known_stacks(root)]
    here = of_this_shell(root) if online else stacks
    _say_left_out(stacks, here)
    return here


def of_this_shell(root: Path) -> list[str]:
    """Return the stacks that can be read with the variables of this shell; all where none can.

    The variables that `. ./activate` sets for the sandbox of `make demo` are of no other stack.
    """
    stacks = [*known_stacks(root)]
    return [each for each in stacks if not _is_elsewhere(root, each)] or stacks


def only_whole(problems: Collection[Problem]) -> None:
    """Say what is wrong with the definitions, where anything is, and raise click.exceptions.Exit."""
    if problems:
        raise ended("\n".join(map(str, problems)), PROBLEMS)


def readable(root: Path, stack: str) -> Definitions:
    """Return what a stack's files define, without those that have problems, which standard error names.

    Which dashboards an insight is on may be missing.
    """
    definitions = load(root, stack, partly=True, placed=False)
    for line in definitions.broken:
        click.echo(line, err=True)
    return definitions


def _say_left_out(stacks: Sequence[str], here: Sequence[str]) -> None:
    if left := [each for each in stacks if each not in here]:
        said = f"left out: {listed(left, 'and')}, as this shell is set up for another PostHog; see --stack"
        click.echo(said, err=True)


def _is_local() -> bool:
    try:
        return is_loopback(urlsplit(os.environ.get(VARIABLES["host"], "")).hostname or "")
    except ValueError:
        return False


def _is_elsewhere(root: Path, stack: str) -> bool:
    try:
        return contradicted(Settings(settings(root, stack), os.environ))
    except ConnectionProblem:  # said when the stack is read
        return False
