"""What a piece of SQL names: events, properties and their owners, placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ai_admin.definitions.sql.parser import Tree, walk

EVENT, PERSON, EITHER = "event", "person", "either"
"""Who has a property."""
_DERIVED, _FOREIGN = "derived", "foreign"
"""A query without properties, and a table that is not known here."""

_TABLES = {"events": EVENT, "persons": PERSON, "raw_persons": PERSON}
_EQUAL = ("==", "!=", "in", "not in", "global in", "global not in")
_EQUALS = ("equals", "notequals", "in", "notin")
_RESTRICTING = ("==", "in")


COLUMNS = {
    "events": (
        "uuid", "event", "properties", "timestamp", "distinct_id", "elements_chain", "created_at", "person_id",
        "person_mode", "person", "session", "$session_id", "$window_id",
    ),
    "persons": ("id", "created_at", "properties", "is_identified", "last_seen_at"),
}  # fmt: skip
"""Columns of PostHog's tables that a name may be meant to be. There are more (posthog/hogql/database/schema)."""


class Column(NamedTuple):
    """A name that must be a column of one of PostHog's tables, and where it is in the text."""

    offset: int
    name: str
    table: str


class Event(NamedTuple):
    """An event that SQL compares with, and where it is in the text."""

    offset: int
    name: str


class Property(NamedTuple):
    """A property that SQL reads, and where the expression with it starts in the text."""

    offset: int
    name: str
    owner: str
    events: tuple[str, ...]
    """The events that it is read of, where the query takes only these."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean in one SELECT, or in an expression."""

    tables: dict[str, str] = field(default_factory=dict)
    """Who has the properties of each table, by its name here."""
    events: tuple[str, ...] = ()
    """The only events that it takes, where that is known."""
    queries: dict[str, Tree] = field(default_factory=dict)
    """What WITH gives names."""
    direct: dict[str, str] = field(default_factory=dict)
    """Which of COLUMNS each table is, by its name here, if it is one."""

    def owner(self, prefix: tuple[Any, ...]) -> str | None:
        """Return who has the properties below a prefix (``e.person`` in ``e.person.properties.x``), if known."""
        if not prefix:
            owners = {each for each in self.tables.values() if each in (EVENT, PERSON, EITHER)}
            return next(iter(owners)) if len(owners) == 1 else EITHER if owners else None
        if len(prefix) == 1 and prefix[0] in self.tables:
            found = self.tables[str(prefix[0])]
            return found if found in (EVENT, PERSON, EITHER) else None
        of_event = self.owner(prefix[:-1]) in (EVENT, EITHER)
        return PERSON if prefix[-1] in ("person", "poe") and of_event else None

    def names_events(self, node: Any) -> bool:
        """Return whether a node is the column with the names of events."""
        if not _is(node, "Field") or node["chain"][-1] != "event" or len(node["chain"]) > 2:
            return False
        meant = [self.tables.get(node["chain"][0])] if len(node["chain"]) == 2 else self.tables.values()
        return any(each in (EVENT, EITHER, _DERIVED) for each in meant)


def names(tree: Tree, scope: Scope) -> Iterator[Event | Property | Column]:
    """Yield the events, properties and columns that SQL names, in no particular order.

    Args:
        tree: what was parsed.
        scope: what names mean outside of every SELECT in it.
    """
    given = set(_given(tree))
    left: list[tuple[Any, Scope]] = [(tree, scope)]
    while left:
        node, inside = left.pop()
        if isinstance(node, list):
            left += [(each, inside) for each in node]
        elif isinstance(node, dict):
            if _is(node, "SelectQuery"):
                inside = _inside(node, inside)
            yield from _events(node, inside)
            yield from _property(node, inside)
            yield from (each for each in _column(node, inside) if each.name not in given)
            left += [(each, inside) for each in node.values()]


def placeholders(tree: Tree) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield what is in braces with its offset: ``("variables", "x")`` for ``{variables.x}``, () for other."""
    for node in walk(tree):
        if node["node"] == "Placeholder":
            inner = node["expr"]
            yield _offset(node), tuple(inner["chain"]) if _is(inner, "Field") else ()


def _inside(query: Tree, outer: Scope) -> Scope:
    queries = {**outer.queries, **{each["name"]: each["expr"] for each in query.get("ctes") or ()}}
    tables: dict[str, str] = {}
    direct: dict[str, str] = {}
    join = query.get("select_from")
    while join:
        table = join.get("table")
        name = join.get("alias") or (str(table["chain"][-1]) if _is(table, "Field") else "")
        tables[name] = _owner(table, queries)
        if _is(table, "Field") and len(table["chain"]) == 1 and table["chain"][0] in COLUMNS.keys() - queries:
            direct[name] = table["chain"][0]
        join = join.get("next_join")
    scope = Scope(tables, (), queries, direct)
    return replace(scope, events=_taken(query.get("where"), scope))


def _owner(table: Any, queries: dict[str, Tree]) -> str:
    """Return who has the properties of a table, or of a query in the place of one."""
    for _ in range(len(queries) + 100):  # no further than queries can be nested
        if _is(table, "SelectSetQuery"):
            table = table["initial_select_query"]
        elif _is(table, "SelectQuery"):
            chosen = {item["chain"][-1] for item in table["select"] if _is(item, "Field")}
            if not chosen & {"*", "properties"}:
                return _DERIVED
            join = table.get("select_from") or {}
            if join.get("next_join"):
                return _DERIVED
            table = join.get("table")
        elif _is(table, "Field") and len(table["chain"]) == 1 and table["chain"][0] in queries:
            table = queries[table["chain"][0]]
        elif _is(table, "Field"):
            return _TABLES.get(".".join(map(str, table["chain"])), _FOREIGN)
        else:
            return _DERIVED
    return _DERIVED


def _taken(where: Any, scope: Scope) -> tuple[str, ...]:
    """Return the events that a condition restricts a query to; none where it takes others as well."""
    for each in where["exprs"] if _is(where, "And") else [where]:
        if _is(each, "CompareOperation") and each["op"] in _RESTRICTING and scope.names_events(each["left"]):
            texts = [item.get("value") for item in _items(each["right"])]
            if texts and all(isinstance(text, str) for text in texts):
                return tuple(map(str, texts))
    return ()


def _events(node: Tree, scope: Scope) -> Iterator[Event]:
    if _is(node, "CompareOperation") and node["op"] in _EQUAL:
        sides = (node["left"], node["right"])
    elif _is(node, "Call") and node["name"].lower() in _EQUALS and len(node["args"]) == 2:
        sides = tuple(node["args"])
    else:
        return
    for one, other in (sides, sides[::-1]):
        if scope.names_events(one):
            for item in _items(other):
                if isinstance(item.get("value"), str) and item["value"]:
                    yield Event(_offset(item), item["value"])


def _items(node: Any) -> Iterable[Tree]:
    """Return the constants that are compared with: one, or those in a list."""
    if _is(node, "Constant"):
        return [node]
    inside = node["exprs"] if _is(node, "Tuple") or _is(node, "Array") else []
    return [each for each in inside if _is(each, "Constant")]


def _property(node: Tree, scope: Scope) -> Iterator[Property]:
    chain: tuple[Any, ...] = ()
    place = node
    if _is(node, "Field"):
        chain = tuple(node["chain"])
    elif _is(node, "ArrayAccess") and _is(node["array"], "Field") and _is(node["property"], "Constant"):
        place, chain = node["array"], (*node["array"]["chain"], node["property"].get("value"))
    elif _is(node, "Call") and node["name"].lower().startswith("json") and len(node["args"]) > 1:
        column, key = node["args"][:2]
        if _is(column, "Field") and _is(key, "Constant"):
            place, chain = column, (*column["chain"], key.get("value"))
    where = next((n for n, step in enumerate(chain[:-1]) if step == "properties"), None)
    if where is None or not isinstance(chain[where + 1], str):
        return
    owner = scope.owner(chain[:where])
    if owner is not None:
        events = scope.events if owner == EVENT else ()
        yield Property(_offset(place), chain[where + 1], owner, events)


def _column(node: Tree, scope: Scope) -> Iterator[Column]:
    if not _is(node, "Field") or not isinstance(node["chain"][-1], str) or len(node["chain"]) > 2:
        return
    table = None
    if len(node["chain"]) == 2:
        table = scope.direct.get(node["chain"][0])
    elif len(scope.tables) == 1:
        table = next(iter(scope.direct.values()), None)
    if table is not None:
        yield Column(_offset(node), node["chain"][-1], table)


def _given(tree: Tree) -> Iterator[str]:
    """Yield the names that SQL itself gives to columns, queries, tables and what a lambda takes."""
    for node in walk(tree):
        yield from (node[name] for name in ("alias", "name") if isinstance(node.get(name), str))
        if node["node"] == "Lambda":
            yield from node["args"]
        if node["node"] == "JoinExpr" and _is(node.get("table"), "Field"):
            yield str(node["table"]["chain"][-1])


def _is(node: Any, kind: str) -> bool:
    return isinstance(node, dict) and node.get("node") == kind


def _offset(node: Tree) -> int:
    found = (node.get("start") or {}).get("offset")
    return found if isinstance(found, int) else 0
