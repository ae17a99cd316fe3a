"""``ai-admin on``: back to what was on before a switch-off, within the rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, only_stack
from ai_admin.cli.switching import (
    LEFT,
    NOT_IN_FILE,
    Stack,
    asked_for,
    edit,
    git,
    on_again,
    reason_option,
    stack_option,
    to_last,
    to_switch,
)
from ai_admin.cli.text import progress
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.switch_line import is_on, switched
from providers.posthog.consents import on_code
from providers.posthog.errors import ApiError, NotEdited, NotSwitched
from providers.posthog.switch import (
    Live,
    disabled_dependencies,
    disabled_dependents,
    not_switched,
    only_switched_off,
    turn,
)

VERSIONS = 20
"""The number of earlier versions of a file that are searched."""


@click.command()
@stack_option
@reason_option
@click.argument("key")
def on(key: str, stack: str | None, reason: str | None) -> None:
    """Switch a flag on again, as it was before it was switched off.

    Restores the flag's file. Switches the flag on in PostHog at once if the rules allow it: the stack is
    neither careful nor follows another one, or its settings have the consent on/KEY; and the switch-off is the
    last change of the flag (the API key needs activity_log:read to see that). Otherwise prints the commands
    for a pull request that switches it on.

    Exit codes: 0 it is on, 1 it was not switched on, or PostHog does not say, 2 wrong use, 3 it is on and
    its file was not edited, 4 PostHog has no such flag.
    """
    root = checkout()
    # The shell does not choose the stack: nobody should switch a flag in a stack that they did not mean.
    there = to_switch(root, only_stack(root, stack, by_shell=False))
    with progress(lambda: "asking PostHog"):
        live = asked_for(there, key)
        problem = _switched_on(there, live)
    edited = edit(there, key, lambda document: _as_before(there, document))
    click.echo(problem or f"{key} is on in {there}", err=bool(problem))
    click.echo(edited.message, err=not edited.well)
    paths = [edited.path] if edited.path else []
    if paths or problem:
        # `up` reads the consent there, too.
        paths += [_file(there)] if _asks(there) or on_code(key) in problem else []
    if paths:
        click.echo("by pull request:" if problem else "to make it lasting:")
        click.echo("\n".join(to_last("on", [key], reason, paths, there.root)))
    if problem:
        raise click.exceptions.Exit(LEFT)
    with progress(lambda: "asking PostHog what depends on it"):
        others = _still_off(there, live)
    if others:
        click.echo(f"these flags depend on it and are off; to switch them on as well:\n{on_again(others, there)}")
    if not edited.well:
        raise click.exceptions.Exit(NOT_IN_FILE)


def _switched_on(stack: Stack, live: Live) -> str:
    """Switch a flag on if the rules allow it; return why it is not on, empty when it is on."""
    if live["active"]:
        return ""
    key = live["key"]
    given = on_code(key) in stack.settings.consents
    add = f"add {on_code(key)} to ai-admin:consent in {_file(stack)}"
    if _asks(stack) and not given:
        then = "then run this again, or let `pulumi up` do it, by its rules, once the pull request is merged"
        return not_switched(key, "on", f"stack {stack.name} asks for consent: {add}; {then}")
    if changed := only_switched_off(stack.client, live):
        first = "" if given else f"; {add}, or the flag may be held"
        later = f"`pulumi up` switches it on, by its rules, once the pull request is merged{first}"
        return not_switched(key, "on", f"{changed}; {later}")
    try:
        turn(stack.client, live, True)
    except NotSwitched as problem:
        said = not_switched(key, "on", str(problem), problem.unknown)
        return said if problem.unknown else f"{said}{_first(stack, live)}"
    return ""


def _first(stack: Stack, live: Live) -> str:
    """Return the commands that switch on what a flag depends on, a line each; empty if all of it is on."""
    try:
        keys = disabled_dependencies(stack.client, live)
    except ApiError:
        return ""
    return f"\n{on_again(keys, stack)}" if keys else ""


def _still_off(stack: Stack, live: Live) -> list[str]:
    """Return the flags that are off and depend on one that is on now; none where PostHog does not say."""
    try:
        return disabled_dependents(stack.client, live)
    except ApiError:
        return []


def _file(stack: Stack) -> str:
    return f"Pulumi.{stack.name}.yaml"


def _asks(stack: Stack) -> bool:
    """Return whether a stack requires consent before a flag is switched on."""
    return stack.settings.careful or bool(stack.settings.follows)


def _as_before(stack: Stack, document: Document) -> Document:
    """Return the file as it was before `ai-admin off` edited it; else with ``active: true``. Raises ``NotEdited``."""
    for text in _earlier(stack.root, document.path):
        before = Document(File(document.path, document.kind, text))
        try:
            if is_on(before, stack.name) and switched(before, stack.name, False).text == document.text:
                return before
        except NotEdited:
            continue
    return switched(document, stack.name, True)


def _earlier(root: Path, path: str) -> Iterator[str]:
    """Yield the versions of a file that Git has, newest first; none where there is no Git."""
    log = git(root, "log", f"--max-count={VERSIONS}", "--format=%H", "--", path)
    for commit in (log or b"").decode().split():
        text = git(root, "show", f"{commit}:./{path}")
        if text is not None:
            try:
                yield text.decode("utf-8")
            except UnicodeDecodeError:
                continue
