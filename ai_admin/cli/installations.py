"""``ai-admin installations``: what each installation uses, costs and may use; ``show``: all of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from ai_admin.cli.checkout import PROBLEMS
from ai_admin.cli.choosing import cap_of, chosen
from ai_admin.cli.numbers import (
    NOT_READ,
    asked,
    bar,
    dollars,
    forms,
    in_no_sum,
    moment,
    number,
    percent,
    period_options,
    plain,
    short,
    table,
)  # fmt: skip
from ai_admin.cli.switching import Stack, stack_of, stack_option
from ai_admin.cli.text import count, ended, show_json
from ai_admin.definitions.check import Checked, check
from ai_admin.definitions.spelling import closest, listed, printable, told_apart
from ai_admin.numbers import Cap, Installation, Period, Report, product
from ai_admin.numbers import installations as read
from ai_admin.numbers.installations import known, recent_errors
from ai_admin.sheet import as_csv
from providers.posthog.errors import ApiError

SCOPES = ("query:read", "project:read", "feature_flag:read", "cohort:read")
"""What the API key must have."""

_OF_NOW = "The period is over: channel, version, cohorts, and any health but silent are those of now."

_ONE = "counted is the one whose distinct id that is, or else the first"

NONE = 4
"""Exit code: there is no such installation."""

SORTS: dict[str, Callable[[Installation], Any]] = {
    "tokens": lambda each: -each.tokens,
    "cost": lambda each: -each.cost,
    "runs": lambda each: -each.runs,
    "failed": lambda each: (-each.failing, -each.runs),
    "cap": lambda each: (1 if each.used is None else -each.used, -each.today),
    "last-seen": lambda each: -(each.last_seen.timestamp() if each.last_seen else 0),
    "version": lambda each: each.version,
    "id": lambda each: each.id,
}


@click.group(invoke_without_command=True)
@stack_option
@period_options("-7d")
@forms
@click.option("--sort", type=click.Choice(list(SORTS)), default="tokens", show_default=True, help="Sort by this.")
@click.option("--channel", help="Only installations of a channel.")
@click.option("--version", help="Only installations of a version.")
@click.option("--health", help="Only installations with this health: healthy, warning, error, silent, unknown.")
@click.option("--cohort", help="Only installations in a cohort, by its name or its key.")
@click.option("--limit", type=click.IntRange(1), help="How many to list.  [default: 50 as text, else all]")
@click.option("--cap", metavar="FLAG", help="The flag whose payload is the number of tokens for a day.")
@click.pass_context
def installations(context: click.Context, /, **asked_for: Any) -> None:
    """List installations with their usage, cost and caps.

    One installation on each line: channel, version, health, runs and the share that failed, tokens and cost in the
    period, today's tokens and the daily cap, and the last run. The cap is what the generated client gives now (the
    flag's fallback if the flag is off, never more than its ceiling). An installation without a run for a day is silent,
    whatever its last self-check found. `ai-admin installations show ID` shows all of one.

    An installation is a person in PostHog with the property installation_id; runs of all distinct ids of the person
    count. If several persons have the same installation_id, it is the one with that distinct id, or else the first.

    For a period that is over, its last day takes the place of today, without a cap, and installations that came later
    are left out. Channel, version, cohorts, and the health of those that are not silent are always the present ones.

    The API key comes from POSTHOG_API_KEY and needs the scopes query:read, project:read, feature_flag:read and
    cohort:read. It takes a few queries for any number of installations, and up to three for each 5,000 without a run in
    the period and without last_active: they look for a last run in the year before.

    With --json: {"from", "to", "installations": [{"id", "persons", "channel", "version", "health", "said", "runs",
    "failed", "tokens", "cost", "today", "cap", "last_seen", "cohorts", "properties", "odd"}], "came_later",
    "strangers", "strangers_used": {"runs", "tokens", "cost", "odd"}}. "persons" is how many have this installation_id,
    "said" the result of its last self-check, "odd" the number of runs whose tokens or cost can't be right (NaN, below
    0, above a billion): these are in no sum. "came_later" is how many came after the period's end, "strangers" how many
    persons with runs are no installation. Tokens are numbers of tokens, "cost" is US dollars.

    Exit codes: 0 the list, 1 PostHog could not be read, 2 wrong use, 3 files have problems, which are named; without
    the file of the caps' flag the caps are not known.
    """
    if context.invoked_subcommand:
        return
    stack, period, form = asked(SCOPES, **asked_for)
    checked = _checked(stack)
    cap = cap_of(checked, asked_for["cap"])
    try:
        report = _report(stack, period, cap)
    except ApiError as error:
        raise _unread(stack, error) from None
    wanted = {name: asked_for[name] for name in ("channel", "version", "health", "cohort")}
    found = sorted(chosen(report, checked, stack.name, **wanted), key=lambda each: each.id)
    found.sort(key=SORTS[asked_for["sort"]])
    shown = found[: asked_for["limit"] or (50 if form == "text" else None)]
    if form == "json":
        show_json(_as_json(report, shown))
    elif form == "csv":
        click.echo(as_csv([_COLUMNS, *(_cells(each) for each in shown)]), nl=False)
    else:
        click.echo("\n".join(_text(report, found, shown)))
    _end(checked)


@installations.command()
@click.argument("id", metavar="ID")
@stack_option
@period_options("-7d")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--cap", metavar="FLAG", help="The flag whose payload is the number of tokens for a day.")
@click.pass_context
def show(context: click.Context, /, id: str, as_json: bool, **asked_for: Any) -> None:
    """Show all that is known of one installation.

    Its properties, usage, cost, cap and cohorts, and its last ten errors in the period. `ai-admin who ID` shows what
    each flag gives it.

    Exit codes: 0 the installation, 1 PostHog could not be read, 2 wrong use, 3 files have problems, which are named, 4
    there is no such installation.
    """
    asked_for["stack"] = stack_of(context, asked_for["stack"])
    stack, period, _ = asked(SCOPES, **asked_for)
    checked = _checked(stack)
    cap = cap_of(checked, asked_for["cap"])

    try:
        report = _report(stack, period, cap, id)
        found = next((each for each in report.installations if each.id == id), None)
        if found is None:
            raise _missing(stack, id)
        errors = recent_errors(stack.client, period, found)
    except ApiError as error:
        raise _unread(stack, error) from None
    if as_json:
        told = [{"at": at.isoformat(), "error": error, "model": model} for at, error, model in errors]
        show_json({**_data(found), "errors": told})
    else:
        click.echo("\n".join(_all_of(found, errors, period, cap is not None)))
    _end(checked)


def _checked(stack: Stack) -> Checked:
    """Return what the files say, and say what is wrong with them."""
    checked = check(stack.root)
    for each in checked.problems:
        click.echo(printable(each), err=True)
    return checked


def _end(checked: Checked) -> None:
    if checked.problems:
        raise click.exceptions.Exit(PROBLEMS)


def _report(stack: Stack, period: Period, cap: Cap | None, only: str = "") -> Report:
    report = read(stack.client, period, cap, only)
    if report.unread:
        number = count(sum(not each.looked_for for each in report.installations), "installation")
        click.echo(f"when {number} ran something last before the period is not known: {report.unread}", err=True)
    return report


def _missing(stack: Stack, id: str) -> click.exceptions.Exit:
    ids = known(stack.client).values()
    near = closest(id, ids)
    hint = f"; did you mean {told_apart(near)}?" if near else f"; PostHog knows {count(len(ids), 'installation')}"
    return ended(f"there is no installation {told_apart(id)} in {stack}{hint}", NONE)


def _unread(stack: Stack, error: ApiError) -> click.exceptions.Exit:
    return ended(f"the installations of {stack} can't be read: {error}", NOT_READ)


_COLUMNS = (
    "installation", "channel", "version", "health", "runs", "failed", "tokens", "cost", "today", "cap", "last seen",
    "cohorts", "odd",
)  # fmt: skip


def _cells(each: Installation) -> list[object]:
    seen = each.last_seen.isoformat() if each.last_seen else ""
    return [
        each.id, each.channel, each.version, each.health, each.runs, each.failed, plain(each.tokens),
        plain(each.cost), plain(each.today), "" if each.cap is None else each.cap, seen, "; ".join(each.cohorts),
        each.odd,
    ]  # fmt: skip


def _text(report: Report, found: Sequence[Installation], shown: Sequence[Installation]) -> Iterator[str]:
    heads = [
        "installation",
        "channel",
        "version",
        "health",
        "runs",
        "failed",
        "tokens",
        "cost",
        _day(report.period),
        "of",
        "last seen",
    ]
    yield from table(heads, [_row(each, report) for each in shown], right={4, 5, 6, 7, 8, 9})
    yield ""
    more = f", {len(shown):,} shown" if len(shown) < len(found) else ""
    tokens, cost = sum(each.tokens for each in found), sum(each.cost for each in found)
    yield f"{count(len(found), 'installation')}{more}: {number(tokens)} tokens, {dollars(cost)} from {report.period}"
    over = [each for each in found if (each.used or 0) > 1]
    if over:
        yield click.style(
            f"{count(len(over), 'installation')} used more today than the flags give: --sort cap", fg="red"
        )
    silent = sum(each.unnoticed for each in found)
    if silent:
        verb = "says" if silent == 1 else "say"
        before = " before the period's end" if report.period.is_over else ""
        told = f"{count(silent, 'installation')} {verb} healthy and ran nothing for a day{before}: --health silent"
        yield click.style(told, fg="yellow")
    strangers = report.strangers
    if strangers.persons:
        verb = "is" if strangers.persons == 1 else "are"
        used = f"{number(strangers.tokens)} tokens, {dollars(strangers.cost)}"
        yield f"{count(strangers.persons, 'person')} ran something and {verb} no installation, with {used} more"
    yield from in_no_sum(sum(each.odd for each in found) + strangers.odd)
    several = [short(told_apart(each.id)) for each in found if each.persons > 1]
    if several:
        most = [*several[:3], *([f"{len(several) - 3:,} more"] if len(several) > 3 else [])]
        yield f"several persons say that they are {listed(most, 'and')}: {_ONE}"
    if later := _later(report):
        yield f"{count(later, 'installation')} came after the period's end"
    if report.period.is_over:
        yield _OF_NOW


def _later(report: Report) -> int:
    return sum(each.came_later for each in report.installations)


def _day(period: Period) -> str:
    return f"{period.today:%d %b}" if period.is_over else "today"


def _seen(each: Installation, period: Period) -> str:
    """Return when an installation had its last run; `-` if only a run at another time is known."""
    if each.last_seen is None and (not each.looked_for or period.is_over or product.LAST_ACTIVE in each.properties):
        return "-"
    return moment(each.last_seen, period.now or period.end)


def _row(each: Installation, report: Report) -> list[str]:
    cap = "-" if each.cap is None else number(each.cap)
    return [
        short(told_apart(each.id)), short(each.channel), short(each.version), _coloured(each.health), number(each.runs),
        percent(each.failing), number(each.tokens), dollars(each.cost), number(each.today), cap,
        _seen(each, report.period),
    ]  # fmt: skip


def _coloured(health: str) -> str:
    colour = {"error": "red", "warning": "yellow", "silent": "yellow"}.get(health)
    return click.style(health, fg=colour) if colour else health


def _all_of(
    each: Installation, errors: Sequence[tuple[datetime, str, str]], period: Period, capped: bool
) -> Iterator[str]:
    yield click.style(told_apart(each.id), bold=True)
    said = "" if each.health == each.said else f" (its last self-check said {each.said})"
    lines = [
        ("channel", each.channel or "-"),
        ("version", each.version or "-"),
        ("health", f"{each.health}{said}"),
        ("last seen", _seen(each, period)),
        ("cohorts", ", ".join(each.cohorts) or "none"),
        ("period", str(period)),
        *([("persons", f"{number(each.persons)} say that they are it: {_ONE}")] if each.persons > 1 else []),
        ("runs", f"{number(each.runs)}, {percent(each.failing)} failed"),
        ("tokens", number(each.tokens)),
        ("cost", dollars(each.cost)),
        *(("odd", line) for line in in_no_sum(each.odd)),
        (_day(period), f"{number(each.today)} tokens{_of_cap(each) if capped and not period.is_over else ''}"),
    ]
    yield from (f"  {name:<10}  {printable(value)}" for name, value in lines)
    yield "  last errors (UTC)" if errors else "  no errors in the period"
    yield from (
        f"    {at:%d %b %H:%M:%S}  {printable(error or '?')}  {printable(model)}" for at, error, model in errors
    )
    if period.is_over:
        yield f"  {_OF_NOW}"


def _of_cap(each: Installation) -> str:
    if each.used is None or each.cap is None:
        return ", without a cap"
    share = "over" if math.isinf(each.used) else percent(each.used)
    return f" of {number(each.cap)}  {bar(min(each.used, 1))} {share}"


def _data(each: Installation) -> dict[str, Any]:
    return {
        "id": each.id,
        "persons": each.persons,
        "channel": each.channel or None,
        "version": each.version or None,
        "health": each.health,
        "said": each.said,
        "runs": each.runs,
        "failed": each.failed,
        "tokens": plain(each.tokens),
        "cost": plain(each.cost),
        "today": plain(each.today),
        "cap": each.cap,
        "last_seen": each.last_seen.isoformat() if each.last_seen else None,
        "cohorts": list(each.cohorts),
        "properties": dict(each.properties),
        "odd": each.odd,
    }


def _as_json(report: Report, shown: Sequence[Installation]) -> dict[str, Any]:
    return {
        "from": report.period.start.isoformat(),
        "to": report.period.end.isoformat(),
        "installations": [_data(each) for each in shown],
        "came_later": _later(report),
        "strangers": report.strangers.persons,
        "strangers_used": {
            "runs": report.strangers.runs,
            "tokens": plain(report.strangers.tokens),
            "cost": plain(report.strangers.cost),
            "odd": report.strangers.odd,
        },
    }
