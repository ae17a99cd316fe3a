"""Queries: none is computed; each is answered as PostHog answers one that fails, and no number is made up."""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.resources.analytics import queries
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid


def routes() -> list[BaseRoute]:
    """The routes of queries, below both prefixes."""
    read = ("query:read",)
    return [
        one
        for place in ("projects", "environments")
        for one in (route(f"/api/{place}/{{project}}/query", POST=(read, _fail)),)
    ]


def _fail(context: Context) -> Any:
    query = context.data.get("query")
    if not isinstance(query, dict) or "kind" not in query:
        raise Invalid("This field is required.", "query", "required")
    raise Invalid(queries.failure(query["kind"]))
