"""From a query and PostHog's answer to a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ai_admin.charts import funnels, grids, sql, trends
from ai_admin.charts.figures import Figure, Words

_KINDS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Figure]] = {
    "TrendsQuery": trends.trends,
    "StickinessQuery": trends.stickiness,
    "LifecycleQuery": trends.lifecycle,
    "FunnelsQuery": funnels.funnel,
    "PathsQuery": funnels.paths,
    "RetentionQuery": grids.retention,
}


def figure(query: Any, answer: Mapping[str, Any]) -> Figure:
    """Return what a query's answer shows.

    Args:
        query: an insight's query: a node, in its wrapper or without.
        answer: what PostHog's query API answers to it (posthog/schema.py: ``…QueryResponse``), or in place of that
            ``{"error": why it failed}``.

    A query that failed and one without data give :class:`Words`, and so does an answer that can't be read: whoever
    looks at a dashboard must see that something is missing.
    """
    status = answer.get("query_status") or {}
    error = answer.get("error") or status.get("error_message")
    if error or answer.get("results") is None:
        return Words(f"The query failed: {error or 'PostHog gave no results'}", failed=True)
    node: dict[str, Any] = query if isinstance(query, dict) else {}
    source: dict[str, Any] = node["source"] if isinstance(node.get("source"), dict) else node
    kind = source.get("kind")
    try:
        if kind in _KINDS:
            return _KINDS[str(kind)](source, answer)
        if "columns" in answer:
            return sql.table(node, answer)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return Words(f"PostHog's answer to a {kind} is not as this version knows it: {error!r}", failed=True)
    return Words(f"A {kind} is drawn on PostHog's page only.")
