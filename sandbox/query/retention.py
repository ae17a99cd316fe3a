"""RetentionQuery: of those who did one thing in an interval, how many did another in the intervals after.

Source: PostHog's hogql_queries/insights/retention/retention_query_runner.py. HogQL says in which intervals each actor
did what; the rows are counted of that here. Traps: without dates the last row is the present interval; the first column
is the size of the row whatever was done again; columns in the future are zero; with a breakdown who comes back with
another value hasn't come back; sums in the first column are of what was done after the start, unless one comes back by
the same event.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sandbox.query import breakdowns, dates, filters
from sandbox.query.asked import Asked, both
from sandbox.query.dates import Range, instant, iso, later, start_of
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import literal
from sandbox.query.math import scaled
from sandbox.storage.store import Data

DEFAULT_EVENT = "$pageview"
ALL_USERS = 0  # the number of the cohort of everybody
Cells = dict[tuple[int, int], tuple[int, float]]  # how many actors count in a row's column, and what their values are
RECURRING, FIRST_TIME, FIRST_EVER = (
    "retention_recurring",
    "retention_first_time",
    "retention_first_ever_occurrence",
)


@dataclass(frozen=True)
class Actor:
    """What one actor did: the numbers of the intervals in which it started and in which it came back."""

    starts: frozenset[int]
    returns: frozenset[int]
    own: dict[int, float]  # the sum of a property in the interval of a start
    again: dict[int, float]  # and of what it came back for, in the intervals after


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    filter_ = asked.part("retentionFilter")
    if _is_valued(filter_) and (filter_.get("retentionCustomBrackets") or filter_.get("cumulative")):
        raise NotComputedError("retention of a property's value in brackets or cumulative")
    if filter_.get("timeWindowMode") == "24_hour_windows":
        raise NotComputedError("retention in windows of 24 hours")
    period = str(filter_.get("period") or "Day")
    if period not in ("Hour", "Day", "Week", "Month"):
        raise QueryError(f"Period {period} is unsupported.")
    range_ = _range(asked, filter_, period.lower())
    brackets = _brackets(filter_)
    tables = {
        value: _table(actors, brackets, filter_) for value, actors in _broken_down(asked, filter_, range_).items()
    }

    def cell(cells: Cells, row: int, column: int) -> Data:
        count, value = cells.get((row, column), (0, 0.0))
        shown = {"count": scaled(count, asked.sample), "label": _label(period, brackets[column])}
        return {**shown, "aggregation_value": scaled(value, asked.sample)} if _is_valued(filter_) else shown

    results = [
        {
            "values": [cell(cells, row, column) for column in range(len(brackets))],
            "label": f"{period} {row}",
            "date": iso(bucket),
            "breakdown_value": value,
        }
        for value, cells in _limited(asked, tables).items()
        for row, bucket in enumerate(range_.buckets)
    ]
    return {"results": results, "resolved_date_range": range_.resolved}


def _broken_down(asked: Asked, filter_: Data, range_: Range) -> dict[str | None, list[Actor]]:
    """The actors of each value of the breakdown; those of the value None where there is no breakdown."""
    cohorts = breakdowns.cohorts(asked)
    if cohorts:
        return {str(ALL_USERS if each == "all" else each): _actors(asked, filter_, range_, cohort=each).get("", [])
                for each in cohorts}  # fmt: skip
    listed = breakdowns.of(asked)
    if not listed:
        return {None: _actors(asked, filter_, range_).get("", [])}
    first = listed[0]  # of several PostHog looks at this one
    if first.kind not in ("event", "person", "group", "hogql"):
        raise NotComputedError(f"retention with a breakdown of the type {first.kind}")
    if first.bins or first.url:
        raise NotComputedError("retention broken down by bins or by normalised addresses")
    found = _actors(asked, filter_, range_, first.text())
    return dict[str | None, list[Actor]](found.items())


def _limited(asked: Asked, tables: dict[str | None, Cells]) -> dict[str | None, Cells]:
    """The tables with the most that started, the others together."""
    if None in tables:
        return tables
    started = {
        value: sum(count for (_, column), (count, _) in cells.items() if column == 0) for value, cells in tables.items()
    }
    ranked = sorted((value for value in tables if started[value]), key=lambda value: (-started[value], str(value)))
    limit = breakdowns.limit(asked, "")
    found = {value: tables[value] for value in ranked[:limit]}
    if ranked[limit:]:
        other: Cells = {}
        found[breakdowns.OTHER] = other
        for value in ranked[limit:]:
            for cell, (count, total) in tables[value].items():
                before = other.get(cell, (0, 0.0))
                other[cell] = before[0] + count, before[1] + total  # means, too, are added up
    return found


def _is_valued(filter_: Data) -> bool:
    """Whether a property is summed up, or its mean taken, beside the number of actors."""
    return filter_.get("aggregationType") in ("sum", "avg") and bool(filter_.get("aggregationProperty"))


def _range(asked: Asked, filter_: Data, period: str) -> Range:
    """The rows: up to the interval in which the range ends."""
    given = asked.node.get("dateRange") or {}
    end = asked.range_of(given, period).end
    last, total = start_of(end, period, asked.tables.week_start), _total(filter_)
    if given.get("date_from"):
        start = start_of(asked.range_of(given, period).start, period, asked.tables.week_start)
    else:
        start = later(last, period, 1 - total)
    stop = later(last, period) - timedelta(microseconds=1)
    return Range(start, stop, period, asked.tables.week_start)


def _total(filter_: Data) -> int:
    given = filter_.get("totalIntervals", 8)
    return int(given or 7)


def _brackets(filter_: Data) -> list[range]:
    """Which intervals after the start each column stands for."""
    sizes = filter_.get("retentionCustomBrackets")
    if not sizes:
        return [range(number, number + 1) for number in range(_total(filter_))]
    found, start = [range(1)], 1
    for size in map(int, sizes):
        found.append(range(start, start + size))
        start += size
    return found


def _label(period: str, bracket: range) -> str:
    return f"{period} {bracket.start}" if len(bracket) == 1 else f"{period} {bracket.start}-{bracket.stop - 1}"


def _table(actors: list[Actor], brackets: list[range], filter_: Data) -> Cells:
    size = max((bracket.stop for bracket in brackets), default=1)
    counts: Counter[tuple[int, int]] = Counter()
    sums: dict[tuple[int, int], float] = defaultdict(float)
    for actor in actors:
        for row, column in _cells(actor, brackets, bool(filter_.get("cumulative")), size):
            counts[row, column] += 1
            sums[row, column] += actor.again.get(row + column, 0.0) if column else actor.own.get(row, 0.0)
    mean = filter_.get("aggregationType") == "avg"
    return {cell: (count, sums[cell] / (count if mean else 1)) for cell, count in counts.items()}


def _cells(actor: Actor, brackets: list[range], cumulative: bool, size: int) -> Iterable[tuple[int, int]]:
    """The cells (row, column) that an actor counts in."""
    for start in actor.starts:
        yield start, 0
        for column, bracket in enumerate(brackets[1:], 1):
            wanted = range(bracket.start, size) if cumulative else bracket
            if any(start + offset in actor.returns for offset in wanted):
                yield start, column


def _actors(
    asked: Asked, filter_: Data, range_: Range, value: str = "''", cohort: Any = "all"
) -> dict[str, list[Actor]]:
    """The actors by the breakdown's value; with another value one is another actor, as it were."""
    numbers = {bucket: index for index, bucket in enumerate(range_.instants)}
    kind = str(filter_.get("retentionType") or RECURRING)
    least = 1 if _is_valued(filter_) else int(filter_.get("minimumOccurrences") or 1)
    place = cache(lambda bucket: numbers.get(instant(bucket, asked.zone)))
    found: dict[str, list[Actor]] = defaultdict(list)
    for named, first, buckets, starts, returns, *sums in _rows(asked, filter_, range_, kind, value, cohort):
        places = [place(bucket) for bucket in buckets]
        began = [each for each, count in zip(places, starts, strict=True) if count]
        if kind != RECURRING:
            began = [place(first)] if first is not None else []
        own = frozenset(each for each in began if each is not None)
        if own:
            again = zip(places, returns, strict=True)
            back = frozenset(each for each, count in again if each is not None and count >= least)
            owned, later_on = ({place: total for place, total in zip(places, each, strict=True) if place is not None}
                               for each in sums)  # fmt: skip
            found[named].append(Actor(own, back, owned, later_on))
    return found


def _rows(asked: Asked, filter_: Data, range_: Range, kind: str, value: str, cohort: Any) -> list[list[Any]]:
    """Per actor and value the interval of its first start, the intervals, and for each how often it started and came
    back, and the sums of the property that count in a first and in a later column.

    The value of a first occurrence ever is that of this event; else an actor is looked at under each of its values.
    """
    target, returning = (
        _entity(asked, filter_.get(name) or {"id": DEFAULT_EVENT, "type": "events"})
        for name in ("targetEntity", "returningEntity")
    )
    started = both(target[0], target[1], asked.filters)
    returned = both(returning[0], returning[1], asked.filters)
    ever = target[0] or "true"
    seen = f"({ever if kind == FIRST_EVER else started}) OR ({returned})"
    dated = range_.condition() if kind == RECURRING else f"timestamp <= {dates.moment(range_.end)}"
    number, own, sums = "", "firsts", "0.0 AS firsts, 0.0 AS later"
    if _is_valued(filter_):
        of = str(filter_.get("aggregationPropertyType") or "event")
        number = f"ifNull(toFloat({filters.column(of, str(filter_['aggregationProperty']))}), 0.0)"
        sums = "sumIf({number}, {started}) AS firsts, sumIf({number}, {returned}) AS later"
        if started != returned:  # then of the first column only what comes after the start
            sums += ", groupArrayIf(tuple(timestamp, {number}), {returned}) AS lasts"
            own = "arraySum(arrayMap(one -> one.2, arrayFilter(one -> one.1 > earliest, lasts)))"
    members = "" if cohort == "all" else f"person_id IN COHORT {int(cohort)}"
    # Of each interval that of the first event, of all intervals that of the first one.
    valued = "argMinIf({value}, timestamp, {ever})" if kind == FIRST_EVER else "{value}"
    rows = (
        f"SELECT {asked.actor} AS actor, {valued} AS named, {range_.bucket()} AS bucket,"
        " countIf({started}) AS starts, countIf({returned}) AS returns,"
        f" minIf(timestamp, {{started}}) AS earliest, minIf(timestamp, {{ever}}) AS ever, {sums}"
        f" FROM {asked.events} WHERE {{where}} GROUP BY actor, bucket{'' if kind == FIRST_EVER else ', named'}"
    )
    first = "NULL"
    if kind != RECURRING:
        # What never happened is 1970.
        first = range_.bucket("minIf(earliest, starts > 0)")
        if kind == FIRST_EVER:
            first = f"if({{earliest}} = minIf(earliest, starts > 0), {first}, NULL)"
        first = f"if(sum(starts) > 0, {first}, NULL)"
    return asked.rows(
        f"SELECT {'argMinIf(named, ever, {was})' if kind == FIRST_EVER else 'named'} AS named, {{first}} AS first,"
        " groupArray(bucket) AS buckets, groupArray(starts) AS started, groupArray(returns) AS returned,"
        f" groupArray({own}) AS owned, groupArray(later) AS again"
        f" FROM {{rows}} GROUP BY actor{'' if kind == FIRST_EVER else ', named'}",
        first=first,
        earliest="minIf(ever, {was})",
        was="ever > toDateTime64('1970-01-02', 6)",
        value=value,
        number=number,
        rows=rows,
        started=started,
        returned=returned,
        ever=ever,
        where=both(dated, seen, asked.known, members),
    )


def _entity(asked: Asked, entity: Data) -> tuple[str, str]:
    """The event that an entity means, and what else it asks of it, as HogQL."""
    own = asked.conditions(entity.get("properties"))
    kind, identifier = entity.get("type") or "events", entity.get("id")
    if kind == "actions" or entity.get("kind") == "ActionsNode":
        return f"({asked.tables.action(identifier)})", own
    if kind != "events":
        raise NotComputedError(f"retention of {kind}")
    return ("" if identifier is None else f"event = {literal(str(identifier))}"), own
