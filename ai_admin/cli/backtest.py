"""``ai-admin backtest``: when alerts would have fired over past values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ai_admin.cli.checkout import PROBLEMS, readable, undefined
from ai_admin.cli.numbers import NOT_READ, asked, period_options
from ai_admin.cli.switching import stack_option
from ai_admin.cli.text import count, printable, styled
from ai_admin.definitions.spelling import listed
from providers.posthog.errors import ApiError

if TYPE_CHECKING:
    from ai_admin.numbers.alerting import Firing
    from ai_admin.numbers.backtest import Backtest, Told
    from ai_admin.numbers.watches import Alert

SCOPES = ("alert:read", "insight:read", "query:read")
"""What the API key must have."""


@click.command()
@stack_option
@period_options("-30d")
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=168,
    show_default=True,
    help="Checks that are asked for, the last ones, of an alert that takes a query for each.",
)
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Also write a picture.")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), help="Also write a picture, as a PNG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
def backtest(
    keys: tuple[str, ...], last: int, svg: Path | None, png: Path | None, as_json: bool, **asked_for: Any
) -> None:
    """Say when alerts would have fired over past values.

    KEY is the key of an alert; without one, all of them. Each is evaluated at the moments at which PostHog checks it,
    over the values that its insight has for the period now: as the files have it, and as PostHog has it where that is
    something else. PostHog sends a message at each check that finds a breach. All times are in UTC.

    Of trends in time the values are asked for once for the whole period: one or two queries for each alert; of an
    interval that is not over, an hour counts once it is. SQL, funnels, single numbers, and trends that add up or
    smooth are asked for as each check would have asked then: a query for each of the last checks, --last of them, and
    PostHog answers 240 in a minute. What can't be asked as of a past moment is said, and not guessed.

    A picture has a drawing for each alert, and two where it is another one in PostHog: what each check compared, the
    bounds, and when the alert would have fired. It needs packages that applying does not: `make setup FOR=sandbox`.

    The API key comes from POSTHOG_API_KEY and needs the scopes alert:read, insight:read and query:read, and those of
    the cohorts and actions that the insights look at.

    With --json: {"stack", "from", "to", "alerts": [{"key", "name", "off_in", "tells_nobody", "files", "posthog"}]}.
    "off_in" names "files" and "posthog" where it is switched off; the files say whom it tells. "posthog" is null for
    what is as in the files, and both are {"reason"} for what is not told, or {"condition", "lower", "upper", "checks",
    "earlier", "failed", "messages", "firings": [{"start", "end", "checks", "worst", "value"}]}; "value" is the
    breakdown's, "earlier" the checks that --last left out, and "failed" those at which PostHog's check fails.

    Exit codes: 0 the back-tests, 1 PostHog could not be read, 2 wrong use, or a picture can't be written, 3 files have
    problems, which are named, and the alerts of the others are back-tested all the same.
    """
    stack, period, _ = asked(SCOPES, as_json=as_json, **asked_for)
    definitions = readable(stack.root, stack.name)
    known = [each.key for each in definitions.resources if each.kind == "alert"]
    for key in keys:
        if key not in known:
            raise undefined("alert", key, known, bool(definitions.broken), f" in stack {stack.name}")
    from ai_admin.numbers.backtest import Backtest
    from ai_admin.numbers.watches import watches

    test = Backtest(stack.client, period)
    try:
        watched = watches(stack.client, definitions.resources, keys or sorted(known))
        found = [(each, *_sides(test, each, last)) for each in watched]
    except ApiError as error:
        click.echo(f"the past of alerts of {stack} can't be read: {error}", err=True)
        raise click.exceptions.Exit(NOT_READ) from None
    if svg or png:
        _draw(found, svg, png)
    if as_json:
        alerts = [
            {"key": each.key, "name": each.name, "off_in": each.off, "tells_nobody": each.silent,
             "files": _as_json(files), "posthog": live and _as_json(live)}
            for each, files, live in found
        ]  # fmt: skip
        told = {"stack": stack.name, "from": period.start.isoformat(), "to": period.end.isoformat(), "alerts": alerts}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif not found:
        click.echo("no alerts are defined")
    else:
        click.echo("\n".join([*(line for each in found for line in _lines(*each)), "", str(period)]))
    if definitions.broken:
        raise click.exceptions.Exit(PROBLEMS)


def _sides(test: Backtest, alert: Alert, last: int) -> tuple[Told | str, Told | str | None]:
    """Return what an alert of the files would have done, and that of PostHog; texts where that is not told."""
    from ai_admin.numbers.backtest import NotTold

    def say(queries: str) -> None:
        click.echo(f"{alert.key}: asks {queries}", err=True)

    def told(watch: Any) -> Told | str:
        try:
            if isinstance(watch, NotTold):
                raise watch
            return test.of(watch, last, say)
        except NotTold as problem:
            return str(problem)

    return told(alert.files), told(alert.live) if alert.live else None


def _draw(found: Sequence[tuple[Alert, Told | str, Told | str | None]], svg: Path | None, png: Path | None) -> None:
    """Write the pictures that were asked for. Raises click.ClickException."""
    from ai_admin import charts
    from ai_admin.numbers.backtest import fired
    from ai_admin.numbers.picture import sheet

    drawn = [
        (f"{alert.name}{where}: {fired(told)}", told)
        for alert, files, live in found
        for where, told in ((" (in PostHog now)", live), (" (in the files)" if live else "", files))
        if told is not None and not isinstance(told, str)
    ]
    if not drawn:
        click.echo("nothing is drawn: of no alert it is told when it would have fired", err=True)
        return
    try:
        picture = sheet(drawn)
        if svg:
            svg.write_text(picture, encoding="utf-8")
        if png:
            png.write_bytes(charts.png(picture))
    except (charts.NotInstalled, OSError) as problem:
        raise click.ClickException(str(problem)) from None


def _lines(alert: Alert, files: Told | str, live: Told | str | None) -> Iterator[str]:
    yield f"{styled(alert.name, 'bold')}  {alert.key}"
    if alert.off:
        places = {"files": "in the files", "posthog": "in PostHog"}
        yield f"  switched off {listed([places[each] for each in alert.off], 'and')}: so it never fires"
    if alert.silent:
        yield "  tells nobody, as the files have it"
    if live is None:
        yield from _side(files, "  ")
        return
    yield "  in PostHog now:"
    yield from _side(live, "    ")
    yield "  in the files:"
    yield from _side(files, "    ")


def _side(told: Told | str, indent: str) -> Iterator[str]:
    from ai_admin.numbers.backtest import fired

    if isinstance(told, str):
        yield f"{indent}not told: {printable(told)}"
        return
    found = told.outcome
    sent = f", {count(found.messages, 'message')} to each that it tells" if found.firings else ""
    which = f"the last {len(found.checks)} of {told.earlier + len(found.checks)} checks"
    checks = which if told.earlier else count(len(found.checks), "check")
    yield f"{indent}{found.rule}: {fired(told)} at {checks}{sent}"
    if found.failed:
        yield f"{indent}  {count(len(found.failed), 'check')} failed, the last one since {found.failed[-1].error}"
    for each in found.firings:
        over = f"to {each.end:%d %b %H:%M} UTC ({lasted(each.start, each.end)})" if each.end else "UTC and still does"
        who = f" ({printable(each.label)})" if each.label else ""
        worst = found.rule.written(each.worst)
        yield f"{indent}  {each.start:%d %b %H:%M} {over}: {worst}{who}, {count(each.checks, 'check')}"


def lasted(start: datetime, end: datetime) -> str:
    """Return how long something took, in the greatest unit that fits."""
    minutes = round((end - start).total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.3g} h" if minutes < 48 * 60 else f"{minutes / 1440:.3g} d"


def _as_json(told: Told | str) -> Mapping[str, Any]:
    if isinstance(told, str):
        return {"reason": told}
    found = told.outcome
    return {
        "condition": found.rule.condition,
        "lower": found.rule.lower,
        "upper": found.rule.upper,
        "checks": len(found.checks),
        "earlier": told.earlier,
        "failed": len(found.failed),
        "messages": found.messages,
        "firings": [_firing(each) for each in found.firings],
    }


def _firing(each: Firing) -> Mapping[str, Any]:
    end = each.end.isoformat() if each.end else None
    return {"start": each.start.isoformat(), "end": end, "checks": each.checks, "worst": each.worst,
            "value": each.label or None}  # fmt: skip
