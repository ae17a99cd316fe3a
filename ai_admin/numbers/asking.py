"""SQL, asked of PostHog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.posthog.client import Client

MOST = 50_000
"""PostHog answers no more rows at once (hogql/constants.py). A key may not ask for those after them by OFFSET."""

Row = dict[str, Any]


def rows(client: Client, sql: str, values: Mapping[str, Any]) -> list[Row]:
    """Return the rows that a query gives, computed now, each by the names of its columns.

    Args:
        client: the project. Its key needs the scope ``query:read``.
        sql: the query, with a LIMIT of its own where it may have more than 100 rows.
        values: what stands in the place of ``{name}`` in it.

    Raises ApiError.
    """
    body = {"query": {"kind": "HogQLQuery", "query": sql, "values": dict(values)}, "refresh": "force_blocking"}
    answer = client.request("POST", client.project_path("query"), body, repeatable=True)
    return [dict(zip(answer["columns"], row, strict=True)) for row in answer["results"]]


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
