"""What an alert finds at a check, and when it is checked. The numbers are worked out by hand from PostHog's rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ai_admin.numbers.alerting import Line, Outcome, Past, Rule, outcome
from ai_admin.numbers.schedule import Schedule

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def past(*values: float | None, step: timedelta = DAY, label: str = "A") -> Past:
    return Past([MONDAY + n * step for n in range(len(values))], [Line(label, values)], step=step)


def rule(condition: str = "absolute_value", *, ongoing: bool = False, **threshold: Any) -> Rule:
    alert = {"condition": condition, "threshold": threshold, "config": {"check_ongoing_interval": ongoing}}
    return Rule.of(alert, "day")


def daily(rule: Rule, values: Past, days: Sequence[int]) -> Outcome:
    return outcome(rule, values, [MONDAY + day * DAY + HOUR for day in days])


@pytest.mark.parametrize(
    ("condition", "threshold", "before", "now", "compared", "breaches"),
    [
        ("absolute_value", {"upper": 10}, 0, 10, 10, False),
        ("absolute_value", {"upper": 10}, 0, 11, 11, True),
        ("absolute_value", {"lower": 1}, 0, 0, 0, True),
        ("absolute_value", {"lower": 1, "upper": 10}, 0, 5, 5, False),
        ("relative_increase", {"upper": 4}, 5, 10, 5, True),
        ("relative_increase", {"upper": 5}, 5, 10, 5, False),
        ("relative_increase", {"upper": 0.5, "type": "percentage"}, 4, 7, 0.75, True),
        ("relative_increase", {"upper": 0.5, "type": "percentage"}, 7, 4, -3 / 7, False),
        ("relative_increase", {"upper": 0.5, "type": "percentage"}, 0, 1, float("inf"), True),
        ("relative_increase", {"upper": 0.5, "type": "percentage"}, 0, 0, 0, False),
        ("relative_decrease", {"upper": 0.5, "type": "percentage"}, 8, 2, 0.75, True),
        ("relative_decrease", {"upper": 2}, 2, 8, -6, False),
        ("relative_decrease", {"lower": -5}, 2, 8, -6, True),
    ],
)
def test_what_is_compared_with_the_bounds(
    condition: str, threshold: dict[str, Any], before: float, now: float, compared: float, breaches: bool
) -> None:
    [found] = daily(rule(condition, **threshold), past(before, now, 999), [2]).checks
    assert found.value == pytest.approx(compared)
    assert found.breach is breaches


def test_an_alert_fires_until_a_check_finds_it_over() -> None:
    found = daily(rule(upper=10), past(1, 20, 30, 1, 20, 0), [1, 2, 3, 4, 5])
    assert [(each.start, each.end, each.checks, each.worst) for each in found.firings] == [
        (MONDAY + 2 * DAY + HOUR, MONDAY + 4 * DAY + HOUR, 2, 30),
        (MONDAY + 5 * DAY + HOUR, None, 1, 20),
    ]
    assert found.messages == 3


def test_the_values_of_a_funnel_are_said_in_per_cent() -> None:
    alert = {"threshold": {"lower": 0.999}, "config": {"type": "FunnelsAlertConfig"}}
    found = Rule.of(alert, "day")
    assert (str(found), found.written(100), found.written(-99.001)) == ("below 0.999 %", "100 %", "-99.001 %")
    assert str(Rule.of({**alert, "condition": "relative_decrease"}, "day")) == "a decrease below 0.999 points"


def test_what_grew_from_nothing_is_said_in_words() -> None:
    found = daily(rule("relative_increase", upper=0.5, type="percentage"), past(0, 7, 7, 0), [2, 3])
    [firing] = found.firings
    assert (firing.worst, found.rule.written(firing.worst), found.rule.written(0.5)) == (None, "from nothing", "50 %")


def test_the_interval_that_is_not_over_has_what_was_there_so_far() -> None:
    hours = past(*[10] * 48, step=HOUR)
    days = Past([MONDAY, MONDAY + DAY], [Line("A", (240, 240))], finer=hours)
    at = [MONDAY + DAY + n * HOUR for n in (0, 3, 4, 23)]
    found = outcome(rule(upper=35, ongoing=True), days, at)
    assert [each.value for each in found.checks] == [0, 30, 40, 230]
    assert [each.start for each in found.firings] == [at[2]]
    before = outcome(rule("relative_increase", upper=-205, ongoing=True), days, at)
    assert [each.value for each in before.checks] == [-240, -210, -200, -10]


def test_any_value_of_a_breakdown_breaches_but_one_that_nothing_had() -> None:
    starts = [MONDAY + n * DAY for n in range(6)]
    lines = [Line("old", (9, 9, 0, 0, 0, 0)), Line("new", (0, 0, 0, 0, 9, 9))]
    broken = Past(starts, lines, broken_down=True)
    high = daily(rule(upper=5), broken, [1, 5])
    assert [(each.value, each.label) for each in high.checks] == [(9, "old"), (9, "new")]
    low = daily(rule(lower=1), broken, [1, 3, 4])
    # A day later nothing had "old" in the two days before. "new" comes only after the check: no result is nothing.
    assert [(each.value, each.label, each.breach) for each in low.checks] == [
        (None, "", False),
        (0, "old", True),
        (0, "", True),
    ]
    none = daily(rule(lower=1), Past(starts, [Line("old", (9, 0, 0, 0, 0, 0))], broken_down=True), [5])
    assert none.checks[0].breach
    assert none.checks[0].label == ""


def test_no_result_counts_as_nothing() -> None:
    nothing = Past([MONDAY + n * DAY for n in range(3)], [])
    assert daily(rule(lower=1), nothing, [2]).checks[0].breach
    assert not daily(rule(upper=1), nothing, [2]).checks[0].breach


def test_a_point_without_a_value_says_nothing() -> None:
    found = daily(rule(lower=1), past(5, None, 5), [2])
    assert [(each.value, each.breach) for each in found.checks] == [(None, False)]


def test_a_series_that_is_not_there_is_said() -> None:
    watching = Rule("absolute_value", None, 1, series=2)
    with pytest.raises(ValueError, match="watches series 2, and the insight has 1"):
        daily(watching, past(1, 2), [1])


@pytest.mark.parametrize(
    ("interval", "checked", "threshold", "ongoing"),
    [
        ("day", "hourly", {"upper": 1}, True),
        ("day", "daily", {"upper": 1}, False),
        ("day", "hourly", {"lower": 1}, False),
        ("hour", "hourly", {"upper": 1}, False),
        ("hour", "every_15_minutes", {"upper": 1}, True),
    ],
)
def test_posthog_looks_at_what_is_not_over_where_it_checks_more_often(
    interval: str, checked: str, threshold: dict[str, Any], ongoing: bool
) -> None:
    assert Rule.of({"calculation_interval": checked, "threshold": threshold}, interval).ongoing is ongoing


def checks(start: datetime, days: float, known: datetime | None = None, **alert: Any) -> list[str]:
    zone = ZoneInfo(alert.pop("zone", "UTC"))
    found = Schedule.of(alert, zone).times(start, start + days * DAY, known)
    return [f"{each.astimezone(zone):%a %H:%M}" for each in found]


def test_checks_of_each_interval() -> None:
    assert checks(MONDAY, 1 / 24, calculation_interval="every_15_minutes")[:3] == [
        "Mon 00:00", "Mon 00:15", "Mon 00:30",
    ]  # fmt: skip
    assert checks(MONDAY, 0.1, calculation_interval="hourly") == ["Mon 00:00", "Mon 01:00", "Mon 02:00"]
    assert checks(MONDAY, 3) == ["Mon 01:00", "Tue 01:00", "Wed 01:00"]
    assert checks(MONDAY, 15, calculation_interval="weekly") == ["Mon 03:00", "Mon 03:00", "Mon 03:00"]
    assert checks(MONDAY, 60, calculation_interval="monthly") == ["Wed 04:00"]
    assert checks(MONDAY, 2, schedule_start_time="08:30") == ["Mon 08:30", "Tue 08:30"]


def test_checks_are_in_the_projects_time_and_at_the_minute_of_the_others() -> None:
    assert checks(MONDAY, 2, zone="Europe/Berlin") == ["Mon 01:00", "Tue 01:00"]
    other = MONDAY + 40 * DAY + timedelta(minutes=17)
    assert checks(MONDAY, 0.1, other, calculation_interval="hourly") == ["Mon 00:17", "Mon 01:17", "Mon 02:17"]
    assert checks(MONDAY, 2, other) == ["Mon 01:17", "Tue 01:17"]


def test_no_check_at_weekends_and_in_quiet_hours() -> None:
    assert checks(MONDAY + 4 * DAY, 4, skip_weekend=True) == ["Fri 01:00", "Mon 01:00"]
    night = {"blocked_windows": [{"start": "22:30", "end": "06:00"}]}
    found = checks(MONDAY + 21 * HOUR, 0.5, calculation_interval="hourly", schedule_restriction=night)
    assert found == ["Mon 21:00", "Mon 22:00", "Tue 06:00", "Tue 07:00", "Tue 08:00"]
    assert Schedule.of({"schedule_restriction": night}, ZoneInfo("UTC")).blocked == ((time(22, 30), time(6)),)
