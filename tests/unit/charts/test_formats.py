"""Numbers and moments read as on PostHog's pages."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.charts.formats import duration, moment, of_column, of_trends, unfinished


@pytest.mark.parametrize(
    ("settings", "value", "written"),
    [
        ({}, 1234567.891, "1,234,567.89"),
        ({}, -0.001, "0"),
        ({"decimalPlaces": 4}, 0.12345, "0.1235"),
        ({"decimalPlaces": 0}, 1.6, "2"),
        ({"decimalPlaces": 2, "minDecimalPlaces": 2}, 12.5, "12.50"),
        ({"aggregationAxisPrefix": "$", "aggregationAxisPostfix": " a day"}, -12.5, "-$12.5 a day"),
        ({"aggregationAxisFormat": "currency"}, 3, "$3.00"),
        ({"aggregationAxisFormat": "percentage"}, 5, "5%"),
        ({"aggregationAxisFormat": "percentage_scaled"}, 0.0512, "5.12%"),
        ({"aggregationAxisFormat": "short"}, 1234, "1.23K"),
        ({"aggregationAxisFormat": "short"}, 999_999, "1M"),
        ({"aggregationAxisFormat": "short"}, 2.5e12, "2.5T"),
        ({"aggregationAxisFormat": "duration"}, 3725, "1h 2m"),
        ({"aggregationAxisFormat": "duration_ms"}, 1500, "2s"),
    ],
)
def test_a_value_of_trends(settings: dict[str, Any], value: float, written: str) -> None:
    assert of_trends(settings)(value) == written


@pytest.mark.parametrize(
    ("formatting", "value", "written"),
    [
        ({}, 1234.5, "1,234.5"),
        ({"prefix": "$", "decimalPlaces": 2}, 12.5, "$12.50"),
        ({"style": "number", "decimalPlaces": 2}, 12.5, "12.5"),
        ({"style": "percent"}, 12.5, "12.5%"),
        ({"style": "short", "suffix": " tokens"}, 9876543, "9.88M tokens"),
    ],
)
def test_a_value_of_a_column(formatting: dict[str, Any], value: float, written: str) -> None:
    assert of_column({"column": "x", "settings": {"formatting": formatting}})(value) == written


def test_a_finer_format_tells_ticks_apart() -> None:
    rough = of_trends({"aggregationAxisFormat": "percentage_scaled", "decimalPlaces": 0})
    assert [rough.finer(0.005)(value) for value in (0, 0.005, 0.01)] == ["0%", "0.5%", "1%"]


def test_nothing_is_a_dash() -> None:
    assert of_trends({})(None) == "–"


def test_durations_have_two_units_at_most() -> None:
    assert [duration(each) for each in (0, 0.25, 59, 61, 90061, -5)] == ["0s", "250ms", "59s", "1m 1s", "1d 1h", "-5s"]


def test_moments() -> None:
    assert moment("2026-11-02", "day") == "2 Nov"
    assert moment("2026-11-02 15:00:00", "hour") == "2 Nov 15:00"
    assert moment("2026-11-01", "month") == "Nov 2026"
    assert moment("inst-0001", "day") == "inst-0001"


@pytest.mark.parametrize(
    ("days", "interval", "count"),
    [
        (["2026-11-25", "2026-11-26"], "day", 0),
        # In Berlin it is the 27th already when UTC still has the 26th.
        (["2026-11-26", "2026-11-27"], "day", 1),
        (["2026-11-27 00:00:00", "2026-11-26 23:00:00"], "hour", 1),
        (["2026-10-01", "2026-11-01"], "month", 1),
        (["2026-11-16", "2026-11-23"], "week", 1),
    ],
)
def test_what_is_not_over_is_counted_in_the_projects_timezone(days: list[str], interval: str, count: int) -> None:
    answer = {"timezone": "Europe/Berlin", "last_refresh": "2026-11-26T23:30:00Z"}
    assert unfinished(days, interval, answer) == count
    assert unfinished(days, interval, {}) == 0
