"""When a cron expression is due (crontab(5))."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox.resources.approvals.cron import parse

FRIDAY = datetime(2026, 1, 30, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("* * * * *", "2026-01-30 10:16"),
        ("*/20 * * * *", "2026-01-30 10:20"),
        ("0 9 * * 1-5", "2026-02-02 09:00"),
        ("0 9 * * MON", "2026-02-02 09:00"),
        ("0 0 * * 7", "2026-02-01 00:00"),
        ("0 0 31 * *", "2026-01-31 00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("15 10 30 jan *", "2027-01-30 10:15"),
        ("0 12 1 * sat", "2026-01-31 12:00"),
        ("5,10 8-9/1 * * *", "2026-01-31 08:05"),
    ],
)
def test_the_next_time_is_strictly_later(expression: str, due: str) -> None:
    assert parse(expression).after(FRIDAY).strftime("%Y-%m-%d %H:%M") == due


def test_the_hour_is_that_of_the_clock_on_the_wall() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))  # the night before summer time
    due = parse("0 9 * * *").after(before)
    assert due.astimezone(UTC).hour == 7


@pytest.mark.parametrize("expression", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *",
                                        "*/0 * * * *", "5-1 * * * *", "* * * 13 *", "* * * * 8"])  # fmt: skip
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(expression)


def test_an_expression_that_is_never_due_says_so() -> None:
    with pytest.raises(ValueError, match="never due"):
        parse("0 0 30 2 *").after(FRIDAY)
