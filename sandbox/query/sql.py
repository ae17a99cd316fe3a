"""HogQLQuery: SQL as people write it, with its placeholders."""

from typing import Any

from sandbox.query import filters
from sandbox.query.asked import Asked, both
from sandbox.query.dates import moment
from sandbox.query.errors import QueryError
from sandbox.query.hogql import parse, placeholders, written
from sandbox.query.printer import DEFAULT_LIMIT, Placeholders
from sandbox.storage.store import Data

_TIMES = {"events": "timestamp", "sessions": "$start_timestamp", "groups": "created_at"}


def compute(asked: Asked) -> Data:
    """The answer: rows as arrays, the columns' names and their types as ClickHouse calls them."""
    text = str(asked.node["query"])
    for each in placeholders(parse(text)):
        if each["expr"]["node"] != "Field":
            raise QueryError(f"Unresolved placeholder: {{{written(each['expr'])}}}")
    printed = asked.print(text, DEFAULT_LIMIT + 1, placeholders=_placeholders(asked))
    found = asked.run(printed)
    paged = not printed.limited
    return {
        "results": found.rows[:DEFAULT_LIMIT] if paged else found.rows,
        "columns": printed.columns,
        "types": [list(each) for each in zip(printed.columns, found.types, strict=True)],
        "query": text,
        "hogql": text,
        "clickhouse": printed.sql,
        "hasMore": len(found.rows) > DEFAULT_LIMIT if paged else None,
        "limit": DEFAULT_LIMIT if paged else None,
        "offset": 0 if paged else None,
    }


def _placeholders(asked: Asked) -> Placeholders:
    given = asked.part("filters")
    dates = given.get("dateRange") or {}
    # No default: without dates in its filters a query sees everything.
    range_ = asked.range_of(dates, "day")
    start = moment(range_.start) if dates.get("date_from") and dates["date_from"] != "all" else None
    end = moment(range_.end) if dates.get("date_to") else None

    def expand(table: str) -> str:
        if table not in _TIMES:
            raise QueryError("Cannot use 'filters' placeholder in a SELECT clause without a FROM clause." if not table
                             else f"Cannot use 'filters' placeholder in a SELECT from {table}.")  # fmt: skip
        test = asked.project["test_account_filters"] if given.get("filterTestAccounts") else None
        column = _TIMES[table]
        parts = [filters.condition(asked.tables, each, asked.now, table) for each in (given.get("properties"), test)]
        parts += [f"{column} >= {start}" if start else "", f"{column} < {end}" if end else ""]
        return both(*parts)

    return Placeholders(expand, start, end, _variables(asked), asked.part("values"))


def _variables(asked: Asked) -> dict[str, Any]:
    """The values of the query's variables by code name: their own, or the variable's default."""
    found = {}
    every = asked.tables.store.select("insight_variable", str(asked.project["id"]))
    by_name = {row["code_name"]: row for row in every}
    for each in asked.part("variables").values():
        name = each["code_name"]
        variable = by_name.get(name)
        if variable is None:
            raise QueryError(f"Variable {name} does not exist")
        given = each.get("value")
        found[name] = None if each.get("isNull") else variable["default_value"] if given is None else given
    return found
