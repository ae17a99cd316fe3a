"""``ai-admin plan``: what an `up` would do, in sentences."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, only_stack
from ai_admin.cli.switching import stack_option
from ai_admin.cli.text import coloured, progress, waiting
from ai_admin.review.as_json import as_json, problems_as_json
from ai_admin.review.bound import text as bound_text
from ai_admin.review.markdown import markdown, problems_as_markdown
from ai_admin.review.plan import Planned, planned
from ai_admin.review.reading import changing
from ai_admin.review.text import text

CHANGES = 3
"""Exit code: something changes, and --expect-no-changes was said."""


@click.command()
@stack_option
@click.option("--expect-no-changes", is_flag=True, help="Exit with code 3 if anything changes.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", help="The form of the plan."
)
@click.option(
    "--limit",
    type=click.IntRange(min=2000),
    default=65_000,
    show_default=True,
    metavar="CHARACTERS",
    help="The maximal length of Markdown; what does not fit is counted. GitHub's comments hold 65,536.",
)
@click.option("--all", "every", is_flag=True, help="In text, also name what is adopted as it is.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the plan as a file for `ai-admin apply`, which applies nothing else.",
)
def plan(stack: str | None, expect_no_changes: bool, form: str, limit: int, every: bool, out: Path | None) -> None:
    """Report what `pulumi up` would do, in sentences, the most dangerous change first.

    Compares the files with what was applied last and with what PostHog holds now, by the provider's own code. It needs
    no Pulumi engine: `pulumi stack export` reads the state. Asks PostHog how many persons changed flags serve, who made
    the changes by hand that would be reverted, how often changed alerts would have fired over the last 30 days (which
    needs the scope query:read), and what will change the flags of the plan by itself (which needs approvals:read).
    Writes nothing.

    Exit codes: 0 the plan, 1 something is refused, PostHog could not be read, or the definitions have problems, 2 wrong
    use, 3 with --expect-no-changes: something changes, or is adopted. A property that PostHog has not met in an event
    yet is no change.
    """
    if out and not os.access(out if out.exists() else out.parent, os.W_OK):  # before PostHog is waited for
        raise click.UsageError(f"{out} can't be written; name a file in a folder that is there, and may be written to")
    root = checkout()
    name = only_stack(root, stack)
    with progress(lambda: f"comparing the files with the project of {name}"):
        found = planned(root, name, waiting=waiting)
    if not isinstance(found, Planned):
        _no_plan(name, found, form, limit)
        raise click.exceptions.Exit(1)
    if out:
        out.write_text(bound_text(found), encoding="utf-8")
    if form == "json":

        click.echo(as_json(found.report))
    elif form == "markdown":

        click.echo(markdown(found.report, limit))
    else:
        click.echo(text(found.report, coloured, every))
    if found.report.blocked:
        raise click.exceptions.Exit(1)
    if expect_no_changes and changing(found.report):
        raise click.exceptions.Exit(CHANGES)


def _no_plan(stack: str, problems: Sequence[str], form: str, limit: int) -> None:
    """Say why there is no plan: for people, and in the form that was asked for."""
    if form == "json":

        click.echo(problems_as_json(stack, problems))
    elif form == "markdown":

        click.echo(problems_as_markdown(stack, problems, limit))
    click.echo("\n".join(problems), err=True)
