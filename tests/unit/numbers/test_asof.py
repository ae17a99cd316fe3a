"""The period of a query as of a past moment, against what the sandbox makes of the query at that moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai_admin.numbers.asof import Calendar, asked_at
from sandbox.query.dates import date_range

ZONE = ZoneInfo("Europe/Berlin")
INTERVALS = ("minute", "hour", "day", "week", "month")

units = st.sampled_from("hdwmqysM")
relative = st.builds("{}{}{}".format, st.sampled_from(["-", ""]), st.integers(0, 40), units)
positioned = st.builds("{}{}{}".format, st.sampled_from(["-1", "-3", ""]), st.sampled_from("hdwmy"),
                       st.sampled_from(["Start", "End"]))  # fmt: skip
fixed = st.sampled_from(["2026-01-31", "2026-02-27T08:30:00", "2025-12-31T23:30:00+00:00"])
dates = relative | positioned | fixed
ranges = st.fixed_dictionaries(
    {}, optional={"date_from": dates, "date_to": dates | st.none(), "explicitDate": st.booleans()}
)
moments = st.datetimes(datetime(2026, 2, 1), datetime(2027, 3, 1), timezones=st.just(UTC))


@example(given={}, interval="hour", at=datetime(2026, 10, 25, 1, 10, tzinfo=UTC), monday=True)
@example(given={}, interval="day", at=datetime(2026, 10, 25, 1, 10, tzinfo=UTC), monday=True)
@given(given=ranges, interval=st.sampled_from(INTERVALS), at=moments, monday=st.booleans())
def test_a_funnel_has_the_period_that_it_had(given: dict[str, Any], interval: str, at: datetime, monday: bool) -> None:
    now = at.astimezone(ZONE)
    then = date_range(given, interval, now, week_start=1 if monday else 0)
    source = {"kind": "FunnelsQuery", "interval": interval, "dateRange": given}
    asked = asked_at(source, "absolute_value", at, Calendar(ZONE, monday))["dateRange"]
    end = min(then.end, now, key=datetime.timestamp)  # later events were not there
    assert asked == {
        "date_from": then.first.isoformat(),
        "date_to": end.isoformat(),
        "explicitDate": True,
    }
    again = date_range(asked, interval, datetime(2028, 1, 1, tzinfo=ZONE), week_start=1 if monday else 0)
    assert [again.first.timestamp(), again.end.timestamp()] == [
        then.first.timestamp(), end.replace(fold=0).timestamp()  # of two hours of one name PostHog reads the first
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ({"kind": "TrendsQuery", "interval": "week"}, "2026-11-08T00:00:00+01:00"),
        ({"kind": "TrendsQuery", "interval": "hour"}, "2026-11-25T07:00:00+01:00"),
        ({"kind": "TrendsQuery", "interval": "week", "dateRange": {"date_from": "-2d"},
          "trendsFilter": {"display": "BoldNumber"}}, "2026-11-23T00:00:00+01:00"),
        ({"kind": "FunnelsQuery", "dateRange": {"date_from": "all"}}, "all"),
    ],
)  # fmt: skip
def test_trends_in_time_have_the_period_of_alerts_and_others_their_own(query: dict[str, Any], start: str) -> None:
    now = datetime(2026, 11, 25, 9, 30, tzinfo=ZONE)
    found = asked_at({**query, "compareFilter": {"compare": True}}, "absolute_value", now, Calendar(ZONE, monday=False))
    assert found["dateRange"] == {"date_from": start, "date_to": "2026-11-25T09:30:00+01:00", "explicitDate": True}
    assert "compareFilter" not in found


def test_a_period_that_sql_does_not_hold_is_refused() -> None:
    query = {"kind": "HogQLQuery", "query": "SELECT 1 FROM events WHERE {filters}"}
    filters = {"dateRange": {"date_from": "-7d"}}
    with pytest.raises(ValueError, match="the period of its SQL is in `filters`"):
        asked_at({**query, "filters": filters}, "absolute_value", datetime.now(ZONE), Calendar(ZONE, monday=True))
