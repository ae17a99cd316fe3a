"""``ai-admin ls``: what is defined, live and different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from ai_admin.cli.checkout import checkout, looked_at
from ai_admin.cli.text import show_json, waiting
from ai_admin.definitions.spelling import closest, listed
from ai_admin.review.standing import Row, survey
from providers.posthog.kinds import KINDS

UNREAD = 1
"""Exit code: a stack could not be read."""

_YELLOW, _RED = ("differs", "changed by hand"), ("refused", "deleted in PostHog", "in no file any more", "?")


@click.command()
@click.option("--stack", "stacks", metavar="NAME", multiple=True, help="Only this stack; may be given several times.")
@click.option("--different", is_flag=True, help="Only what is not as defined.")
@click.option("--offline", is_flag=True, help="Only what is defined; PostHog is not asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("kind", required=False)
def ls(kind: str | None, stacks: tuple[str, ...], different: bool, offline: bool, as_json: bool) -> None:
    """List what is defined, live and different.

    One definition on each line, with the state of PostHog's object in each stack:

    \b
    as defined               nothing to apply
    as defined, off          the same, and switched off; also `differs, off` and `changed by hand, off`
    differs                  an up would change it; `ai-admin show KEY` says how
    changed by hand          an up would revert it
    not there yet            an up would create it
    deleted in PostHog       it was applied; `ai-admin plan` says who deleted it, and what an up would do
    not adopted yet          an up would adopt PostHog's object
    in no file any more      an up would delete it
    off by hand, and stays off
    refused                  an up would not apply it
    -                        not defined in this stack
    ?                        the stack could not be read

    KIND is a kind of definition (flag, cohort, ...) or its folder. Properties of events and tiles of dashboards are
    listed only if they differ, or if KIND names them.

    Without --stack: every stack, except for those of another PostHog than this shell is set up for.

    Exit codes: 0 the list, 1 a stack could not be read, or a file has problems (standard error says which), 2 wrong
    use.
    """
    root = checkout()
    wanted = _kind(kind) if kind else ""
    names = looked_at(root, stacks, online=not offline)
    found = survey(root, names, online=not offline, waiting=waiting)
    rows = list(found.rows(wanted, different))
    if as_json:
        objects = [{"name": str(row.ref), "stacks": dict(row.states), "source": row.source or None} for row in rows]
        show_json({"objects": objects, "unowned": found.unowned, "unread": found.unread})
    else:
        shown = ["nothing is different"] if different and not rows else _table(found.stacks, rows)
        lines = [*shown, *(f"{stack}: {line}" for stack, line in found.unowned.items() if line)]
        click.echo("\n".join(lines))
    say_unread(found.unread)


def say_unread(unread: Mapping[str, Sequence[str]]) -> None:
    """Say why stacks could not be read, and end the command with :data:`UNREAD` if any could not."""
    for stack, lines in unread.items():
        click.echo("\n".join(f"{stack}: {line}" for line in lines), err=True)
    if unread:
        raise click.exceptions.Exit(UNREAD)


def _kind(text: str) -> str:
    named = {**{kind.folder: name for name, kind in KINDS.items() if kind.folder}, **{name: name for name in KINDS}}
    if text.rstrip("/") not in named:
        near = closest(text, named)
        hint = f"did you mean {near}?" if near else f"the kinds are {listed(sorted(KINDS), 'and')}"
        raise click.UsageError(f'there is no kind "{text}": {hint}')
    return named[text.rstrip("/")]


def _table(stacks: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    """Yield a heading and a line for each row, in columns."""
    cells = [["", "", *stacks, ""]]
    cells += [[row.ref.kind, row.ref.key, *row.states.values(), row.source] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = [_coloured(cell, cell.ljust(width)) for cell, width in zip(line, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def _coloured(cell: str, padded: str) -> str:
    colour = "yellow" if cell.removesuffix(", off") in _YELLOW else "red" if cell in _RED else None
    return click.style(padded, fg=colour) if colour else padded
