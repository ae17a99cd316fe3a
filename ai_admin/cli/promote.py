"""``ai-admin promote``: one stack's version of a definition, for another stack as well."""

from __future__ import annotations

import os

import click

from ai_admin.cli.checkout import checkout, known
from ai_admin.cli.switching import pull_request, taken_along
from ai_admin.cli.text import ended
from ai_admin.definitions.saving import save
from ai_admin.review.promotion import promote as promotion
from providers.posthog.errors import Problem
from providers.posthog.kinds import Ref

LEFT = 1
"""Exit code: the file can't be edited so, or the definitions have problems."""


@click.command()
@click.option("--from", "source", metavar="NAME", required=True, help="The stack to copy from.")
@click.option("--to", "target", metavar="NAME", required=True, help="The stack to change.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.argument("key")
def promote(key: str, source: str, target: str, dry_run: bool) -> None:
    """Give one stack another one's version of a definition.

    Edits the patches (stacks:) in the definition's file, so that --to gets what --from has; every other stack keeps
    what it has. A value that both then have, and no other stack overrides, moves into the definition itself. Comments,
    order and style stay, and so do `adopt` and `renamed_from`, which belong to one project. Shows what changes in the
    sentences of `ai-admin plan`, and prints the commands for a pull request.

    Also names who may lose it in --to, and the tests of the flag (of a cohort, of the flags that use it) that then fail
    there. If the rules of the stack would refuse the step, names a smaller one in which nobody loses anything, or says
    that there is none, and which one gives fewer another variant. The rules are applied as if the present files were
    applied. PostHog is not asked. Problems of other files are named, and do not prevent the promotion.

    KEY is a definition's key, or kind/key if several kinds have it.

    Exit codes: 0 the file is edited, or would be (--dry-run); 1 nothing was written, for the printed reason, 2 wrong
    use.
    """
    root = checkout()
    if known(source, root) == known(target, root):
        raise click.UsageError("--from and --to are the same stack")
    try:
        found = promotion(root, key, source, target)
    except Problem as problem:
        raise ended(f"nothing is written: {problem}", LEFT) from None
    if not found.changes:
        click.echo(f"{target} has of {key} what {source} has")
        return
    for ref, lines in found.changes.items():
        click.echo(click.style(f"{ref} in {target}:", bold=True))
        click.echo("\n".join(f"  {line.text}" for line in lines))
    for line in found.losing:
        click.echo(click.style(f"somebody may lose it in {target}: ", fg="yellow") + line)
    for line in found.refused:
        click.echo(click.style(f"refused by the rules of {target}: ", fg="red") + line)
    if found.step:
        click.echo(f"a step in which nobody loses it: write {found.step} for {target}, apply that, and promote again")
    elif found.step is None:
        click.echo("there is no smaller step in which nobody loses anything")
    if found.variants:
        write = f"write the variants {found.variants} and the new release conditions for {target}"
        click.echo(f"a step in which fewer get another variant at once: {write}, apply that, and promote again")
    for line in found.failing:
        click.echo(click.style(f"this test fails in {target} then: ", fg="red") + line)
    if found.failing:
        click.echo("edit the tests in the same pull request; `ai-admin test` says how the flag came to its answer")
    for line in found.broken:
        click.echo(f"not looked at, and to be corrected first: {line}", err=True)
    if dry_run:
        click.echo("nothing is written")
        return
    try:
        save(root, {found.path: found.text}, {found.path: found.read})
    except Problem as problem:
        raise ended(f"nothing is written: {problem}", LEFT) from None
    for line in taken_along(root, {found.path: found.read}):
        click.echo(line)
    click.echo(f"{os.path.relpath(root / found.path)} says so now; for a pull request:")
    name = Ref.parse(key).key or key
    click.echo("\n".join(pull_request(f"promote/{name}", f"Promote {name} to {target}", [found.path], root)))
