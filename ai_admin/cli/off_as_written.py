"""``ai-admin off --as-written``: the flags that the files say are off, past what holds a run up. For CI."""

from __future__ import annotations

import click

from ai_admin.cli.switching import LEFT, Stack, left
from ai_admin.definitions.check import check
from ai_admin.definitions.off_files import off_by_file
from providers.posthog.errors import ApiError, NotSwitched
from providers.posthog.switch import Live, every, turn


def off_as_written(stack: Stack) -> None:
    """Switch off every flag that is on and whose own file is sound and says that it is off."""
    definitions = list(off_by_file(check(stack.root, (stack.name,)), stack.root, stack.name))
    try:
        live = every(stack.client) if definitions else {}
    except ApiError as error:
        raise left(stack, "every flag", error) from None
    # A new key that no run has applied yet is not known to PostHog.
    found = (live.get(each.key) or live.get(each.renamed_from or "") for each in definitions)
    flags = [flag for flag in found if flag and flag["active"]]
    refused = _switched_off(stack, flags)
    for key, reason in refused.items():
        click.echo(f"{key} was not switched off: {reason}", err=True)
    if not flags:
        click.echo(f"{stack}: no flag is on whose file says that it is off")
    if refused:
        raise click.exceptions.Exit(LEFT)


def _switched_off(stack: Stack, flags: list[Live]) -> dict[str, str]:
    """Switch flags off, and return why not by key. What depends on others goes first, which shows by being tried."""
    refused: dict[str, str] = {}
    still_on = flags
    while still_on:
        refused = {}
        for flag in still_on:
            try:
                turn(stack.client, flag, False)
                click.echo(f"{flag['key']} is off in {stack}")
            except NotSwitched as problem:
                refused[flag["key"]] = str(problem)
        if len(refused) == len(still_on):
            return refused
        still_on = [flag for flag in still_on if flag["key"] in refused]
    return refused
