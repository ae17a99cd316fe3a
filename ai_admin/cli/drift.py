"""``ai-admin drift``: what differs in PostHog from the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, only_stack
from ai_admin.cli.switching import stack_option
from ai_admin.cli.text import coloured, ended, progress, waiting
from ai_admin.review import drift as review
from ai_admin.review.comparison import Comparison, compared
from providers.posthog.advice import explained
from providers.posthog.errors import ApiError, ConnectionProblem, LookupProblem

DIFFERS = 1
"""Exit code: something differs."""

UNKNOWN = 3
"""Exit code: the files have problems, or PostHog did not answer."""


@click.command()
@stack_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--all", "every", is_flag=True, help="Also name each object that is in no file.")
def drift(stack: str | None, as_json: bool, every: bool) -> None:
    """Report what differs in PostHog from the files, who changed it and when.

    Compares every definition with PostHog, as `pulumi preview` does. Names what is in no file any more, which the next
    `up` deletes, and counts objects that people made and no file defines. Names scheduled changes, and changes that
    wait for approval, by which flags will differ; they are no difference yet. `pulumi stack export` says which object
    belongs to which definition; without a state they are found by their keys and names. Only reads: the API key needs
    the read scopes of the kinds, activity_log:read to name authors, and approvals:read for what waits for approval.

    What could not be compared is named on standard error; the rest is reported.

    Exit codes: 0 nothing differs, 1 something differs, 2 wrong use, 3 something could not be compared, since files have
    problems or PostHog could not be read.
    """
    root = checkout()
    name = only_stack(root, stack)
    with comparison_of(root, name) as comparison, progress(lambda: "comparing it with the files"):
        found = review.drift(name, comparison)
    click.echo(review.as_json(found) if as_json else review.text(found, every, coloured))
    for line in (*found.broken, *found.unread):
        click.echo(line, err=True)
    if found.unknown or found.broken:
        raise click.exceptions.Exit(UNKNOWN)
    if found.entries or found.leaving:
        raise click.exceptions.Exit(DIFFERS)


@contextmanager
def comparison_of(root: Path, stack: str, whole: bool = False) -> Iterator[Comparison]:
    """Give the comparison of a stack's files with its project. If it can't be made, the command ends.

    ``whole``: it also ends if the key may not read a kind.
    """
    try:
        with progress(lambda: f"reading the project of {stack}"):
            found = compared(root, stack, waiting, whole)
        yield found
    except (ApiError, ConnectionProblem, LookupProblem) as problem:
        raise ended(explained(problem) if isinstance(problem, ApiError) else str(problem), UNKNOWN) from None
