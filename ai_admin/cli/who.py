"""``ai-admin who``: what one installation gets, now and with the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ai_admin.cli.checkout import PROBLEMS, checkout, no_such, only_stack, readable
from ai_admin.cli.switching import opened, stack_option
from ai_admin.cli.text import count, ended, show_json, waiting
from ai_admin.definitions.catalog import catalogue, is_posthogs_own
from ai_admin.definitions.check import check
from ai_admin.definitions.index import Index
from ai_admin.definitions.spelling import closest, listed, printable
from ai_admin.evaluation import Person, resources, standing
from ai_admin.evaluation import compared as comparison
from ai_admin.evaluation.answers import Answer
from ai_admin.evaluation.compared import OFF, Row
from ai_admin.evaluation.remote import read
from ai_admin.review.changes import Action
from ai_admin.review.plan import Planned, planned
from providers.posthog.errors import ApiError, Problem

SCOPES = ("project:read", "person:read", "cohort:read", "feature_flag:read")
"""What the API key must have."""

NO_ANSWER = 1
"""Exit code: PostHog gave no answer, or several cohorts of the name of one without criteria, and ID is in some."""

_READ_AS_JSON = ("Numeric", "Boolean", "Duration")


@click.command()
@stack_option
@click.option("--property", "properties", multiple=True, metavar="NAME=VALUE", help="As if it had this property.")
@click.option("--cohort", "cohorts", multiple=True, metavar="KEY", help="With the files: as if in this cohort.")
@click.option("--offline", is_flag=True, help="Only what the files give; PostHog is not asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.argument("distinct_id", metavar="ID")
def who(
    distinct_id: str,
    stack: str | None,
    properties: tuple[str, ...],
    cohorts: tuple[str, ...],
    offline: bool,
    as_json: bool,
) -> None:
    """Show what each flag gives one installation, now and with the files, and by which condition.

    "now" is PostHog's own answer. "under the files" is the answer of PostHog's SDK for the flags that an apply would
    send, with the person properties that PostHog has. Cohorts with criteria are computed from these properties; for
    others PostHog's members count. Differences are marked with *, and explained. A flag that somebody switched off in
    PostHog and that an `up` leaves off is shown as such, which takes a plan. Groups are not evaluated: conditions that
    count groups are for nobody here. Changes nothing.

    The API key comes from POSTHOG_API_KEY and needs the scopes project:read, person:read, cohort:read and
    feature_flag:read.

    With --json: {"distinct_id", "stack", "known", "properties", "cohorts", "flags": [{"key", "differs", "now":
    {"value", "payload", "by"}, "state", "stays_off", "files": {"value", "payload", "by", "why"}}]}. "now" is null if
    PostHog serves nothing, for the reason in "state", or was not asked; "files" if no file has the flag. "stays_off":
    "files" takes effect only once the flag is switched on; null, and "differs" too, if that is not known. "known" is
    whether PostHog has a person of this id.

    Exit codes: 0 shown, 1 PostHog gave no answer, or has several cohorts of the name of one without criteria, and ID
    is in some, 2 wrong use, 3 files have problems (see `ai-admin check`): what the others give is shown.
    """
    root = checkout()
    name = only_stack(root, stack, by_shell=not offline)
    checked = check(root, (name,))
    index = checked.indexes[name]
    asked, members = _properties(properties, index), _cohorts(cohorts, index)

    broken = bool(checked.problems)
    definitions = standing(readable(root, name).resources) if broken else list(resources(index))
    known: bool | None = None
    if offline:
        somebody = Person(distinct_id, asked, members)
        rows, where = comparison.offline(definitions, somebody), f"the files of stack {name}"
    else:

        there = opened(root, name, needs=f"the scopes {listed(SCOPES, 'and')}")
        where = str(there)
        names = {each.properties["name"]: each.key for each in definitions if each.kind == "cohort"}
        try:
            now = read(there.client, distinct_id, asked, names)
        except ApiError as error:
            raise ended(f"PostHog can't be asked about {distinct_id} in {there}: {error}", NO_ANSWER) from None
        known = now.known
        try:
            somebody, rows = comparison.compared(definitions, now, distinct_id, members)
        except Problem as problem:
            raise ended(str(problem), NO_ANSWER) from None
        if any(_is_back(row) for row in rows):
            held = _held(root, name)
            rows = [replace(row, held=held.get(row.flag)) if _is_back(row) else row for row in rows]
    if broken:
        unknown = "no file that can be evaluated has this flag"
        rows = [replace(row, by=unknown) if row.files is None else row for row in rows]
    if as_json:
        show_json(_as_json(name, known, somebody, rows))
    else:
        click.echo("\n".join(_as_text(where, known, somebody, rows)))
    if broken:
        raise click.exceptions.Exit(PROBLEMS)


def _is_back(row: Row) -> bool:
    """Return whether the files alone would switch a flag on that is off in PostHog."""
    return row.state == OFF and bool(row.differs)


def _held(root: Path, stack: str) -> dict[str, bool]:
    """Return whether an `up` leaves flags off, which the state of the stack decides.

    Those of which it is not known are left out, and where it is known of none, this says why.
    """
    found = planned(root, stack, count=False, waiting=waiting, partly=True)
    if isinstance(found, Planned):
        flags = (each for each in found.outlook.changes if each.ref.kind == "flag")
        return {each.ref.key: each.action is Action.HOLD for each in flags if each.action is not Action.UNKNOWN}
    click.echo(f"whether what is off in PostHog stays off is not known: {printable(found[0])}", err=True)
    return {}


def _properties(given: tuple[str, ...], index: Index) -> dict[str, Any]:
    """Return properties by name, of the types that the catalogue has. Raises click.UsageError."""
    found, described = {}, catalogue(index).person
    for each in given:
        name, sign, text = each.partition("=")
        if not sign:
            raise click.UsageError(f'write --property {name}=VALUE instead of "{each}"')
        if name not in described and not is_posthogs_own(name):
            near = closest(name, described)
            raise click.UsageError(
                f'the catalogue knows no property "{name}": '
                + (f"did you mean {near}?" if near else f"it has {listed(described, 'and')}")
            )
        found[name] = text
        if name not in described or described[name].type in _READ_AS_JSON:
            try:
                found[name] = json.loads(text)
            except ValueError:
                found[name] = text
    return found


def _cohorts(given: tuple[str, ...], index: Index) -> frozenset[str]:
    known = sorted(index.keys("cohort"))
    for key in given:
        if key not in known:
            raise no_such("cohort", key, known)
    return frozenset(given)


def _as_text(where: str, known: bool | None, somebody: Person, rows: list[Row]) -> Iterator[str]:
    yield printable(f"{somebody.distinct_id} in {where}")
    if known is False:
        yield "  PostHog knows no such person"
    own = [name for name in somebody.properties if is_posthogs_own(name)]
    for name in sorted(somebody.properties.keys() - own):
        yield printable(f"  {name}: {_shown(somebody.properties[name])}")
    if own:
        yield f"  and {count(len(own), 'property', 'properties')} of PostHog's own"
    if somebody.cohorts:
        yield printable(f"  in {listed(sorted(somebody.cohorts), 'and')}")
    width = max((len(row.flag) for row in rows), default=0)
    for row in rows:
        lines = [printable(line) for line in _lines(row)]
        mark = "?" if row.differs is None else "*" if row.differs else " "
        first = f"{mark} {row.flag:<{width}}  {lines[0]}"
        yield click.style(first, fg="yellow") if row.differs else first
        yield from (f"  {'':<{width}}  {line}" for line in lines[1:])


def _lines(row: Row) -> Iterator[str]:
    now = _said(row.now.answer, row.now.by) if row.now else row.state
    if row.files is None:
        yield f"{now}; {row.by}"
        return
    files = _said(row.files.answer, row.by)
    if row.held:
        yield f"now: {now}, and stays off under the files, as somebody switched it off in PostHog"
        yield f"if it were on: {files}"
    elif row.held is None:
        yield f"now: {now}, and whether it stays off under the files is not known"
        yield f"if it is switched on: {files}"
    elif row.differs or row.files.answer.value is None:
        if now:
            yield f"now: {now}"
        yield f"under the files: {files}"
        yield from (f"  {line}" for line in row.files.lines())
    elif row.now and None not in (row.now.answer.condition, row.files.answer.condition) and row.now.by != row.by:
        yield now
        yield f"under the files by {row.by}"
    else:
        told = not row.state or files.endswith(f" is {row.state}")
        yield files if told else f"{files} (now: {row.state})"


def _said(answer: Answer, by: str) -> str:
    """Return an answer with what decided, which is a condition's name in quotation marks or a sentence."""
    return f"{_value(answer)} by {by}" if by.startswith('"') else f"{_value(answer)}: {by}"


def _value(answer: Answer) -> str:
    if answer.value is None:
        return "what PostHog's SDK can't tell"
    shown = answer.value if isinstance(answer.value, str) else str(answer.value).lower()
    return shown if answer.payload is None else f"{shown} with {_shown(answer.payload)}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _as_json(stack: str, known: bool | None, somebody: Person, rows: list[Row]) -> dict[str, Any]:
    flags = []
    for row in rows:
        now = files = None
        if row.now:
            now = {"value": row.now.answer.value, "payload": row.now.answer.payload, "by": row.now.by}
        if row.files:
            answer = row.files.answer
            why = list(row.files.lines())
            files = {"value": answer.value, "payload": answer.payload, "by": row.by, "why": why}
        said = {"key": row.flag, "differs": row.differs, "now": now, "state": row.state, "stays_off": row.held}
        flags.append({**said, "files": files})
    return {
        "distinct_id": somebody.distinct_id,
        "stack": stack,
        "known": known,
        "properties": dict(somebody.properties),
        "cohorts": sorted(somebody.cohorts),
        "flags": flags,
    }
