"""ClickHouse in this process (`chdb-core`): one connection, opened with the first query."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from sandbox.query.errors import MissingPackageError, QueryError

# PostHog's own, of posthog/hogql/constants.py, and how values are written.
SETTINGS = (
    "transform_null_in=1, max_execution_time=60, output_format_json_quote_64bit_integers=0,"
    " output_format_json_escape_forward_slashes=0, output_format_json_quote_decimals=0,"
    " date_time_output_format='iso', max_query_size=10000000, max_ast_elements=1000000,"
    " max_expanded_ast_elements=1000000, max_ast_depth=10000, max_parser_depth=10000"
)
_CODE = re.compile(r"\(([A-Z_0-9]+)\)[^()]*$")
_ZONE = re.compile(r"DateTime(?:64)?\((?:\d+, )?'([^']+)'\)")
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True)
class Result:
    """Rows with the names and types of their columns."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]


@cache
def connection() -> Any:
    """The process's ClickHouse. Raises MissingPackageError."""
    try:
        import chdb
    except ImportError as error:
        raise MissingPackageError("chdb-core") from error
    return chdb.connect(":memory:")


def execute(sql: str) -> None:
    """Run a statement that answers nothing."""
    connection().query(sql)


def insert(target: str, source: str, frame: Any) -> None:
    """Add the rows of an Arrow table to `target`, as the SELECT list `source` makes them of `frame`."""
    connection().query(f"INSERT INTO {target} SELECT {source} FROM Python(frame)")


def rows(sql: str, hidden: str = "") -> Result:
    """The answer to a SELECT; `hidden` are further settings, such as a filter of what a table shows.

    Raises: QueryError: with the name of ClickHouse's error as its code.
    """
    import chdb

    try:
        answer = connection().query(f"{sql} SETTINGS {SETTINGS}{hidden}", "JSONCompact").bytes()
    except chdb.ChdbError as error:
        # What it had written when it failed would stand before the next answer.
        connection().query("SELECT 1", "Null")
        raise _error(str(error)) from error
    found = _decoder.decode(answer)
    names = [each["name"] for each in found["meta"]]
    types = [each["type"] for each in found["meta"]]
    data: list[list[Any]] = found["data"]
    for index, type_ in enumerate(types):
        if "DateTime" in type_:
            zone = _zone(type_)
            for row in data:
                row[index] = _moments(row[index], zone)
    return Result(names, types, data)


def _error(text: str) -> QueryError:
    code = _CODE.search(text.split("Stack trace:")[0].strip().rstrip("."))
    message = text.split("DB::Exception:", 1)[-1].split("Stack trace:")[0].strip()
    return QueryError(message, code[1].lower() if code else "invalid_input")


def _zone(type_: str) -> ZoneInfo:
    found = _ZONE.search(type_)
    return ZoneInfo(found[1] if found else "UTC")


def _moments(value: Any, zone: ZoneInfo) -> Any:
    """Moments as PostHog answers them: in their column's timezone, without a fraction where there is none."""
    if isinstance(value, list):
        return [_moments(each, zone) for each in value]
    if not isinstance(value, str) or not value.endswith("Z"):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment.astimezone(zone).isoformat().replace("+00:00", "Z")
