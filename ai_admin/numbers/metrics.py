"""Usage, cost and errors of a period, by model, installation, day, channel or version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ai_admin.numbers import product
from ai_admin.numbers.asking import MOST, rows
from ai_admin.numbers.parts import PARTS
from ai_admin.numbers.period import Period, written
from providers.posthog.client import Client


@dataclass(frozen=True)
class Figures:
    """What a part of the runs in a period used. Tokens are numbers of tokens, the cost US dollars."""

    of: Sequence[str | None]
    """The part: a value for each thing that it was asked to be told apart by; None where the runs have none."""
    runs: int
    failed: int
    installations: int
    prompt_tokens: float
    completion_tokens: float
    tokens: float
    cost: float

    @property
    def failing(self) -> float:
        """The share of the runs that failed."""
        return self.failed / self.runs if self.runs else 0.0


def metrics(client: Client, period: Period, by: Sequence[str]) -> list[Figures]:
    """Return the figures of a period, in order of what they are told apart by; one row where that is nothing.

    Args:
        client: the project. Its key needs the scope ``query:read``.
        period: what is counted.
        by: keys of :data:`~ai_admin.numbers.parts.PARTS`.

    Raises ApiError; ValueError where there would be more rows than PostHog answers at once.
    """
    names = [f"part_{number}" for number, _ in enumerate(by)]
    parts = [f"{PARTS[each]} AS {name}" for each, name in zip(by, names, strict=True)]
    group = f"GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}" if names else ""
    columns = [
        "count() AS runs",
        f"countIf(properties.{product.SUCCESS} = false) AS failed",
        "count(DISTINCT distinct_id) AS installations",
        *(
            f"sum(toFloat(properties.{name})) AS {alias}"
            for alias, name in (
                ("prompt_tokens", product.PROMPT_TOKENS),
                ("completion_tokens", product.COMPLETION_TOKENS),
                ("tokens", product.TOKENS),
                ("cost", product.COST),
            )
        ),
    ]
    sql = f"""
SELECT {", ".join([*parts, *columns])}
FROM events
WHERE event = '{product.EVENT}'
    AND timestamp >= toDateTime({{start}}, 'UTC') AND timestamp < toDateTime({{end}}, 'UTC')
{group}
LIMIT {MOST}
"""
    found = rows(client, sql, {"start": written(period.start), "end": written(period.end)})
    if len(found) == MOST:
        raise ValueError(f"there are more than {MOST:,} rows: ask for a shorter period, or by less")
    return [_figures(row, [row[name] for name in names]) for row in found]


def _figures(row: dict[str, Any], of: list[str | None]) -> Figures:
    sums = {name: float(row[name] or 0) for name in ("prompt_tokens", "completion_tokens", "tokens", "cost")}
    return Figures(of, int(row["runs"]), int(row["failed"]), int(row["installations"]), **sums)
