"""What `ai-admin drift` and `ai-admin pull` share: a stack's files beside what its project holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ai_admin.cli.text import waiting
from providers.posthog.errors import ApiError, ConnectionProblem, LookupProblem

if TYPE_CHECKING:
    from ai_admin.review.comparison import Comparison

UNKNOWN = 3
"""Exit code: the files have problems, or PostHog did not answer."""


@contextmanager
def comparison_of(root: Path, stack: str) -> Iterator[Comparison]:
    """Give the comparison of a stack's files with its project; what keeps it from being made ends the command."""
    from ai_admin.review.comparison import compared

    try:
        comparison, problems = compared(root, stack, waiting)
        if problems:
            click.echo("\n".join(["the definitions have problems:", *problems]), err=True)
            raise click.exceptions.Exit(UNKNOWN)
        yield comparison
    except (ApiError, ConnectionProblem, LookupProblem) as problem:
        click.echo(str(problem), err=True)
        raise click.exceptions.Exit(UNKNOWN) from None
