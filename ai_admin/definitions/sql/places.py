"""Where a definition holds SQL: in queries, and as expressions in filters, math, breakdowns and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ai_admin.definitions.filters import FILTERED, filters
from ai_admin.definitions.index import Unit
from ai_admin.definitions.model import Path
from ai_admin.definitions.query import Query, breakdowns, event_names, node_events, query_of, series
from ai_admin.definitions.sql.names import EVENT, PERSON
from ai_admin.definitions.sql.parser import EXPRESSION, ORDER, SELECT
from ai_admin.definitions.trees import nodes
from ai_admin.definitions.unreadable import at

HOLDERS = tuple(kind for kind in FILTERED if kind != "flag")
"""The kinds of unit that can hold SQL: those with filters, except flags, which run none."""

_COLUMNS = ("columns", "hiddenColumns", "pinnedColumns")


class Sql(NamedTuple):
    """A piece of SQL."""

    path: Path
    """Where it is in its unit."""
    text: str
    form: str
    """What it is: SELECT, EXPRESSION or ORDER."""
    owner: str = EVENT
    """What an expression is computed for: EVENT or PERSON."""
    events: tuple[str, ...] = ()
    """The events that an expression is computed for; none: any."""
    filled: tuple[str, ...] = ()
    """The names in braces that PostHog knows."""


def sql_of(unit: Unit) -> Iterator[Sql]:
    """Yield the SQL in a unit, except what PostHog sends to another database as it is."""
    for path, text, form, owner, events, filled in _found(unit):
        if isinstance(text, str):
            yield Sql(path, text, form, owner, events, filled)


_Found = Iterator[tuple[Path, Any, str, str, tuple[str, ...], tuple[str, ...]]]


def _found(unit: Unit) -> _Found:
    for each in filters(unit):
        if each.type == "hogql":
            yield (*each.path, "key"), each.leaf.get("key"), EXPRESSION, EVENT, each.events, ()
    for path, node in nodes(unit):
        yield (*path, "math_hogql"), node.get("math_hogql"), EXPRESSION, EVENT, node_events(node), ()
    query = query_of(unit.value) if unit.kind == "insight" else None
    if query is None:
        return
    for path, node in series(query):
        yield (*path, "math_hogql"), node.get("math_hogql"), EXPRESSION, EVENT, node_events(node), ()
    for path, kind, text in breakdowns(query):
        if kind == "hogql":
            yield path, text, EXPRESSION, EVENT, event_names(query), ()
    for holder, name in (("funnelsFilter", "funnelAggregateByHogQL"), ("pathsFilter", "pathsHogQLExpression")):
        text = at(query.node, holder, name)
        yield (*query.path, holder, name), text, EXPRESSION, EVENT, event_names(query), ()
    if query.kind == "HogQLQuery" and not (query.node.get("sendRawQuery") or "connectionId" in query.node):
        filled = ("variables", "filters", *(query.node.get("values") or ()))
        yield (*query.path, "query"), query.node.get("query"), SELECT, EVENT, (), filled
    if query.kind in ("EventsQuery", "ActorsQuery"):
        yield from _of_a_table(unit, query)


def _of_a_table(unit: Unit, query: Query) -> _Found:
    owner = EVENT if query.kind == "EventsQuery" else PERSON
    events = event_names(query)
    for name, form in (("select", EXPRESSION), ("where", EXPRESSION), ("orderBy", ORDER)):
        for n, text in enumerate(query.node.get(name) or ()):
            yield (*query.path, name, n), text, form, owner, events, ()
    for name in _COLUMNS:
        for n, text in enumerate(at(unit.value, "query", name, default=())):
            yield ("query", name, n), text, EXPRESSION, owner, events, ()
