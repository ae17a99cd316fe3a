"""Reading an insight's query as its author wrote it: a shorthand, or a raw node under ``query``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from ai_admin.definitions.model import Path
from ai_admin.definitions.unreadable import UNREADABLE, at, is_readable
from providers.posthog.kinds.insight import SHORTHANDS

WRAPPERS = ("InsightVizNode", "DataVisualizationNode", "DataTableNode")
"""The nodes that say how the result of their source is shown."""

FEWEST_STEPS = 2
"""A funnel with fewer steps breaks its schema, and is not yet the one that is meant."""

TOTAL_VALUE_DISPLAYS = frozenset(
    {"BoldNumber", "ActionsPie", "ActionsDonut", "ActionsBarValue", "ActionsTable", "WorldMap"}
)
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A query node, and where it is in its insight."""

    kind: str
    node: Node
    path: Path
    shorthand: bool
    """It is a shorthand, whose keys are those of the node and some that stand for several of the node's."""


def query_of(insight: Node) -> Query | None:
    """Return the query of an insight, or None where it has none that can be read."""
    for name, kind in SHORTHANDS.items():
        node = insight.get(name)
        if isinstance(node, dict) and node is not UNREADABLE:
            return Query(kind, node, (name,), True)
    node, path = insight.get("query"), cast(Path, ("query",))
    if isinstance(node, dict) and node.get("kind") in WRAPPERS:
        node, path = node.get("source"), (*path, "source")
    if not isinstance(node, dict) or not isinstance(node.get("kind"), str):
        return None
    return Query(node["kind"], node, path, False)


def series(query: Query) -> Iterator[tuple[Path, Node]]:
    """Yield every series node with its path in the insight; each node of a group by itself."""
    for n, node in enumerate(query.node.get("series") or ()):
        yield from _flat((*query.path, "series", n), node)


def _flat(path: Path, node: Node) -> Iterator[tuple[Path, Node]]:
    if node.get("kind") == "GroupNode":
        for n, inner in enumerate(node.get("nodes") or ()):
            yield from _flat((*path, "nodes", n), inner)
    else:
        yield path, node


def entities(query: Query) -> Iterator[tuple[Path, Node]]:
    """Yield what a retention compares, as ``{event, properties}`` nodes, with their paths in the insight."""
    if query.kind != "RetentionQuery":
        return
    for name in ("target", "returning"):
        if query.shorthand and isinstance(query.node.get(name), dict):
            yield (*query.path, name), query.node[name]
    inner = query.node.get("retentionFilter") or {}
    for name in ("targetEntity", "returningEntity"):
        entity = inner.get(name)
        if isinstance(entity, dict) and entity.get("type", "events") == "events":
            yield (*query.path, "retentionFilter", name), {**entity, "event": at(entity, "id")}


def formulas(query: Query) -> list[tuple[Path, str]]:
    """Return the formulas of a trend with their paths, in the order of their results; one may be UNREADABLE."""
    if query.kind != "TrendsQuery":
        return []
    own = query.node.get("trendsFilter") or {}
    inside: Path = (*query.path, "trendsFilter")
    nodes = [((*inside, "formulaNodes", n, "formula"), at(item, "formula")) for n, item in _items(own, "formulaNodes")]
    texts = [((*inside, "formulas", n), item) for n, item in _items(own, "formulas")]
    single = [((*inside, "formula"), own["formula"])] if isinstance(own.get("formula"), str) else []
    if query.shorthand:
        for n, item in _items(query.node, "formulas"):
            path: Path = (*query.path, "formulas", n)
            nodes.append(((*path, "formula"), at(item, "formula")) if isinstance(item, dict) else (path, item))
        if isinstance(query.node.get("formula"), str):
            nodes.append(((*query.path, "formula"), query.node["formula"]))
    return nodes or texts or single


def _items(node: Node, name: str) -> list[tuple[int, Any]]:
    return list(enumerate(node.get(name) or ()))


def result_count(query: Query) -> int | None:
    """Return how many series an alert can watch: the formulas where there are some, else the series.

    PostHog counts the same way when it validates an alert's ``series_index``. None where they can't be counted.
    """
    own = query.node.get("trendsFilter")
    parts = [query.node.get(name) for name in ("series", "formula", "formulas")]
    nodes = parts[0] or ()
    if not is_readable(own, *parts, *nodes, *(at(own, name) for name in ("formulaNodes", "formulas", "formula"))):
        return None
    return len(formulas(query)) or len(nodes)


def display(query: Query) -> Any:
    """Return the display type of a trend, UNREADABLE where it can't be read."""
    if query.shorthand and "display" in query.node:
        return query.node["display"]
    return at(query.node, "trendsFilter", "display", default="ActionsLineGraph")


def property_filters(filters: Any, path: Path) -> Iterator[tuple[Path, Node]]:
    """Yield every leaf of a property filter list or group, with its path."""
    if isinstance(filters, list):
        for n, item in enumerate(filters):
            yield from property_filters(item, (*path, n))
    elif isinstance(filters, dict):
        if isinstance(filters.get("values"), list):
            yield from property_filters(filters["values"], (*path, "values"))
        else:
            yield path, filters


def all_nodes(query: Query) -> Iterator[tuple[Path, Node]]:
    """Yield every node of a query that names an event or an action, with its path."""
    yield from series(query)
    yield from entities(query)
    yield from _exclusions(query)
    for funnel in _funnels(query):
        yield from all_nodes(funnel)


def all_filters(query: Query) -> Iterator[tuple[Path, Node, tuple[str, ...]]]:
    """Yield every property filter of a query with its path and the events that it is about (none: every event).

    UNREADABLE is among the events where one can't be read.
    """
    for path, node in all_nodes(query):
        events = node_events(node)
        for name in ("properties", "fixedProperties"):
            for place, leaf in property_filters(node.get(name), (*path, name)):
                yield place, leaf, events
    for whole in (query, *_funnels(query)):
        for place, leaf in property_filters(whole.node.get("properties"), (*whole.path, "properties")):
            yield place, leaf, event_names(whole)
    inner = query.node.get("filters")
    if query.kind == "HogQLQuery" and isinstance(inner, dict):
        for place, leaf in property_filters(inner.get("properties"), (*query.path, "filters", "properties")):
            yield place, leaf, ()


def _funnels(query: Query) -> Iterator[Query]:
    """Yield the funnel between whose steps paths are looked at."""
    node = at(query.node, "funnelPathsFilter", "funnelSource")
    if query.kind == "PathsQuery" and isinstance(node, dict) and node is not UNREADABLE:
        yield Query("FunnelsQuery", node, (*query.path, "funnelPathsFilter", "funnelSource"), False)


def _exclusions(query: Query) -> Iterator[tuple[Path, Node]]:
    if query.kind == "FunnelsQuery":
        for n, node in enumerate((query.node.get("funnelsFilter") or {}).get("exclusions") or ()):
            yield (*query.path, "funnelsFilter", "exclusions", n), node


def event_names(query: Query) -> tuple[str, ...]:
    """Return the events that a query names; none where one of its series takes every event.

    UNREADABLE alone where one can't be read.
    """
    if not is_readable(query.node.get("series"), query.node.get("retentionFilter")):
        return (UNREADABLE,)
    if query.kind == "EventsQuery":
        return tuple(name for _, name in _table_events(query))
    return _event_names([node for _, node in (*series(query), *entities(query))])


def node_events(node: Node) -> tuple[str, ...]:
    """Return the one event that a node names, or UNREADABLE; none where it takes every event or an action."""
    return _event_names([node])


def _event_names(nodes: list[Node]) -> tuple[str, ...]:
    events: list[Any] = [at(node, "event") for node in nodes]
    if not is_readable(*events):
        return (UNREADABLE,)
    return tuple(events) if all(isinstance(event, str) for event in events) else ()


def named_events(query: Query) -> Iterator[tuple[Path, str]]:
    """Yield every event that a query names, with the path of the name."""
    for path, node in (*series(query), *_exclusions(query)):
        if isinstance(node.get("event"), str):
            yield (*path, "event"), node["event"]
    for path, node in entities(query):
        if isinstance(node.get("event"), str):
            yield (*path, "id" if path[-1] in ("targetEntity", "returningEntity") else "event"), node["event"]


    yield from (_table_events(query) if query.kind == "EventsQuery" else ())
    yield from (_path_events(query) if query.kind == "PathsQuery" else ())
    for funnel in _funnels(query):
        yield from named_events(funnel)


def _table_events(query: Query) -> Iterator[tuple[Path, str]]:
    """Yield the events of which a table has rows."""
    many = query.node.get("events") or ()
    places = [(("event",), query.node.get("event")), *((("events", n), name) for n, name in enumerate(many))]
    yield from (((*query.path, *path), name) for path, name in places if isinstance(name, str))


def _path_events(query: Query) -> Iterator[tuple[Path, str]]:
    """Yield the events at the ends of paths, or left out of them, where paths have no other items than events."""
    own = query.node.get("pathsFilter") or {}
    if own.get("includeEventTypes") != ["custom_event"] or own.get("pathGroupings"):
        return
    left_out = own.get("excludeEvents") or ()
    ends = [((name,), own.get(name)) for name in ("startPoint", "endPoint")]
    places = [*ends, *((("excludeEvents", n), name) for n, name in enumerate(left_out))]
    yield from (((*query.path, "pathsFilter", *path), name) for path, name in places if isinstance(name, str))


def breakdowns(query: Query) -> Iterator[tuple[Path, str, Any]]:
    """Yield the breakdowns of a query: path of the property, its type, the property."""
    if query.shorthand:
        for place, item in _one_or_many(query.node.get("breakdown"), (*query.path, "breakdown")):
            if isinstance(item, dict):
                yield (*place, "property"), item.get("type", "event"), item.get("property")
    inner = query.node.get("breakdownFilter")
    if not isinstance(inner, dict):
        return
    path: Path = (*query.path, "breakdownFilter")
    for n, item in _items(inner, "breakdowns"):
        yield (*path, "breakdowns", n, "property"), item.get("type", "event"), item.get("property")
    for place, item in _one_or_many(inner.get("breakdown"), (*path, "breakdown")):
        yield place, inner.get("breakdown_type", "event"), item


def _one_or_many(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list):
        for n, item in enumerate(value):
            yield (*path, n), item
    elif value is not None:
        yield path, value
