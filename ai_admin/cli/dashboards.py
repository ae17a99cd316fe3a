"""``ai-admin dashboards``: dashboards with their numbers, as pages and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from ai_admin.charts import NotInstalled
from ai_admin.cli.checkout import PROBLEMS, checkout, readable, undefined
from ai_admin.cli.numbers import moment
from ai_admin.cli.switching import opened, stack_option
from ai_admin.cli.text import count, ended, progress, show_json
from ai_admin.definitions import Definitions
from ai_admin.definitions.schemas import schema, search
from ai_admin.definitions.spelling import listed, printable
from ai_admin.numbers.dashboards import SCOPES, Board, Wanted, boards
from ai_admin.numbers.drawing import Written, write
from ai_admin.numbers.replaced import replaced
from providers.posthog.errors import ApiError

FAILED = 1
"""Exit code: something is not drawn, for the reason on standard error."""


def _date(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Check a date like one in a dashboard's file: PostHog reads what it does not understand as now."""
    known = schema("dashboard")["properties"]["filters"]["properties"][option.name]
    if value is not None and not search(known["pattern"])(value):
        raise click.BadParameter(known["errorMessage"])
    return value


@click.command()
@stack_option
@click.option("--out", default="drawn", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              metavar="DIR", help="The folder for the files.")  # fmt: skip
@click.option("--format", "formats", multiple=True, default=["html"], show_default=True, help="One or several.",
              type=click.Choice(["html", "png", "svg", "csv", "json"]))  # fmt: skip
@click.option("--theme", type=click.Choice(["light", "dark", "both"]),
              help="[default: both in pages, light in pictures]")  # fmt: skip
@click.option(
    "--from", "date_from", metavar="DATE", callback=_date, help="Replaces the start of every period: -7d, mStart, all."
)
@click.option("--to", "date_to", metavar="DATE", callback=_date, help="Replaces the end of every period.")
@click.option("--fresh", is_flag=True, help="Compute all numbers anew.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
def dashboards(
    keys: tuple[str, ...],
    stack: str | None,
    out: Path,
    formats: tuple[str, ...],
    theme: str | None,
    date_from: str | None,
    date_to: str | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Draw dashboards with their numbers.

    KEY is the key of a dashboard or of an insight; without one, all dashboards. Tiles and filters are PostHog's, with
    what people added there; --from and --to replace the period. A day as --to is the whole day. A tile that counts
    whole hours, days, weeks or months says so if the period does not begin and end with one. As html, each dashboard is
    one page that loads nothing from elsewhere; the other formats make a file for each insight: a picture (png, svg),
    its numbers (csv), or PostHog's whole answer (json). If a query fails, only its tile is not drawn.

    PostHog may answer with stored results, which are hours old for a query by the day. If they are older than a minute,
    the time of their computation is shown; --fresh computes all again.

    The API key comes from POSTHOG_API_KEY and needs the scopes dashboard:read, insight:read and query:read. Drawing
    needs packages that applying does not: `make setup FOR=sandbox` installs them.

    With --json: {"stack", "boards": [{"kind", "key", "name", "files", "insights": [{"key", "name", "state", "message",
    "computed", "files", "whole"}], "kept_since"}], "missing": [...]}. "state" is drawn, empty or failed; "message" is
    shown instead of a drawing; "computed" is when PostHog computed the numbers, and "kept_since" when the oldest of a
    board, null if none are older than a minute. "whole" is hours, days, weeks or months (or quarters or years), if an
    insight counts whole ones and the period does not begin or end with one.

    Exit codes: 0 drawn, 1 something is not drawn, for the reason on standard error, 2 wrong use, 3 files have problems,
    which are named; the dashboards of the others are drawn.
    """
    asked = datetime.now(UTC)
    try:
        dates = replaced(date_from, date_to, asked)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    root = checkout()
    there = opened(root, stack, needs=f"the scopes {listed(SCOPES, 'and')}")
    definitions = readable(root, there.name)
    wanted = _wanted(definitions, keys)
    named = {each.properties["name"]: each.key for each in definitions.resources if each.kind == "insight"}
    said = f"{there}, asked on {asked:%d %b %Y %H:%M} UTC"
    if dates:  # descriptions go on naming the period of the insight
        bounds = [f"{word} {date}" for word, date in (("from", date_from), ("to", date_to)) if date]
        said += f", every period {' '.join(bounds)} whatever its tile says"
    drawn: list[Written] = []
    missing: list[str] = []

    def doing() -> str:
        return f"drawing {count(len(wanted), 'board')}, of which {len(drawn) + len(missing):,} are done"

    try:
        with progress(doing):
            for each in boards(there.client, wanted, named, dates, fresh):
                if isinstance(each, Board):
                    drawn.append(write(each, out, formats, theme, said, asked))
                else:
                    missing.append(str(each))
    except (NotInstalled, OSError) as problem:
        raise click.ClickException(str(problem)) from None
    except ApiError as error:
        raise ended(f"PostHog can't be asked for dashboards in {there}: {error}", FAILED) from None
    if as_json:
        what = {"stack": there.name, "boards": [asdict(each) for each in drawn], "missing": missing}
        show_json(what)
    elif not wanted:
        click.echo("no dashboards are defined")
    else:
        click.echo("\n".join(printable(line) for each in drawn for line in _lines(each, asked)))
    failed = [f"{board.key}/{each.key}: {each.message}" for board in drawn for each in board.insights
              if each.state == "failed"]  # fmt: skip
    for line in (*missing, *failed):
        click.echo(printable(line), err=True)
    if missing or failed:
        raise click.exceptions.Exit(FAILED)
    if definitions.broken:
        raise click.exceptions.Exit(PROBLEMS)


def _wanted(definitions: Definitions, keys: tuple[str, ...]) -> list[Wanted]:
    """Return the dashboards and insights with these keys. Raises click.UsageError where there is none."""
    both = [each for kind in ("insight", "dashboard") for each in definitions.resources if each.kind == kind]
    known = {each.key: Wanted(each.kind, each.key, each.properties["name"]) for each in both}
    whole = [each for each in known.values() if each.kind == "dashboard"]
    for key in keys:
        if key not in known:
            raise undefined("dashboard or insight", key, known, bool(definitions.broken))
    return [known[key] for key in keys] or whole


def _lines(board: Written, asked: datetime) -> Iterator[str]:
    """Yield what was drawn of a board, how old it is, and where it is."""
    states = [each.state for each in board.insights]
    parts = [count(len(states), "insight"), *(f"{n} {word}" for word, n in (
        ("without data", states.count("empty")), ("not drawn", states.count("failed"))) if n)]  # fmt: skip
    yield f"{board.name}: {', '.join(parts)}"
    if board.kept_since:
        since = datetime.fromisoformat(board.kept_since)
        yield f"  numbers since {since:%d %b %H:%M} UTC, {moment(since, asked)}: --fresh computes them anew"
    for unit in sorted({each.whole for each in board.insights if each.whole}):
        whole = [each.key for each in board.insights if each.whole == unit]
        yield f"  whole {unit} are counted, whatever --from and --to say, by {listed(whole, 'and')}"
    yield from (f"  {path}" for path in [*board.files, *(path for each in board.insights for path in each.files)])
