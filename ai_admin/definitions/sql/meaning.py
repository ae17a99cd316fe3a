"""What PostHog's grammar accepts and its computation refuses (posthog/hogql/resolver.py), or reads otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.sql.names import Scope, scoped
from ai_admin.definitions.sql.parser import Tree
from ai_admin.definitions.sql.syntax import Flaw

_STRUCTURE = frozenset({"select", "from", "where", "group", "having", "limit", "union", "join"})
"""Words that are no names of columns and tables, although the grammar takes them for one."""


def mistakes(tree: Tree | None, text: str, scope: Scope) -> Iterator[Flaw]:
    """Yield what PostHog fails on in SQL that can be read.

    Args:
        tree: what the text means; None where that is not known.
        text: the SQL.
        scope: what names mean outside of every SELECT in it.
    """
    for node, inside in scoped(tree, scope) if tree else ():
        offset = (node.get("start") or {}).get("offset", 0)
        if node["node"] == "Field" and inside.is_nothing(node) and _bare(node["chain"][0], text, offset):
            word = text[offset : offset + len(node["chain"][0])]
            yield Flaw(
                offset,
                f'"{word}" is taken for the name of a column or table',
                f"write a name before {word}, or remove it",
            )
        elif node["node"] == "Alias" and node["alias"].lower() in _STRUCTURE and inside.is_nothing(node["expr"]):
            word = node["alias"]
            yield Flaw(
                offset, f'"{word}" is taken for the name of this column', f"write a name behind AS, and then {word}"
            )
        elif node["node"] == "CompareOperation" and (quoted := _quoted_as_a_name(node, text, inside)):
            message = f'"{quoted["chain"][0]}" in double quotes is the name of a column'
            yield Flaw(quoted["start"]["offset"], message, f"write '{quoted['chain'][0]}' for the text")
        elif node["node"] == "ArrayAccess" and node["property"].get("value", "") == 0:
            yield Flaw(offset, "SQL counts the items of a list from 1", "write [1] for the first one")
        elif node["node"] == "SelectQuery":
            yield from _named_twice(node)
        elif node["node"] == "JoinExpr" and _is_variable(node.get("table")):
            yield Flaw(node["table"]["start"]["offset"], "no variable can be a table", "write the table's name")


def _bare(name: object, text: str, offset: int) -> bool:
    return isinstance(name, str) and name.lower() in _STRUCTURE and text[offset : offset + len(name)] == name


def _quoted_as_a_name(comparison: Tree, text: str, scope: Scope) -> Tree | None:
    """Return the name that an event or a property is compared with, where it is in double quotes as texts often are."""
    left, right = comparison["left"], comparison["right"]
    if left["node"] != "Field" or not {"properties", "event"}.intersection(left["chain"]):
        return None
    quoted: bool = scope.is_nothing(right) and text.startswith('"', right["start"]["offset"]) and not right["chain"][1:]
    return right if quoted else None


def _is_variable(table: Tree | None) -> bool:
    """Return whether a query selects from a variable, for which PostHog puts a text in its place."""
    inner = table["expr"] if table and table["node"] == "Placeholder" else {}
    return bool(inner.get("chain", [])[:1] == ["variables"])


def _named_twice(query: Tree) -> Iterator[Flaw]:
    named: set[str] = set()
    for item in query["select"]:
        if item["node"] != "Alias":
            continue
        if item["alias"] in named:
            message = f'two columns have the name "{item["alias"]}"'
            yield Flaw(item["start"]["offset"], message, "give this one another name behind AS")
        named.add(item["alias"])
