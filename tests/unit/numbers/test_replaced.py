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
    ],
)
def test_a_period_that_there_is_not_is_refused(start: str | None, end: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replaced(start, end, NOW)


BY_DAY, BY_HOUR = {"kind": "TrendsQuery"}, {"kind": "TrendsQuery", "interval": "hour"}
SQL = {"kind": "HogQLQuery", "query": "SELECT 1"}
RETENTION = {"kind": "RetentionQuery", "retentionFilter": {"period": "Hour"}}


@pytest.mark.parametrize(
    ("query", "start", "end", "whole"),
    [
        (BY_DAY, "2026-11-27T09:30", "2026-11-27T12:00", "days"), (BY_HOUR, "2026-11-27T09:30", None, "hours"),
        (BY_HOUR, "2026-11-27T09:00", "2026-11-27T12:00", ""), (BY_DAY, "2026-11-26", "2026-11-27", ""),
        (BY_HOUR, "2026-11-26", "2026-11-27", ""), (BY_DAY, "-2d", "-1h", "days"), (BY_DAY, "-7d", None, ""),
        (SQL, "2026-11-27T09:30", None, ""), (RETENTION, "2026-11-27T09:00", None, ""), (None, "-7d", None, ""),
    ],
)  # fmt: skip
def test_what_counts_whole_days_or_hours(query: Any, start: str, end: str | None, whole: str) -> None:
    assert coarse(query, replaced(start, end, NOW)) == whole
