"""Finding the checkout, and the stack, that a command is about."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from ai_admin.definitions.spelling import closest, listed
from ai_admin.definitions.stacks import known_stacks, project_stacks
from ai_admin.stackfile import settings
from providers.posthog.connection import contradicted, is_loopback
from providers.posthog.errors import ConnectionProblem
from providers.posthog.settings import Settings


def checkout(start: Path) -> Path:
    """Return the folder with ``Pulumi.yaml`` at or above a path. Raises click.UsageError without one."""
    for folder in (start, *start.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    raise click.UsageError(f"there is no Pulumi.yaml in {start} or above it; run ai-admin in a checkout, or name one")


def known(stack: str, root: Path) -> str:
    """Return the name of a stack of a checkout. Raises click.UsageError when there is no such stack."""
    stacks = known_stacks(root)
    if stack not in stacks:
        near = closest(stack, stacks)
        hint = f"did you mean {near}?" if near else f"the stacks are {listed(stacks, 'and')}"
        raise click.UsageError(f'there is no stack "{stack}": {hint}')
    return stack


def only_stack(root: Path, stack: str | None) -> str:
    """Return the stack that is named, or the only one beside that of `make demo`, or that one in its own shell.

    Raises click.UsageError.
    """
    if stack is not None:
        return known(stack, root)
    if demo := of_demo(root):
        return demo
    stacks = known_stacks(root)
    only = project_stacks(root) or stacks
    if len(only) != 1:
        raise click.UsageError(f"say which stack: --stack {' or --stack '.join(stacks) or 'NAME'}")
    return only[0]


def of_demo(root: Path) -> str | None:
    """Return the stack of `make demo` where this shell is set up for its sandbox, and so for no other stack; else None.

    The sandbox is on this machine: no variable of a real project makes a command take what may be destroyed for it.
    """
    projects = project_stacks(root)
    demo = next((each for each in known_stacks(root) if each not in projects), None)
    here = is_loopback(urlsplit(os.environ.get("POSTHOG_HOST", "")).hostname or "")
    return demo if here and all(_is_elsewhere(root, each) for each in projects) else None


def looked_at(root: Path, named: Sequence[str], online: bool) -> list[str]:
    """Return the stacks that are named, or else all of them; where PostHog is asked, all that this shell is set up for.

    The variables that `. ./activate` sets for the sandbox of `make demo` are of no other stack, which could be read by
    them no more. What is left out is said. Raises click.UsageError.
    """
    stacks = [known(each, root) for each in named] or [*known_stacks(root)]
    here = stacks if named or not online else [each for each in stacks if not _is_elsewhere(root, each)]
    left = [each for each in stacks if each not in here]
    if here and left:
        said = f"left out: {listed(left, 'and')}, as this shell is set up for another PostHog; see --stack"
        click.echo(said, err=True)
    return here or stacks


def _is_elsewhere(root: Path, stack: str) -> bool:
    try:
        return contradicted(Settings(settings(root, stack), os.environ))
    except ConnectionProblem:  # said when the stack is read
        return False
