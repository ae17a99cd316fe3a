"""Queries, asked of PostHog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ai_admin.numbers import product
from providers.posthog.client import Client
from providers.posthog.kinds import KINDS

MOST = 50_000
"""PostHog answers no more rows at once (hogql/constants.py). A key may not ask for those after them by OFFSET."""

Row = dict[str, Any]


def used(name: str) -> str:
    """Return SQL for the usage that a run reports: a property that is a number; null if no run can have used that much.

    One ``NaN``, or one infinity, would otherwise be the sum of all.
    """
    return f"if({_believable(name)}, toFloat(properties.{name}), NULL)"


def odd() -> str:
    """Return SQL for whether a run reports a usage that no run can have."""
    names = (product.TOKENS, product.PROMPT_TOKENS, product.COMPLETION_TOKENS, product.COST)
    some = (f"isNotNull(toFloat(properties.{name})) AND NOT ({_believable(name)})" for name in names)
    return f"({' OR '.join(some)})"


def _believable(name: str) -> str:
    value = f"toFloat(properties.{name})"
    return f"{value} >= 0 AND {value} <= {product.MOST_USED}"


def answer(
    client: Client, query: Mapping[str, Any], dates: Mapping[str, str] | None = None, now: bool = False
) -> dict[str, Any]:
    """Return PostHog's answer to a query.

    Args:
        client: the project. Its key needs the scope ``query:read``.
        query: its source.
        dates: ``date_from`` and ``date_to`` in place of its own, where they are given.
        now: whether it is computed now; else an answer of a little while ago will do.

    Raises ApiError.
    """
    body: dict[str, Any] = {"query": dict(query), "refresh": "force_blocking" if now else "blocking"}
    if dates:
        body["filters_override"] = dict(dates)
    # A query changes nothing: it may be sent again.
    found: dict[str, Any] = client.request("POST", client.project_path("query"), body, repeatable=True)
    return found


def rows(client: Client, sql: str, values: Mapping[str, Any]) -> list[Row]:
    """Return the rows that a query gives, computed now, each by the names of its columns.

    Args:
        client: the project. Its key needs the scope ``query:read``.
        sql: the query, with a LIMIT of its own where it may have more than 100 rows.
        values: what stands in the place of ``{name}`` in it.

    Raises ApiError.
    """
    found = answer(client, {"kind": "HogQLQuery", "query": sql, "values": dict(values)}, now=True)
    return [dict(zip(found["columns"], row, strict=True)) for row in found["results"]]


def by_name(client: Client, kind: str, **params: str) -> dict[str, list[Row]]:
    """Return the objects of a kind by their names, as its list has them with these parameters. Raises ApiError."""
    found: dict[str, list[Row]] = {}
    for each in KINDS[kind].lists:
        for row in client.pages(client.project_path(KINDS[kind].collection), {**each, **params}):
            if not row.get("deleted"):
                found.setdefault(str(row.get("name") or ""), []).append(row)
    return found


def pages(client: Client, sql: str, values: Mapping[str, Any], key: str) -> Iterator[Row]:
    """Give all rows of a query: :data:`MOST` at a time, each page after the last ``key`` of the one before.

    Args:
        client: the project.
        sql: the query, in the order of ``key``, with ``{after}`` for the last key and ``{limit}`` for their number.
        values: what stands in the place of the other names.
        key: a column of text that is different in every row.

    Raises ApiError.
    """
    after = ""
    while True:
        page = rows(client, sql.replace("{limit}", str(MOST)), {**values, "after": after})
        yield from page
        if len(page) < MOST:
            return
        after = page[-1][key]
