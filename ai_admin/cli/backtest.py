"""``ai-admin backtest``: when alerts would have fired over past values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ai_admin import charts
from ai_admin.cli import takes_its_time
from ai_admin.cli.checkout import PROBLEMS, readable, undefined
from ai_admin.cli.numbers import NOT_READ, asked, period_options
from ai_admin.cli.switching import Stack, stack_option
from ai_admin.cli.text import count, ended, show_json, styled, waiting
from ai_admin.definitions.spelling import listed, printable
from ai_admin.numbers.alerting import Check, Firing
from ai_admin.numbers.backtest import DAYS, Asked, Backtest, NotTold, Told, Watch, fired
from ai_admin.numbers.picture import sheet
from ai_admin.numbers.watches import Alert, watches
from providers.posthog.client import AS_LONG_AS_IT_TAKES, LONG
from providers.posthog.errors import ApiError
from providers.posthog.limits import span

SCOPES = ("alert:read", "insight:read", "query:read")
"""What the API key must have."""


@click.command()
@stack_option
@period_options(f"-{DAYS}d")
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=168,
    show_default=True,
    help="For an alert that takes a query for each check: how many of the last checks.",
)
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Also write a picture.")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), help="Also write a picture, as a PNG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
def backtest(
    keys: tuple[str, ...], last: int, svg: Path | None, png: Path | None, as_json: bool, **asked_for: Any
) -> None:
    """Report when alerts would have fired over past values.

    KEY is the key of an alert; without one, all of them. Each is evaluated at the times of PostHog's checks, over the
    present values of its insight for the period: the alert in the files, and the one in PostHog if that differs.
    PostHog sends a message at each check that finds a breach. All times are in UTC.

    Trends over time take one or two queries for each alert; an hour of the current interval counts once it is over.
    SQL, funnels, single numbers, and cumulative or smoothed trends take a query for each of the last checks (--last),
    as of its time; PostHog allows 240 a minute and 2,400 an hour. The number of queries, and how long they take at
    least, is shown before the first one. Ctrl-C reports what is known by then. A query that can't be asked as of a past
    time is reported, not guessed.

    A picture has a drawing for each alert, and two if PostHog's alert differs: what each check compared, the bounds,
    and when the alert would have fired. It needs packages that applying does not: `make setup FOR=sandbox`.

    The API key comes from POSTHOG_API_KEY and needs the scopes alert:read, insight:read and query:read, and those of
    the cohorts and actions that the insights use.

    With --json: {"stack", "from", "to", "alerts": [{"key", "name", "off_in", "tells_nobody", "files", "posthog"}]}.
    "off_in" names "files" and "posthog" if the alert is switched off there; "tells_nobody" is of the files. "posthog"
    is null if it equals the files. Both are {"reason"} if nothing is known, or {"condition", "lower", "upper",
    "checks", "early", "earlier", "later", "failed", "messages",
    "firings": [{"start", "end", "checks", "worst", "value"}]}; "value" is the breakdown's, "early" the checks that look
    at time before the project's first event, which are left out, "earlier" those that --last left out, "later" those
    after the command was ended, and "failed" those at which PostHog's check fails.

    Exit codes: 0 the back-tests, 1 PostHog could not be read, and what is known by then is reported, 2 wrong use, or a
    picture can't be written, 3 files have problems, which are named; the alerts of the others are back-tested.
    """
    stack, period, _ = asked(SCOPES, as_json=as_json, patience=AS_LONG_AS_IT_TAKES, **asked_for)
    definitions = readable(stack.root, stack.name)
    known = [each.key for each in definitions.resources if each.kind == "alert"]
    for key in keys:
        if key not in known:
            raise undefined("alert", key, known, bool(definitions.broken), f" in stack {stack.name}")

    test = Backtest(stack.client, period)
    try:
        watched = list(watches(stack.client, definitions.resources, keys or sorted(known)))
        sides = [(each, *_sides(test, each, last)) for each in watched]
    except ApiError as error:
        raise _unread(stack, error) from None
    every = [side for _, *both in sides for side in both if side]
    asking = _Asking(test, every)
    # Alerts with a query or two come first: they need not wait for those with hundreds.
    told = {side.name: asking.ask(side) for side in sorted(every, key=lambda side: side.size)}
    found = [(each, told[files.name], told[live.name] if live else None) for each, files, live in sides]
    if svg or png:
        _draw(found, svg, png)
    if as_json:
        alerts = [
            {"key": each.key, "name": each.name, "off_in": each.off, "tells_nobody": each.silent,
             "files": _as_json(files), "posthog": live and _as_json(live)}
            for each, files, live in found
        ]  # fmt: skip
        data = {"stack": stack.name, "from": period.start.isoformat(), "to": period.end.isoformat(), "alerts": alerts}
        show_json(data)
    elif not found:
        click.echo("no alerts are defined")
    else:
        click.echo("\n".join([*(line for each in found for line in _lines(*each)), "", str(period)]))
    if isinstance(asking.ended, ApiError):
        raise _unread(stack, asking.ended)
    if asking.ended:
        raise click.Abort
    if definitions.broken:
        raise click.exceptions.Exit(PROBLEMS)


def _unread(stack: Stack, error: ApiError) -> click.exceptions.Exit:
    return ended(f"the past of alerts of {stack} can't be read: {error}", NOT_READ)


@dataclass(frozen=True)
class _Side:
    """An alert as the files have it, or as PostHog has it."""

    name: str
    asked: Asked | str
    """What is asked for it; a text where it is not told."""

    @property
    def size(self) -> int:
        """How many checks take a query each."""
        return 0 if isinstance(self.asked, str) else len(self.asked.checks or ())


def _sides(test: Backtest, alert: Alert, last: int) -> tuple[_Side, _Side | None]:
    def what(watch: Watch | NotTold) -> Asked | str:
        try:
            return str(watch) if isinstance(watch, NotTold) else test.asked(watch, last)
        except NotTold as problem:
            return str(problem)

    if alert.live is None:
        return _Side(alert.key, what(alert.files)), None
    files, live = what(alert.files), what(alert.live)
    return _Side(f"{alert.key} in the files", files), _Side(f"{alert.key} in PostHog now", live)


class _Asking:
    """Back-tests one side after the other until something ends it; says how much is asked, and how long that takes."""

    def __init__(self, test: Backtest, sides: Iterable[_Side]) -> None:
        self.ended: ApiError | KeyboardInterrupt | None = None
        """What ended it before all was asked; None where nothing did."""
        self._test = test
        self._taken: dict[str, set[str]] = {}
        """The queries that each side takes, by its name."""
        self._queries: set[str] = set()
        for side in sides:
            if isinstance(side.asked, str):
                continue
            self._taken[side.name] = test.queries(side.asked)
            new = self._taken[side.name] - self._queries  # what PostHog has may be as the files have it
            self._queries |= new
            if new:
                waiting(f"{side.name}: asks {count(len(new), 'query', 'queries')}, one for each of {side.asked}")
        self._left = len(self._queries)
        if (seconds := test.least(self._left)) >= LONG:
            waiting(f"{self._left:,} queries take at least {span(seconds)}, as PostHog limits how many it answers")

    def ask(self, side: _Side) -> Told | str:
        """Return what an alert would have done, by the checks that were asked for; a text where it is not told."""
        if isinstance(side.asked, str):
            return side.asked
        checks: list[Check] = []
        try:
            for each in () if self.ended else self._test.checks(side.asked):
                checks.append(each)
                self._say_how_long()
        except NotTold as problem:
            del self._taken[side.name]  # what no other side takes is not asked for any more
            self._queries = set[str]().union(*self._taken.values())
            return str(problem)
        except (ApiError, KeyboardInterrupt) as problem:
            self.ended = problem
            if isinstance(problem, KeyboardInterrupt):
                takes_its_time()
        if self.ended and not checks:
            return "the back-test ended before it was asked for"
        return Told.of(side.asked, checks)

    def _say_how_long(self) -> None:
        left = self._test.left(self._queries)
        if 0 < left < self._left and self._test.least(1) >= LONG:
            self._left = left
            done = len(self._queries) - left
            waiting(f"{done:,} of {len(self._queries):,} queries are answered; "
                    f"the others take at least {span(self._test.least(left))}")  # fmt: skip


def _draw(found: Sequence[tuple[Alert, Told | str, Told | str | None]], svg: Path | None, png: Path | None) -> None:
    """Write the pictures that were asked for. Raises click.ClickException."""
    drawn = [
        (f"{alert.name}{where}", [_how_often(told), *_reaching(alert)], told)
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
    yield from (f"  {each}" for each in _reaching(alert))
    if live is None:
        yield from _of_side(files, "  ")
        return
    yield "  in PostHog now:"
    yield from _of_side(live, "    ")
    yield "  in the files:"
    yield from _of_side(files, "    ")


def _reaching(alert: Alert) -> Iterator[str]:
    """Yield in sentences why an alert reaches nobody, whatever its checks would find."""
    if alert.off:
        places = {"files": "in the files", "posthog": "in PostHog"}
        yield f"switched off {listed([places[each] for each in alert.off], 'and')}: so it never fires"
    if alert.silent:
        yield "tells nobody, as the files have it"


def _how_often(told: Told) -> str:
    """Return how often an alert would have fired, at how many checks, and how many were not asked for."""
    found, number = told.outcome, told.outcome.size
    checks, last = count(number, "check"), number + told.later
    if told.earlier:
        part = f"{number:,} of " if told.later else ""
        checks = f"{part}the last {last:,} of {told.earlier + last:,} checks"
    until = f" until {found.checks[-1].at:%d %b %H:%M} UTC" if told.later else ""
    sent = f", {count(found.messages, 'message')} to each that it tells" if found.firings else ""
    were = "was" if told.later == 1 else "were"
    rest = f"; {count(told.later, 'later one')} {were} not asked for any more" if told.later else ""
    return f"{fired(told)} at {checks}{until}{sent}{rest}"


def _of_side(told: Told | str, indent: str) -> Iterator[str]:
    if isinstance(told, str):
        yield f"{indent}not told: {printable(told)}"
        return
    found = told.outcome
    yield f"{indent}{found.rule}: {_how_often(told)}"
    if found.early:
        yield f"{indent}  {count(found.early, 'check')} look at time before the project's first event: left out"
    if found.failed:
        yield f"{indent}  {count(len(found.failed), 'check')} failed, the last one since {found.failed[-1].error}"
    for each in found.firings:
        still = "UTC and still did" if told.later else "UTC and still does"
        over = f"to {each.end:%d %b %H:%M} UTC ({lasted(each.start, each.end)})" if each.end else still
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
        "checks": found.size,
        "earlier": told.earlier,
        "later": told.later,
        "early": found.early,
        "failed": len(found.failed),
        "messages": found.messages,
        "firings": [_firing(each) for each in found.firings],
    }


def _firing(each: Firing) -> Mapping[str, Any]:
    end = each.end.isoformat() if each.end else None
    return {"start": each.start.isoformat(), "end": end, "checks": each.checks, "worst": each.worst,
            "value": each.label or None}  # fmt: skip
