"""The last run of persons without a run in a period."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from ai_admin.numbers import product
from ai_admin.numbers.asking import rows
from ai_admin.numbers.period import written
from providers.posthog.client import Client
from providers.posthog.errors import ApiError

_BACK = (30, 90, 365)
"""How many days before the period its last runs are looked for, in one step after the other."""

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""The first moment that SQL's ``toDateTime`` knows."""

MOST = 5_000
"""How many persons a query names: their uuids are a fifth of the longest text that ClickHouse takes by PostHog's
settings (max_query_size)."""

_LAST = f"""
SELECT toString(person_id) AS ran, toUnixTimestamp(max(timestamp)) AS last
FROM events
WHERE event = '{product.EVENT}'
    AND timestamp >= toDateTime({{start}}, 'UTC')
    AND timestamp < toDateTime({{end}}, 'UTC')
    AND has({{persons}}, toString(person_id))
GROUP BY ran
LIMIT {MOST}
"""


def last_runs(
    client: Client, persons: Collection[str], before: datetime
) -> tuple[dict[str, int], set[str], ApiError | None]:
    """Return the time of each person's last run, by uuid; the persons for whom it is not known; and PostHog's error, if
    any.

    PostHog stores events by month: the last months are asked first, for all persons, and earlier ones for the rest.

    Args:
        client: the project. Its key needs the scope ``query:read``.
        persons: their uuids.
        before: only runs before this time count.

    Raises nothing: after an error, what is known by then is returned.
    """
    found: dict[str, int] = {}
    missing, end = set(persons), before
    for days in _BACK:
        if end <= _FIRST:
            break
        start = max(before - timedelta(days=days), _FIRST)
        bounds = {"start": written(start), "end": written(end)}
        asked = sorted(missing)
        try:
            for place in range(0, len(asked), MOST):
                for row in rows(client, _LAST, {**bounds, "persons": asked[place : place + MOST]}):
                    found[str(row["ran"])] = row["last"]
        except ApiError as problem:
            return found, missing - found.keys(), problem
        missing -= found.keys()
        end = start
    return found, missing, None
