"""The flags that are on although their own files have them off, whatever is wrong with other files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ai_admin.cli.switching import Stack
from ai_admin.definitions import Definition
from ai_admin.definitions.check import check
from ai_admin.definitions.off_files import off_by_file
from providers.posthog.errors import NotSwitched
from providers.posthog.switch import Live, every, not_switched, turn


def off_in_files(root: Path, stack: str) -> list[Definition]:
    """Return the flags that their own, valid files have off."""
    return list(off_by_file(check(root, (stack,)), root, stack))


def still_on(stack: Stack, definitions: Sequence[Definition]) -> list[Live]:
    """Return those of these flags that are on in PostHog. Raises ``ApiError``."""
    live = every(stack.client) if definitions else {}
    # A new key that no run has applied yet is not known to PostHog.
    found = (live.get(each.key) or live.get(each.renamed_from or "") for each in definitions)
    return [flag for flag in found if flag and flag["active"]]


def switch_off_all(stack: Stack, flags: list[Live]) -> list[str]:
    """Switch flags off, report it, and return the keys of those that are off.

    Flags that depend on others go first; the order is found by trying.
    """
    refused: dict[str, NotSwitched] = {}
    left = flags
    while left:
        refused = {}
        for flag in left:
            try:
                turn(stack.client, flag, False)
                click.echo(f"{flag['key']} is off in {stack}")
            except NotSwitched as problem:
                refused[flag["key"]] = problem
        if len(refused) == len(left):
            break
        left = [flag for flag in left if flag["key"] in refused]
    for key, why in refused.items():
        click.echo(not_switched(key, "off", str(why), why.unknown), err=True)
    return [flag["key"] for flag in flags if flag["key"] not in refused]
