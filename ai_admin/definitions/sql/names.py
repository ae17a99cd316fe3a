"""What a piece of SQL names: events, properties and their owners, placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ai_admin.definitions.sql.parser import Tree, joins, walk

EVENT, PERSON, EITHER = "event", "person", "either"
"""Who has a property."""

_TABLES = {"events": EVENT, "persons": PERSON, "raw_persons": PERSON}
_EQUAL = ("==", "!=", "in", "not in", "global in", "global not in")
_EQUALS = ("equals", "notequals", "in", "notin")
_RESTRICTING = ("==", "in")


COLUMNS = {
    "events": (
        "uuid", "event", "properties", "timestamp", "distinct_id", "elements_chain", "created_at", "person_id",
        "person_mode", "person", "session", "team_id", "pdi", "poe", "elements_chain_href", "elements_chain_texts",
        "elements_chain_ids", "elements_chain_elements",
        *(f"{name}_{n}" for name in ("group", "goe") for n in range(5)),
    ),
    "persons": (
        "id", "created_at", "team_id", "properties", "is_identified", "last_seen_at", "pdi", "revenue_analytics"
    ),
}  # fmt: skip
"""The columns of PostHog's tables, and what is joined to them (posthog/hogql/database/schema), but for those with $."""


_MOST_QUERIES = 100
"""How many of the queries that WITH names are looked through for one column."""


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

    tables: dict[str, str | None] = field(default_factory=dict)
    """Who has the properties of each table, by its name here: EVENT, PERSON, or None where that is not known."""
    naming: frozenset[str] = frozenset()
    """The tables whose column ``event`` has the names of events."""
    events: tuple[str, ...] = ()
    """The only events that it takes, where that is known."""
    queries: dict[str, Tree] = field(default_factory=dict)
    """What WITH gives names."""
    direct: dict[str, str] = field(default_factory=dict)
    """Which of COLUMNS each table is, by its name here, if it is one."""
    columns: frozenset[str] | None = frozenset()
    """The names that columns can have here, but for those that SQL gives; None where they are not all known."""
    given: frozenset[str] = frozenset()
    """The names that SQL itself gives to columns, queries, tables and what a lambda takes, anywhere in it."""
    computed: frozenset[str] = frozenset()
    """Those of them that stand for something else than a column of the same name."""

    def owner(self, prefix: tuple[Any, ...]) -> str | None:
        """Return who has the properties below a prefix (``e.person`` in ``e.person.properties.x``), if known."""
        if not prefix:
            owners = set(self.tables.values()) - {None}
            return next(iter(owners)) if len(owners) == 1 else EITHER if owners else None
        if len(prefix) == 1 and prefix[0] in self.tables:
            return self.tables[str(prefix[0])]
        of_event = self.owner(prefix[:-1]) in (EVENT, EITHER)
        return PERSON if prefix[-1] in ("person", "poe") and of_event else None

    def names_events(self, node: Any) -> bool:
        """Return whether a node is the column with the names of events."""
        if not _is(node, "Field") or node["chain"][-1] != "event" or node["chain"][0] in self.computed:
            return False
        return bool(self.naming) if len(node["chain"]) == 1 else self.naming.issuperset(node["chain"][:-1])

    def is_nothing(self, node: Any) -> bool:
        """Return whether a node is a name that nothing can have here, so that PostHog fails on it."""
        if not _is(node, "Field") or self.columns is None:
            return False
        name = str(node["chain"][0])
        return name not in self.columns | self.given and name != "*" and not name.startswith("$")


def of_expression(owner: str, events: tuple[str, ...] = ()) -> Scope:
    """Return what names mean in an expression. It may be computed on a warehouse table, or name another one's alias.

    Args:
        owner: what it is computed for, EVENT or PERSON.
        events: those that it is computed for; none is any.
    """
    return Scope({owner: owner}, frozenset({owner} & {EVENT}), events, columns=None)


def scoped(tree: Tree, scope: Scope) -> Iterator[tuple[Tree, Scope]]:
    """Yield the nodes of a tree, in no particular order, with what names mean there.

    Args:
        tree: what was parsed.
        scope: what names mean outside of every SELECT in it.
    """
    scope = replace(scope, given=frozenset(_given(tree)), computed=frozenset(_computed(tree)))
    left: list[tuple[Any, Scope]] = [(tree, scope)]
    while left:
        node, inside = left.pop()
        if isinstance(node, list):
            left += [(each, inside) for each in node]
        elif isinstance(node, dict):
            if _is(node, "SelectQuery"):
                inside = _inside(node, inside)
            if "node" in node:
                yield node, inside
            left += _parts(node, inside)


def _parts(node: Tree, inside: Scope) -> Iterator[tuple[Any, Scope]]:
    """Yield the parts of a node in which names may be columns, with what names mean in each."""
    if _is(node, "Placeholder"):
        return
    for name, part in node.items():
        selected_from = _is(node, "JoinExpr") and name == "table"
        alone = (selected_from or _is(node, "CTE")) and (_is(part, "SelectQuery") or _is(part, "SelectSetQuery"))
        if alone:  # it sees no column of the query around it
            yield part, replace(inside, columns=frozenset())
        elif not (selected_from and _is(part, "Field")):  # the name of a table
            yield part, inside


def names(tree: Tree, scope: Scope) -> Iterator[Event | Property | Column]:
    """Yield the events, properties and columns that SQL names, in no particular order.

    Args:
        tree: what was parsed.
        scope: what names mean outside of every SELECT in it.
    """
    for node, inside in scoped(tree, scope):
        yield from _events(node, inside)
        yield from _property(node, inside)
        yield from _column(node, inside)


def placeholders(tree: Tree) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield what is in braces with its offset: ``("variables", "x")`` for ``{variables.x}``, () for an expression."""
    for node in walk(tree):
        if node["node"] == "Placeholder":
            inner = node["expr"]
            yield _offset(node), tuple(inner["chain"]) if _is(inner, "Field") else ()


def _inside(query: Tree, outer: Scope) -> Scope:
    queries = outer.queries | _with(query)
    sources: dict[str, Any] = {_called(join): join.get("table") for join in joins(query)}
    tables = {name: _TABLES.get(_origin("properties", table, queries, {})) for name, table in sources.items()}
    naming = frozenset(name for name, table in sources.items() if _origin("event", table, queries, {}) == "events")
    direct = {
        name: table["chain"][0]
        for name, table in sources.items()
        if _is(table, "Field") and len(table["chain"]) == 1 and table["chain"][0] in COLUMNS.keys() - queries
    }
    columns = None if outer.columns is None or len(direct) < len(sources) else outer.columns
    if columns is not None:
        columns = columns.union(*(COLUMNS[table] for table in direct.values()))
    scope = replace(outer, tables=tables, naming=naming, events=(), queries=queries, direct=direct, columns=columns)
    return replace(scope, events=_taken(query.get("where"), scope)) if len(naming) == 1 else scope


def _with(query: Tree) -> dict[str, Tree]:
    return {each["name"]: each["expr"] for each in query.get("ctes") or ()}


def _called(join: Tree) -> str:
    table: Any = join.get("table")
    return join.get("alias") or (str(table["chain"][-1]) if _is(table, "Field") else "")


def _origin(column: str, table: Any, queries: dict[str, Tree], seen: dict[int, str]) -> str:
    """Return the name of the table that a column comes from; an empty one where it is computed, or that is not known.

    Args:
        column: its name.
        table: what it is selected from, which may be a query.
        queries: what WITH gives names.
        seen: what was found for some queries.
    """
    if _is(table, "Field"):
        name = ".".join(map(str, table["chain"]))
        if name not in queries:
            return name
        earlier = {each: query for each, query in queries.items() if each != name}
        return _origin(column, queries[name], earlier, seen)
    if id(table) not in seen:
        if len(seen) >= _MOST_QUERIES:
            return ""
        seen[id(table)] = ""  # for a query that selects from itself
        if _is(table, "SelectSetQuery"):
            others = [each["select_query"] for each in table["subsequent_select_queries"]]
            found = {_origin(column, each, queries, seen) for each in (table["initial_select_query"], *others)}
        elif _is(table, "SelectQuery"):
            found = set(_origins(column, table, queries | _with(table), seen))
        else:
            found = set()
        seen[id(table)] = found.pop() if len(found) == 1 else ""
    return seen[id(table)]


def _origins(column: str, query: Tree, queries: dict[str, Tree], seen: dict[int, str]) -> Iterator[str]:
    for item in query["select"]:
        chosen = item["expr"] if _is(item, "Alias") and item["alias"] == column else item
        if _is(chosen, "Field") and chosen["chain"][-1] in ("*", column) and len(chosen["chain"]) <= 2:
            for join in joins(query):
                if len(chosen["chain"]) == 1 or chosen["chain"][0] == _called(join):
                    yield _origin(column, join.get("table"), queries, seen)


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
    if where is None or not isinstance(chain[where + 1], str) or chain[0] in scope.computed:
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
        table = None if node["chain"][0] in scope.computed else scope.direct.get(node["chain"][0])
    elif len(scope.tables) == 1 and scope.is_nothing(node):
        table = next(iter(scope.direct.values()), None)
    if table is not None and node["chain"][-1] not in scope.given:
        yield Column(_offset(node), node["chain"][-1], table)


def _given(tree: Tree) -> Iterator[str]:
    for node in walk(tree):
        yield from (node[name] for name in ("alias", "name") if isinstance(node.get(name), str))
        if node["node"] == "JoinExpr" and _is(node.get("table"), "Field"):
            yield str(node["table"]["chain"][-1])
        yield from _also_given(node)


def _computed(tree: Tree) -> Iterator[str]:
    for node in walk(tree):
        if node["node"] == "Alias" and not (_is(node["expr"], "Field") and node["expr"]["chain"][-1] == node["alias"]):
            yield node["alias"]
        if node["node"] == "CTE" and node["cte_type"] == "column":
            yield node["name"]
        yield from _also_given(node)


def _also_given(node: Tree) -> Iterator[str]:
    if node["node"] == "Lambda":
        yield from node["args"]
    yield from node.get("columns") or () if node["node"] == "CTE" else node.get("column_aliases") or ()


def _is(node: Any, kind: str) -> bool:
    return isinstance(node, dict) and node.get("node") == kind


def _offset(node: Tree) -> int:
    found = (node.get("start") or {}).get("offset")
    return found if isinstance(found, int) else 0
