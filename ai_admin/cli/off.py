"""``ai-admin off``: switches a flag off at once, for on-call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import click

from ai_admin.cli.as_written import off_in_files, still_on, switch_off_all
from ai_admin.cli.checkout import checkout, only_stack
from ai_admin.cli.switching import (
    LEFT,
    NOT_IN_FILE,
    Stack,
    asked_for,
    edit,
    left,
    on_again,
    reason_option,
    stack_option,
    to_last,
    to_switch,
)
from ai_admin.cli.text import ended, progress
from ai_admin.definitions.switch_line import switched
from providers.posthog.approvals import Approvals
from providers.posthog.client import Client
from providers.posthog.coming import coming
from providers.posthog.errors import ApiError, NotSwitched
from providers.posthog.switch import Audience, Live, audiences, in_order, not_switched, turn

PATIENCE = 1.0
"""Seconds that the command waits, once all is done, for what is good to know."""

COUNTED = 5
"""Most release conditions of which that is asked."""


@click.command()
@stack_option
@reason_option
@click.option("--with-dependents", is_flag=True, help="First switch off the flags that depend on it.")
@click.option("--as-written", is_flag=True, help="Without KEY: switch off every flag whose file says that it is off.")
@click.argument("key", required=False)
def off(key: str | None, stack: str | None, reason: str | None, with_dependents: bool, as_written: bool) -> None:
    """Switch a flag off in PostHog, at once, and in its file.

    For on-call: needs no Pulumi engine, lock or state, and no valid definitions. Sends one read and one write
    to PostHog, edits the line in the flag's file, and prints the commands for a pull request. The next
    `pulumi up` then finds nothing to do. Finally it names scheduled changes, and changes that wait for approval,
    that would switch the flag on again.

    The API key comes from POSTHOG_API_KEY and needs the scope feature_flag:write, and approvals:read to see
    changes that wait for approval. If the stack's file can't be read, set POSTHOG_HOST and POSTHOG_PROJECT_ID.

    Exit codes: 0 it is off, 1 PostHog did not switch it off, or does not say, 2 wrong use, 3 it is off and
    its file was not edited, 4 PostHog has no such flag.
    """
    if (key is None) is not as_written:
        raise click.UsageError("name a flag, or say --as-written")
    for option, given in (("--reason", reason is not None), ("--with-dependents", with_dependents)):
        if as_written and given:
            raise click.UsageError(f"{option} has no effect with --as-written: leave it out, or name a flag")
    root = checkout()
    # The shell does not choose the stack: nobody should switch a flag in a stack that they did not mean.
    there = to_switch(root, only_stack(root, stack, by_shell=False), by_variables=True)
    with progress(lambda: "asking PostHog"):
        if key is None:
            _off_as_written(there)
        else:
            _off(there, key, reason, with_dependents)


def _off(stack: Stack, key: str, reason: str | None, with_dependents: bool) -> None:
    live = asked_for(stack, key)
    flags = [live]
    if with_dependents and live["active"]:
        try:
            flags = in_order(stack.client, live)
        except ApiError as error:
            raise left(stack, key, error) from None
    done = [flag for flag in flags if _switched(stack, flag)]
    edits = [edit(stack, flag["key"], lambda document: switched(document, stack.name, False)) for flag in done]
    for each in edits:
        click.echo(each.message, err=not each.well)
    paths = [each.path for each in edits if each.path]
    if paths:
        click.echo("to make it lasting:")
        click.echo("\n".join(to_last("off", _keys(done), reason, paths, stack.root)))
    if len(flags) > 1 and done:
        click.echo(f"to switch them on again, one after the other:\n{on_again(_keys(reversed(done)), stack)}")
    _tell_switches_on(stack, done)
    if live["active"] and live in done:
        _tell_reach(stack, live)
    if len(done) < len(flags):
        raise click.exceptions.Exit(LEFT)
    if not all(each.well for each in edits):
        why = "off in PostHog, and not in every file: `pulumi up` leaves the flag off and reports it"
        raise ended(why, NOT_IN_FILE)


def _keys(flags: Iterable[Live]) -> list[str]:
    return [flag["key"] for flag in flags]


def _switched(stack: Stack, live: Live) -> bool:
    """Switch one flag off and say so; or say why not."""
    key = live["key"]
    if not live.get("active", True):
        click.echo(f"{key} is off already in {stack}")
        return True
    try:
        turn(stack.client, live, False)
    except NotSwitched as problem:
        click.echo(not_switched(key, "off", str(problem), problem.unknown), err=True)
        try:
            others = sorted(_keys(in_order(stack.client, live)[:-1])) if problem.refused else []
        except ApiError:
            others = []
        if others:
            click.echo(
                f"these flags depend on it and are on: {', '.join(others)}; to switch them off as well:\n"
                f"  ai-admin off {key} --stack {stack.name} --with-dependents",
                err=True,
            )
        return False
    click.echo(f"{key} is off since {datetime.now(UTC):%H:%M:%S} UTC in {stack}")
    return True


def _tell_reach(stack: Stack, live: Live) -> None:
    """Report who was affected, if PostHog counts that in time: the flag is off in any case."""
    found: list[Audience] = []
    _in_time(lambda: found.extend(audiences(stack.client, live, COUNTED)))
    for each in tuple(found):
        of = f"the {each.matching:,} of {each.total:,} that match" if each.matching is not None else "those that match"
        click.echo(f"{live['key']} was on for {each.share:g} % of {of}: {each.title}")


def _tell_switches_on(stack: Stack, flags: list[Live]) -> None:
    """Say what would switch flags on again that are off now, as far as PostHog says so in time."""
    found: list[str] = []
    if flags and not _in_time(lambda: found.extend(_switches_on(stack.client.hurried(PATIENCE), flags))):
        found.append("whether anything switches it on again is not known: PostHog took too long; look at its page")
    for line in tuple(found):
        click.echo(line, err=True)


def _switches_on(client: Client, flags: list[Live]) -> Iterator[str]:
    keys = {str(flag["id"]): flag["key"] for flag in flags}
    for each in coming(client, Approvals(client), keys, f"switches {' or '.join(keys.values())} on again"):
        if isinstance(each, str):
            yield each
        elif each.switch:
            yield f"{keys[each.flag]} {each}; {each.fix}"


def _in_time(ask: Callable[[], None]) -> bool:
    """Ask for something that the command can do without; return whether it is done in time."""
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return not thread.is_alive()


def _off_as_written(stack: Stack) -> None:
    try:
        flags = still_on(stack, off_in_files(stack.root, stack.name))
    except ApiError as error:
        raise left(stack, "every flag", error) from None
    if not flags:
        click.echo(f"{stack}: no flag is on whose file says that it is off")
    well = len(switch_off_all(stack, flags)) == len(flags)
    _tell_switches_on(stack, flags)
    if not well:
        raise click.exceptions.Exit(LEFT)
