"""What `ai-admin off` and `ai-admin on` share: the connection, the edit of the flag's file, and the next commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ai_admin.cli.checkout import only_stack
from ai_admin.cli.text import ended, waiting
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.saving import save
from ai_admin.definitions.spelling import closest, listed
from ai_admin.definitions.stacks import known_stacks
from ai_admin.definitions.switch_line import flag_files, is_left, is_on, line_of, unreadable_files
from ai_admin.stackfile import connection, settings
from providers.posthog.client import Client
from providers.posthog.errors import ApiError, ConnectionProblem, NotEdited
from providers.posthog.settings import VARIABLES, Settings
from providers.posthog.switch import Live, every, find

LEFT, NOT_IN_FILE, NO_FLAG = 1, 3, 4
"""Exit codes: PostHog did not switch the flag, or does not say; it did, and the file is not edited; there is none."""

AT_THE_SCREEN = 30.0
"""Seconds that a request waits in all: whoever asks something waits for it at the screen."""

SWITCHING = 25.0
"""Seconds that PostHog may give no answer while something is switched.

With what is asked once after that, such as whether a switch whose answer got lost was carried out, it is half a minute.
"""


@dataclass(frozen=True)
class Stack:
    """A stack of a checkout, with its settings and a client for its PostHog."""

    root: Path
    name: str
    settings: Settings
    client: Client

    def __str__(self) -> str:
        where = self.client.connection
        return f"stack {self.name} (project {where.project_id} of {where.host})"


def opened(
    root: Path,
    name: str | None,
    by_variables: bool = False,
    needs: str = "the scope feature_flag:write",
    patience: float = AT_THE_SCREEN,
    in_all: bool = False,
) -> Stack:
    """Return a stack (None: the only one). Raises click.UsageError, before any request to PostHog.

    ``by_variables``: if the stack's file can't be read, the variables for host and project are used instead.
    ``needs`` are the scopes that the key must have, in words; ``patience`` and ``in_all`` are the client's.
    """
    stack = only_stack(root, name)
    try:
        try:
            given = Settings(settings(root, stack), os.environ)
        except ConnectionProblem as problem:
            if not by_variables:
                raise
            given = _without_file(problem)
        client = Client(connection(stack, given, needs), warn=waiting, patience=patience, in_all=in_all)
        return Stack(root, stack, given, client)
    except ConnectionProblem as problem:
        raise click.UsageError(str(problem)) from None


def _without_file(problem: ConnectionProblem) -> Settings:
    host, project = (VARIABLES[name] for name in ("host", "project_id"))
    if not (os.environ.get(host) and os.environ.get(project)):
        raise ConnectionProblem(f"{problem}\nset {host} and {project} to say where the stack is, and it is not needed")
    where = f"project {os.environ[project]} of {os.environ[host]}"
    click.echo(f"{problem}\nso {host} and {project} are taken for the stack's: {where}", err=True)
    return Settings({}, os.environ)


def to_switch(root: Path, name: str, by_variables: bool = False) -> Stack:
    """Return a stack as :func:`opened` does, for who waits until something is switched."""
    return opened(root, name, by_variables, patience=SWITCHING, in_all=True)


def asked_for(stack: Stack, key: str) -> Live:
    """Return the flag with a key as PostHog holds it. Says why there is none, and raises click.exceptions.Exit."""
    try:
        live = find(stack.client, key)
    except ApiError as error:
        raise left(stack, key, error) from None
    if live is None:
        raise ended(f"there is no flag {key} in {stack}{_similar(stack, key)}", NO_FLAG)
    return live


def _similar(stack: Stack, key: str) -> str:
    """Return which of PostHog's keys somebody evidently meant, or may have; empty also where PostHog lists none."""
    from difflib import get_close_matches  # only here, where somebody mistyped

    try:
        keys = every(stack.client)
    except ApiError:
        return ""
    near = closest(key, keys)
    if near:
        return f"; did you mean {near}?"
    # A key that was changed on PostHog's pages often has more at its end, or another number.
    similar = sorted(each for each in keys if each.startswith(key)) or get_close_matches(key, keys, 5, 0.8)
    return f"; similar ones are: {listed(similar, 'and')}" if similar else ""


def left(stack: Stack, what: str, error: ApiError) -> click.exceptions.Exit:
    """Say why PostHog could not be read, and return the end of the command."""
    where = stack.client.connection
    page = f"{where.host}/project/{where.project_id}/feature_flags"
    advice = ""
    if error.status == 401:
        advice = f", or use PostHog's own page: {page}"
    elif error.status == 403:
        advice = f"; look at the scopes of the key, and at its projects, or use PostHog's own page: {page}"
    elif error.status == 404:
        advice = "; look at the stack's host and project_id"
    elif error.status == 429:
        advice = f"; PostHog's own page is not limited: {page}"
    elif error.outcome_unknown:
        advice = f"; run it again, or use PostHog's own page: {page}"
    return ended(f"{what} is left as it is in {stack}: {str(error).removesuffix('.')}{advice}", LEFT)


@dataclass(frozen=True)
class Edit:
    """The result of editing a flag's file."""

    path: str | None
    """The path of a file with a change to commit; None where there is none."""
    message: str
    """What to show to the user."""
    well: bool = True
    """False when the file should have been edited and was not."""


def edit(stack: Stack, key: str, change: Callable[[Document], Document]) -> Edit:
    """Edit a flag's file. Raises nothing, since the flag may be switched in PostHog already."""
    found = list(flag_files(stack.root, key))
    unread = [] if found else list(unreadable_files(stack.root, key))
    if unread:
        where, flaw = unread[0].path, unread[0].flaws[0]
        return Edit(None, f"{where}:{flaw.line}: {flaw.message}: nothing was edited; {flaw.fix}, and try again", False)
    here = [document for document in found if is_on(document, stack.name) is not None]
    if not here:
        # No `pulumi up` of this stack reads it, so nothing is left to do.
        return Edit(None, f"no file in flags/ defines {key} in stack {stack.name}: nothing to edit")
    if len(here) > 1:
        paths = listed([document.path for document in here], "and")
        return Edit(None, f"{paths} have the same key {key}: nothing was edited; keep one, and edit that", False)
    [document] = here
    if is_left(document, stack.name):
        return Edit(None, f"{document.path} leaves the switch to PostHog's pages (unmanaged): nothing to edit")
    try:
        changed = change(document)
        if changed.text != document.text:
            save(stack.root, {document.path: changed.text}, {document.path: document.text})
    except NotEdited as problem:
        return Edit(None, f"{document.path} was not edited: {problem}", False)
    word = "on" if is_on(changed, stack.name) else "off"
    is_new = changed.text != document.text
    status = git(stack.root, "status", "--porcelain", "--", document.path)
    # A file that is as committed needs no commit; without Git that is not known.
    path = document.path if status or (status is None and is_new) else None
    along = _along(stack.root, document, changed, change) if status else ""
    if not is_new:
        return Edit(path, f"{document.path} says already that it is {word}{along}")
    line = line_of(changed, stack.name)
    others = [
        each
        for each in known_stacks(stack.root)
        if each != stack.name and is_on(document, each) != is_on(changed, each)
    ]
    as_well = f"; so it goes {word} with the next `pulumi up` of {' and '.join(others)}, too" if path and others else ""
    return Edit(path, f"{document.path}:{line} says that it is {word} now{as_well}{along}")


def _along(root: Path, before: Document, after: Document, change: Callable[[Document], Document]) -> str:
    """Return, in a line of its own, what else a commit of a file includes beside a change; empty if nothing."""
    said = "\n".join(taken_along(root, {before.path: before.text}))
    committed = _committed(root, before.path) if said else None
    if committed is not None:
        try:
            text = committed.decode("utf-8")
            if change(Document(File(before.path, before.kind, text))).text == after.text:
                return ""
        except (NotEdited, UnicodeDecodeError):
            pass
    return f"\n{said}" if said else ""


def taken_along(root: Path, read: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each file of which a commit includes more than an edit of the text that it had (``read``)."""
    others = "has other uncommitted changes, which the commit below takes along; `git commit -p` asks about each"
    for path, text in read.items():
        committed = _committed(root, path)
        if committed is None:
            yield f"{path} is in no commit yet: the commit below takes all of it along"
        elif committed != text.encode("utf-8"):
            yield f"{path} {others}"


def _committed(root: Path, path: str) -> bytes | None:
    return git(root, "cat-file", "--filters", f"HEAD:./{path}")


def to_last(word: str, keys: Sequence[str], reason: str | None, paths: Sequence[str], root: Path) -> Iterator[str]:
    """Yield the commands for a pull request with these files: branch, commit, push, create."""
    title = f"Switch {word} {', '.join(keys)}" + (f": {reason}" if reason else "")
    return pull_request(f"{word}/{keys[-1]}", title, paths, root)


def on_again(keys: Iterable[str], stack: Stack) -> str:
    """Return the commands that switch flags on, each in a line."""
    return "\n".join(f"  ai-admin on {key} --stack {stack.name}" for key in keys)


def pull_request(branch: str, title: str, paths: Sequence[str], root: Path) -> Iterator[str]:
    """Yield the commands for a pull request with these files, of which some may be new or gone.

    The branch has a number at its end where one of its name is known to Git. They are one list, of which nothing runs
    after what failed: on the wrong branch the commit would be pushed to that.
    """
    shown = " ".join(shlex.quote(os.path.relpath(root / path)) for path in paths)
    new = git(root, "ls-files", "--others", "--", *paths)
    yield f"  git switch -c {shlex.quote(_free(branch, root))} &&"
    if new:
        yield f"  git add -- {shown} &&"
    yield f"  git commit -m {shlex.quote(title)} -- {shown} &&"
    yield "  git push -u origin HEAD &&"
    yield "  gh pr create --fill"


def _free(branch: str, root: Path) -> str:
    """Return the name for a new branch: this one, or with a number."""
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes") or b""
    # refs/heads/NAME, refs/remotes/REMOTE/NAME
    taken = {re.sub(r"^refs/(?:heads|remotes/[^/]+)/", "", ref) for ref in refs.decode(errors="replace").split()}
    names = (f"{branch}-{number}" if number > 1 else branch for number in count(1))
    return next(name for name in names if name not in taken)


def git(root: Path, *arguments: str) -> bytes | None:
    """Return the output of a Git command; None where there is no Git, or it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def stack_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that names a stack."""
    text = "The stack; optional if there is only one beside the sandbox."
    return click.option("--stack", metavar="NAME", help=text)(command)


def stack_of(context: click.Context, stack: str | None) -> str | None:
    """Return the stack that a subcommand was given, after its name or before.

    Raises click.UsageError where another option of the whole command is before its name: it would have no effect.
    """
    whole = context.parent or context
    for option in whole.command.params:
        if option.name != "stack" and whole.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            taken = any(each.opts == option.opts for each in context.command.params)
            advice = f"write it after `{context.info_name}`" if taken else f"`{context.info_name}` has no such option"
            raise click.UsageError(f"{option.opts[0]} has no effect before `{context.info_name}`: {advice}")
    return stack or whole.params["stack"]


def reason_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option for a reason."""
    return click.option("--reason", metavar="TEXT", help="Why; goes into the commit message.")(command)
