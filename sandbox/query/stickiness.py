"""StickinessQuery: how many actors were active in one interval of the range, in two, in three …

Source: PostHog's hogql_queries/insights/stickiness_query_runner.py. Traps: the math only says who the actors are;
`count` is how many there are, cumulative or not.
"""

from typing import Any

from sandbox.query import labels
from sandbox.query.asked import Asked, both
from sandbox.query.dates import Range
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import expression
from sandbox.query.math import scaled
from sandbox.storage.store import Data

OPERATORS = {"gte": ">=", "lte": "<=", "exact": "="}


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    several = asked.node.get("intervalCount")
    # Where a number is given PostHog counts back from the end, which for these is the same as by the calendar.
    if several is not None and (several != 1 or asked.interval not in ("hour", "day")):
        raise NotComputedError("stickiness over intervals counted back from the end")
    previous = asked.compared(asked.range)
    return {
        "results": [
            {**_result(asked, index, series, range_), **compared}
            for index, series, range_, compared in asked.lines(asked.range, previous)
        ],
        "resolved_date_range": asked.range.resolved,
        "resolved_compare_date_range": previous.resolved if previous else None,
    }


def _result(asked: Asked, index: int, series: Data, range_: Range) -> Data:
    cumulative = asked.part("stickinessFilter").get("computedAs") == "cumulative"
    found: dict[int, int] = dict(_rows(asked, series, range_))
    numbers = range(1, len(range_.buckets) + 1)
    exact = [scaled(found.get(number, 0), asked.sample, series.get("math")) for number in numbers]
    data = [sum(exact[number - 1 :]) for number in numbers] if cumulative else exact
    name = labels.event_of(asked, series)
    more = " or more" if cumulative else ""
    return {
        "count": sum(exact),
        "data": data,
        "days": list(numbers),
        "label": name or "All events",
        "labels": [f"{each} {range_.interval}{'' if each == 1 else 's'}{more}" for each in numbers],
        "action": {
            "order": index,
            "type": "events",
            "name": name or "All events",
            "id": name,
            "custom_name": series.get("custom_name"),
        },
    }


def _rows(asked: Asked, series: Data, range_: Range) -> list[list[Any]]:
    math, index = series.get("math"), series.get("math_group_type_index")
    actor = "person_id"
    if math == "unique_group" and index is not None:
        actor = f"$group_{int(index)}"
    elif math == "hogql" and series.get("math_hogql"):
        actor = expression(str(series["math_hogql"]))
    known = f"{actor} != ''" if actor.startswith("$group_") else ""
    where = both(range_.condition(), asked.series(series), asked.filters, known)
    criteria = asked.part("stickinessFilter").get("stickinessCriteria") or {}
    enough = ""
    if criteria:
        if criteria.get("operator") not in OPERATORS:
            raise QueryError(f"Unknown operator of stickinessCriteria: {criteria.get('operator')}")
        enough = f" HAVING count() {OPERATORS[criteria['operator']]} {int(criteria['value'])}"
    return asked.rows(
        "SELECT active, count() FROM (SELECT actor, count() AS active FROM {intervals} GROUP BY actor) GROUP BY active",
        intervals=f"SELECT {actor} AS actor, {range_.bucket()} AS bucket FROM {asked.events} WHERE {{where}}"
        f" GROUP BY actor, bucket{enough}",
        where=where,
    )
