"""The columns of an SQL query's result, as far as its text shows them: an alert watches one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ai_admin.definitions.sql.parser import SELECT, Tree, parse

_COUNTS = re.compile(
    r"(?:count|sum|avg|uniq|median|quantile|round|floor|ceil|toFloat|toInt|toUInt|toDecimal|dateDiff|length|stddev)\w*",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(
    r"(?:toStartOf|toMonday|toDate|toString|toLastDay|concat|lower|upper|formatDateTime|now|today|yesterday)\w*",
    re.IGNORECASE,
)
_QUERIES = ("SelectQuery", "SelectSetQuery")


@dataclass(frozen=True, slots=True)
class Selected:
    """A selected column: its name (empty where PostHog invents one), whether it holds numbers (None: can't be told)."""

    name: str
    numeric: bool | None


def columns(query: str) -> list[Selected] | None:
    """Return the columns that a query selects, None where its text does not show all of them."""
    tree = parse(query, SELECT).tree
    return None if tree is None else _selected(tree, {})


def _selected(tree: Tree, known: dict[str, Tree]) -> list[Selected] | None:
    """Return the columns of a query; ``known`` are the queries that WITH gives names."""
    while tree["node"] == "SelectSetQuery":  # which has the columns of its first
        tree = tree["initial_select_query"]
    if tree["node"] != "SelectQuery":
        return None
    known = {**known, **{each["name"]: each["expr"] for each in tree.get("ctes") or ()}}
    found: list[Selected] = []
    for item in tree["select"]:
        several = _starred(item, tree, known) if _is_star(item) else [_column(item)]
        if several is None:
            return None
        found += several
    return found


def _is_star(item: Tree) -> bool:
    return bool(item["node"] == "ColumnsExpr" or (item["node"] == "Field" and item["chain"][-1] == "*"))


def _starred(item: Tree, tree: Tree, known: dict[str, Tree]) -> list[Selected] | None:
    """Return what ``*`` stands for: all columns of the one query that is selected from."""
    source = tree.get("select_from") or {}
    table = source.get("table") or {}
    if source.get("next_join") or item.get("chain") != ["*"]:
        return None
    if table.get("node") == "Field" and len(table["chain"]) == 1 and table["chain"][0] in known:
        name = table["chain"][0]
        # A query sees the names that WITH gave before its own, so this ends.
        earlier = dict(list(known.items())[: list(known).index(name)])
        return _selected(known[name], earlier)
    return _selected(table, known) if table.get("node") in _QUERIES else None


def _column(item: Tree) -> Selected:
    if item["node"] == "Alias":
        return Selected(item["alias"], _numeric(item["expr"]))
    bare = item["node"] == "Field" and len(item["chain"]) == 1
    return Selected(str(item["chain"][0]) if bare else "", _numeric(item))


def _numeric(item: Tree) -> bool | None:
    if item["node"] == "Constant":
        value: Any = item.get("value")
        return isinstance(value, int | float) and not isinstance(value, bool)
    if item["node"] == "ArithmeticOperation" and item["op"] in ("*", "/"):
        return True
    name = item.get("name", "") if item["node"] in ("Call", "WindowFunction") else ""
    return True if _COUNTS.match(name) else False if _NO_NUMBER.match(name) else None
