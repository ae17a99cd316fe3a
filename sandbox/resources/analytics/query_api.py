"""Queries: `POST query/`, computed in the request whatever `refresh` asks for.

PostHog computes the asynchronous ones later; who waits for `query_status.complete` is told at once that all is done.
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.resources.analytics import answers, queries, query_schema
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, Required

FIELDS = frozenset("query refresh client_query_id name filters_override variables_override limit_context async".split())


def routes() -> list[BaseRoute]:
    """The routes of queries, below both prefixes."""
    return [
        *both("query", POST=(("query:read",), _query)),
        *both("query/{kind}", POST=(("query:read",), _query)),
    ]


def _query(context: Context) -> Any:
    query = context.data.get("query")
    if not isinstance(query, dict) or "kind" not in query:
        raise Required("query")
    unknown = sorted(set(context.data) - FIELDS)
    if unknown:
        raise Invalid(f"Extra inputs are not permitted: {', '.join(unknown)}", code="parse_error")
    kind = context.request.path_params.get("kind")
    if kind and kind != query["kind"]:
        raise Invalid(f"Query kind mismatch. Expected {kind}, got {query['kind']}")
    query_schema.parse(query)
    effective = queries.in_dashboard(queries.upgrade(query), context.data.get("filters_override"))
    effective = queries.with_variables(effective, context.data.get("variables_override"))
    return answers.respond(context, effective, str(context.data.get("refresh") or "blocking").lower())
