"""Answers to queries as the API gives them: what `refresh` asks for, and what an insight shows of a response.

Traps: an insight whose query fails for another reason than its HogQL is a 200 without a result; without `refresh` it
shows what is kept and computes nothing.
"""

from typing import Any

from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.reading import has_offset
from sandbox.resources.analytics import queries
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import ApiError, Invalid

FORCED = frozenset({"force_blocking", "force_async", "true", "1"})
KEPT = frozenset({"force_cache", "false", "0", ""})
# PostHog's posthog/hogql/user_query_validator.py.
NO_OFFSET = (
    "OFFSET is not supported on queries made with a personal API key. For pagination, use keyset pagination on the"
    " `timestamp` column, e.g. `WHERE timestamp > :last_seen_timestamp ORDER BY timestamp LIMIT N`. For bulk data"
    " extraction, use batch exports: https://posthog.com/docs/cdp/batch-exports"
)
# What an insight takes over of the response.
SHOWN = (
    "hasMore columns types hogql timezone last_refresh cache_target_age next_allowed_client_refresh is_cached"
    " query_status resolved_date_range".split()
)


def respond(context: Context, query: Data, refresh: str) -> Data:
    """The response to a query (a wrapper's is its source's). A key may not ask for its rows page by page.

    Raises: ApiError: the query fails.
    """
    node = queries.source_of(query) or {}
    engine, now = context.services.queries, context.begun
    try:
        if node.get("kind") == "HogQLQuery" and has_offset(str(node.get("query"))):
            raise QueryError(NO_OFFSET)
        kept = None if refresh in FORCED else engine.kept(context.project, node, now)
        return kept or engine.compute(context.project, node, now)
    except QueryError as error:
        raise _refusal(error) from error


def of_insight(context: Context, query: Any, refresh: str, *, in_list: bool = False) -> Data:
    """What an insight shows of its query's response; within a list a failure spoils nothing but its own.

    Raises: ApiError: the query fails.
    """
    node = queries.source_of(query)
    if node is None:
        return {}
    engine, now = context.services.queries, context.begun
    try:
        response = engine.kept(context.project, node, now, stale=refresh in KEPT) if refresh not in FORCED else None
        if response is None and refresh not in KEPT:
            response = engine.compute(context.project, node, now)
    except QueryError as error:
        if not in_list and not isinstance(error, NotComputedError):
            raise _refusal(error) from error
        return {"query_status": _failed(error.text)}
    if response is None:
        return {}
    shown = {name: response[name] for name in SHOWN if response.get(name) is not None}
    return {**shown, "result": response["results"], "filters_hash": response["cache_key"]}


def _refusal(error: QueryError) -> ApiError:
    """A query that is refused, or that takes too much."""
    if error.status == 400:
        return Invalid(error.text, code=error.code)
    return ApiError(error.status, "server_error", "error", error.text)


def _failed(text: str) -> Data:
    return {"id": None, "query_async": False, "complete": True, "error": True, "error_message": text, "results": None}
