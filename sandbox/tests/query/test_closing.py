"""ClickHouse is closed while queries are computed."""

import time
from pathlib import Path

import pytest

from sandbox.query import clickhouse
from sandbox.query.clickhouse import ClickHouse, Result
from sandbox.query.errors import QueryError
from sandbox.query.patience import ANSWERS, SlowQuery


def test_a_query_that_is_about_to_begin_holds_up_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ClickHouse._rows

    def late(self: ClickHouse, asked: str, seconds: float) -> Result:
        if seconds == clickhouse.PATIENCE:
            raise QueryError("It takes long", "timeout_exceeded")
        time.sleep(0.3)
        return run(self, asked, seconds)

    monkeypatch.setattr(ClickHouse, "_rows", late)
    monkeypatch.setattr(clickhouse, "MOST_SECONDS", 5.0)
    opened = ClickHouse(tmp_path / "clickhouse")
    token = ANSWERS.set({})
    try:
        with pytest.raises(SlowQuery) as slow:
            opened.rows("SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1")
    finally:
        ANSWERS.reset(token)
    opened.close()
    failed = slow.value.answer.exception()
    assert isinstance(failed, QueryError)
    assert failed.code == "query_was_cancelled", "and did not take all the time that a query has"
