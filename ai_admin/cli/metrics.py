"""``ai-admin metrics``: usage, cost and errors of a period."""

from __future__ import annotations

from typing import Any

import click

from ai_admin.cli.numbers import (
    NOT_READ,
    asked,
    dollars,
    forms,
    in_no_sum,
    number,
    percent,
    period_options,
    plain,
    short,
    table,
)  # fmt: skip
from ai_admin.cli.switching import stack_option
from ai_admin.cli.text import ended, show_json
from ai_admin.definitions.spelling import told_apart
from ai_admin.numbers import metrics as read
from ai_admin.numbers.metrics import PARTS
from ai_admin.sheet import as_csv
from providers.posthog.errors import ApiError

SCOPES = ("query:read",)
"""What the API key must have."""

_FIGURES = ("runs", "failed", "installations", "prompt_tokens", "completion_tokens", "tokens", "cost", "odd")


@click.command()
@stack_option
@period_options("-7d")
@forms
@click.option("--by", default="", metavar="PARTS", help=f"What to break down by, with commas: {', '.join(PARTS)}.")
def metrics(by: str, **asked_for: Any) -> None:
    """Show usage, cost and errors of a period.

    Runs of AI enhancements, the share that failed, installations, tokens and cost in US dollars: in total, or for each
    model, installation, day (in UTC), channel, version or error, or for several of them together: --by day,model. By
    day alone each day from the first run on has a line, also without runs. As on dashboards each person with a run
    counts as an installation; --by installation shows one that is none (see `ai-admin installations`) by a distinct id.

    The API key comes from POSTHOG_API_KEY and needs the scope query:read. It takes one query, by installation a few.

    With --json: {"from", "to", "by", "figures": [{PART..., "runs", "failed", "installations", "prompt_tokens",
    "completion_tokens", "tokens", "cost", "odd"}]}. "odd" is the number of runs whose tokens or cost can't be right:
    these are in no sum.

    Exit codes: 0 the figures, 1 PostHog could not be read, 2 wrong use.
    """
    parts = list(dict.fromkeys(each.strip() for each in by.split(",") if each.strip()))
    for each in parts:
        if each not in PARTS:
            raise click.UsageError(f'--by takes {", ".join(PARTS)}, with commas between them, instead of "{each}"')
    stack, period, form = asked(SCOPES, **asked_for)

    try:
        found = read(stack.client, period, parts)
    except (ApiError, ValueError) as error:
        raise ended(f"the metrics of {stack} can't be read: {error}", NOT_READ) from None
    rows = [[*each.of, *(plain(getattr(each, name)) for name in _FIGURES)] for each in found]
    if form == "json":
        figures = [dict(zip([*parts, *_FIGURES], row, strict=True)) for row in rows]
        told = {"from": period.start.isoformat(), "to": period.end.isoformat(), "by": parts, "figures": figures}
        show_json(told)
    elif form == "csv":
        click.echo(as_csv([[*parts, *_FIGURES], *rows]), nl=False)
    else:
        heads = [*parts, "runs", "failed", "installations", "tokens", "cost"]
        lines = [
            [*(short(told_apart(part) if name == "installation" and part else part or "-")
               for name, part in zip(parts, each.of, strict=True)), number(each.runs), percent(each.failing),
             number(each.installations), number(each.tokens), dollars(each.cost)]
            for each in found
        ]  # fmt: skip
        click.echo("\n".join([*table(heads, lines, right=range(len(parts), len(heads))), "",
                              *in_no_sum(sum(each.odd for each in found)), str(period)]))  # fmt: skip
