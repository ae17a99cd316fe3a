"""The events of a project, as captured.

Source: PostHog's posthog/api/event.py.
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.rest.listing import limit_and_offset, next_links
from sandbox.storage import jsontext
from sandbox.storage.store import Data
from sandbox.wire.context import Context

_EVENT_FILTERS = {
    "event": "event = ?",
    "distinct_id": "distinct_id = ?",
    "person_id": "person = ?",
    "after": "timestamp > ?",
    "before": "timestamp < ?",
}


def routes() -> list[BaseRoute]:
    """Below `/api/projects/` and, the same, below `/api/environments/`."""
    return both("events", GET=(("query:read",), list_events))


def list_events(context: Context) -> Any:
    """`GET events/?event=&distinct_id=&person_id=&after=&before=&limit=`, newest first."""
    asked = [(condition, context.query[name]) for name, condition in _EVENT_FILTERS.items() if name in context.query]
    where = " AND ".join(["project = ?", *(condition for condition, _ in asked)])
    values: list[Any] = [int(context.project["id"]), *(value for _, value in asked)]
    limit, offset = limit_and_offset(context, 100)
    rows = context.store.execute(
        f"SELECT data, person FROM events WHERE {where} ORDER BY timestamp DESC, seq DESC LIMIT ? OFFSET ?",
        [*values, limit + 1, offset],
    ).fetchall()
    more = offset + len(rows) if len(rows) > limit else offset
    links = next_links(context, more, limit, offset)
    return {"next": links["next"], "results": [_event(jsontext.decode(data), person) for data, person in rows[:limit]]}


def _event(data: Data, person: str | None) -> Data:
    return {
        "id": data["uuid"],
        "distinct_id": data["distinct_id"],
        "properties": data["properties"],
        "event": data["event"],
        "timestamp": data["timestamp"],
        "person": {"uuid": person},
        "elements": [],
        "elements_chain": "",
    }
