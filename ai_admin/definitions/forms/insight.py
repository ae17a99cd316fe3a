"""Insights, by themselves and in the tiles of dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.forms.base import Gathered, Reference, Written, fields, for_file, key_of, resource
from ai_admin.definitions.forms.queries import full_query, shorthand, variables
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition
from ai_admin.definitions.query import all_filters, all_nodes, breakdowns, query_of
from ai_admin.definitions.tiles import insight_keys
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.insight import QUERY_KEYS


def expand(unit: Unit, index: Index) -> Iterator[Definition]:
    """Yield the insight, with every dashboard that has a tile for it."""
    properties = fields(unit, *QUERY_KEYS)
    properties["query"] = full_query(unit.value)
    properties["dashboards"] = [Ref("dashboard", key) for key in index.cached(_dashboards).get(unit.key, ())]
    yield resource("insight", unit.key, unit, properties)


def _dashboards(index: Index) -> dict[str, list[str]]:
    """Return the keys of the dashboards that show each insight."""
    shown: dict[str, list[str]] = {}
    for unit in sorted((each for each in index.units if each.kind == "dashboard"), key=lambda each: each.key):
        for key in insight_keys(unit) or ():
            shown.setdefault(key, []).append(unit.key)
    return shown


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per insight that no dashboard shows; the others are in the dashboards' files."""
    shown = {key_of(tile.get("insight")) for board in gathered.of("tiles").values() for tile in board.get("tiles", ())}
    for key in sorted(gathered.of("insight").keys() - shown):
        yield Written("insight", key, insight_of(gathered, key))


def insight_of(gathered: Gathered, key: str) -> Any:
    """Return what a file says of an insight, or its key where only that is known."""
    properties = gathered.of("insight").get(key)
    if properties is None:
        return key
    about = for_file(KINDS["insight"], properties, "query", "dashboards")
    return {"key": key, **about, **shorthand(properties.get("query", {}))}


def references(unit: Unit) -> Iterator[Reference]:
    """Yield the actions that an insight counts, the cohorts in its filters and breakdowns, the variables in its SQL."""
    query = query_of(unit.value)
    if query is None:
        return
    for path, node in all_nodes(query):
        if "action" in node:
            yield (*path, "action"), "action", node["action"]
    if query.kind == "HogQLQuery":
        for name in variables(query.node):
            place = ("variables", name) if name in (query.node.get("variables") or {}) else ("query",)
            yield (*query.path, *place), "insight_variable", name
    for path, leaf, _ in all_filters(query):
        if leaf.get("type") == "cohort":
            yield (*path, "value"), "cohort", leaf.get("value")
    for path, kind, name in breakdowns(query):
        if kind == "cohort" and isinstance(name, str) and name != "all":
            yield path, "cohort", name
