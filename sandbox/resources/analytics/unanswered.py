"""Queries: the sandbox computes none, and answers as PostHog does for a query that fails, never with a
made-up number.
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.resources.analytics import queries
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, NotFound


def routes() -> list[BaseRoute]:
    """The routes of queries, below both prefixes."""
    read = ("query:read",)
    return [
        one
        for place in ("projects", "environments")
        for one in (
            route(f"/api/{place}/{{project}}/query", POST=(read, _fail)),
            route(f"/api/{place}/{{project}}/query/upgrade", POST=(read, _upgrade)),
            route(f"/api/{place}/{{project}}/query/{{id}}", GET=(read, _unknown), DELETE=(read, _unknown)),
        )
    ]


def _fail(context: Context) -> Any:
    query = context.data.get("query")
    if not isinstance(query, dict) or "kind" not in query:
        raise Invalid("This field is required.", "query", "required")
    raise Invalid(queries.failure(query["kind"]))


def _upgrade(context: Context) -> Any:
    """`{query}` -> the same in its newest version, which needs no data."""
    query = context.data.get("query")
    if not isinstance(query, dict):
        raise Invalid("This field is required.", "query", "required")
    return {"query": queries.upgrade(query)}


def _unknown(_: Context) -> Any:
    raise NotFound()
