"""A back-test as a figure."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from ai_admin.charts import LIGHT, spec
from ai_admin.numbers.alerting import Line, Past, Rule, outcome
from ai_admin.numbers.backtest import Told
from ai_admin.numbers.picture import POINTS, plot

START, DAY = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=1)


def told(rule: Rule, *values: float) -> Told:
    starts = [START + n * DAY for n in range(len(values) + 1)]
    past = Past(starts, [Line("A", (*values, 0))])
    checks = [each + timedelta(hours=1) for each in starts[1:]]
    return Told(outcome(rule, past, checks))


def test_what_each_check_compared_is_drawn_with_the_bounds_and_the_firings() -> None:
    drawn = plot(told(Rule("absolute_value", 1, 10), 5, 20, 30, 5, 0))
    [line] = drawn.series
    assert list(line.values) == [5, 20, 30, 5, 0]
    assert (drawn.points[0], drawn.zone) == ("2026-03-02T01:00:00+00:00", "UTC")
    assert spec(drawn, LIGHT)["layer"][1]["encoding"]["x"]["axis"]["title"] == "UTC"
    assert list(drawn.marked) == [(1, 3), (4, 4)]
    assert [(each.label, each.value) for each in drawn.goals] == [("below", 1), ("above", 10)]
    ground = spec(drawn, LIGHT)["layer"][0]
    assert ground["mark"]["type"] == "rect"
    assert ground["encoding"]["x"]["axis"]["labelAngle"] == 0, "else labels are aligned as upright ones, over the 0"
    assert ground["data"]["values"] == [{"from": 1, "to": 3}, {"from": 4, "to": 4}]


def test_growth_from_nothing_is_as_high_as_the_highest() -> None:
    found = told(Rule("relative_increase", None, 0.5, share=True), 4, 8, 0, 5)
    assert [each.seen for each in found.outcome.checks][1:] == [1, -1, math.inf]
    drawn = plot(found)
    assert list(drawn.series[0].values) == [100, -100, 100]
    assert [drawn.format(each.value) for each in drawn.goals] == ["50 %"], "as the texts write it"


def test_of_many_checks_no_firing_is_lost() -> None:
    values = [0] * (3 * POINTS)
    values[1000] = 20
    drawn = plot(told(Rule("absolute_value", None, 10), *values))
    assert len(drawn.points) == POINTS
    assert max(drawn.series[0].values) == 20
    assert drawn.marked == ((333, 334),)
