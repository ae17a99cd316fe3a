"""Periods as people write them, and figures as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ai_admin.cli.numbers import bar, dollars, moment, number, percent, plain, short, table
from ai_admin.numbers.period import Period
from ai_admin.sheet import as_csv

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("now", NOW),
        ("-24h", NOW - timedelta(days=1)),
        ("-2w", NOW - timedelta(days=14)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:15", datetime(2026, 11, 1, 10, 15, tzinfo=UTC)),
        ("2026-11-01T10:15+02:00", datetime(2026, 11, 1, 8, 15, tzinfo=UTC)),
    ],
)
def test_a_moment_is_what_people_write(written: str, meant: datetime) -> None:
    assert Period.of("2020-01-01", written, NOW).end == meant


@pytest.mark.parametrize("written", ["yesterday", "-1m", "-7", "7d", "2026-13-01", ""])
def test_what_is_no_moment_is_said_with_what_to_write(written: str) -> None:
    with pytest.raises(ValueError, match="write now, -24h, -7d, 2026-11-27 or 2026-11-27T09:30 instead of"):
        Period.of(written, "now", NOW)


def test_a_period_begins_before_it_ends() -> None:
    with pytest.raises(ValueError, match="now is not before -7d"):
        Period.of("now", "-7d", NOW)


def test_what_is_still_to_come_is_no_period() -> None:
    assert Period.of("-7d", "2026-11-28", NOW) == Period(NOW - timedelta(days=7), NOW, NOW)
    with pytest.raises(ValueError, match="a period begins before now: 2026-12-27 is still to come"):
        Period.of("2026-12-27", "2026-12-28", NOW)


def test_it_is_known_whether_a_period_is_over() -> None:
    known = {to: Period.of("-14d", to, NOW) for to in ("now", "-1h", "2026-11-27", "-7d")}
    assert [each.is_over for each in known.values()] == [False, True, True, True]


def test_today_is_the_last_day_of_the_period() -> None:
    assert Period.of("-7d", "now", NOW).today == datetime(2026, 11, 27, tzinfo=UTC)
    assert Period.of("-7d", "2026-11-27", NOW).today == datetime(2026, 11, 26, tzinfo=UTC)


def test_figures_are_short_and_say_what_they_are() -> None:
    assert [number(each) for each in (0, 999, 12_345, 1_240_000, 3.2e9)] == ["0", "999", "12,345", "1.24M", "3.20B"]
    assert [dollars(each) for each in (0, 0.0009, 0.5, 1234.5)] == ["$0.00", "$0.0009", "$0.50", "$1,234.50"]
    assert [dollars(each) for each in (-3, -0.0009)] == ["-$3.00", "-$0.0009"]
    assert [plain(each) for each in (55.0, 10.049999999999997, 0)] == [55, 10.05, 0]
    assert [short(each, 5) for each in ("inst1", "inst-1", "a\tb")] == ["inst1", "inst…", "a\\tb"]
    assert [percent(each) for each in (0, 0.012, 1, 14, -1e-6)] == ["0 %", "1.2 %", "100 %", "1,400 %", "0 %"]
    assert [bar(each, 4) for each in (-1, 0, 0.5, 1, 9)] == ["░░░░", "░░░░", "██░░", "████", "████"]


@pytest.mark.parametrize(
    ("back", "told"),
    [(timedelta(seconds=9), "just now"), (timedelta(minutes=90), "1 h ago"), (timedelta(days=3), "3 d ago")],
)
def test_moments_are_told_as_how_long_ago(back: timedelta, told: str) -> None:
    assert moment(NOW - back, NOW) == told


def test_no_cell_of_a_csv_is_a_formula() -> None:
    assert as_csv([["id", "runs"], ["=1+1", -3], ["a,b", 2]]) == 'id,runs\n\'=1+1,-3\n"a,b",2\n'


def test_columns_are_as_wide_as_what_is_seen_of_them() -> None:
    lines = list(table(["id", "runs"], [["a", "1,000"], ["\x1b[31mlong\x1b[0m", "2"]], right={1}))
    assert lines == ["id     runs", "a     1,000", "\x1b[31mlong\x1b[0m      2"]


def test_a_fraction_in_csv_has_no_noise() -> None:
    cells = [0.1 + 0.2, 12.652854399999995, 934.0, -0.0000012, 5, "-5"]
    assert as_csv([cells]) == "0.3,12.6528544,934,-1.2e-06,5,'-5\n"
