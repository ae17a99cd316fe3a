"""``ai-admin history``: who changed what, when and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, known, of_this_shell
from ai_admin.cli.switching import stack_option
from ai_admin.cli.text import ended, show_json, styled, waiting
from ai_admin.definitions.spelling import closest
from ai_admin.definitions.stacks import known_stacks
from ai_admin.review import telling
from ai_admin.review.history import History, Logs, moment
from ai_admin.review.history import history as read
from ai_admin.review.stack import reviewed
from ai_admin.review.then import then
from providers.posthog.errors import NoHistory
from providers.posthog.kinds import Ref

UNREAD, UNKNOWN = 1, 4
"""Exit codes: a part of the history could not be read; there never was such a definition."""


@click.command()
@stack_option
@click.option("--at", "at", metavar="DATE", help="Show KEY at that time instead, and who had approved it.")
@click.option("--since", metavar="DATE", help="Only entries since then.")
@click.option("--offline", is_flag=True, help="Only Git's history; PostHog is not asked.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV for a spreadsheet: a row for each thing that changed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("key", required=False)
def history(
    key: str | None, stack: str | None, at: str | None, since: str | None, offline: bool, as_csv: bool, as_json: bool
) -> None:
    """Show who changed what, when and why.

    Merges the commits of the definitions and PostHog's activity log, the newest first. KEY is a definition's key, or
    kind/key if several kinds have it; it is followed through renames. Without KEY everything is shown. A commit has its
    author, and from its message the reason, the pull request and the reviewers. A merge has the date on which it came.
    A commit also says when it was applied. The other entries of PostHog's log were made by hand, by a schedule, by
    ai-admin, or by PostHog itself. Needs the scope activity_log:read.

    Without --stack, if this shell is set up for several: what the files said in all stacks, without PostHog's log.
    DATE is a day or a time (2026-11-12, 2026-11-12T10:00+01:00; UTC without a zone). For --at, a day means its end.

    Exit codes: 0 the history, 1 a part of it could not be read (said on standard error), 2 wrong use, 4 there never
    was such a definition.
    """
    if as_csv and (as_json or at):
        raise click.UsageError("--csv goes with neither --json nor --at")
    if at and (since or not key):
        raise click.UsageError("--at goes with KEY and without --since")
    root = checkout()
    stacks = [*known_stacks(root)] if offline else of_this_shell(root)
    name = known(stack, root) if stack else stacks[0] if len(stacks) == 1 else None
    logs = partial(_logs, root, name) if name and not offline else None
    if at:
        if _moment(at, "--at") > datetime.now(UTC).isoformat():
            raise click.UsageError(f"--at {at}: that is still to come")
        _at(root, key or "", _moment(at, "--at", end=True), name, logs, as_json)
        return
    found = read(root, key or "", name, _moment(since, "--since") if since else "", logs)
    if key and not found.entries and not found.unread and not since:
        _unknown(key, found)
    if as_json:
        click.echo(telling.as_json(found))
    elif as_csv:
        click.echo(telling.as_csv(found), nl=False)
    elif found.entries:
        click.echo(telling.text(found, styled))
    if name is None and not offline and not (as_json or as_csv):
        click.echo(f"(PostHog's log: --stack {' or --stack '.join(stacks)})", err=True)
    _end(found.unread)


def _logs(root: Path, stack: str) -> Logs:
    return Logs(reviewed(root, stack, waiting))


def _at(
    root: Path, key: str, time: str, stack: str | None, logs: Callable[[], Logs] | None, as_json: bool
) -> None:
    try:
        found, unread = then(root, key, time, stack, logs)
    except NoHistory as problem:
        raise click.ClickException(str(problem)) from None
    if not found and not unread:
        _unknown(key)
    if as_json:
        show_json({"at": time, "found": [telling.then_json(each) for each in found], "unread": unread})
    else:
        click.echo("\n".join(line for each in found for line in telling.then_lines(each, time, styled)))
    _end(unread)


def _moment(text: str, option: str, end: bool = False) -> str:
    try:
        return moment(text, end)
    except ValueError:
        raise click.UsageError(f"{option} {text}: no day or time; write 2026-11-12 or 2026-11-12T10:00") from None


def _unknown(key: str, found: History | None = None) -> None:
    near = closest(Ref.parse(key).key or key, found.keys) if found else None
    hint = f"; did you mean {near}?" if near else ""
    raise ended(f"there never was a definition {key}{hint}", UNKNOWN)


def _end(unread: tuple[str, ...]) -> None:
    for line in unread:
        click.echo(f"not read: {line}", err=True)
    if unread:
        raise click.exceptions.Exit(UNREAD)
