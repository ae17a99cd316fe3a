"""``ai-admin doctor``: what is left over, or has no owner."""

from __future__ import annotations

from dataclasses import asdict

import click

from ai_admin.cli.checkout import checkout, known, only_stack
from ai_admin.cli.switching import stack_option
from ai_admin.cli.text import ended, show_json, waiting
from ai_admin.review.checkup import facts
from ai_admin.review.doctor import ASKING, CHECKS, OFFLINE, examine, unknown
from ai_admin.review.stack import reviewed
from providers.posthog.errors import Problem

FOUND = 1
"""Exit code: there is something to do, or PostHog could not be asked."""


@click.command()
@stack_option
@click.option("--check", "chosen", metavar="NAME", type=click.Choice([*CHECKS]), multiple=True, help="Only this check.")
@click.option("--skip", "skipped", metavar="NAME", type=click.Choice([*CHECKS]), multiple=True, help="Not this check.")
@click.option("--days", default=30, show_default=True, help="After how many days a flag counts as left over.")
@click.option("--offline", is_flag=True, help="Only what files and Git say; PostHog is not asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def doctor(
    stack: str | None, chosen: tuple[str, ...], skipped: tuple[str, ...], days: int, offline: bool, as_json: bool
) -> None:
    """Report what is left over, or has no owner.

    One finding on each line, with what to do:

    \b
    expires          flags past their day (expires:)
    rolled-out       flags that have long given everybody the same
    stale            flags that nobody has asked PostHog for in a long time
    never-evaluated  flags that nobody ever asked PostHog for
    coming-on        flags that are off in their files, and that PostHog will switch on
    owner            flags without an owner
    tests            flags without a test
    unused           cohorts and insights that nothing uses
    consents         consents of the stack that nothing needs any more
    scopes           scopes that the API key lacks or does not need

    --check and --skip may be given several times. With --offline the checks that ask PostHog are left out (stale,
    never-evaluated, coming-on, consents, scopes), no stack is needed, and a use of a cohort or an insight in PostHog
    alone does not count.

    Files with problems are named, and the others are checked, except for unused, which needs all files. If PostHog
    can't be asked, the checks that need it are named, and the others are made.

    Exit codes: 0 nothing to do, 1 something to do, files have problems, or PostHog can't be asked, 2 wrong use.
    """
    root = checkout()
    name = (known(stack, root) if stack else None) if offline else only_stack(root, stack)
    every = OFFLINE if offline else tuple(CHECKS)
    checks = [each for each in every if each in (chosen or every) and each not in skipped]
    asking = [] if offline else [each for each in checks if each in ASKING]
    unasked = []
    try:
        try:
            found = facts(root, name, reviewed(root, name, waiting) if name and asking else None, days)
        except Problem as problem:
            found = facts(root, name, None, days)
            unasked = [unknown(asking, problem)]
            checks = [each for each in checks if each not in asking]
        findings, unread = examine(found, checks)
    except Problem as problem:
        raise ended(str(problem), FOUND) from None
    lines = [*(f"not looked at, as this is wrong with it: {line}" for line in found.broken), *unasked, *unread]
    if as_json:
        show_json({"findings": [asdict(each) for each in findings]})
    elif findings or not lines:
        click.echo("\n".join([*map(str, findings), f"{len(findings)} to do" if findings else "nothing to do"]))
    for line in lines:
        click.echo(line, err=True)
    if findings or lines:
        raise click.exceptions.Exit(FOUND)
