"""What alerts find: events in, a value and sentences out, for each condition, threshold and configuration."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.resources.analytics.alert_evaluation import Outcome, evaluate
from sandbox.storage.store import Data
from sandbox.tests.query.world import NOW, Project, World, event

PERCENT = "percentage"


@pytest.fixture(scope="module")
def project(world: World) -> Project:
    """Runs by day: 2, 4 and, on the day that is under way, 3 before 12:30 and one after; of model b 0, 1 and 3."""
    project = world.project()
    days = {"15": "aa", "16": "aaaa"[:2], "17": "aaab", "18": "bbb"}
    project.capture(
        event("run", f"{day}-{number}", f"2026-03-{day}T{9 + number:02}:00:00Z", model=model, cost=number + 0.5)
        for day, models in days.items()
        for number, model in enumerate(models)
    )
    project.capture([event("run", "late", "2026-03-18T12:31:00Z", model="b", cost=100)])
    project.capture(event("paid", f"17-{number}", "2026-03-17T20:00:00Z") for number in range(3))
    return project


def trends(**more: Any) -> Data:
    return {"kind": "TrendsQuery", "interval": "day", "series": [{"kind": "EventsNode", "event": "run"}], **more}


def check(project: Project, query: Data, condition: str = "absolute_value", kind: str = "absolute",
          now: datetime = NOW, config: Data | None = None, **bounds: float) -> Outcome:  # fmt: skip
    alert = {
        "condition": {"type": condition},
        "threshold": {"configuration": {"type": kind, "bounds": bounds}},
        "config": {"type": "TrendsAlertConfig", "series_index": 0, **(config or {})},
        "detector_config": None,
        "forecast_config": None,
    }
    return evaluate(project.world.services.queries, project.row, alert, query, now)


ONGOING = {"check_ongoing_interval": True}
INCREASE, DECREASE = "relative_increase", "relative_decrease"
OF_TRENDS: list[tuple[str, str, Data, dict[str, float], float, str]] = [
    # The last whole day, not the one under way.
    ("absolute_value", "absolute", {}, {"upper": 4}, 4, ""),
    ("absolute_value", "absolute", {}, {"upper": 3}, 4, "(run) for previous day (4) is more than upper threshold (3)"),
    ("absolute_value", "absolute", {}, {"lower": 4}, 4, ""),
    ("absolute_value", "absolute", {}, {"lower": 5}, 4, "(run) for previous day (4) is less than lower threshold (5)"),
    ("absolute_value", "absolute", ONGOING, {"upper": 2}, 3,
     "(run) for current day (3) is more than upper threshold (2)"),
    (INCREASE, "absolute", {}, {"upper": 1}, 2, "(run) for previous day (2) increased more than upper threshold (1)"),
    (INCREASE, "absolute", {}, {"upper": 2}, 2, ""),
    (INCREASE, PERCENT, {}, {"upper": 0.5}, 1,
     "(run) for previous day (100.00%) increased more than upper threshold (50.00%)"),
    (INCREASE, PERCENT, ONGOING, {"upper": 0.5}, -0.25, ""),
    (INCREASE, "absolute", {}, {"lower": 3}, 2, "(run) for previous day (2) increased less than lower threshold (3)"),
    (DECREASE, "absolute", {}, {"upper": 0}, -2, ""),
    (DECREASE, PERCENT, {}, {"lower": 0.1}, -1,
     "(run) for previous day (-100.00%) decreased less than lower threshold (10.00%)"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "kind", "config", "bounds", "value", "sentence"), OF_TRENDS)
def test_trends(
    project: Project, condition: str, kind: str, config: Data, bounds: Any, value: float, sentence: str
) -> None:
    found = check(project, trends(), condition, kind, config=config, **bounds)
    assert (found.value, found.breaches) == (value, [f"The insight value {sentence}"] if sentence else [])


def test_a_check_sees_the_events_up_to_its_own_time(project: Project) -> None:
    later = datetime(2026, 3, 18, 12, 31, tzinfo=UTC)
    assert check(project, trends(), config=ONGOING, upper=9).value == 3
    assert check(project, trends(), config=ONGOING, upper=9, now=later).value == 4
    sql = {"kind": "HogQLQuery", "query": "SELECT count() FROM events WHERE event = 'run'"}
    assert check(project, sql, config={"type": "HogQLAlertConfig"}, upper=99).value == 11
    assert project.sql("SELECT count() FROM events WHERE event = 'run'") == [[12]], "only of checks"


def test_a_rise_from_nothing_is_infinite(project: Project) -> None:
    first = datetime(2026, 3, 16, 12, 30, tzinfo=UTC)
    found = check(project, trends(), INCREASE, PERCENT, now=first, upper=10)
    assert found.breaches == ["The insight value (run) for previous day (inf%) increased more than upper threshold "
                              "(1000.00%)"]  # fmt: skip
    before = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
    assert check(project, trends(), INCREASE, PERCENT, now=before, upper=10) == Outcome(0)


@pytest.mark.parametrize("by", [{"breakdown": "model", "breakdown_type": "event"}, {"breakdown": "model"}])
def test_one_value_of_a_breakdown_is_enough_and_is_named(project: Project, by: dict[str, Any]) -> None:
    by_model = trends(breakdownFilter=by)
    found = check(project, by_model, lower=2)
    assert found == Outcome(1, ["The insight value (b) for previous day (1) is less than lower threshold (2)"])
    assert check(project, by_model, lower=1) == Outcome(None), "no value stands for all"


def test_a_number_is_of_its_whole_range_and_written_as_it_is_shown(project: Project) -> None:
    cost = {"kind": "EventsNode", "event": "run", "math": "sum", "math_property": "cost"}
    shown = {"display": "BoldNumber", "aggregationAxisPrefix": "$", "decimalPlaces": 1}
    found = check(project, trends(series=[cost], trendsFilter=shown), upper=14.25)
    assert found == Outcome(
        16.5, ["The insight value (run) for current interval ($16.5) is more than upper threshold ($14.2)"]
    )


def test_the_series_of_the_index_and_formulas(project: Project) -> None:
    two = [{"kind": "EventsNode", "event": name} for name in ("run", "paid")]
    assert check(project, trends(series=two), config={"series_index": 1}, upper=2).breaches == [
        "The insight value (paid) for previous day (3) is more than upper threshold (2)"
    ]
    share = trends(series=two, trendsFilter={"formula": "B / A"})
    assert check(project, share, upper=0.7).value == 0.75


ROWS = """SELECT properties.model AS model, count() AS runs, max(properties.cost) AS dearest FROM events
    WHERE event = 'run' GROUP BY model ORDER BY model"""


@pytest.mark.parametrize(
    ("config", "bounds", "outcome"),
    [
        ({"evaluation": "last_row"}, {"upper": 3},
         Outcome(4, ["The SQL insight value (b) (4.0) is more than upper threshold (3)"])),
        ({"evaluation": "first_row"}, {"upper": 3},
         Outcome(7, ["The SQL insight value (a) (7.0) is more than upper threshold (3)"])),
        ({"evaluation": "first_row", "label_column": "dearest"}, {"upper": 3},
         Outcome(7, ["The SQL insight value (2.5) (7.0) is more than upper threshold (3)"])),
        ({"evaluation": "any_row"}, {"upper": 9}, Outcome(None)),
        ({"evaluation": "any_row"}, {"upper": 3},
         Outcome(7, ["The SQL insight value (a) (7.0) is more than upper threshold (3)",
                     "The SQL insight value (b) (4.0) is more than upper threshold (3)"],
                 rows=[{"label": "a", "value": 7}, {"label": "b", "value": 4}])),
        ({"column": "no"}, {"upper": 3},
         Outcome(error="SQL alert column 'no' is not in the result columns (model, runs, dearest).")),
        ({"column": None}, {"upper": 3},
         Outcome(error="SQL alert query returns 3 columns (model, runs, dearest) and more than one of them is numeric "
                       "— pick the column to evaluate in the alert settings.")),
        ({"column": "model"}, {"upper": 3},
         Outcome(error="SQL alert query must return a numeric value to evaluate "
                       "(got str for the second-to-last row).")),
    ],
)  # fmt: skip
def test_rows_of_sql(project: Project, config: Data, bounds: Any, outcome: Outcome) -> None:
    sql = {"kind": "HogQLQuery", "query": ROWS}
    assert check(project, sql, config={"type": "HogQLAlertConfig", "column": "runs", **config}, **bounds) == outcome


def test_rows_of_sql_that_are_many_few_or_none(project: Project) -> None:
    config = {"type": "HogQLAlertConfig", "evaluation": "any_row"}
    many = check(project, {"kind": "HogQLQuery", "query": "SELECT arrayJoin(range(52))"}, config=config, upper=60)
    assert many.error == (
        "Any-row SQL alerts evaluate at most 50 rows, but the query returned 52 — add a LIMIT or aggregate the query."
    )
    seven = check(project, {"kind": "HogQLQuery", "query": "SELECT arrayJoin(range(7))"}, config=config, lower=9)
    assert (len(seven.breaches), seven.breaches[5], len(seven.rows)) == (6, "...and 2 more rows breach", 7)
    assert seven.breaches[0] == "The SQL insight value (row 1) (0.0) is less than lower threshold (9)"
    none = {"kind": "HogQLQuery", "query": "SELECT count() AS n FROM events WHERE event = 'no' GROUP BY event"}
    assert check(project, none, config=config, lower=1) == Outcome(
        0, ["The SQL insight value (0.0) is less than lower threshold (1)"]
    )
    one = {"kind": "HogQLQuery", "query": "SELECT 3"}
    relative = check(project, one, INCREASE, config={"type": "HogQLAlertConfig"}, upper=1)
    assert relative.error == "Relative alerts on SQL insights need at least two rows (current and previous)."
    rising = {"kind": "HogQLQuery", "query": "SELECT arrayJoin([2, 3])"}
    assert check(project, rising, INCREASE, PERCENT, config={"type": "HogQLAlertConfig"}, upper=1).value == 0.5


FUNNEL: Data = {
    "kind": "FunnelsQuery",
    "series": [{"kind": "EventsNode", "event": name} for name in ("run", "paid", "refunded")],
    "dateRange": {"date_from": "-7d"},
}


@pytest.mark.parametrize(
    ("config", "outcome"),
    [
        ({"funnel_step": 1}, (27.27, ["The funnel conversion rate (27.27"])),
        ({"funnel_step": 1, "metric": "conversion_from_previous"}, (27.27, ["The funnel conversion rate (27.27"])),
        ({}, (0, ["The funnel conversion rate (0.0%) is less than lower threshold (50%)"])),
        ({"funnel_step": 0}, (100, [])),
    ],
)  # fmt: skip
def test_steps_of_a_funnel(project: Project, config: Data, outcome: tuple[float, list[str]]) -> None:
    found = check(project, FUNNEL, config={"type": "FunnelsAlertConfig", **config}, lower=50)
    assert found.value == pytest.approx(outcome[0], abs=0.01)
    assert [text[: len(start)] for text, start in zip(found.breaches, outcome[1], strict=True)] == outcome[1]


def test_funnels_over_time_and_what_they_refuse(project: Project) -> None:
    config = {"type": "FunnelsAlertConfig"}
    two = {**FUNNEL, "series": FUNNEL["series"][:2], "funnelsFilter": {"funnelVizType": "trends"}}
    assert check(project, two, config=config, upper=50) == Outcome(
        75.0, ["The funnel conversion rate (75.0%) is more than upper threshold (50%)"]
    )
    assert check(project, two, INCREASE, config=config, upper=80).value == 75
    first = check(project, FUNNEL, config={**config, "funnel_step": 0, "metric": "conversion_from_previous"}, lower=1)
    assert first.error is not None
    assert first.error.startswith("conversion_from_previous is undefined at the first step")
    nobody = {**FUNNEL, "series": [{"kind": "EventsNode", "event": "no"}] * 2}
    assert check(project, nobody, config=config, lower=1).error == "Funnel steps alert query returned no data."


def test_an_anomaly_is_refused_not_guessed(project: Project) -> None:
    alert = {"detector_config": {"type": "zscore"}, "forecast_config": None}
    found = evaluate(project.world.services.queries, project.row, alert, trends(), NOW)
    assert found.error == "The query could not be run: this server does not compute anomalies and forecasts."
