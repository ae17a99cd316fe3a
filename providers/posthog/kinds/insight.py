"""Insights. PostHog stores a query as it was sent, and upgrades it on read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.kinds.base import Directory, Field, Json, Kind
from providers.posthog.kinds.normal import plain, tags, text, unordered
from providers.posthog.kinds.wording import QUERY, switchable

# PostHog's other names of operators; it computes the same with both.
_OPERATORS = {"min": "gte", "max": "lte"}

SHORTHANDS = {
    "trends": "TrendsQuery",
    "funnel": "FunnelsQuery",
    "retention": "RetentionQuery",
    "lifecycle": "LifecycleQuery",
    "stickiness": "StickinessQuery",
    "paths": "PathsQuery",
    "sql": "HogQLQuery",
}
"""The keys of an insight's file that say a query in short, with the kind of node that they mean."""

QUERY_KEYS = (*SHORTHANDS, "query")
"""The keys of an insight's file, of which exactly one holds its query."""


def query(value: Any) -> Any:
    """Return a query without what means nothing: null and empty fields, ``math: total``, and PostHog's version stamps.

    The same rules as PostHog's pages use to tell whether an insight has unsaved changes; ``version`` is added on read
    by PostHog's schema migrations, which also may move a default in.
    """
    if isinstance(value, list | tuple):
        return [query(item) for item in value]
    if not isinstance(value, dict):
        return plain(value)
    node = {name: query(item) for name, item in value.items()}
    if "key" in node:
        _filter(node)
    if "kind" in node:
        node.pop("version", None)
        if node.get("math") == "total":
            del node["math"]
        if "variables" in node:
            node["variables"] = _variables(node["variables"])
    return {name: item for name, item in node.items() if item is not None and item != {} and item != []}


def _variables(value: Any) -> Any:
    """Return a query's variables as a list: PostHog keeps them by their ids, and a reference can't be a key."""
    items = list(value.values()) if isinstance(value, dict) else value
    return sorted(items, key=lambda item: str(item.get("code_name")))


def _write_query(value: Any, directory: Directory) -> Json:
    if isinstance(value, list):
        return [_write_query(item, directory) for item in value]
    if not isinstance(value, dict):
        return value
    node = {name: _write_query(item, directory) for name, item in value.items()}
    if "kind" in node and "variables" in node:
        node["variables"] = {str(item["variableId"]): item for item in node["variables"]}
    return node


def shown_on(live: Mapping[str, Json]) -> list[int]:
    """Return the ids of the dashboards that show a live insight.

    ``dashboards`` says so too, but it is deprecated, and newer servers answer it to API keys only where they ask. The
    activity log has a tile with the dashboard itself (posthog/models/activity_logging/activity_log.py:
    ``describe_change``).
    """
    if "dashboard_tiles" not in live:
        return list(live.get("dashboards") or ())
    tiles = (tile for tile in live["dashboard_tiles"] or () if not tile.get("deleted"))
    return [tile["dashboard"]["id"] if "dashboard" in tile else tile["dashboard_id"] for tile in tiles]


def _filter(leaf: dict[str, Any]) -> None:
    """Bring a property filter to one form: operators have one name, and a SQL expression no value to compare with."""
    if isinstance(operator := leaf.get("operator"), str):  # a file may say anything here
        leaf["operator"] = _OPERATORS.get(operator, operator)
    if leaf.get("type") == "hogql":
        leaf.pop("value", None)


INSIGHT = Kind(
    name="insight",
    type="Insight",
    collection="insights",
    scope="insight",
    pages=("insights/{short_id}",),
    folder="insights",
    homes=("dashboard",),
    natural_key=("name",),
    # PostHog's own order is by a column that is null: what one page leaves out need not be on the next.
    lists=({"order": "id"},),
    constants={"saved": True},
    fields=(
        Field("name", normalise=text, required=True),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field("favorited", default=False, wording=switchable("is a favourite", "is no longer a favourite")),
        Field(
            "query",
            wording=QUERY,
            written=QUERY_KEYS,
            tree=("cohort", "action", "insight_variable"),
            normalise=query,
            write=_write_query,
            required=True,
        ),
        # What is written is the full set: an insight leaves every dashboard that is not in it.
        Field(
            "dashboards",
            ref="dashboard",
            read_path=("dashboard_tiles",),
            logged="dashboards",
            read=lambda _, reading: shown_on(reading.live),
            default=[],
            normalise=unordered,
            shared=True,
            follows=True,
        ),
    ),
    left={
        "derived_name": "PostHog's page writes it for insights without a name",
        "order": "the place on a dashboard from before tiles; PostHog does not look at it",
    },
)
