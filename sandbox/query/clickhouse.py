"""ClickHouse in this process (`chdb-core`), opened with the first query; a process can have one at a time."""

import re
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from sandbox.query.errors import MissingPackageError, QueryError
from sandbox.query.patience import ANSWERS, SlowQuery

# PostHog's own, of posthog/hogql/constants.py, and how values are written.
SETTINGS = (
    "transform_null_in=1, output_format_json_quote_64bit_integers=0,"
    " output_format_json_escape_forward_slashes=0, output_format_json_quote_decimals=0,"
    " date_time_output_format='iso', max_ast_elements=1000000,"
    " max_expanded_ast_elements=1000000, max_ast_depth=10000, max_parser_depth=10000"
)
# Of a statement, which names events and people one by one; ClickHouse takes it from a connection alone.
MOST_TEXT = 1_000_000_000
MOST_SECONDS = 60.0  # of a query, as PostHog's
MOST_BYTES = 2_000_000_000  # of memory that a query may take
PATIENCE = 1.0  # the seconds for which a query may hold up others
SLOW_AT_ONCE = 2
# What PostHog answers to a query that takes too much (posthog/exceptions.py).
EXCEEDED = {
    "timeout_exceeded": "Query has hit the max execution time before completing. See our docs for how to improve your"
    " query performance. You may need to materialize.",
    "memory_limit_exceeded": "Query has reached the max memory limit before completing. See our docs for how to improve"
    " your query memory footprint. You may need to narrow date range or materialize.",
}
_CODE = re.compile(r"\(([A-Z_0-9]+)\)[^()]*$")
_ZONE = re.compile(r"DateTime(?:64)?\((?:\d+, )?'([^']+)'\)")
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True)
class Result:
    """Rows with the names and types of their columns."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]


class ClickHouse:
    """What one process computes with, and the folder that it has as long as it is open."""

    def __init__(self, folder: Path) -> None:
        """Open it, empty. `folder` is its own: what an earlier process left there is removed.

        Raises: MissingPackageError.
        """
        try:
            import chdb
        except ImportError as error:
            raise MissingPackageError("chdb-core") from error
        self.failure: type[Exception] = chdb.ChdbError
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        self.connect: Callable[[], Any] = partial(chdb.connect, f"{folder}?max_query_size={MOST_TEXT}")
        self.connection = self.connect()
        self.idle: list[Any] = []  # connections for SELECTs: to open one takes as long as a small query's rows
        self.beside = ThreadPoolExecutor(SLOW_AT_ONCE)
        self.slow = set[Future[Result]]()

    def close(self) -> None:
        """Forget everything, also what is being computed."""
        self.beside.shutdown(wait=False, cancel_futures=True)
        while running := set(self.slow):
            # Again and again: one that is only just beginning is no query yet.
            self.execute("KILL QUERY WHERE query_id != queryID() ASYNC")
            wait(running, 0.1)
        for each in (*self.idle, self.connection):
            each.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, sql: str) -> None:
        """Run a statement that answers nothing."""
        self.connection.query(sql)

    def insert(self, target: str, source: str, frame: Any) -> None:
        """Add the rows of an Arrow table to `target`, as the SELECT list `source` makes them of `frame`."""
        self.connection.query(f"INSERT INTO {target} SELECT {source} FROM Python(frame)")

    def rows(self, sql: str, hidden: str = "") -> Result:
        """The answer to a SELECT; `hidden` are further settings, such as a filter of what a table shows.

        Raises:
            QueryError: with the name of ClickHouse's error as its code.
            SlowQuery: it takes long, and who asks for it does so again.
        """
        asked = f"{sql} SETTINGS {SETTINGS}{hidden}, max_memory_usage={MOST_BYTES}, max_execution_time="
        answers = ANSWERS.get()
        if answers is None:
            return self._rows(asked, MOST_SECONDS)
        if asked not in answers:
            quick = Future[Result]()
            try:
                quick.set_result(self._rows(asked, PATIENCE))
            except QueryError as error:
                if error.code != "timeout_exceeded":
                    raise
                raise SlowQuery(asked, self._later(asked)) from error
            answers[asked] = quick
        answer: Result = answers[asked].result()
        return answer

    def _later(self, asked: str) -> Future[Result]:
        answer = self.beside.submit(self._rows, asked, MOST_SECONDS)
        self.slow.add(answer)
        answer.add_done_callback(self.slow.discard)
        return answer

    def _rows(self, asked: str, seconds: float) -> Result:
        # A connection asks one thing at a time, and begins the next answer with what one that failed had said.
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = self.connect()
        try:
            answer = connection.query(f"{asked}{seconds}", "JSONCompact").bytes()
        except self.failure as error:
            connection.close()
            raise _error(str(error)) from error
        self.idle.append(connection)
        return _result(answer)


def _result(answer: bytes) -> Result:
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
    name = code[1].lower() if code else "invalid_input"
    return QueryError(EXCEEDED.get(name, message), name, status=504 if name in EXCEEDED else 400)


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
