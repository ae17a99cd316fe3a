"""LifecycleQuery: who is new, returning, resurrecting or dormant in each bucket.

Source: PostHog's hogql_queries/insights/lifecycle_query_runner.py. Traps: new is who was created in the bucket; the
first activity that is seen is never a return; who left is counted below zero, in the bucket after; several series must
all hold of an event, and the first gives its name.
"""

from datetime import datetime
from typing import Any

from sandbox.query import dates, labels
from sandbox.query.asked import Asked, both
from sandbox.query.dates import instant, later
from sandbox.query.errors import QueryError
from sandbox.storage.store import Data

STATUSES = ("new", "returning", "resurrecting", "dormant")


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    if asked.node.get("customAggregationTarget"):
        raise QueryError("customAggregationTarget needs a series of the data warehouse")
    for series in asked.node["series"]:
        if series.get("kind") == "ActionsNode":
            asked.tables.action(series["id"])
    range_ = asked.range
    found: dict[str, dict[datetime, float]] = {status: {} for status in STATUSES}
    # A range that ends before it starts has no buckets.
    for bucket, status, count in _rows(asked) if range_.buckets else ():
        found[status][instant(bucket, asked.zone)] = -count if status == "dormant" else count
    days = [labels.day(each, range_.interval) for each in range_.buckets]
    named = [labels.label(each, range_) for each in range_.buckets]
    name = labels.event_of(asked, asked.node["series"][0])
    results = []
    for status in STATUSES:
        data = [float(found[status].get(each, 0)) for each in range_.instants]
        action = {"id": name, "name": name or "All events", "type": "events", "order": 0, "math": "total"}
        results.append({
            "action": action, "data": data, "count": float(sum(data)), "labels": named, "days": days,
            "label": f"{name or 'All events'} - {status}", "status": status,
        })  # fmt: skip
    return {"results": results, "resolved_date_range": range_.resolved}


def _rows(asked: Asked) -> list[list[Any]]:
    """Per actor the buckets of its activity, what each is, and the first bucket after each that is none."""
    range_ = asked.range
    unit = f"toInterval{range_.interval.title()}(1)"
    start, end = range_.buckets[0], later(range_.buckets[-1], range_.interval)
    created = "person.created_at" if asked.group is None else f"group_{asked.group}.created_at"
    where = both(
        f"timestamp >= {dates.moment(later(start, range_.interval, -1))} AND timestamp < {dates.moment(end)}",
        *(asked.series(each) for each in asked.node["series"]),
        asked.filters,
        # An event without a person has nobody to come or to leave.
        "ifNull(toString(properties.$process_person_profile), '') != 'false'",
        asked.known,
    )
    # Grouped twice: groupUniqArray would forget the timezone, and with it the days on which clocks change.
    days = (
        f"SELECT {asked.actor} AS actor, {range_.bucket()} AS bucket, min({created}) AS made"
        f" FROM {asked.events} WHERE {{where}} GROUP BY actor, bucket"
    )
    actors = f"""
        SELECT {range_.bucket("min(made)")} AS created, arraySort(groupArray(bucket)) AS active,
            arrayMap((at, place) -> {{status}}, active, arrayEnumerate(active)) AS statuses,
            arrayFilter(at -> not(has(active, at)), arrayMap(at -> at + {unit}, active)) AS gone
        FROM {{days}} GROUP BY actor
    """
    return asked.rows(
        "SELECT pair.1 AS bucket, pair.2 AS status, count() FROM {pairs} GROUP BY bucket, status",
        pairs="SELECT arrayJoin(arrayConcat(arrayZip(active, statuses), {dormant})) AS pair FROM {actors}",
        dormant="arrayMap(at -> tuple(at, 'dormant'), gone)",
        actors=actors,
        status="multiIf(place > 1 AND active[place - 1] = at - " + unit + ", 'returning',"
        " place = 1 AND at = created, 'new', 'resurrecting')",
        days=days,
        where=where,
    )
