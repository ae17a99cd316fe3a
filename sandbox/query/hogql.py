"""HogQL text, read by PostHog's own parser (`hogql-parser`), and written: literals and names for queries built as text.

Nodes are the parser's JSON objects: `node` names the kind, `start` and `end` the place in the text.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sandbox.query import parser
from sandbox.query.errors import MissingPackageError, QueryError

Node = dict[str, Any]
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_PLACED = re.compile(r"\{hogql(?P<order>_order)?\((?P<text>'(?:[^'\\]|\\.)*')\)\}")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`")
# A moment that is all of a text, and the same hidden: a number in place of its year, nines for its other digits.
_MOMENT = re.compile(r"(?<=')\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?)?(?=')", re.ASCII)
_HIDDEN = re.compile(r"\d{4}-99-99(?:[ T]99:99:99(?:\.9+)?Z?)?", re.ASCII)
_MOST_MOMENTS = 10_000
_RESERVED = frozenset("true false null nan inf select from where and or not case when then else end interval".split())


def parse(text: str, what: str = "select") -> Node:
    """A SELECT (or a union of them) as a tree. It is not to be changed. `what` may also be "expr", an expression alone,
    or "order_expr", one with its direction.

    Raises: QueryError: a syntax error; MissingPackageError.
    """
    tree = _parsed(text, what)
    if tree.get("error"):
        raise QueryError(str(tree["message"]), code="syntax_error")
    return tree


def expression(text: str) -> str:
    """People's HogQL as a part of a larger query of ours: a placeholder, in whose place the printer puts its tree.

    PostHog, too, parses it alone: no bracket of it closes one of ours and no comment of it hides what follows.

    Raises: QueryError: it is no expression.
    """
    return _placed("hogql", text, "expr")


def ordering(text: str) -> str:
    """The same for an expression with its direction. Raises QueryError."""
    return _placed("hogql_order", text, "order_expr")


def _placed(name: str, text: str, what: str) -> str:
    for each in placeholders(parse(text, what)):
        raise QueryError(f"Unresolved placeholder: {{{written(each['expr'])}}}")
    return f"{{{name}({literal(text)})}}"


def own(node: Node, name: str = "hogql") -> str | None:
    """People's HogQL that a node stands for (`expression`, or `ordering` by the other name)."""
    call = node["expr"] if node["node"] == "Placeholder" else {}
    return str(call["args"][0]["value"]) if call.get("name") == name else None


def shown(text: str) -> str:
    """A query of ours with people's HogQL in its places, to be read by people."""

    def put(found: re.Match[str]) -> str:
        written = str(parse(found["text"], "expr")["value"])
        return f"{written}\n" if found["order"] else written if _is_plain(written) else f"({written}\n)"

    return _PLACED.sub(put, text)


def nodes(tree: object) -> Iterator[Node]:
    """A node and all in it."""
    if isinstance(tree, dict) and "node" in tree:
        yield tree
    for each in tree if isinstance(tree, list) else tree.values() if isinstance(tree, dict) else ():
        yield from nodes(each)


def placeholders(tree: Node) -> Iterator[Node]:
    """What stands in braces."""
    return (each for each in nodes(tree) if each["node"] == "Placeholder")


@lru_cache(maxsize=1024)
def _parsed(text: str, what: str) -> Node:
    """Queries that differ in moments alone are parsed once: each check of an alert, each look at what is new, has its
    own, and the parser takes most of the time that a small query takes.
    """
    moments: dict[str, str] = {}

    def hide(found: re.Match[str]) -> str:
        hidden = re.sub("[0-9]", "9", found[0])
        hidden = f"{len(moments):04}{hidden[4:]}"  # as long: nodes say where they stand
        moments[hidden] = found[0]
        return hidden

    shape = _MOMENT.sub(hide, text)
    if len(moments) > _MOST_MOMENTS or len(_HIDDEN.findall(shape)) != len(moments):
        shape, moments = text, {}  # it has what would be taken for a hidden one
    answer = _answer(shape, what)
    tree = _tree(_HIDDEN.sub(lambda found: moments.get(found[0], found[0]), answer))
    if moments and tree.get("error") and answer != parser.TOO_COMPLEX:
        tree = _tree(_answer(text, what))  # it quotes what it refuses, perhaps the half of a moment
    return tree


def _tree(answer: str) -> Node:
    try:
        tree: Node = json.loads(answer)
    except RecursionError:
        tree = json.loads(parser.TOO_COMPLEX)
    return tree


@lru_cache(maxsize=1024)
def _answer(text: str, what: str) -> str:
    try:
        return parser.parse(text, what)
    except ImportError as error:
        raise MissingPackageError("hogql-parser") from error


def literal(value: Any) -> str:
    """A value as HogQL (and as ClickHouse SQL, which spells it alike)."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return "'" + text.replace("\n", "\\n").replace("\t", "\\t").replace("\0", "\\0").replace("\r", "\\r") + "'"


def bracketed(text: str) -> str:
    """A part of a query of ours in brackets, unless they are there: each pair more takes the parser longer than the one
    before, and after a few (`parser.ORDINARY`) a process of its own.
    """
    depth = 0
    for place, char in enumerate(_TEXT.sub(lambda found: "-" * len(found[0]), text), 1):
        depth += (char == "(") - (char == ")")
        if depth == 0 and place < len(text):
            break
    else:
        if depth == 0 and text.startswith("("):
            return text
    return f"({text})"


def name(*chain: str) -> str:
    """A field by its chain, quoted where it must be."""
    return ".".join(each if _is_plain(each) else quoted(each) for each in chain)


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _RESERVED


def quoted(text: str) -> str:
    """A name in backquotes, in which nothing can end it."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def title(node: Node) -> str:
    """What PostHog calls a column that has no alias: a field by its last name, else the expression, written out."""
    return str(node["chain"][-1]) if node["node"] == "Field" else written(node)


OPERATORS = {
    "+": "plus",
    "-": "minus",
    "*": "multiply",
    "/": "divide",
    "%": "modulo",
    "==": "equals",
    "!=": "notEquals",
    "<": "less",
    ">": "greater",
    "<=": "lessOrEquals",
    ">=": "greaterOrEquals",
    "like": "like",
    "ilike": "ilike",
    "not like": "notLike",
    "not ilike": "notILike",
    "in": "in",
    "not in": "notIn",
    "global in": "in",
    "global not in": "notIn",
}


def written(node: Node) -> str:
    """An expression as PostHog writes it: operators as functions."""
    kind = node["node"]
    if kind == "Field":
        return name(*map(str, node["chain"]))
    if kind == "Constant":
        return literal(node.get("value"))
    if kind in ("Call", "WindowFunction"):
        inner = ", ".join(map(written, node.get("args") or node.get("exprs") or []))
        parameters = f"({', '.join(map(written, node['params']))})" if node.get("params") else ""
        over = " OVER ()" if kind == "WindowFunction" else ""
        return f"{node['name']}{parameters}({'DISTINCT ' if node.get('distinct') else ''}{inner}){over}"
    if kind in ("ArithmeticOperation", "CompareOperation"):
        operator = OPERATORS.get(node["op"], "match")
        return f"{operator}({written(node['left'])}, {written(node['right'])})"
    if kind in ("And", "Or"):
        return f"{kind.lower()}({', '.join(map(written, node['exprs']))})"
    if kind == "Not":
        return f"not({written(node['expr'])})"
    if kind in ("Array", "Tuple"):
        inner = ", ".join(map(written, node["exprs"]))
        return f"[{inner}]" if kind == "Array" else f"tuple({inner})"
    if kind == "Alias":
        return f"{written(node['expr'])} AS {name(node['alias'])}"
    if kind == "Lambda":
        return f"{', '.join(node['args'])} -> {written(node['expr'])}"
    if kind == "TupleAccess":
        return f"tupleElement({written(node['tuple'])}, {node['index']})"
    if kind == "ArrayAccess":
        return f"{written(node['array'])}[{written(node['property'])}]"
    return str(kind).lower()
