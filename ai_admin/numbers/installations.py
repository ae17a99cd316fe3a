"""Every installation of a project: its properties, its usage and cost in a period, and its cap today.

An installation is a person in PostHog with its id as the property ``installation_id`` (``product.INSTALLATION``); an
empty id does not count. Runs of all distinct ids of the person count, also of merged ones, as in PostHog's own
insights. If several persons have the same id, as after a restored backup, the installation is the one that also has it
as a distinct id, for which PostHog evaluates flags; without such a one it is the first. The others are strangers, as is
every person without the property.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ai_admin.numbers import product
from ai_admin.numbers.asking import Row, odd, pages, rows, used
from ai_admin.numbers.caps import DAILY, Cap, caps
from ai_admin.numbers.earlier import last_runs
from ai_admin.numbers.period import Period, written
from providers.posthog.client import Client
from providers.posthog.errors import ApiError

SILENT, UNKNOWN = "silent", "unknown"

_OTHERS = "-"
"""In the place of a uuid: all persons together that have not even an empty id of an installation."""

PERSONS = f"""
SELECT toString(id) AS person, properties, toUnixTimestamp(created_at) AS created
FROM persons
WHERE isNotNull(properties.{product.INSTALLATION}) AND toString(id) > {{after}}
    AND (
        {{only}} = '' OR toString(properties.{product.INSTALLATION}) = {{only}}
        OR JSONExtractString(properties, '{product.INSTALLATION}') = {{only}}
    )
ORDER BY person
LIMIT {{limit}}
"""
OWN = """
SELECT distinct_id AS id, toString(person_id) AS own
FROM person_distinct_ids
WHERE has({ids}, distinct_id) AND distinct_id > {after}
ORDER BY id
LIMIT {limit}
"""
USES = f"""
SELECT
    if(
        person_id IN (SELECT id FROM persons WHERE isNotNull(properties.{product.INSTALLATION})),
        toString(person_id), '{_OTHERS}'
    ) AS ran,
    count(DISTINCT if(timestamp >= toDateTime({{start}}, 'UTC'), person_id, NULL)) AS persons,
    countIf(timestamp >= toDateTime({{start}}, 'UTC')) AS runs,
    countIf(timestamp >= toDateTime({{start}}, 'UTC') AND properties.{product.SUCCESS} = false) AS failed,
    countIf(timestamp >= toDateTime({{start}}, 'UTC') AND {odd()}) AS odd,
    sumIf({used(product.TOKENS)}, timestamp >= toDateTime({{start}}, 'UTC')) AS tokens,
    sumIf({used(product.COST)}, timestamp >= toDateTime({{start}}, 'UTC')) AS cost,
    sumIf({used(product.TOKENS)}, timestamp >= toDateTime({{today}}, 'UTC')) AS today,
    toUnixTimestamp(max(timestamp)) AS last
FROM events
WHERE event = '{product.EVENT}'
    AND timestamp >= toDateTime({{since}}, 'UTC')
    AND timestamp < toDateTime({{end}}, 'UTC')
    AND ({{person}} = '' OR toString(person_id) = {{person}})
GROUP BY ran
HAVING ran > {{after}}
ORDER BY ran
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
WHERE event = '{product.EVENT}' AND toString(person_id) = {{person}} AND properties.{product.SUCCESS} = false
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
    persons: int
    """How many persons say that they are it; it is only one of them."""
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
    """How many tokens the generated client gives it for a day right now; None where it gives none, where that is not
    known, or where the period is over: what it gave then is not known."""
    last_seen: datetime | None
    """Its last run before the period's end, or what it said of that where this is later; None without either. Before
    the period a run is looked for where it said nothing, and a year back."""
    health: str
    """What its last self-check found, or ``silent`` where it did not run anything for a day before the period's end.
    ``unknown`` also of one that came after it."""
    came_later: bool
    """Whether it was not there yet when the period ended."""
    cohorts: Sequence[str]
    looked_for: bool = True
    """Whether PostHog said if it ran something before the period, where it was asked for that."""
    odd: int = 0
    """How many of the runs say tokens or a cost that no run has (NaN, below 0, above ``product.MOST_USED``): these are
    in no sum."""

    @property
    def channel(self) -> str:
        """The channel that it says it is of; empty where it does not say."""
        return spelled(self.properties.get(product.CHANNEL))

    @property
    def version(self) -> str:
        """The version that it says it runs; empty where it does not say."""
        return spelled(self.properties.get(product.VERSION))

    @property
    def said(self) -> str:
        """What its last self-check found, however long ago."""
        return spelled(self.properties.get(product.HEALTH)) or UNKNOWN

    @property
    def unnoticed(self) -> bool:
        """Whether PostHog still calls it healthy although it is silent."""
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
    """The persons with runs in the period that are no installation."""

    persons: int
    runs: int
    odd: int
    tokens: float
    cost: float

    @classmethod
    def of(cls, uses: Collection[Row]) -> Strangers:
        """Return those of which these are the uses."""
        tokens, cost = (sum(float(each[name] or 0) for each in uses) for name in ("tokens", "cost"))
        persons, runs, odd = (sum(int(each[name]) for each in uses) for name in ("persons", "runs", "odd"))
        return cls(persons, runs, odd, tokens, cost)


@dataclass(frozen=True)
class Report:
    """All installations of a project."""

    period: Period
    installations: Sequence[Installation]
    strangers: Strangers
    cohorts: Collection[str]
    """The names of all cohorts that the project has."""
    unread: ApiError | None = None
    """Why PostHog did not say when those ran something last that are not ``looked_for``; None where it did."""


def spelled(value: object) -> str:
    """Return a property's value as people write it: ``stable``, ``1``, ``true``; empty where there is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # in a file and in JSON 1 and 1.0 are the same number
    return "" if value is None else str(value)


def known(client: Client) -> dict[str, str]:
    """Return the ids of all installations of a project, by the uuid of their persons. Raises ApiError."""
    return {each.uuid: name for name, each in _persons(client, "").items()}


def installations(client: Client, period: Period, cap: Cap | None = DAILY, only: str = "") -> Report:
    """Return all installations of a project, or one, by a few queries however many there are.

    Args:
        client: the project. Its key needs the scopes ``query:read``, ``project:read``, ``feature_flag:read`` and
            ``cohort:read``.
        period: what is counted.
        cap: the flag that gives the number of tokens for a day; None where that is not known, so that nobody has a cap.
        only: the id of the one that is asked for; empty for all. Without one of this id the report is empty.

    Raises ApiError, but for what is only good to know: see ``Report.unread``.
    """
    persons = _persons(client, only)
    if only and not persons:
        return Report(period, (), Strangers.of(()), ())
    person = persons[only].uuid if only else ""
    bounds = {"start": written(period.start), "end": written(period.end), "today": written(period.today)}
    heard = period.end - timedelta(hours=product.SILENCE)
    since = min(period.start, period.today, heard)
    asked = {**bounds, "person": person, "since": written(since)}
    uses = {str(row["ran"]): row for row in pages(client, USES, asked, "ran")}
    last = {ran: row["last"] for ran, row in uses.items()}
    unseen = {
        each.uuid for each in persons.values() if each.uuid not in uses and _last(each.properties, None, period) is None
    }
    earlier, missing, unread = last_runs(client, unseen, since)
    last |= earlier
    names = {str(row["id"]): str(row["name"]) for row in client.pages(client.project_path("cohorts"))}
    cohorts = _cohorts(client, names, person)
    ids = {name: cohorts.get(each.uuid, {}) for name, each in persons.items()}
    capped = {name: (each.properties, frozenset(ids[name])) for name, each in persons.items()}
    given = caps(client, cap, capped) if capped and cap and not period.is_over else {}
    found = [
        _installation(
            name, each, uses.get(each.uuid), last.get(each.uuid), given.get(name), period, ids[name].values(),
            unread is None or each.uuid not in missing,
        )
        for name, each in persons.items()
    ]
    own = {each.uuid for each in persons.values()}
    strangers = [row for ran, row in uses.items() if ran not in own and row["runs"]]
    return Report(period, found, Strangers.of(strangers), names.values(), unread)


def recent_errors(client: Client, period: Period, installation: Installation) -> list[tuple[datetime, str, str]]:
    """Return the last ten failures of an installation in a period, newest first: when, which error, which model.

    Raises ApiError.
    """
    values = {"person": installation.person, "start": written(period.start), "end": written(period.end)}
    return [
        (datetime.fromtimestamp(row["at"], period.end.tzinfo), str(row["error"] or ""), str(row["model"] or ""))
        for row in rows(client, ERRORS, values)
    ]


@dataclass(frozen=True)
class _Person:
    """A person that is an installation."""

    uuid: str
    properties: Mapping[str, Any]
    created: float
    """When it came, in seconds."""
    persons: int = 1


def _persons(client: Client, only: str) -> dict[str, _Person]:
    """Return the persons of all installations, or of one, by its id."""
    said: dict[str, list[_Person]] = {}
    for row in pages(client, PERSONS, {"only": only}, "person"):
        person = _Person(str(row["person"]), _properties(row), row["created"])
        said.setdefault(str(person.properties[product.INSTALLATION]), []).append(person)
    # `properties.x` in HogQL is a text with JSON's escapes: there may be more rows than asked for.
    found = {name: each for name, each in said.items() if name and only in ("", name)}
    several = [name for name, each in found.items() if len(each) > 1]
    own = {row["id"]: row["own"] for row in pages(client, OWN, {"ids": several}, "id")} if several else {}
    return {name: _one_of(each, own.get(name)) for name, each in found.items()}


def _one_of(persons: Sequence[_Person], own: str | None) -> _Person:
    """Return the person that is the installation: the one with the uuid ``own``, or else the first that came."""
    one = min(persons, key=lambda each: (each.uuid != own, each.created, each.uuid))
    return replace(one, persons=len(persons))


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
    name: str, person: _Person, use: Row | None, seconds: int | None, cap: float | None, period: Period,
    cohorts: Collection[str], looked_for: bool,
) -> Installation:  # fmt: skip
    number = use or {"runs": 0, "failed": 0, "odd": 0, "tokens": 0, "cost": 0, "today": 0}
    last = _last(person.properties, seconds, period)
    came_later = last is None and period.is_over and person.created >= period.end.timestamp()
    quiet = last is None or period.end - last > timedelta(hours=product.SILENCE)
    said = UNKNOWN if came_later else spelled(person.properties.get(product.HEALTH)) or UNKNOWN
    return Installation(
        id=name,
        person=person.uuid,
        persons=person.persons,
        properties=person.properties,
        runs=int(number["runs"]),
        failed=int(number["failed"]),
        tokens=float(number["tokens"] or 0),
        cost=float(number["cost"] or 0),
        today=float(number["today"] or 0),
        cap=cap,
        last_seen=last,
        health=SILENT if quiet and not came_later else said,
        came_later=came_later,
        cohorts=sorted(cohorts),
        looked_for=looked_for,
        odd=int(number["odd"]),
    )


def _last(properties: Mapping[str, Any], seconds: int | None, period: Period) -> datetime | None:
    """Return the last run before the period's end: the counted one, or the installation's ``last_active`` if later.

    A ``last_active`` after the end, or in the future by a wrong clock, says nothing about the time before.
    """
    found = [datetime.fromtimestamp(seconds, period.end.tzinfo)] if seconds else []
    try:
        said = datetime.fromisoformat(str(properties.get(product.LAST_ACTIVE)))
    except ValueError:
        pass
    else:
        found.append(said if said.tzinfo else said.replace(tzinfo=period.end.tzinfo))
    return max((each for each in found if each < period.end), default=None)
