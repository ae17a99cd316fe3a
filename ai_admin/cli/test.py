"""``ai-admin test``: the tests that flags have in their files, offline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from ai_admin.cli.checkout import checkout, known, no_such, only_whole
from ai_admin.cli.text import count
from ai_admin.definitions.check import check
from ai_admin.definitions.index import Index
from ai_admin.definitions.spelling import listed, printable
from ai_admin.definitions.stacks import known_stacks
from ai_admin.evaluation import Outcome, Report, resources, run, served
from ai_admin.evaluation.junit import document
from providers.posthog.kinds import Ref

FAILED = 1
"""Exit code: a test fails, or with --strict something is not reached."""


@click.command()
@click.option("--stack", metavar="NAME", help="Test in this stack only.")
@click.option("--strict", is_flag=True, help="Also fail if no test reaches a condition or a variant.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Also write JUnit's XML into a file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
def test(stack: str | None, strict: bool, junit: Path | None, as_json: bool, keys: tuple[str, ...]) -> None:
    """Run the tests that flags have in their files, offline.

    Each test says what a flag gives an installation. PostHog's own SDK evaluates the flag as an apply would send it,
    for every stack. A failing test is shown with the conditions that were tried, and why each did or did not match.
    Conditions and variants that no test reaches are listed; that fails only with --strict. The tests of a flag that is
    off are not run.

    KEY, or flag/KEY, limits it to these flags.

    With --json: {"tests": [{"flag", "name", "path", "line", "stack", "failure", "why"}], "unreached": [{"flag",
    "what", "path", "line", "stacks"}], "off": {flag: [stack]}}. "failure" is empty for a test that passes.

    Exit codes: 0 all tests pass, 1 a test fails (or, with --strict, something is not reached), 2 wrong use, 3 the
    definitions have problems: see `ai-admin check`.
    """
    root = checkout()
    stacks = (known(stack, root),) if stack is not None else known_stacks(root)
    if not stacks:
        raise click.UsageError("there is no Pulumi.<stack>.yaml, so there is no stack to test in")
    checked = check(root, stacks)
    only_whole(checked.problems)
    indexes = {name: checked.indexes[name] for name in stacks}
    keys = tuple(_flags(keys, indexes))

    report = run(indexes, {name: served(resources(index)) for name, index in indexes.items()}, keys)
    if junit is not None:

        try:
            junit.write_bytes(document(report, strict))
        except OSError as error:
            raise click.UsageError(f"{junit} can't be written: {error.strerror}") from None
    click.echo(_as_json(report) if as_json else "\n".join(_as_text(report)))
    if report.failed or (strict and report.unreached):
        raise click.exceptions.Exit(FAILED)


def _flags(given: Iterable[str], indexes: dict[str, Index]) -> Iterator[str]:
    """Yield the keys of flags that were given as ``key`` or ``flag/key``; click.UsageError where no stack has one."""
    flags = sorted({key for index in indexes.values() for key in index.keys("flag")})
    for each in given:
        key = each if each in flags else Ref.parse(each).key or each
        if key not in flags:
            raise no_such("flag", key, flags)
        yield key


def _as_text(report: Report) -> Iterator[str]:
    for outcome, stacks in _together(sorted(report.failed, key=lambda each: each.case.source)):
        case = outcome.case
        place = f"{case.source.path}:{case.source.line}: {Ref('flag', case.flag)}"
        yield click.style(printable(f"{place}: {case.name}: {outcome.failure} ({listed(stacks, 'and')})"), fg="red")
        yield from (f"    {printable(line)}" for line in outcome.why)
    for missed in report.unreached:
        place = f"{missed.source.path}:{missed.source.line}: {Ref('flag', missed.flag)}"
        line = printable(f"{place}: no test reaches {missed.what} ({listed(missed.stacks, 'and')})")
        yield click.style(line, fg="yellow")
    for key, stacks in report.off.items():
        why = "it is off, or a flag that it depends on"
        yield f"{Ref('flag', key)}: its tests are not run in {listed(stacks, 'and')}: {why}"
    failed, passed = len(report.failed), len(report.outcomes) - len(report.failed)
    verdict = f"{count(failed, 'test')} failed, {passed:,} passed" if failed else f"{count(passed, 'test')} passed"
    unreached = f"; {len(report.unreached)} not reached by any" if report.unreached else ""
    yield click.style(f"{verdict}{unreached}", fg="red" if failed else "green", bold=True)


def _together(outcomes: Iterable[Outcome]) -> Iterator[tuple[Outcome, list[str]]]:
    """Yield each failure once, with the stacks that have it."""
    found: dict[tuple[Any, ...], tuple[Outcome, list[str]]] = {}
    for each in outcomes:
        key = (each.case.source, each.failure, each.why)
        found.setdefault(key, (each, []))[1].append(each.stack)
    yield from found.values()


def _as_json(report: Report) -> str:
    tests = [
        {
            "flag": each.case.flag,
            "name": each.case.name,
            "path": each.case.source.path,
            "line": each.case.source.line,
            "stack": each.stack,
            "failure": each.failure,
            "why": list(each.why),
        }
        for each in report.outcomes
    ]
    unreached = [
        {
            "flag": each.flag,
            "what": each.what,
            "path": each.source.path,
            "line": each.source.line,
            "stacks": list(each.stacks),
        }
        for each in report.unreached
    ]
    return json.dumps({"tests": tests, "unreached": unreached, "off": report.off}, indent=2, ensure_ascii=False)
