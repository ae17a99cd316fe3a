"""``ai-admin alerts``: the state of alerts in PostHog; ``show``: the checks of one; ``test``: a test message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from ai_admin.cli.checkout import PROBLEMS, checkout, readable, undefined
from ai_admin.cli.numbers import NOT_READ, moment, table
from ai_admin.cli.switching import Stack, opened, stack_of, stack_option
from ai_admin.cli.text import count, ended, show_json
from ai_admin.definitions.spelling import listed, printable
from ai_admin.numbers.alerts import Check, Standing, overdue, send_test
from ai_admin.numbers.alerts import alerts as read
from providers.posthog.errors import ApiError

SCOPES = ("alert:read", "hog_function:read")
"""What the API key must have to read them."""

NOT_ARRIVED, NONE, UNTESTED = 1, 4, 5
"""Exit codes: a test message did not arrive; PostHog has no such alert; there is nobody to whom one can be sent."""

_COLOURS = {"Firing": "red", "Errored": "yellow", "Snoozed": "cyan", "off": "bright_black"}


@click.group(invoke_without_command=True)
@stack_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def alerts(context: click.Context, stack: str | None, as_json: bool) -> None:
    """List alerts as PostHog has them: state, value, distance from the bound, checks, and whom they notify.

    All alerts of the project; those of the files with their keys. The distance is to the nearest bound: a "+" is beyond
    it. `ai-admin alerts show KEY` lists the checks of one, `ai-admin alerts test KEY` sends a test message.

    The API key comes from POSTHOG_API_KEY and needs the scopes alert:read and hog_function:read.

    With --json: {"stack", "alerts": [{"key", "id", "name", "state", "condition", "lower", "upper", "value", "distance",
    "last_check", "next_check", "snoozed_until", "interval", "tells": [{"name", "way", "enabled"}],
    "failures": [{"at", "error"}]}]}.
    "failures" are among the last five checks; "key" is null for an alert without a definition.

    Exit codes: 0 the alerts, 1 PostHog could not be read, 2 wrong use, 3 files have problems, which are named; all
    alerts are listed.
    """
    if context.invoked_subcommand:
        return
    there, keys, broken = _opened(stack, SCOPES)
    found = _read(there)
    named = {name: key for key, name in keys.items()}
    if as_json:
        told = [{"key": named.get(each.name), **_as_json(each)} for each in found]
        show_json({"stack": there.name, "alerts": told})
    elif found:
        click.echo("\n".join(_list(found, named, datetime.now(UTC))))
    else:
        click.echo(f"{there} has no alerts")
    for name in sorted(set(keys.values()) - {each.name for each in found}):
        click.echo(f"{printable(named[name])}: PostHog has no such alert yet; `pulumi up` makes it", err=True)
    if broken:
        raise click.exceptions.Exit(PROBLEMS)


@alerts.command()
@click.argument("key")
@stack_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def show(context: click.Context, key: str, stack: str | None, as_json: bool) -> None:
    """List the checks of an alert, the newest first: of 14 days, at most 500.

    With --json: the alert as in `ai-admin alerts --json`, and "checks": [{"at", "state", "value", "told", "error"}].

    Exit codes: 0 the checks, 1 PostHog could not be read, 2 wrong use, 3 files have problems, which are named, and no
    other has the alert, 4 PostHog has no such alert.
    """
    there, keys, broken = _opened(stack_of(context, stack), SCOPES)
    found = _one(there, keys, broken, key, days=True)
    if as_json:
        checks = [_check_as_json(each) for each in found.checks]
        show_json({"key": key, **_as_json(found), "checks": checks})
    else:
        click.echo("\n".join(_all_of(found, datetime.now(UTC))))


@alerts.command()
@click.argument("key")
@stack_option
@click.pass_context
def test(context: click.Context, key: str, stack: str | None) -> None:
    """Send a test message to those whom an alert notifies, and report where it arrived.

    It goes to Slack and webhooks, through the functions that PostHog runs when the alert fires, and says that it is a
    test. A webhook starts what it always starts, such as a page to on-call. PostHog has no way to test e-mail.

    The API key comes from POSTHOG_API_KEY and needs the scopes alert:read and hog_function:write.

    Exit codes: 0 it arrived everywhere, 1 it did not, or PostHog could not be read, 2 wrong use, 3 files have problems,
    which are named, and no other has the alert, 4 PostHog has no such alert, 5 none was sent, as the alert notifies
    nobody, or only by e-mail.
    """
    there, keys, broken = _opened(stack_of(context, stack), ("alert:read", "hog_function:write"))
    found = _one(there, keys, broken, key)
    sent = send_test(there.client, found)
    for each in sent:
        off = "" if each.to.enabled else "; it is switched off, so that a firing alert does not reach it"
        said = click.style("arrived", fg="green") if each.arrived else click.style("did not arrive", fg="red")
        click.echo(f"{printable(each.to)}: {said}{f': {printable(each.why)}' if each.why else ''}{off}")
    mails = [each.name for each in found.tells if each.function is None]
    if mails:
        click.echo(f"{printable(listed(mails, 'and'))}: not tested, as PostHog can't send e-mail as a test")
    if not found.tells:
        click.echo(f"{key} tells nobody")
    if not sent:
        raise ended("no message was sent", UNTESTED)
    if not all(each.arrived for each in sent):
        raise click.exceptions.Exit(NOT_ARRIVED)


def _opened(name: str | None, scopes: Sequence[str]) -> tuple[Stack, dict[str, str], bool]:
    """Return the stack, the names of its alerts by their keys, and whether files, which are named, have problems."""
    stack = opened(checkout(), name, needs=f"the scopes {listed(scopes, 'and')}")
    definitions = readable(stack.root, stack.name)
    keys = {each.key: each.properties["name"] for each in definitions.resources if each.kind == "alert"}
    return stack, keys, bool(definitions.broken)


def _read(stack: Stack, name: str | None = None, days: bool = False) -> list[Standing]:
    try:
        return read(stack.client, name, days)
    except ApiError as error:
        raise ended(f"the alerts of {stack} can't be read: {error}", NOT_READ) from None


def _one(stack: Stack, keys: Mapping[str, str], broken: bool, key: str, days: bool = False) -> Standing:
    if key not in keys:
        raise undefined("alert", key, sorted(keys), broken, f" in stack {stack.name}")
    found = _read(stack, keys[key], days)
    if len(found) == 1:
        return found[0]
    many = f"{len(found)} alerts" if found else "no alert"
    raise ended(f'{stack} has {many} "{printable(keys[key])}"', NONE)


def _list(found: Sequence[Standing], named: Mapping[str, str], now: datetime) -> Iterator[str]:
    heads = ["alert", "state", "value", "fires", "distance", "last check", "next check", "tells"]
    rows = [
        [printable(named.get(each.name, each.name)), _standing(each), _value(each), str(each.rule),
         _distance(each), moment(each.last, now), _ahead(each, now),
         printable(", ".join(map(str, each.tells))) or "nobody"]
        for each in found
    ]  # fmt: skip
    yield from table(heads, rows, right={2, 4})
    for each in found:
        name = printable(named.get(each.name, each.name))
        if each.failures:
            last, number = each.failures[0], len(each.failures)
            yield f"{name}: {number} of the last {count(len(each.checks), 'check')} failed: {printable(last.error)}"
        if overdue(each, now):
            yield f"{name}: PostHog should have checked it {moment(each.next, now)}"


def _all_of(alert: Standing, now: datetime) -> Iterator[str]:
    yield click.style(printable(alert.name), bold=True)
    lines = [
        ("state", _standing(alert)),
        ("fires", f"{alert.rule}, checked {alert.interval.replace('_', ' ')}"),
        ("value", f"{_value(alert)}{f', {_distance(alert)} from the bound' if alert.distance is not None else ''}"),
        ("next check", _ahead(alert, now)),
        ("tells", printable(", ".join(map(str, alert.tells))) or "nobody"),
    ]
    yield from (f"  {name:<10}  {text}" for name, text in lines)
    if not alert.checks:
        yield "  no check in the last 14 days"
        return
    rows = [_row(each, alert) for each in alert.checks]
    yield ""
    yield from table(["check (UTC)", "state", "value", "told"], rows, right={2})


def _row(check: Check, alert: Standing) -> list[str]:
    shown = "-" if check.value is None else alert.rule.written(check.value)
    told = check.error or ", ".join(check.told)
    return [f"{check.at.astimezone(UTC):%d %b %H:%M}", _state(check.state), shown, printable(told)]


def _state(state: str) -> str:
    colour = _COLOURS.get(state)
    return click.style(state, fg=colour) if colour else printable(state)


def _standing(alert: Standing) -> str:
    until = f" until {alert.snoozed.astimezone(UTC):%d %b %H:%M} UTC" if alert.snoozed else ""
    return _state(alert.state) + until


def _value(alert: Standing) -> str:
    return "-" if alert.value is None else alert.rule.written(alert.value)


def _distance(alert: Standing) -> str:
    if alert.distance is None:
        return "-"
    return f"{'+' if alert.distance > 0 else ''}{alert.rule.written(alert.distance)}"


def _ahead(alert: Standing, now: datetime) -> str:
    if alert.state == "off":
        return "-"
    if alert.next is None or alert.next <= now:
        return "due"
    minutes = (alert.next - now).total_seconds() / 60
    return f"in {minutes:.0f} min" if minutes < 120 else f"in {minutes / 60:.0f} h"


def _as_json(alert: Standing) -> dict[str, Any]:
    return {
        "id": alert.id,
        "name": alert.name,
        "state": alert.state,
        "condition": alert.rule.condition,
        "lower": alert.rule.lower,
        "upper": alert.rule.upper,
        "value": alert.value,
        "distance": alert.distance,
        "last_check": alert.last.isoformat() if alert.last else None,
        "next_check": alert.next.isoformat() if alert.next else None,
        "snoozed_until": alert.snoozed.isoformat() if alert.snoozed else None,
        "interval": alert.interval,
        "tells": [{"name": each.name, "way": each.way, "enabled": each.enabled} for each in alert.tells],
        "failures": [{"at": each.at.isoformat(), "error": each.error} for each in alert.failures],
    }


def _check_as_json(check: Check) -> dict[str, Any]:
    return {"at": check.at.isoformat(), "state": check.state, "value": check.value, "told": list(check.told),
            "error": check.error or None}  # fmt: skip
