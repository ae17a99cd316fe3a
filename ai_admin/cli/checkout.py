"""Finding the checkout, and the stack, that a command is about."""

from __future__ import annotations

from pathlib import Path

import click

from ai_admin.definitions.spelling import closest, listed
from ai_admin.definitions.stacks import known_stacks, project_stacks


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
    """Return the stack that is named, or the only one beside that of `make demo`. Raises click.UsageError."""
    if stack is not None:
        return known(stack, root)
    stacks = known_stacks(root)
    only = project_stacks(root) or stacks
    if len(only) != 1:
        raise click.UsageError(f"say which stack: --stack {' or --stack '.join(stacks) or 'NAME'}")
    return only[0]
