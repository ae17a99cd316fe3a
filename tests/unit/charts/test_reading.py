"""What PostHog's answers show, kind by kind."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ai_admin.charts.figures import Bars, Grid, Number, Plot, Table, Words
from ai_admin.charts.reading import figure
from tools.pictures.examples import EXAMPLES, STAMPS, days, other, series, sql, total, trends


def shown(name: str) -> Any:
    query, answer = EXAMPLES[name][1]
    return figure(query, answer)


def test_lines_have_their_names_goals_and_what_is_not_over() -> None:
    plot = shown("line")
    assert isinstance(plot, Plot)
    assert [each.label for each in plot.series] == ["Median", "95th percentile"]
    assert (plot.mark, plot.stacked, plot.unfinished) == ("line", False, 1)
    assert (plot.points[0], plot.points[-1], plot.interval) == ("2026-10-29", "2026-11-27", "day")
    assert [(goal.label, goal.value) for goal in plot.goals] == [("Standard limit", 4096)]


@pytest.mark.parametrize(
    ("name", "mark", "stacked"),
    [("area", "area", True), ("bar", "bar", True), ("stacked-bar", "bar", True), ("lifecycle", "bar", True)],
)
def test_displays(name: str, mark: str, stacked: bool) -> None:
    plot = shown(name)
    assert (plot.mark, plot.stacked) == (mark, stacked)


def test_breakdown_values_are_named_and_what_has_none_too() -> None:
    assert [each.label for each in shown("area").series] == ["deepseek-chat-v3", "deepseek-chat-r1", "none"]
    results = [
        series("Tokens", [1], breakdown_value=["v3", "$$_posthog_breakdown_other_$$"]),
        series("Runs", [2], breakdown_value=["r1", None]),
        series("Runs", [2], breakdown_value=7, label="Beta installations"),
    ]
    plot = figure(*trends(None, *results))
    assert isinstance(plot, Plot)
    assert [each.label for each in plot.series] == [
        "Tokens: v3 · all others",
        "Runs: r1 · none",
        "Beta installations",
    ]


def test_the_period_before_has_the_same_colour_and_length() -> None:
    query, answer = deepcopy(EXAMPLES["comparison"][1])
    answer["results"][1]["data"].append(1.0)
    plot = figure(query, answer)
    assert isinstance(plot, Plot)
    assert [(each.label, each.colour, each.before) for each in plot.series] == [
        ("Runs", 0, False),
        ("Runs (before)", 0, True),
    ]
    assert {len(each.values) for each in plot.series} == {14}


def test_what_people_hid_is_hidden_and_their_colours_are_kept() -> None:
    first, second = series("A", [1, 2]), {**series("B", [3, 4]), "order": 1}
    by_value = {
        '{"series":0}': {"assignmentBy": "value", "hidden": True},
        '{"series":1}': {"assignmentBy": "value", "color": "preset-4"},
    }
    by_place = {
        "0": {"assignmentBy": "position", "color": "preset-3"},
        "1": {"assignmentBy": "position", "hidden": True},
    }
    for settings, kept in (
        ({"resultCustomizations": by_value}, ("B", 3)),
        ({"resultCustomizations": by_place, "resultCustomizationBy": "position"}, ("A", 2)),
    ):
        plot = figure(*trends(None, first, second, **settings))
        assert isinstance(plot, Plot)
        assert [(each.label, each.colour) for each in plot.series] == [kept]


def test_shares_of_a_stack_are_percent() -> None:
    plot = figure(*trends("ActionsBar", series("A", [1, 0]), series("B", [3, 0]), showPercentStackView=True))
    assert isinstance(plot, Plot)
    assert [each.values for each in plot.series] == [(0.25, 0.0), (0.75, 0.0)]
    assert plot.format(0.25) == "25%"


def test_totals_are_bars_a_pie_or_a_table() -> None:
    bars, pie = shown("bar-value"), shown("pie")
    assert isinstance(bars, Bars)
    assert [(bar.label, bar.note, round(bar.share, 2)) for bar in bars.bars] == [
        ("deepseek-chat-v3", "$1,840.5", 1.0),
        ("deepseek-chat-r1", "$912.25", 0.5),
        ("none", "$40", 0.02),
    ]
    assert pie.pie
    assert [bar.note for bar in pie.bars] == ["$1,840.5 (65.9%)", "$912.25 (32.7%)", "$40 (1.4%)"]
    table = figure(*trends("ActionsTable", total("A", 3), total("B", 4)))
    assert isinstance(table, Table)
    assert table.cells == (("A", "3"), ("B", "4"))


@pytest.mark.parametrize(
    ("now", "before", "note"),
    [
        (2792.75, 2450, "up 14.0% from $2,450 before"),
        (50, 100, "down 50.0% from $100 before"),
        (5, 5, "unchanged from $5 before"),
        (5, 0, "up from $0 before"),
        (0, None, ""),
    ],
)
def test_a_number_says_how_it_compares(now: float, before: float | None, note: str) -> None:
    results = [total("Spend", now, compare_label="current")]
    results += [] if before is None else [total("Spend", before, compare_label="previous")]
    found = figure(*trends("BoldNumber", *results, aggregationAxisPrefix="$"))
    assert isinstance(found, Number)
    assert (found.value, found.note) == (now, note)


def test_hours_by_weekdays_are_a_grid() -> None:
    item = {**total("Runs", 0), "calendar_heatmap_data": {"data": [{"row": 1, "column": 23, "value": 7}]}}
    grid = figure(*trends("CalendarHeatmap", item))
    assert isinstance(grid, Grid)
    assert (grid.names[0], grid.notes[0], grid.cells[0][23] and grid.cells[0][23].text) == ("Mon", "7", "7")


def test_lifecycle_shows_who_is_asked_for() -> None:
    assert [each.label for each in shown("lifecycle").series] == ["new", "returning", "resurrecting", "dormant"]
    query, answer = deepcopy(EXAMPLES["lifecycle"][1])
    query["source"]["lifecycleFilter"]["toggledLifecycles"] = ["dormant", "new"]
    plot = figure(query, answer)
    assert isinstance(plot, Plot)
    assert [(each.label, each.colour) for each in plot.series] == [("new", 0), ("dormant", 3)]
    assert min(plot.series[1].values) < 0


def test_stickiness_counts_days() -> None:
    plot = shown("stickiness")
    assert (plot.points[0], plot.points[6], plot.series[0].values[0]) == ("1 day", "7 days", 31)


def test_a_funnel_has_each_step_with_its_conversion_and_time() -> None:
    assert [(bar.label, bar.note, round(bar.share, 2)) for bar in shown("funnel").bars] == [
        ("1. Ran", "184 (100.0%)", 1.0),
        ("2. Ran again", "176 (95.7%), 3s", 0.96),
        ("3. Gave feedback", "61 (33.2%), 1h 30m", 0.33),
    ]


def test_a_funnel_may_refer_to_the_step_before_and_have_a_breakdown() -> None:
    query, answer = deepcopy(EXAMPLES["funnel"][1])
    query["source"]["funnelsFilter"] = {"funnelStepReference": "previous"}
    v3 = [{**step, "breakdown_value": ["v3"]} for step in answer["results"]]
    none = [{**step, "breakdown_value": [""], "count": 0} for step in answer["results"]]
    bars = figure(query, {**answer, "results": [v3, none]})
    assert isinstance(bars, Bars)
    assert [(bar.label, bar.colour) for bar in bars.bars[:2]] == [("1. Ran: v3", 0), ("1. Ran: none", 1)]
    assert bars.bars[4].note == "61 (34.7%), 1h 30m"
    assert bars.bars[5].note == "0 (0.0%), 1h 30m"


def test_funnels_over_time() -> None:
    plot = shown("funnel-trends")
    assert (plot.mark, plot.format(plot.series[0].values[0]), plot.unfinished) == ("line", "70%", 1)
    times = figure(*other("FunnelsQuery", {"bins": [[0, 3], [60, 1], [120, 0]]},
                          funnelsFilter={"funnelVizType": "time_to_convert"}))  # fmt: skip
    assert isinstance(times, Plot)
    assert (times.points, times.series[0].values) == (("0s", "1m", "2m"), (3, 1, 0))


def test_retention_leaves_out_what_is_to_come_and_marks_what_is_not_over() -> None:
    query, answer = deepcopy(EXAMPLES["retention"][1])
    nobody = [{"count": 0, "label": f"Week {k}"} for k in range(8)]
    answer["results"].insert(0, {"date": "2026-10-02T00:00:00+02:00", "label": "Week 0", "values": nobody})
    grid = figure(query, answer)
    assert isinstance(grid, Grid)
    assert (grid.names[1], grid.notes[1], set(grid.cells[1])) == ("2 Oct", "0", {None})
    assert grid.columns[:3] == ("", "size", "Week 0")
    assert (grid.names[::2][:2], grid.notes[::2][:2]) == (("Mean", "9 Oct"), ("", "120"))
    last = grid.cells[-1]
    assert [cell and (cell.text, cell.unfinished) for cell in last] == [("100.0%", True), *[None] * 7]
    first = [cell.text for cell in grid.cells[2] if cell]
    assert first == ["100.0%", "75.0%", "68.3%", "60.8%", "54.2%", "46.7%", "40.0%", "33.3%"]
    assert grid.cells[0][7] is None, "the only week of that age is not over"


def test_retention_in_other_ways() -> None:
    def row(date: str, *counts: int) -> dict[str, Any]:
        values = [{"count": n, "label": f"Month {k}", "aggregation_value": 10 * n} for k, n in enumerate(counts)]
        return {"date": date, "label": "x", "values": values, "breakdown_value": ""}

    rows = [row("2026-08-01T00:00:00+02:00", 10, 5, 1, 0), row("2026-09-01T00:00:00+02:00", 30, 30, 15, 0)]

    def texts(**asked: Any) -> list[list[str]]:
        grid = figure(*other("RetentionQuery", rows, retentionFilter={"period": "Month", **asked}))
        assert isinstance(grid, Grid)
        return [[cell.text for cell in line if cell] for line in grid.cells]

    assert texts() == [
        ["100.0%", "75.0%", "10.0%"],
        ["100.0%", "50.0%", "10.0%", "0.0%"],
        ["100.0%", "100.0%", "50.0%"],
    ]
    assert texts(meanRetentionCalculation="weighted")[0] == ["100.0%", "87.5%", "10.0%"]
    assert texts(meanRetentionCalculation="none", retentionReference="previous")[0][1:3] == ["50.0%", "20.0%"]
    assert texts(aggregationType="sum")[0] == ["100", "50", "10", "0"]


def test_paths_say_from_where_to_where() -> None:
    assert [(bar.label, bar.note) for bar in shown("paths").bars[:2]] == [
        ("1. Search → Answer", "640, 4s"),
        ("1. Search → Search", "210, 9s"),
    ]


def test_sql_as_a_table_has_the_columns_that_are_asked_for_in_their_formats() -> None:
    table = shown("table")
    assert table.columns == ("installation", "channel", "version", "tokens", "cost")
    assert table.cells[0] == ("inst-0001", "beta", "2.8.0", "9.88M", "$812.40")
    assert table.numeric == (False, False, False, True, True)
    plain = figure(*sql(["a", "b"], [[None, {"x": [1]}], [True, 1.5]]))
    assert isinstance(plain, Table)
    assert plain.cells == (("", '{"x": [1]}'), ("true", "1.5"))


def test_sql_as_a_chart() -> None:
    rows = [["2026-11-01", "v3", 3], ["2026-11-01", "r1", 1], ["2026-11-02", "v3", 4]]
    asked = {"xAxis": {"column": "day"}, "yAxis": [{"column": "n"}], "goalLines": [{"label": "Most", "value": 9}]}
    plot = figure(*sql(["day", "model", "n"], rows, display="ActionsStackedBar",
                       chartSettings={**asked, "seriesBreakdownColumn": "model"}))  # fmt: skip
    assert isinstance(plot, Plot)
    assert (plot.points, plot.interval) == (("2026-11-01", "2026-11-02"), "day")
    assert [(each.label, each.values) for each in plot.series] == [("v3", (3, 4)), ("r1", (1, 0))]
    assert (plot.stacked, plot.goals[0].value) == (True, 9)
    pie = figure(*sql(["model", "n"], [["v3", 3], ["r1", 1]], display="ActionsPie"))
    assert isinstance(pie, Bars)
    assert [bar.note for bar in pie.bars] == ["3 (75.0%)", "1 (25.0%)"]
    axis = {"column": "dollars", "settings": {"formatting": {"prefix": "$", "decimalPlaces": 2}}}
    number = figure(*sql(["m", "dollars"], [["x", 12.5]], display="BoldNumber", chartSettings={"yAxis": [axis]}))
    assert isinstance(number, Number)
    assert number.text == "$12.50"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        trends(None, series("Runs", [0, 0])),
        trends(None),
        trends("ActionsPie", total("Runs", 0)),
        trends("BoldNumber", total("Runs", 0) | {"aggregated_value": None}),
        other("FunnelsQuery", []),
        other("FunnelsQuery", [], funnelsFilter={"funnelVizType": "trends"}),
        other("RetentionQuery", [{"date": days(1)[0], "values": [{"count": 0, "label": "Day 0"}]}], retentionFilter={}),
        other("PathsQuery", []),
        other("LifecycleQuery", []),
        other("StickinessQuery", [series("A", [0])]),
        sql(["a"], []),
    ],
)
def test_no_data_is_said(query: Any, answer: Any) -> None:
    found = figure(query, answer)
    assert isinstance(found, Words)
    assert found.text.startswith("No data")
    assert not found.failed


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "Unknown table `evnts`"},
        {"results": None, "query_status": {"error": True, "error_message": "Unknown table `evnts`"}},
    ],
)
def test_a_query_that_failed_says_why(answer: Any) -> None:
    assert figure({}, answer) == Words("The query failed: Unknown table `evnts`", failed=True)


def test_an_answer_of_another_shape_fails_in_words() -> None:
    query, _ = EXAMPLES["line"][1]
    found = figure(query, {"results": [{"data": [1]}], **STAMPS})
    assert isinstance(found, Words)
    assert found.failed
    assert "PostHog's answer to a TrendsQuery is not as this version knows it" in found.text


def test_what_is_not_drawn_is_said() -> None:
    assert figure({"kind": "WebOverviewQuery"}, {"results": []}) == Words(
        "A WebOverviewQuery is drawn on PostHog's page only."
    )
    assert figure(*trends("BoxPlot")) == Words("A box plot is drawn on PostHog's page only.")


def test_every_figure_can_be_told_as_rows() -> None:
    rows = {name: figure(*pair).rows() for name, (_, pair) in EXAMPLES.items()}
    assert rows["line"][0] == ["", "Median", "95th percentile"]
    assert rows["line"][1][0] == "2026-10-29"
    assert rows["pie"][1] == ["deepseek-chat-v3", 1840.5]
    assert rows["number"] == [["value"], [2792.75]]
    assert rows["table"][1][3] == 9876543
    assert rows["retention"][2][:3] == ["9 Oct", "120", 1.0]
    assert rows["failed"] == []


def test_areas_of_two_periods_are_lines_which_are_not_stacked_on_each_other() -> None:
    query, answer = deepcopy(EXAMPLES["comparison"][1])
    query["source"]["trendsFilter"]["display"] = "ActionsAreaGraph"
    plot = figure(query, answer)
    assert isinstance(plot, Plot)
    assert (plot.mark, plot.stacked) == ("line", False)
