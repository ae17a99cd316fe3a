"""SQL as of a past time: that time is the present, and later events are left out.

Source: the functions of the present in PostHog's posthog/hogql/functions (DATE_GENERATOR_FUNCTIONS), 2026-11. ``now()``
is in the project's timezone, ``today()`` the day in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from ai_admin.definitions.sql.parser import EXPRESSION, SELECT, Tree, joins, parse, walk

_QUERIES = ("SelectQuery", "SelectSetQuery")


class NotMovedError(Exception):
    """SQL that can't be asked as of another moment. Its text says why."""


class _Edit(NamedTuple):
    start: int
    end: int
    text: Callable[[datetime], str]


def moved(text: str, moment: datetime) -> str:
    """Return SQL that gives at any time what a query gave at a moment.

    Args:
        text: the query.
        moment: what ``now()`` and its like stand for. Events after it are left out.

    Raises NotMovedError.
    """
    return _edited(text, _edits(text), moment)


def looks_at_present(expression: str) -> bool:
    """Return whether an SQL expression calls ``now()`` or its like; False for what is no SQL."""
    tree = parse(expression, EXPRESSION).tree if "(" in expression else None
    return any(each["node"] == "Call" and _is_present(each["name"].lower()) for each in walk(tree))


def _edited(text: str, edits: Sequence[_Edit], moment: datetime) -> str:
    for start, end, new in reversed(edits):  # so that the places of the others stay
        text = text[:start] + new(moment) + text[end:]
    return text


@cache
def _edits(text: str) -> tuple[_Edit, ...]:
    tree, flaw, unread = parse(text, SELECT)
    if why := flaw or unread:
        raise NotMovedError(f"{why.message}: {why.fix}")
    edits = [edit for each in walk(tree) if each["node"] == "Call" for edit in _present(each)]
    edits += [edit for query, named in _selects(tree) for edit in _bounded(query, named)]
    if not edits:
        raise NotMovedError("its SQL has no time in it: it would give today's number for each check")
    found = tuple(sorted(edits, key=lambda each: each[:2]))
    if parse(_edited(text, found, datetime(2026, 1, 1, tzinfo=UTC)), SELECT).flaw is not None:
        raise NotMovedError("its SQL is written in a way in which later events can't be left out")
    return found


def _selects(tree: Any) -> Iterator[tuple[Tree, frozenset[str]]]:
    """Yield each SELECT, with the queries that WITH names there: a query knows those before its own, and what is inside
    of a SELECT knows that one's. A name may be that of a table, which is that table elsewhere.
    """
    left: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]
    while left:
        node, named = left.pop()
        if isinstance(node, list):
            left += [(each, named) for each in node]
        elif isinstance(node, dict):
            rest = dict(node)
            if node.get("node") == "SelectSetQuery":  # all of a UNION know what the first of it names
                first = rest.pop("initial_select_query")
                left.append((first, named))
                named |= _named(first.get("ctes"))
            elif node.get("node") == "SelectQuery":
                del rest["ctes"]
                for each in node["ctes"] or ():
                    left.append((each["expr"], named))
                    named |= _named([each])
                yield node, named
            left += [(each, named) for each in rest.values()]


def _named(ctes: Iterable[Tree] | None) -> frozenset[str]:
    return frozenset(each["name"] for each in ctes or () if each["cte_type"] == "subquery")


def _moment(moment: datetime) -> str:
    # Parsed by PostHog, it is in the project's timezone as now() is, and like that never null.
    return f"assumeNotNull(toDateTime('{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'))"


def _day(moment: datetime) -> str:
    return f"assumeNotNull(toDate('{moment.astimezone(UTC):%Y-%m-%d}'))"


_PRESENT: Mapping[str, Callable[[datetime], str]] = {
    "now": _moment,
    "current_timestamp": _moment,
    "today": _day,
    "current_date": _day,
    "yesterday": lambda moment: _day(moment - timedelta(days=1)),
}


def _is_present(name: str) -> bool:
    return name in _PRESENT or name.startswith("now")


def _present(call: Tree) -> Iterator[_Edit]:
    name = call["name"].lower()
    if name in _PRESENT and not call["args"]:
        yield _Edit(call["start"]["offset"], call["end"]["offset"], _PRESENT[name])
    elif _is_present(name):
        raise NotMovedError(f"its SQL calls {call['name']} in a form whose past is not known: write now()")


def _bounded(query: Tree, named: frozenset[str]) -> Iterator[_Edit]:
    """Yield what leaves later events out of those that a query selects from; ``named`` are the queries of WITH."""
    selected = list(joins(query))
    events = [each for each in selected if _is_events(each, named)]
    if not events:
        return
    for each in selected:
        kind = each.get("join_type") or ""
        # A condition would also drop the rows that such a join keeps although nothing fits to them.
        if {"RIGHT", "FULL"} & set(kind.split()) or ("LEFT" in kind.split() and each in events):
            raise NotMovedError(f"its SQL has a {kind} of events, which can't be asked as of a past moment")
    names = [each.get("alias") or "events" for each in events]

    def condition(moment: datetime) -> str:
        return " AND ".join(f"`{name}`.timestamp <= {_moment(moment)}" for name in names)

    where = query.get("where") or query.get("prewhere")
    if where:
        start, end = where["start"]["offset"], where["end"]["offset"]
        yield _Edit(start, start, lambda _: "(")
        yield _Edit(end, end, lambda moment: f") AND {condition(moment)}")
    else:
        sources = walk([query["select_from"], query.get("array_join_list")])
        end = max(each["end"]["offset"] for each in sources if each.get("end"))
        yield _Edit(end, end, lambda moment: f" WHERE {condition(moment)}")


def _is_events(join: Tree, named: frozenset[str]) -> bool:
    """Return whether a table is that of events. Raises NotMovedError for one whose past PostHog does not keep."""
    table = join["table"]
    if table["node"] in _QUERIES:
        return False
    name = ".".join(map(str, table["chain"])) if table["node"] == "Field" else ""
    if name in named or name == "numbers":
        return False
    if name != "events":
        raise NotMovedError(f"its SQL reads {name or 'a placeholder'}, of which PostHog keeps no past")
    return True
