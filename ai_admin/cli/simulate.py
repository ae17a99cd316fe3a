"""``ai-admin simulate``: a made-up company's use of AI enhancements, sent to a sandbox."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click

from ai_admin.cli.checkout import checkout
from ai_admin.cli.switching import Stack, opened
from ai_admin.cli.text import count, ended, show_json
from ai_admin.simulation import company, incidents, runs
from ai_admin.simulation.sending import NotSent, send
from providers.posthog.connection import is_loopback
from providers.posthog.errors import ApiError

NOT_SENT = 1
"""Exit code: PostHog is no sandbox, or did not take the events."""


@click.command()
@click.option("--stack", metavar="NAME", help="The stack of the sandbox.  [default: sandbox]")
@click.option("--events", default=20_000, show_default=True, type=click.IntRange(1, 2_000_000), help="How many runs.")
@click.option("--installations", "size", default=200, show_default=True, type=click.IntRange(1, 9_999),
              help="How many installations.")  # fmt: skip
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 365), help="Over how many days.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="The end, in UTC.  [default: now]")
@click.option("--seed", default=1, show_default=True, help="Of all random choices: the same seed, the same events.")
@click.option("--ongoing", is_flag=True, help="The provider of the models has been failing for two hours.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def simulate(
    stack: str | None,
    events: int,
    size: int,
    days: int,
    until: datetime | None,
    seed: int,
    ongoing: bool,
    as_json: bool,
) -> None:
    """Send a made-up company's use of AI enhancements to a sandbox.

    Installations of several channels and versions come, grow and fall silent; they work by day and less at weekends.
    Three things happen: an outage, an installation that uses more than all others together, and errors. Events and
    person properties are those of events/ in a new checkout, and are sent by PostHog's own SDK. The same seed, numbers
    and end give the same events with the same ids, which PostHog counts once.

    Only a sandbox on this machine gets them: nobody could tell made-up numbers from real ones afterwards.

    The API key comes from POSTHOG_API_KEY and needs the scope project:read.

    With --json: {"events", "installations", "start", "end", "incidents": [{"name", "start", "end", "installation"}]}.

    Exit codes: 0 sent, 1 it is no sandbox, or did not take the events, 2 wrong use.
    """
    now = datetime.now(UTC)
    end = until.replace(tzinfo=UTC) if until else now.replace(minute=0, second=0, microsecond=0)
    if end > now:  # PostHog takes an event of the future for one of now
        raise click.UsageError(f"--until {end:%Y-%m-%dT%H:%M} is still to come: nothing can have been used by then")
    there = opened(checkout(), stack or "sandbox", needs="the scope project:read")
    key = _capture_key(there)

    everybody = company(seed, size, days, end)
    happened = incidents(everybody, ongoing)
    try:
        with click.progressbar(length=events, label="Events", file=sys.stderr) as bar:
            send(there.client.connection.host, key, runs(seed, everybody, events, happened), bar.update)
    except NotSent as problem:
        raise ended(str(problem), NOT_SENT) from None
    if as_json:
        what = {
            "events": events,
            "installations": size,
            "start": everybody.start.isoformat(),
            "end": end.isoformat(),
            "incidents": [
                {"name": each.name, "start": each.start.isoformat(), "end": each.end.isoformat(),
                 "installation": each.installation or None} for each in happened
            ],
        }  # fmt: skip
        show_json(what)
        return
    click.echo(
        f"{count(events, 'run')} of {count(size, 'installation')}"
        f" from {everybody.start:%d %b %Y %H:%M} to {end:%d %b %Y %H:%M} UTC"
    )
    for each in happened:
        who = f" of {each.installation}" if each.installation else ""
        click.echo(f"  {each.name}{who}: {each.start:%d %b %H:%M} to {each.end:%d %b %H:%M}")


def _capture_key(there: Stack) -> str:
    """Return the key with which SDKs capture. Says so where PostHog is no sandbox, and raises click.exceptions.Exit."""
    try:
        if not is_loopback(urlsplit(there.client.connection.host).hostname or ""):
            raise ApiError("it is elsewhere")
        there.client.get("/_sandbox/settings")
    except ApiError as error:
        raise ended(f"nothing was sent to {there}: it is no sandbox on this machine ({error})", NOT_SENT) from None
    try:
        key: str = there.client.project()["api_token"]
    except ApiError as error:
        raise ended(f"nothing was sent to {there}: {error}", NOT_SENT) from None
    return key
