"""``ai-admin check``: everything that is wrong with the definitions, offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout, known
from ai_admin.cli.problem_reports import FORMS
from ai_admin.cli.text import count
from ai_admin.clients import stale
from ai_admin.definitions import proposals
from ai_admin.definitions.check import Checked
from ai_admin.definitions.check import check as check_definitions
from ai_admin.definitions.model import Problem


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif"]),
    default="text",
    help="Print lines, JSON, GitHub's annotations, GitLab's code quality report, or SARIF 2.1.0.",
)
@click.option("--stack", metavar="NAME", help="Show only the problems that this stack has.")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def check(as_json: bool, form: str, stack: str | None, path: Path | None) -> None:
    """Check the definitions, offline.

    Prints every problem of every file, one on each line:

    \b
        file:line:column: kind/key: what is wrong; what to write instead

    Notes have the same form ("note: ..."). They prevent nothing, and do not change the exit code.

    PATH is a checkout, or a file or folder in one; then only its problems are shown. The default is the
    checkout that contains the current folder. Files are named relative to the checkout.

    With --json: {"problems": [{"path", "line", "column", "subject", "message", "fix", "stacks", "rule"}],
    "notes": [the same], "definitions": N, "files": N}. "stacks" names the stacks that have the problem; it is empty
    for a problem of the definition as written. "rule" names what found it, as SARIF's rule ids do; the names stay
    the same.

    With --format github each problem is an annotation on the line of its file, and the lines follow.

    If there are no other problems, outdated clients in clients/ are problems (`ai-admin clients` writes them).

    Also writes the keys that editors offer as completions, to schemas/local/; git ignores these changes.

    Exit codes: 0 no problems, 1 problems, 2 wrong use.
    """
    start = (path or Path()).resolve()
    if not start.exists():
        raise click.UsageError(f"there is no file or folder {path or 'here any more'}")
    root = checkout(start)
    inside = "" if path is None or start == root else start.relative_to(root).as_posix()
    if stack is not None:
        known(stack, root)
    checked = check_definitions(root)
    if not checked.problems:
        checked = replace(checked, problems=tuple(stale(root, checked.indexes)))
    proposals.write(root, checked.indexes[None])
    found = [each for each in (*checked.notes, *checked.problems) if _wanted(each, stack, inside)]
    form = "json" if as_json else form
    click.echo(FORMS[form](checked, found) if form in FORMS else _as_text(checked, found))
    if not all(each.note for each in found):
        raise click.exceptions.Exit(1)


def _wanted(problem: Problem, stack: str | None, inside: str) -> bool:
    """Return whether a problem is of a stack, and of a part of the checkout (empty: all of it)."""
    path = problem.source.path
    here = not inside or path == inside or path.startswith(f"{inside}/")
    return here and (stack is None or not problem.stacks or stack in problem.stacks)


def _as_text(checked: Checked, found: list[Problem]) -> str:
    counted = f"{count(checked.definitions, 'definition')} in {count(checked.files, 'file')}"
    notes = sum(each.note for each in found)
    verdict = count(len(found) - notes, "problem") if len(found) > notes else "no problems"
    also = f", {count(notes, 'note')}" if notes else ""
    return "\n".join([*map(str, found), f"{counted}: {verdict}{also}"])
