"""``ai-admin apply``: `pulumi up` for exactly what was reviewed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ai_admin.cli.as_written import off_in_files, still_on, switch_off_all
from ai_admin.cli.checkout import checkout, only_stack
from ai_admin.cli.switching import stack_option, to_switch
from ai_admin.cli.text import waiting
from ai_admin.definitions.stacks import known_stacks
from ai_admin.review import reading
from ai_admin.review.applying import apply as apply_plan
from ai_admin.review.bound import held, left, moved, parse
from ai_admin.review.plan import planned
from ai_admin.review.report import Report
from ai_admin.review.text import text
from providers.posthog.errors import ApiError, OutdatedPlan, UnreadablePlan, UnreadableState
from providers.posthog.reviewed import AGAIN

MOVED = 4
"""Exit code: the files, PostHog or this repository's tool are not as they were when the plan was made."""

_ADVICE = {
    "is currently locked": "if no `up` of {stack} runs any more: `pulumi cancel --stack {stack}`, and apply again",
    "incorrect passphrase": "PULUMI_CONFIG_PASSPHRASE is not the one that the secrets of {stack} are encrypted with",
}
"""What to do about what Pulumi says, by a part of its words."""


@click.command()
@stack_option
@click.option("--yes", is_flag=True, help="Without PLAN: don't ask before it is applied.")
@click.argument("plan", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
def apply(plan: Path | None, stack: str | None, yes: bool) -> None:
    """Apply what a plan says with `pulumi up`, and show what was done in a few lines.

    PLAN is a file written by `ai-admin plan --out PLAN`. If the files or an object of the plan in PostHog changed
    since, nothing is applied, and the change is reported. Other changes in PostHog are left alone, and named at the
    end. A flag of PLAN that somebody switched off since stays off, and the run fails. Without PLAN a plan is made and
    shown, and you are asked.

    If a safety rule refuses the run, a file has problems, something changed, or another run has the stack's lock, only
    switch-offs are applied: with PLAN or --yes the flags that their files have off are switched off, as by `ai-admin
    off --as-written`; without, those that are on are named. If only some objects are refused (`not applied` in the
    plan), the others are applied, and the reasons are reported at the end.

    This runs the real `pulumi up`, with its state, lock and history; the provider refuses what is not in the plan. What
    an interrupted run has applied already is no reason to refuse, nor is the switch of a flag that its file has off. An
    interrupt is passed to Pulumi, which ends its current operations; a second one ends it at once.

    Exit codes: 0 all is applied, or waits until somebody approves it in PostHog, 1 something is not applied, or is
    refused, 2 wrong use, 4 nothing was applied but switch-offs, since PostHog or the files changed since PLAN was made,
    or another version of ai-admin made it, 130 interrupted.
    """
    root = checkout()
    try:
        then = parse(plan.read_text(encoding="utf-8", errors="replace"), str(plan)) if plan else None
    except OutdatedPlan as problem:
        named = stack or problem.plan.get("stack")
        where = root if named in known_stacks(root) else None
        raise _nothing_applied([str(problem)], MOVED, where, str(named), problem.plan) from None
    except UnreadablePlan as problem:
        raise click.UsageError(str(problem)) from None
    if then and not stack and then["stack"] not in known_stacks(root):
        raise _nothing_applied([f"the plan is for stack {then['stack']}, which this checkout does not have"], MOVED)
    name = only_stack(root, stack or (str(then["stack"]) if then else None))
    if then and then["stack"] != name:  # before the stack is opened: what that one lacks is beside the point
        raise _nothing_applied([f"the plan is for stack {then['stack']}, and this is {name}", AGAIN], MOVED)
    agreed = then or yes
    found = planned(root, name, count=then is None, waiting=waiting)
    if isinstance(found, tuple):
        raise _nothing_applied(found, 1, root, name, agreed)
    if then is None:
        click.echo(text(found.report))
    elif lines := moved(then, found):
        raise _nothing_applied([*lines, AGAIN], MOVED, root, name, agreed)
    if refused := found.report.refused:
        raise _nothing_applied(refused, 1, root, name, agreed)
    untouched, stays = (left(then, found), held(then, found)) if then else ({}, [])
    if then is None and not yes and found.report.entries:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is here to ask; give the plan that was reviewed, or say --yes")
        click.confirm(f"apply {'what is not refused of ' if found.report.blocked else ''}this to {name}?", abort=True)
    touched = [each for each in found.report.entries if str(each.change.ref) not in untouched]
    click.echo(f"applying {reading.title(replace(found.report, entries=tuple(touched)))}")
    try:
        result = apply_plan(found, click.echo, untouched)
    except UnreadableState as problem:
        raise _nothing_applied([str(problem)], 1, root, name, then or True) from None
    for ref, line in untouched.items():
        click.echo(f"not touched, as it was changed in PostHog since the plan was made: {ref}: {line}")
    for line in [*stays, *result.errors]:
        click.echo(f"error: {line}", err=True)
    for said, advice in _ADVICE.items():
        if any(said in line for line in result.errors):
            click.echo(advice.format(stack=name), err=True)
    nothing = "nothing applied"
    # Pulumi did not begin (a lock), or ended at once.
    if result.code and not result.done and not result.interrupted and _off_all_the_same(root, name, then or True):
        nothing = "nothing else applied"
    applied = [*_applied(found.report, result.done)]
    if result.waiting:  # of which a part may be applied
        applied.append(f"{reading.counted(len(result.waiting), 'waits', 'wait')} for approval in PostHog")
    ended = ", interrupted" if result.interrupted and result.code else ""
    ended = ended or (", and not all" if result.done and (result.code or stays) else "")
    click.echo(f"{name}: {', '.join(applied or [nothing])} in {result.seconds:.0f} s{ended}")
    if result.interrupted and result.code:
        raise click.Abort
    if result.code or stays:
        raise click.exceptions.Exit(1)


def _applied(report: Report, done: Sequence[str]) -> Iterator[str]:
    """Yield how much was applied, counted as in the title of the plan (``reading.title``)."""
    taken = {str(each.change.ref) for each in reading.taken_over(report)}.intersection(done)
    unmet = {str(each.change.ref) for each in report.entries if each.change.unmet}.intersection(done) - taken
    if number := len(done) - len(taken) - len(unmet):
        yield f"{reading.counted(number, 'object', 'objects')} applied"
    if taken:
        yield reading.counted(len(taken), "is adopted as it is", "are adopted as they are")
    if unmet:
        yield f"{reading.counted(len(unmet), 'is', 'are')} not in PostHog yet"


def _nothing_applied(
    why: Sequence[str], code: int, root: Path | None = None, stack: str = "", agreed: Mapping[str, Any] | bool = False
) -> click.exceptions.Exit:
    """Say why nothing is applied but what files switch off, which nothing holds up; return the end of the command.

    ``root`` and ``stack`` say where that is. ``agreed`` is whether somebody agreed to anything yet, or the plan that
    they agreed to, which is for one project; where nobody did it is said how to do it.
    """
    but = root is not None and _off_all_the_same(root, stack, agreed)
    click.echo("\n".join([f"nothing {'else ' if but else ''}was applied:", *(f"  {line}" for line in why)]), err=True)
    return click.exceptions.Exit(code)


def _off_all_the_same(root: Path, stack: str, agreed: Mapping[str, Any] | bool) -> bool:
    """Switch off the flags that are on and whose files say that they are off; return whether any went off."""
    off, command = off_in_files(root, stack), f"ai-admin off --as-written --stack {stack}"
    if not off:
        return False
    try:
        there = to_switch(root, stack)
        flags = still_on(there, off)
    except (click.UsageError, ApiError):  # the command says why
        keys = ", ".join(each.key for each in off)
        click.echo(f"whether PostHog has them on is not known; to have {keys} off all the same: {command}", err=True)
        return False
    where = there.client.connection
    if not isinstance(agreed, bool):
        agreed = (agreed.get("host"), agreed.get("project")) == (where.host, where.project_id)
    if flags and agreed:
        return bool(switch_off_all(there, flags))
    if flags:
        keys = ", ".join(flag["key"] for flag in flags)
        click.echo(f"to have {keys} off all the same: {command}", err=True)
    return False
