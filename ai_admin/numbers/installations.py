"""Every installation of a project: what it is, what it used and cost in a period, and what it may use today."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ai_admin.numbers import product
from ai_admin.numbers.asking import Row, pages, rows
from ai_admin.numbers.caps import Cap, caps
from ai_admin.numbers.period import Period, written
from providers.posthog.client import Client

SILENT, UNKNOWN = "silent", "unknown"

PERSONS = f"""
SELECT toString(id) AS person, properties
FROM persons
WHERE isNotNull(properties.{product.INSTALLATION}) AND toString(id) > {{after}}
    AND (
        {{only}} = '' OR toString(properties.{product.INSTALLATION}) = {{only}}
        OR JSONExtractString(properties, '{product.INSTALLATION}') = {{only}}
    )
ORDER BY person
LIMIT {{limit}}
"""
USES = f"""
SELECT
    distinct_id AS installation,
    countIf(timestamp >= toDateTime({{start}}, 'UTC')) AS runs,
    countIf(timestamp >= toDateTime({{start}}, 'UTC') AND properties.{product.SUCCESS} = false) AS failed,
    sumIf(toFloat(properties.{product.TOKENS}), timestamp >= toDateTime({{start}}, 'UTC')) AS tokens,
    sumIf(toFloat(properties.{product.COST}), timestamp >= toDateTime({{start}}, 'UTC')) AS cost,
    sumIf(toFloat(properties.{product.TOKENS}), timestamp >= toDateTime({{today}}, 'UTC')) AS today,
    toUnixTimestamp(max(timestamp)) AS last
FROM events
WHERE event = '{product.EVENT}'
    AND timestamp >= toDateTime({{since}}, 'UTC')
    AND timestamp < toDateTime({{end}}, 'UTC')
    AND distinct_id > {{after}}
    AND ({{only}} = '' OR distinct_id = {{only}})
GROUP BY distinct_id
ORDER BY installation
LIMIT {{limit}}
"""
MEMBERS = """
SELECT concat(toString(person_id), ' ', toString(cohort_id)) AS member
FROM (
    SELECT person_id, cohort_id FROM cohort_people UNION ALL SELECT person_id, cohort_id FROM static_cohort_people
) AS members
WHERE concat(toString(person_id), ' ', toString(cohort_id)) > {after}
    AND ({person} = '' OR toString(person_id) = {person})
ORDER BY member
LIMIT {limit}
"""
ERRORS = f"""
SELECT toUnixTimestamp(timestamp) AS at, properties.{product.ERROR} AS error, properties.{product.MODEL} AS model
FROM events
WHERE event = '{product.EVENT}' AND distinct_id = {{installation}} AND properties.{product.SUCCESS} = false
    AND timestamp >= toDateTime({{start}}, 'UTC') AND timestamp < toDateTime({{end}}, 'UTC')
ORDER BY timestamp DESC
LIMIT 10
"""


@dataclass(frozen=True)
class Installation:
    """One installation. Tokens are numbers of tokens, costs US dollars."""

    id: str
    person: str
    """The uuid of its person in PostHog."""
    properties: Mapping[str, Any]
    """What it said of itself last, in full."""
    runs: int
    failed: int
    """How many of the runs gave no result."""
    tokens: float
    cost: float
    """All four in the period."""
    today: float
    """Tokens on the last day of the period, since midnight, UTC."""
    cap: float | None
    """How many tokens the generated client gives it for a day right now; None where it gives none, or where the
    period's last day is over: what it gave then is not known."""
    last_seen: datetime | None
    """Its last run before the period's end; None where it had none, or where it is not known."""
    health: str
    """What its last self-check found, or ``silent`` where it did not run anything for a day before the period's end."""
    cohorts: Sequence[str]

    @property
    def channel(self) -> str:
        """The channel that it says it is of; empty where it does not say."""
        return str(self.properties.get(product.CHANNEL) or "")

    @property
    def version(self) -> str:
        """The version that it says it runs; empty where it does not say."""
        return str(self.properties.get(product.VERSION) or "")

    @property
    def said(self) -> str:
        """What its last self-check found, however long ago."""
        return str(self.properties.get(product.HEALTH) or UNKNOWN)

    @property
    def unnoticed(self) -> bool:
        """Whether PostHog goes on calling it healthy though it fell silent."""
        return self.health == SILENT and self.said == "healthy"

    @property
    def failing(self) -> float:
        """The share of its runs that failed; 0 where there are none."""
        return self.failed / self.runs if self.runs else 0.0

    @property
    def used(self) -> float | None:
        """The share of today's tokens that is used; above 1 when it is exceeded, None without a cap.

        Of no tokens (or fewer, which a flag can say) none are all, and any are infinitely many times as many.
        """
        if self.cap is None:
            return None
        return self.today / self.cap if self.cap > 0 else math.inf if self.today > 0 else 1.0


@dataclass(frozen=True)
class Strangers:
    """What ran in the period and never said that it is an installation."""

    ids: int
    runs: int
    tokens: float
    cost: float

    @classmethod
    def of(cls, uses: Collection[Row]) -> Strangers:
        """Return those of which these are the uses."""
        tokens, cost = (sum(float(each[name] or 0) for each in uses) for name in ("tokens", "cost"))
        return cls(len(uses), sum(int(each["runs"]) for each in uses), tokens, cost)


@dataclass(frozen=True)
class Report:
    """All installations of a project."""

    period: Period
    installations: Sequence[Installation]
    strangers: Strangers
    cohorts: Collection[str]
    """The names of all cohorts that the project has."""


def known(client: Client) -> list[str]:
    """Return the ids of all installations of a project. Raises ApiError."""
    return list(_persons(client, ""))


def installations(client: Client, period: Period, cap: Cap | None = None, only: str = "") -> Report:
    """Return all installations of a project, or one, by a few queries however many there are.

    Args:
        client: the project. Its key needs the scopes ``query:read``, ``project:read``, ``feature_flag:read`` and
            ``cohort:read``.
        period: what is counted.
        cap: the flag that gives the number of tokens for a day; None for that of ``product.py``, without a fallback.
        only: the id of the one that is asked for; empty for all. Without one of this id the report is empty.

    Raises ApiError.
    """
    persons = _persons(client, only)
    if only and not persons:
        return Report(period, (), Strangers.of(()), ())
    bounds = {"start": written(period.start), "end": written(period.end), "today": written(period.today), "only": only}
    heard = written(period.end - timedelta(hours=product.SILENCE))
    bounds["since"] = min(bounds["start"], bounds["today"], heard)
    uses = {str(row["installation"]): row for row in pages(client, USES, bounds, "installation")}
    names = {str(row["id"]): str(row["name"]) for row in client.pages(client.project_path("cohorts"))}
    cohorts = _cohorts(client, names, str(persons[only]["person"]) if only else "")
    properties = {name: row["properties"] for name, row in persons.items()}
    ids = {name: cohorts.get(str(row["person"]), {}) for name, row in persons.items()}
    asked = {} if period.is_of_earlier_days else {name: (properties[name], frozenset(ids[name])) for name in persons}
    given = caps(client, cap or Cap(), asked) if asked else {}
    found = [
        _installation(
            name, str(row["person"]), properties[name], uses.get(name), given.get(name), period, ids[name].values()
        )
        for name, row in persons.items()
    ]
    strangers = [row for name, row in uses.items() if name not in persons and row["runs"]]
    return Report(period, found, Strangers.of(strangers), names.values())


def recent_errors(client: Client, period: Period, installation: str) -> list[tuple[datetime, str, str]]:
    """Return the last ten failures of an installation in a period, newest first: when, which error, which model.

    Raises ApiError.
    """
    values = {"installation": installation, "start": written(period.start), "end": written(period.end)}
    return [
        (datetime.fromtimestamp(row["at"], period.end.tzinfo), str(row["error"] or ""), str(row["model"] or ""))
        for row in rows(client, ERRORS, values)
    ]


def _persons(client: Client, only: str) -> dict[str, Row]:
    # `properties.x` in HogQL is a text as JSON writes it: of quotes and backslashes it keeps the escapes.
    told = [{**row, "properties": _properties(row)} for row in pages(client, PERSONS, {"only": only}, "person")]
    found = {str(row["properties"][product.INSTALLATION]): row for row in told}
    return {name: row for name, row in found.items() if only in ("", name)}


def _properties(row: Row) -> dict[str, Any]:
    said = row["properties"]
    return dict(json.loads(said) if isinstance(said, str) else said or {})


def _cohorts(client: Client, names: Mapping[str, str], person: str) -> dict[str, dict[str, str]]:
    """Return the cohorts of each person (empty: all), when PostHog counted last: names by id, by the person's uuid."""
    found: dict[str, dict[str, str]] = {}
    for row in pages(client, MEMBERS, {"person": person}, "member"):
        who, _, cohort = row["member"].partition(" ")
        if cohort in names:
            found.setdefault(who, {})[cohort] = names[cohort]
    return found


def _installation(
    name: str, person: str, properties: Mapping[str, Any], use: Row | None, cap: float | None, period: Period,
    cohorts: Collection[str],
) -> Installation:  # fmt: skip
    number = use or {"runs": 0, "failed": 0, "tokens": 0, "cost": 0, "today": 0, "last": None}
    last = _last(properties, number["last"], period)
    quiet = last is None or period.end - last > timedelta(hours=product.SILENCE)
    return Installation(
        id=name,
        person=person,
        properties=properties,
        runs=int(number["runs"]),
        failed=int(number["failed"]),
        tokens=float(number["tokens"] or 0),
        cost=float(number["cost"] or 0),
        today=float(number["today"] or 0),
        cap=cap,
        last_seen=last,
        health=SILENT if quiet else str(properties.get(product.HEALTH) or UNKNOWN),
        cohorts=sorted(cohorts),
    )


def _last(properties: Mapping[str, Any], seconds: int | None, period: Period) -> datetime | None:
    """Return the last run before the period's end: that which was counted, or else what the installation said.

    Of a period that is over it may have said so of a later run: which one was the last before is not known then.
    """
    if seconds:
        return datetime.fromtimestamp(seconds, period.end.tzinfo)
    try:
        said = datetime.fromisoformat(str(properties.get(product.LAST_ACTIVE)))
    except ValueError:
        return None
    said = said if said.tzinfo else said.replace(tzinfo=period.end.tzinfo)
    return None if period.is_over and said >= period.end else said
