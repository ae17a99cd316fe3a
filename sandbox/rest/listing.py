"""Lists: paging by limit and offset with absolute links, and the filters most of them share."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from sandbox.storage.store import Data
from sandbox.wire.context import Context

LARGEST = 2**31  # what a page's bounds are cut to; SQLite's integers end at 2**63
Condition = tuple[str, list[Any]]  # an SQL condition on the row of `objects`, and its parameters
Filter = Callable[[str], Condition]  # what a query parameter's value asks of an object


def page_bounds(context: Context, changes: dict[str, Any]) -> str:
    """The URL of this list with some query parameters changed (None removes one)."""
    query = {**context.query, **changes}
    kept = sorted((name, value) for name, value in query.items() if value is not None)
    path = context.request.scope["sandbox.path"]
    return context.url(path + ("?" + urlencode(kept) if kept else ""))


def next_links(context: Context, total: int, limit: int, offset: int, page: bool = False) -> Data:
    """`next` and `previous` of a page, null at the ends."""

    def link(start: int) -> str:
        if page:
            return page_bounds(context, {"page": start // limit + 1})
        return page_bounds(context, {"limit": limit, "offset": start or None})

    return {
        "next": link(offset + limit) if offset + limit < total else None,
        "previous": link(max(offset - limit, 0)) if offset > 0 else None,
    }


def limit_and_offset(context: Context, default: int) -> tuple[int, int]:
    """The asked page; what isn't a positive number counts as not asked, as in Django REST framework."""
    return positive(context.query.get("limit"), default), positive(context.query.get("offset"), 0)


def positive(text: str | None, usual: int) -> int:
    """A query's positive number, cut to the largest; the usual one for anything else."""
    try:
        value = int(text or "")
    except ValueError:
        return usual
    return min(value, LARGEST) if value > 0 else usual


def paginate(
    context: Context,
    kind: str,
    parent: str | None,
    conditions: list[Condition],
    order: str,
    default: int,
    show: Callable[[Data], Data],
) -> Data:
    """One page of the objects that fulfil all conditions: `{count, next, previous, results}`."""
    where, parameters = joined(conditions)
    limit, offset = limit_and_offset(context, default)
    rows = context.store.select(kind, parent, where, parameters, order=order, limit=limit, offset=offset)
    # A page that isn't full is the last one: nothing is left to count.
    last = 0 < len(rows) < limit or (not rows and not offset)
    total = offset + len(rows) if last else context.store.count(kind, parent, where, parameters)
    return {"count": total, **next_links(context, total, limit, offset), "results": [show(row) for row in rows]}


def whole(results: list[Any]) -> Data:
    """A list that is always one page."""
    return {"count": len(results), "next": None, "previous": None, "results": results}


def joined(conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
    """The condition that all of them hold, and its parameters."""
    found = list(conditions)
    return " AND ".join(each for each, _ in found) or "listed = 1", [value for _, values in found for value in values]


def column(name: str) -> str:
    """The SQL expression of a stored field; `name` comes from a declaration, never from a request."""
    return f"json_extract(data, '$.{name}')"


def contains(needle: str) -> Condition:
    """One of the fields that the kind's search looks at contains the needle, whatever the case."""
    return "instr(search, ?) > 0", [needle.lower()]


def equals(name: str, value: Any) -> Condition:
    """The field has that value; as text, because query parameters are text."""
    return f"CAST({column(name)} AS TEXT) = ?", [str(value)]


def among(expression: str, values: list[Any]) -> Condition:
    """The SQL expression is one of the values."""
    return f"{expression} IN ({','.join('?' * len(values))})", values


def same(name: str) -> Filter:
    """`?x=value`: the field has that value."""
    return lambda value: equals(name, value)


def flagged(name: str) -> Filter:
    """`?x=true`: the field is true, or false."""
    return lambda value: equals(name, int(truth(value)))


def one_of(name: str) -> Filter:
    """`?x=a,b`: the field is one of the values; of none, anything is."""
    return lambda value: among(column(name), value.split(",")) if value else ("1 = 1", [])


def tagged(value: str) -> Condition:
    """`?tags=["a"]`: the object carries one of the tags."""
    return has_tag([tag.strip(' "') for tag in value.strip("[]").split(",")])


def truth(text: str) -> bool:
    """How django-filter reads a boolean query parameter."""
    return text.lower() in ("true", "1", "yes", "on")


def has_tag(tags: list[str], inverted: bool = False) -> Condition:
    """The object carries one of the tags (or none of them)."""
    condition, values = among("json_each.value", tags)
    return f"{'NOT ' if inverted else ''}EXISTS (SELECT 1 FROM json_each(data, '$.tags') WHERE {condition})", values
