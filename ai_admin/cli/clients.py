"""``ai-admin clients``: typed clients of the definitions' flags and events."""

from __future__ import annotations

from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, only_whole
from ai_admin.cli.text import count
from ai_admin.clients import FILES, FOLDER, NotGenerated, generate
from ai_admin.definitions.check import check

STALE = 1
"""Exit code: with --check, a file is not as it would be generated."""


@click.command()
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help=f"Where to write; {FOLDER}/ if not given.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing: say which files are not up to date.")
def clients(out: Path | None, only_check: bool) -> None:
    """Generate typed clients, in Python and TypeScript, from the definitions.

    A client has a reader for each flag and a capture function for each event of the catalogue. It evaluates flags
    in the product's own process, with PostHog's SDK (docs/clients.md). Without a value a reader returns the
    flag's `fallback`; it never returns a number above its `ceiling`.

    Writes ai_admin_client.py and ai_admin_client.ts. `ai-admin check` says when those in clients/ are not up to
    date.

    Exit codes: 0 written, or all are up to date, 1 some are not, 2 wrong use, 3 the definitions have problems: see
    `ai-admin check`.
    """
    root = checkout()
    folder = root / FOLDER if out is None else out
    checked = check(root)
    only_whole(checked.problems)
    try:
        texts = generate(checked.indexes)
    except NotGenerated as error:
        raise click.ClickException(str(error)) from error
    changed = [name for name, text in texts.items() if _held(folder / name) != text.encode()]
    if only_check:
        for name in changed:
            click.echo(f"{folder / name} is not what the definitions generate; run ai-admin clients")
        if changed:
            raise click.exceptions.Exit(STALE)
        click.echo(f"{count(len(FILES), 'file')} up to date")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            (folder / name).write_bytes(texts[name].encode())
    except OSError as error:
        raise click.UsageError(f"{error.filename} can't be written: {error.strerror}") from None
    for name in texts:
        click.echo(f"{folder / name}{'' if name in changed else ' (unchanged)'}")


def _held(path: Path) -> bytes | None:
    """Return what a file holds, None where it can't be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
