"""Queries: none is computed; each is answered as PostHog answers one that fails, and no number is made up."""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.resources.analytics import queries
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, Required


def routes() -> list[BaseRoute]:
    """The routes of queries, below both prefixes."""
    return both("query", POST=(("query:read",), _fail))


def _fail(context: Context) -> Any:
    query = context.data.get("query")
    if not isinstance(query, dict) or "kind" not in query:
        raise Required("query")
    raise Invalid(queries.failure(query["kind"]))
