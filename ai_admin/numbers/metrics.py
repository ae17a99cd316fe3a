"""Usage, cost and errors of a period, by model, installation, day, channel or version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ai_admin.numbers import product
from ai_admin.numbers.asking import MOST, Row, odd, rows, used
from ai_admin.numbers.installations import known
from ai_admin.numbers.period import Period, written
from providers.posthog.client import Client

PARTS = {
    "model": f"properties.{product.MODEL}",
    "installation": "toString(person_id)",
    "day": "toString(toDate(toTimeZone(timestamp, 'UTC')))",
    "channel": f"person.properties.{product.CHANNEL}",
    "version": f"person.properties.{product.VERSION}",
    "error": f"properties.{product.ERROR}",
}
"""SQL by the name of what it tells apart. Days are in UTC, and installations are still the uuids of their persons."""


@dataclass(frozen=True)
class Figures:
    """The usage of a part of the runs in a period. Tokens are numbers of tokens, the cost US dollars."""

    of: Sequence[str | None]
    """The part: a value for each thing that it was asked to be told apart by; None where the runs have none. What is no
    installation is called by one of its distinct ids."""
    runs: int
    failed: int
    installations: int
    prompt_tokens: float
    completion_tokens: float
    tokens: float
    cost: float
    odd: int = 0
    """How many of the runs say tokens or a cost that no run has: these are in no sum."""

    @property
    def failing(self) -> float:
        """The share of the runs that failed."""
        return self.failed / self.runs if self.runs else 0.0


def metrics(client: Client, period: Period, by: Sequence[str]) -> list[Figures]:
    """Return the figures of a period, in order of what they are told apart by; one row where that is nothing.

    By day alone there is one for each day from the first that has runs, also for those without.

    Args:
        client: the project. Its key needs the scope ``query:read``.
        period: what is counted.
        by: keys of :data:`PARTS`.

    Raises ApiError; ValueError where there would be more rows than PostHog answers at once.
    """
    names = [f"part_{number}" for number, _ in enumerate(by)]
    parts = [f"{PARTS[each]} AS {name}" for each, name in zip(by, names, strict=True)]
    group = f"GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}" if names else ""
    columns = [
        *(["min(distinct_id) AS called"] if "installation" in by else []),
        "count() AS runs",
        f"countIf(properties.{product.SUCCESS} = false) AS failed",
        f"countIf({odd()}) AS odd",
        "count(DISTINCT person_id) AS installations",
        *(
            f"sum({used(name)}) AS {alias}"
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
    if "installation" in by:
        _call_installations(client, found, names[by.index("installation")])
        found.sort(key=lambda row: [(row[name] is None, str(row[name])) for name in names])
    told = [_figures(row, [row[name] for name in names]) for row in found]
    if told and list(by) == ["day"]:
        there = {str(each.of[0]): each for each in told}
        first = date.fromisoformat(min(there))
        number = (period.today.date() - first).days + 1
        days = [(first + timedelta(days=n)).isoformat() for n in range(number)]
        return [there.get(day) or Figures([day], 0, 0, 0, 0, 0, 0, 0) for day in days]
    return told


def _call_installations(client: Client, found: Sequence[Row], name: str) -> None:
    """Write ids in the place of the uuids of persons: of who is no installation, the least of its distinct ids."""
    ids: dict[str, str] = {}
    for row in found:
        ids[row[name]] = min(ids.get(row[name], row["called"]), row["called"])
    ids.update(known(client))
    for row in found:
        row[name] = ids[row[name]]


def _figures(row: Row, of: Sequence[str | None]) -> Figures:
    sums = {name: float(row[name] or 0) for name in ("prompt_tokens", "completion_tokens", "tokens", "cost")}
    return Figures(of, int(row["runs"]), int(row["failed"]), int(row["installations"]), **sums, odd=int(row["odd"]))
