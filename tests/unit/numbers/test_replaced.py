"""The period that replaces those of dashboards, and what is counted whole all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ai_admin.numbers.replaced import coarse, replaced

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "dates"),
    [
        (None, None, {}),
        ("-7d", None, {"date_from": "-7d"}),
        ("2026-11-7", "2026-11-07", {"date_from": "2026-11-07", "date_to": "2026-11-07T23:59:59"}),
        ("all", "-1mEnd", {"date_from": "all", "date_to": "-1mEnd"}),
        ("-2d", "-1d", {"date_from": "-2d", "date_to": "-1d"}),
        ("2026-11-28T10:00", None, {"date_from": "2026-11-28T10:00"}),  # over already where clocks are ahead
        ("2026-11-27T09:30", "2026-11-27T12:00Z", {"date_from": "2026-11-27T09:30", "date_to": "2026-11-27T12:00Z"}),
    ],
)
def test_dates_are_posthogs_and_a_day_as_the_end_is_all_of_it(
    start: str | None, end: str | None, dates: dict[str, str]
) -> None:
    assert replaced(start, end, NOW) == dates


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-27T01:00-05:00", "2026-11-27T02:00"),  # in Los Angeles
        ("2026-11-27T09:30Z", "2026-11-27T05:00"),  # in New York
        ("-6h", "-1d"),  # at 03:00, as a day ago is all of it
    ],
)
def test_a_period_that_there_is_by_some_clocks_is_asked_for(start: str, end: str) -> None:
    assert replaced(start, end, NOW) == {"date_from": start, "date_to": end}


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        ("2026-13-01", None, 'there is no date "2026-13-01": write one such as'),
        ("2026-02-30", None, "there is no date"),
        ("2026-11-27T25:00", None, "there is no date"),
        ("-7d", "2026-02-30", 'there is no date "2026-02-30"'),
        ("2026-11-27", "2026-11-26", "begins before it ends: 2026-11-27 is not before 2026-11-26"),
        ("-1d", "-7d", "begins before it ends: -1d is not before -7d"),
        ("-7d", "2026-10-01", "begins before it ends"),
        ("2027-01-01", None, "begins before now: 2027-01-01 is still to come"),
        ("-9999999999d", None, "no time as long ago"),
        (None, "-9999999999d", "no time as long ago"),
        ("-7d", "-123456789", "no time as long ago"),
        ("2026-11-27T09:30Z", "2026-11-27T09:00Z", "begins before it ends"),
        ("-1h", "-2h", "begins before it ends"),
    ],
)
def test_a_period_that_there_is_not_is_refused(start: str | None, end: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replaced(start, end, NOW)


BY_DAY, BY_HOUR = {"kind": "TrendsQuery"}, {"kind": "TrendsQuery", "interval": "hour"}
BY_WEEK, BY_MONTH = ({"kind": "TrendsQuery", "interval": unit} for unit in ("week", "month"))
SQL = {"kind": "HogQLQuery", "query": "SELECT 1"}
RETENTION = {"kind": "RetentionQuery", "retentionFilter": {"period": "Hour"}}


@pytest.mark.parametrize(
    ("query", "start", "end", "whole"),
    [
        (BY_DAY, "2026-11-27T09:30", "2026-11-27T12:00", "days"), (BY_HOUR, "2026-11-27T09:30", None, "hours"),
        (BY_HOUR, "2026-11-27T09:00", "2026-11-27T12:00", ""), (BY_DAY, "2026-11-26", "2026-11-27", ""),
        (BY_HOUR, "2026-11-26", "2026-11-27", ""), (BY_DAY, "-2d", "-1h", "days"), (BY_DAY, "-7d", None, ""),
        (SQL, "2026-11-27T09:30", None, ""), (RETENTION, "2026-11-27T09:00", None, ""), (None, "-7d", None, ""),
        (BY_HOUR, "2026-11-27T09:59", None, "hours"), (BY_HOUR, "2026-11-27T09:00", "2026-11-27T12:30", ""),
        (BY_HOUR, "-90M", None, "days"), (BY_DAY, "-90M", None, "days"), (BY_HOUR, "-6h", "-1h", ""),
        (BY_HOUR, "-6h", "-30M", "hours"), (BY_DAY, None, "2026-11-27T00:00", "days"),
        (BY_WEEK, "2026-11-25", "2026-11-26", "weeks"), (BY_WEEK, "-7d", None, "weeks"), (BY_WEEK, "-4w", None, ""),
        (BY_WEEK, "-4w", "2026-11-27T09:30", "days"), (BY_WEEK, "all", "2026-11-27", ""), (BY_MONTH, "-3m", None, ""),
        (BY_MONTH, "2026-11-01", "2026-11-27", ""), (BY_MONTH, "2026-11-02", None, "months"),
    ],
)  # fmt: skip
def test_what_counts_whole_intervals(query: Any, start: str | None, end: str | None, whole: str) -> None:
    assert coarse(query, replaced(start, end, NOW)) == whole
