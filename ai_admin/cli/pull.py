"""``ai-admin pull``: changes in PostHog, into the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, only_stack
from ai_admin.cli.drift import UNKNOWN, comparison_of
from ai_admin.cli.switching import pull_request, reason_option, stack_option, taken_along
from ai_admin.cli.text import ended, progress
from ai_admin.definitions.saving import save
from ai_admin.review.comparison import Comparison
from ai_admin.review.drift import concerning
from ai_admin.review.pull import pull as pulled
from ai_admin.review.pull import told
from ai_admin.review.report import some
from ai_admin.review.takeover import take_over
from ai_admin.review.trial import failing
from ai_admin.safety.applied import name_of
from providers.posthog.errors import NotEdited
from providers.posthog.kinds.phrases import counted

NOT_ALL = 1
"""Exit code: not everything could be written."""

SHOWN = 8
"""New files that are named in the commands for a pull request; of more their folders are."""

TAKE_OVER = "take-over"
"""The branch of a project that is taken over."""


@click.command()
@stack_option
@reason_option
@click.option("--all", "everything", is_flag=True, help="Write a file for every object that no file defines yet.")
@click.option("--join", is_flag=True, help="With --all: extend files of the same keys for other stacks to this one.")
@click.option("--delete", is_flag=True, help="Remove from the files what was deleted in PostHog.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --all: write the files below this folder instead of the checkout.",
)
@click.argument("keys", metavar="[KEY]...", nargs=-1)
def pull(
    keys: Sequence[str],
    stack: str | None,
    reason: str | None,
    everything: bool,
    join: bool,
    delete: bool,
    dry_run: bool,
    folder: Path | None,
) -> None:
    """Write changes in PostHog into the files. Only reads from PostHog.

    Without --all: changes on PostHog's pages are written into the files; KEY (or kind/KEY) names single definitions.
    Comments, order and style stay, and only the lines of what changed change. A change goes into the patch of this
    stack (under `stacks:`) if that sets the field already, or if an edit of the definition itself would change other
    stacks, too. Nothing is written that would not pass `ai-admin check`, or would still differ from PostHog.

    With --all: every object that no file defines becomes a file; the next `pulumi preview` adopts it as it is.
    Existing files stay. What a file can't express is left to PostHog, and named. If there are stacks of other projects,
    the new files are for this one only (`only:`). With --join, files that define objects of the same keys for other
    stacks only are extended to this one, with the differences in its patch.

    If files have problems, they are named, and only what KEY names in other files is written, without running the tests
    of flags.

    Exit codes: 0 done, 1 something could not be written, or not be read in PostHog, 2 wrong use, 3 nothing could be
    compared, since files have problems or PostHog did not answer.
    """
    if everything and (keys or delete):
        raise click.UsageError("--all takes over what no file defines; name no KEY, and not --delete")
    if folder and not everything:
        raise click.UsageError("--folder goes with --all")
    if join and (folder or not everything):
        raise click.UsageError("--join goes with --all, and not with --folder")
    root = checkout()
    name = only_stack(root, stack)
    with comparison_of(root, name, whole=everything) as comparison:
        if comparison.broken and not (keys and _known(comparison).issuperset(keys)):
            raise ended("\n".join(["the definitions have problems:", *comparison.broken]), UNKNOWN)
        for line in comparison.broken:
            click.echo(f"not looked at, and to be corrected first: {line}", err=True)
        try:
            if everything:
                _take_over(root, name, comparison, folder or root, join, dry_run)
            else:
                _write_back(root, name, comparison, keys, reason, delete, dry_run)
        except NotEdited as problem:
            raise ended(f"nothing is written: {problem}", NOT_ALL) from None


def _write_back(
    root: Path, stack: str, comparison: Comparison, keys: Sequence[str], reason: str | None, delete: bool, dry_run: bool
) -> None:
    known = _known(comparison)
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise click.UsageError(f"no file defines {', '.join(unknown)} in {stack}")
    with progress(lambda: "trying what would be written"):
        differing = {each.ref: each for each in concerning([*comparison.differences()], keys)}
        result = pulled(root, stack, comparison, differing.values(), delete)
        flags = [ref.key for ref in result.written if ref.kind == "flag" and differing[ref].there is not None]
        failed = failing(root, stack, result.texts, [] if comparison.broken else flags)
    if not dry_run:  # before anything is said, so that nothing is lost where nobody reads on (`| head`)
        save(root, result.texts, result.read)
    for ref in result.written:
        click.echo("\n    ".join([f"{ref}: as PostHog holds it", *told(comparison, differing[ref])]))
    for path, text in result.texts.items():
        click.echo(f"  {path}{'' if text is not None else ' goes'}")
    for ref, fields in result.kept.items():
        why = "the file was changed since it was applied; nothing of PostHog to bring back"
        click.echo(f"{ref}: {why}" if ref not in result.written else f"{ref}: of {', '.join(fields)}, {why}")
    if not result.written and not result.refused and not result.kept:
        click.echo(f"nothing differs in {stack}")
    for line in failed:
        click.echo(f"a test of the flag fails with it: {line}")
    title = f"Take over from {stack} what was changed in PostHog" + (f": {reason}" if reason else "")
    _offer(root, root, result.texts, result.read, dry_run, "pull", title)
    about: dict[str, list[str]] = {}
    for ref, why in result.refused.items():
        about.setdefault(why, []).append(str(ref))
    for why, names in about.items():
        click.echo(f"{some(names)}: not written: {why}", err=True)
    if result.refused:
        raise click.exceptions.Exit(NOT_ALL)


def _known(comparison: Comparison) -> set[str]:
    """Return what names the definitions of the files that have no problems."""
    return {name for each in comparison.definitions for name in (each.key, name_of(each))}


def _take_over(
    root: Path, stack: str, comparison: Comparison, folder: Path, join: bool, dry_run: bool
) -> None:
    with progress(lambda: "making files of what no file defines"):
        result = take_over(root, stack, comparison, join)
    if not dry_run:
        save(folder, result.texts, result.joined)
    for path in result.texts:
        click.echo(f"{path} is for {stack}, too" if path in result.joined else path)
    for line in result.partly:
        click.echo(line)
    for left in result.left:
        if join or not left.file:
            click.echo(f"left to PostHog: {left}")
    if not join and (apart := [left for left in result.left if left.file]):
        files = sorted({left.file for left in apart})
        whose = "whose file is" if len(files) == 1 else "whose files are"
        click.echo(f"left to PostHog: {counted(len(apart), 'object')}, {whose} not for {stack}: {some(files)}")
        click.echo(f"  `ai-admin pull --all --join` adds {stack} to `only:` there, and to `stacks:` what differs in it")
    there = f"; {len(comparison.owners):,} were in files already" if comparison.owners else ""
    made = f"{counted(result.definitions, 'object')} in {counted(len(result.texts), 'file')}"
    click.echo(f"{made}, {len(result.left):,} left to PostHog{there}")
    if result.texts.keys() > result.joined.keys() and result.others:
        others = " and ".join(result.others)
        click.echo(
            f"each new file says `only: [{stack}]`, so that nothing of it goes to {others}; to give a definition to "
            "another stack, too, add that to its `only:`, or remove the line to give it to all"
        )
    _offer(root, folder, result.texts, result.joined, dry_run, TAKE_OVER, f"Take over the project of {stack}")
    if any(left.unread for left in result.left):
        raise click.exceptions.Exit(NOT_ALL)


def _offer(
    root: Path,
    folder: Path,
    texts: Mapping[str, str | None],
    read: Mapping[str, str],
    dry_run: bool,
    branch: str,
    title: str,
) -> None:
    if dry_run or not texts:
        click.echo("nothing is written")
    elif folder == root:
        for line in taken_along(root, {path: text for path, text in read.items() if texts.get(path) is not None}):
            click.echo(line)
        click.echo("for a pull request:")
        named = folded([*texts]) if branch == TAKE_OVER else [*texts]
        click.echo("\n".join(pull_request(branch, title, named, root)))


def folded(paths: Sequence[str]) -> list[str]:
    """Return paths of new files as people type them: where they are many, the folders that they are in."""
    return [*paths] if len(paths) <= SHOWN else sorted({path.split("/")[0] for path in paths})
