"""Examples that PostHog's own tests work out: what was captured, and which numbers come of it.

Each names its test, in posthog/hogql_queries, posthog/hogql or products/product_analytics/backend/hogql_queries.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.tests.query.world import Project, World, event

START = datetime(2026, 3, 18, 1, tzinfo=UTC)  # of the day that `world.NOW` is in
Journeys = dict[str, list[str]]  # by person: events a minute apart, or "event @ time", then with `key=value` after it


def _captured(world: World, journeys: Journeys, also: Iterable[dict[str, Any]] = (), **settings: Any) -> Project:
    found = list(also)
    for who, steps in journeys.items():
        for number, step in enumerate(steps):
            text, *pairs = step.split("; ")
            name, _, at = text.partition(" @ ")
            moment = at or (START + timedelta(minutes=number)).isoformat()
            found.append(event(name, who, moment, **dict(pair.split("=") for pair in pairs)))
    found.sort(key=lambda each: datetime.fromisoformat(each["timestamp"]).astimezone(UTC))
    return world.of(found, **settings)


def _at(day: str, hour: int = 12, minute: int = 0) -> str:
    return f"{day}T{hour:02d}:{minute:02d}:00+00:00"


def _series(*names: str | None) -> list[dict[str, Any]]:
    return [{"kind": "EventsNode", "event": name} for name in names]


# Trends: trends/test/test_trends_query_runner.py -------------------------------------------------------------

VIEWS = {"p1": (11, 12, 13, 15, 17, 19), "p2": (9, 12), "p3": (12,), "p4": (15,)}
LEAVES = {"p1": (11, 12, 13), "p2": (13,), "p3": (13,), "p4": (16,)}
OWN: dict[str, dict[str, Any]] = {
    "p1": {"$browser": "Chrome", "prop": 10, "bool_field": True},
    "p2": {"$browser": "Firefox", "prop": 20, "bool_field": False},
    "p3": {"$browser": "Edge", "prop": 30, "bool_field": True},
    "p4": {"$browser": "Safari", "prop": 40, "bool_field": False},
}
DAYS = {"date_from": "2020-01-09", "date_to": "2020-01-20"}
LATE = {"date_from": "2020-01-15", "date_to": "2020-01-19"}
BROWSER = {"breakdown_type": "event", "breakdown": "$browser"}


@pytest.fixture(scope="module")
def browsers(world: World) -> Project:
    project = world.project()
    project.capture(
        event(name, who, _at(f"2020-01-{day:02d}"), **OWN[who], **{"$set": {"name": who}})
        for name, times in (("$pageview", VIEWS), ("$pageleave", LEAVES))
        for who, days in times.items()
        for day in days
    )
    return project


def _trends(project: Project, *, both: bool = False, shown: Any = None, **query: Any) -> list[Any]:
    series = query.pop("series", _series("$pageview", "$pageleave") if both else _series("$pageview"))
    query = {"dateRange": DAYS, "interval": "day", **query}
    return list(project.results(kind="TrendsQuery", series=series, trendsFilter=shown or {}, **query))


@pytest.mark.parametrize(
    ("math", "wanted"),
    [
        ({}, [1, 0, 1, 3, 1, 0, 2, 0, 1, 0, 1, 0]),  # test_trends_data
        ({"math": "dau"}, [1, 0, 1, 3, 1, 0, 2, 0, 1, 0, 1, 0]),  # test_trends_aggregation_dau
        ({"math": "weekly_active"}, [1, 1, 2, 3, 3, 3, 4, 4, 4, 4, 2, 2]),  # test_trends_aggregation_wau
        ({"math": "monthly_active"}, [1, 1, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4]),  # test_trends_aggregation_mau
        # test_trends_aggregation_hogql
        ({"math": "hogql", "math_hogql": "sum(properties.prop)"}, [20, 0, 10, 60, 10, 0, 50, 0, 10, 0, 10, 0]),
    ],
)
def test_trends_aggregation(browsers: Project, math: dict[str, Any], wanted: list[int]) -> None:
    (result,) = _trends(browsers, series=[{**_series("$pageview")[0], **math}])
    assert result["data"] == wanted


def test_trends_aggregation_wau_long_interval(browsers: Project) -> None:
    series = [{**_series("$pageview")[0], "math": "weekly_active"}]
    assert _trends(browsers, series=series, interval="week")[0]["data"] == [2, 4, 1]


FIRST = [1, 0, 3, 5, 7, 0, 2, 2, 1, 0, 1]


@pytest.mark.parametrize(
    ("formulas", "wanted"),
    [
        (["A+2*B"], {"Formula (A+2*B)": (22, FIRST)}),  # test_formula
        # test_multiple_formulas
        (["A+2*B", "A-B"],
         {"Formula (A+2*B)": (22, FIRST), "Formula (A-B)": (4, [1, 0, 0, 2, -2, 0, 2, -1, 1, 0, 1])}),
    ],
)  # fmt: skip
def test_formula(browsers: Project, formulas: list[str], wanted: dict[str, Any]) -> None:
    results = _trends(browsers, both=True, shown={"formulas": formulas}, dateRange={**DAYS, "date_to": "2020-01-19"})
    assert {each["label"]: (each["count"], each["data"]) for each in results} == wanted


@pytest.mark.parametrize(
    ("compare_to", "previous"),
    [
        (None, [0, 3, 5, 7, 0]),  # test_formula_with_compare
        ("-2d", [7, 0, 2, 2, 1]),  # test_formula_with_compare_to_day
        ("-1w", [0, 1, 0, 3, 5]),  # test_formula_with_compare_to_week
    ],
)
@pytest.mark.parametrize("display", ["ActionsLineGraph", "BoldNumber"])  # and …_total_value
def test_formula_with_compare(browsers: Project, display: str, compare_to: str | None, previous: list[int]) -> None:
    shown = {"formula": "A+2*B", "display": display}
    compared = {"compare": True, **({"compare_to": compare_to} if compare_to else {})}
    now, then = _trends(browsers, both=True, shown=shown, dateRange=LATE, compareFilter=compared)
    assert (now["compare_label"], then["compare_label"]) == ("current", "previous")
    if display == "BoldNumber":
        assert (now["aggregated_value"], then["aggregated_value"], now["count"]) == (6, sum(previous), 0)
    else:
        assert (now["data"], then["data"]) == ([2, 2, 1, 0, 1], previous)


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        # test_trends_breakdowns, test_trends_breakdowns_hogql
        (BROWSER, [("Chrome", 6), ("Firefox", 2), ("Edge", 1), ("Safari", 1)]),
        ({"breakdown_type": "hogql", "breakdown": "properties.$browser"},
         [("Chrome", 6), ("Firefox", 2), ("Edge", 1), ("Safari", 1)]),
        ({"breakdown_type": "event", "breakdown": "bool_field"}, [("true", 7), ("false", 3)]),  # …_boolean
        # test_trends_breakdowns_histogram
        ({"breakdown_type": "event", "breakdown": "prop", "breakdown_histogram_bin_count": 4},
         [("[10,17.5]", 6), ("[17.5,25]", 2), ("[25,32.5]", 1), ("[32.5,40.01]", 1)]),
    ],
)  # fmt: skip
def test_trends_breakdowns(browsers: Project, by: dict[str, Any], wanted: list[Any]) -> None:
    results = _trends(browsers, breakdownFilter=by)
    assert [(each["breakdown_value"], each["count"]) for each in results] == wanted
    assert [each["label"] for each in results] == [value for value, _ in wanted]


def test_trends_breakdowns_multiple_hogql(browsers: Project) -> None:
    results = _trends(
        browsers, both=True, breakdownFilter={"breakdown_type": "hogql", "breakdown": "properties.$browser"}
    )
    assert [(each["label"], each["count"]) for each in results] == [
        ("$pageview - Chrome", 6), ("$pageview - Firefox", 2), ("$pageview - Edge", 1), ("$pageview - Safari", 1),
        ("$pageleave - Chrome", 3), ("$pageleave - Edge", 1), ("$pageleave - Firefox", 1), ("$pageleave - Safari", 1),
    ]  # fmt: skip


def test_trends_breakdowns_and_compare(browsers: Project) -> None:
    dates = {"date_from": "2020-01-15", "date_to": "2020-01-20"}
    results = _trends(browsers, dateRange=dates, breakdownFilter=BROWSER, compareFilter={"compare": True})
    assert [(each["compare_label"], each["label"], each["count"]) for each in results] == [
        ("current", "Chrome", 3), ("current", "Safari", 1),
        ("previous", "Chrome", 3), ("previous", "Firefox", 2), ("previous", "Edge", 1),
    ]  # fmt: skip


def test_trends_breakdown_and_aggregation_query_orchestration(browsers: Project) -> None:
    series = [{**_series("$pageview")[0], "math": "sum", "math_property": "prop"}]
    results = _trends(browsers, series=series, breakdownFilter=BROWSER)
    assert [(each["label"], each["count"]) for each in results] == [
        ("Chrome", 60), ("Firefox", 40), ("Safari", 40), ("Edge", 30)
    ]  # fmt: skip


def test_formula_with_breakdown_and_compare_to(browsers: Project) -> None:
    compared = {"compare": True, "compare_to": "-3d"}
    results = _trends(
        browsers, both=True, shown={"formula": "A+2*B"}, dateRange=LATE, breakdownFilter=BROWSER, compareFilter=compared
    )
    assert len(results) == 6
    assert [(each["breakdown_value"], each["count"]) for each in results[:3]] == [
        ("Chrome", 3), ("Safari", 3), ("Chrome", 7)
    ]  # fmt: skip
    assert results[2]["data"] == [3, 3, 0, 1, 0]


def test_multiple_formula_with_multi_cohort_all_breakdown(browsers: Project) -> None:
    leaf = {"type": "person", "key": "name", "operator": "exact", "value": "p1"}
    group = {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
    first = browsers.put("cohort", name="cohort p1", is_static=False, filters={"properties": group})
    nodes = [{"formula": each} for each in ("A+B", "B+1")]
    by = {"breakdown_type": "cohort", "breakdown": [first, "all"]}
    results = _trends(browsers, both=True, shown={"formulaNodes": nodes}, breakdownFilter=by)
    assert {(each["label"], each["breakdown_value"]): each["data"] for each in results} == {
        ("Formula (A+B)", first): [0, 0, 2, 2, 2, 0, 1, 0, 1, 0, 1, 0],
        ("Formula (B+1)", first): [1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1],
        ("Formula (A+B)", "all"): [1, 0, 2, 4, 4, 0, 2, 1, 1, 0, 1, 0],
        ("Formula (B+1)", "all"): [1, 1, 2, 2, 4, 1, 1, 2, 1, 1, 1, 1],
    }


def test_formula_with_breakdown_and_no_data(browsers: Project) -> None:
    by = {"breakdown_type": "person", "breakdown": "nowhere"}
    nothing = _series("$pageviewxxx", "$pageleavexxx")
    assert _trends(browsers, series=nothing, shown={"formula": "A+2*B"}, breakdownFilter=by) == []
    results = _trends(
        browsers, series=[*_series("$pageview"), nothing[1]], shown={"formula": "A+2*B"}, breakdownFilter=by
    )
    assert results[0]["data"] == [1, 0, 1, 3, 1, 0, 2, 0, 1, 0, 1, 0]


# Funnels: funnels/test ---------------------------------------------------------------------------------------


def _funnel(project: Project, names: list[str], dates: Any = None, by: Any = None, **settings: Any) -> Any:
    query: dict[str, Any] = {"breakdownFilter": {"breakdown": by, "breakdown_type": "event"}} if by else {}
    query |= {"series": _series(*names), "dateRange": dates or {"date_from": "-7d"}, "funnelsFilter": settings}
    return project.results(kind="FunnelsQuery", **query)


def _counts(steps: list[Any]) -> list[int]:
    return [each["count"] for each in steps]


SIGN, VIEW, INSIGHT, OTHER = "user signed up", "$pageview", "insight viewed", "blaah blaa"
TRIO = [SIGN, VIEW, INSIGHT]


def test_basic_strict_funnel(world: World) -> None:  # test_funnel_strict.py
    project = _captured(
        world,
        {
            "1": [SIGN], "2": [VIEW, SIGN], "3": [SIGN, VIEW, OTHER, INSIGHT], "4": [INSIGHT, OTHER, VIEW, SIGN],
            "5": [VIEW, SIGN, OTHER, VIEW, INSIGHT], "6": [OTHER, SIGN, OTHER, VIEW],
            "7": [OTHER, SIGN, VIEW, INSIGHT, OTHER], "8": [INSIGHT, VIEW],
        },
    )  # fmt: skip
    assert _counts(_funnel(project, TRIO, funnelOrderType="strict")) == [7, 2, 1]


def test_advanced_strict_funnel(world: World) -> None:  # test_funnel_strict.py
    val = "; key=val"
    start = [OTHER, SIGN, f"sign up{val}"]
    project = _captured(
        world,
        {
            "1": [SIGN], "2": [SIGN, VIEW], "3": [SIGN, f"sign up{val}", "sign up; key=val2", VIEW, OTHER, INSIGHT],
            "4": [*start, f"{VIEW}{val}", OTHER], "5": [*start, VIEW, OTHER], "6": [*start, VIEW, "pageview; key=val1"],
            "7": [*start, VIEW, SIGN, f"pageview{val}"], "8": [OTHER, SIGN, *start[1:], VIEW, f"pageview{val}"],
        },
    )  # fmt: skip
    own = [{"key": "key", "type": "event", "value": ["val"], "operator": "exact"}]
    signed, viewed = (
        {"kind": "ActionsNode", "id": project.put("action", name=name, steps=[{"event": name, "properties": own}])}
        for name in ("sign up", "pageview")
    )
    first, third = _series(SIGN, VIEW)
    results = project.results(
        kind="FunnelsQuery", series=[first, signed, third, viewed], dateRange={"date_from": "-7d"},
        funnelsFilter={"funnelOrderType": "strict"},
    )  # fmt: skip
    assert [(each["name"], each["count"]) for each in results] == [
        (SIGN, 8),
        ("sign up", 6),
        (VIEW, 5),
        ("pageview", 1),
    ]


WEEK = {"date_from": "2021-05-01 00:00:00", "date_to": "2021-05-07 23:59:59"}


def test_basic_strict_funnel_conversion_times(world: World) -> None:  # test_funnel_strict.py
    day = "2021-05-02"
    project = _captured(
        world,
        {
            "1": [f"{SIGN} @ {_at(day, 0)}"], "2": [f"{SIGN} @ {_at(day, 0)}", f"{VIEW} @ {_at(day, 1)}"],
            "3": [f"{SIGN} @ {_at(day, 0)}", f"{VIEW} @ {_at(day, 2)}", f"{INSIGHT} @ {_at(day, 4)}"],
        },
    )  # fmt: skip
    steps = _funnel(project, TRIO, WEEK, funnelOrderType="strict")
    assert (_counts(steps), [each["average_conversion_time"] for each in steps]) == ([3, 2, 1], [None, 5400, 7200])


@pytest.mark.parametrize(("attribution", "values"), [("first_touch", ["one"]), ("all_events", ["one", "two"])])
def test_different_prop_val_in_strict_filter(world: World, attribution: str, values: list[str]) -> None:
    steps = [f"{name}; bd={value}" for name in ("first", "unmatched", "second") for value in ("one", "two")]
    project = _captured(world, {"many": steps})
    results = _funnel(
        project, ["first", "second"], by="bd", funnelOrderType="strict", breakdownAttributionType=attribution
    )
    assert sorted((each[0]["breakdown"], each[-1]["count"]) for each in results) == [([each], 0) for each in values]


def test_multiple_events_same_timestamp_doesnt_blow_up(world: World) -> None:  # test_funnel_strict.py
    at = _at("2024-01-10", 12, 1)
    steps = ["step one", "step two", "step three"]
    project = _captured(world, {"test": [f"{each} @ {at}" for each in (*["step one"] * 30, *steps[1:])]})
    assert (
        _counts(_funnel(project, steps, {"date_from": "2024-01-10 00:00:00", "date_to": "2024-01-12 00:00:00"}))[-1]
        == 1
    )


def test_big_multi_step_unordered_funnel(world: World) -> None:  # test_funnel_unordered.py
    cry = "crying"
    project = _captured(
        world,
        {
            "1": [SIGN], "2": [VIEW, cry], "3": [SIGN, VIEW, OTHER, INSIGHT], "4": [INSIGHT, cry, SIGN],
            "5": [VIEW, SIGN, cry, INSIGHT], "6": [OTHER, INSIGHT], "7": [VIEW, OTHER], "8": [INSIGHT, VIEW],
        },
    )  # fmt: skip
    steps = _funnel(project, [*TRIO, cry], funnelOrderType="unordered")
    assert [(each["name"], each["count"]) for each in steps] == [
        ("Completed 1 step", 8), ("Completed 2 steps", 5), ("Completed 3 steps", 3), ("Completed 4 steps", 1)
    ]  # fmt: skip


def test_basic_unordered_funnel_conversion_times(world: World) -> None:  # test_funnel_unordered.py
    project = _captured(
        world,
        {
            "1": [f"{SIGN} @ {_at('2021-05-02', 0)}"],
            "2": [f"{VIEW} @ {_at('2021-05-02', 0)}", f"{SIGN} @ {_at('2021-05-02', 1)}"],
            "3": [
                *(f"{name} @ {_at('2021-05-02', hour)}" for hour, name in ((0, INSIGHT), (2, SIGN), (4, VIEW))),
                *(f"{name} @ {_at('2021-05-03', hour)}" for hour, name in ((0, VIEW), (3, INSIGHT), (6, SIGN))),
            ],
        },
    )
    steps = _funnel(project, TRIO, WEEK, funnelOrderType="unordered", funnelWindowInterval=1)
    assert (_counts(steps), [each["average_conversion_time"] for each in steps]) == ([3, 2, 1], [None, 5400, 7200])


def test_funnel_step_breakdown_event_single_person_events_with_multiple_properties(world: World) -> None:
    project = _captured(  # test_funnel_unordered.py
        world,
        {
            "person1": [
                f"sign up @ {_at('2020-01-01')}; $browser=Chrome",
                f"sign up @ {_at('2020-01-02', 13)}; $browser=Safari",
                f"play movie @ {_at('2020-01-02', 14)}; $browser=Safari",
            ]
        },
    )  # fmt: skip
    dates = {"date_from": "2020-01-01", "date_to": "2020-01-08"}
    results = _funnel(project, ["sign up", "play movie"], dates, "$browser", funnelOrderType="unordered",
                      funnelWindowInterval=7, breakdownAttributionType="all_events")  # fmt: skip
    assert [(each[0]["breakdown_value"], _counts(each)) for each in results] == [
        (["Safari"], [1, 1]),
        (["Chrome"], [1, 0]),
    ]
    assert results[0][1]["average_conversion_time"] == 3600


@pytest.mark.parametrize("order", ["ordered", "unordered", "strict"])
@pytest.mark.parametrize("by", ["$browser", ["$browser"]])
def test_funnel_step_breakdown_event(world: World, order: str, by: Any) -> None:  # breakdown_cases.py
    chrome, safari = "; $browser=Chrome", "; $browser=Safari"
    project = _captured(
        world,
        {
            "1": [f"{name} @ {_at('2020-01-01', hour)}{chrome}"
                  for hour, name in ((12, "sign up"), (13, "play movie"), (15, "buy"))],
            "2": [f"sign up @ {_at('2020-01-02', 14)}{safari}", f"play movie @ {_at('2020-01-02', 16)}{safari}"],
            "3": [f"sign up @ {_at('2020-01-02', 14)}{safari}"],
        },
    )  # fmt: skip
    dates = {"date_from": "2020-01-01", "date_to": "2020-01-08"}
    results = _funnel(project, BOUGHT, dates, by, funnelOrderType=order)
    assert [(each[0]["breakdown"], _counts(each)) for each in results] == [
        (["Chrome"], [1, 1, 1]),
        (["Safari"], [2, 1, 0]),
    ]
    assert [each["average_conversion_time"] for each in results[0]] == [None, 3600, 7200]


BOUGHT = ["sign up", "play movie", "buy"]


def test_funnel_step_conversion_times(world: World) -> None:  # conversion_time_cases.py
    project = _captured(
        world,
        {
            who: [f"{name} @ {_at(day, hour)}" for hour, name in zip(hours, BOUGHT, strict=False)]
            for who, day, hours in (
                ("1", "2020-01-01", (12, 13, 15)), ("2", "2020-01-02", (14, 16)), ("3", "2020-01-02", (14, 16, 17))
            )
        },
    )  # fmt: skip
    steps = _funnel(project, BOUGHT, {"date_from": "2020-01-01", "date_to": "2020-01-08"})
    assert [each["average_conversion_time"] for each in steps] == [None, 6000, 5400]
    assert [each["median_conversion_time"] for each in steps] == [None, 7200, 5400]


@pytest.mark.parametrize(
    ("window", "wanted"),
    [({}, (2, 600)), ({"funnelWindowInterval": 5, "funnelWindowIntervalUnit": "minute"}, (1, 300))],
)
def test_funnel_times_with_different_conversion_windows(world: World, window: Any, wanted: tuple[int, int]) -> None:
    day = "2020-01-02"  # conversion_time_cases.py
    project = _captured(
        world,
        {
            "1": [f"{SIGN} @ {_at(day, 14)}", f"pageview @ {_at(day, 14, 5)}"], "2": [f"{SIGN} @ {_at(day, 14, 3)}"],
            "3": [f"{SIGN} @ {_at(day, 12)}", f"pageview @ {_at(day, 12, 15)}"],
        },
    )  # fmt: skip
    first, second = _funnel(project, [SIGN, "pageview"], {"date_from": "2020-01-01", "date_to": "2020-01-14"}, **window)
    assert (first["count"], second["count"], second["average_conversion_time"]) == (3, *wanted)


def test_funnel_with_multiple_incomplete_tries(world: World) -> None:  # conversion_time_cases.py
    tries = [
        ("01", 1, SIGN),
        ("01", 2, VIEW),
        ("01", 3, "else"),
        ("03", 4, SIGN),
        ("03", 5, VIEW),
        ("04", 7, SIGN),
        ("04", 10, VIEW),
    ]
    project = _captured(world, {"person1": [f"{name} @ {_at(f'2021-05-{day}', hour)}" for day, hour, name in tries]})
    steps = _funnel(project, [SIGN, VIEW, "else"], {**WEEK, "date_to": "2021-05-14 00:00:00"}, funnelWindowInterval=1)
    assert (steps[0]["count"], steps[1]["average_conversion_time"], steps[1]["median_conversion_time"]) == (
        1,
        3600,
        3600,
    )


# Time to convert: funnels/test/test_funnel_time_to_convert.py -------------------------------------------------

ONE, TWO, THREE = "step one", "step two", "step three"
A = [(8, 18, 0), (8, 19, 0), (8, 21, 0)]
B = [(9, 13, 0), (9, 13, 37)]
C = [(11, 7, 0), (12, 6, 0)]
THIRDS = [[2220, 2], [42510, 0], [82800, 1]]


def _timed(names: list[str], times: list[tuple[int, int, int]]) -> list[str]:
    return [
        f"{name} @ {_at(f'2021-06-{day:02d}', hour, minute)}"
        for name, (day, hour, minute) in zip(names, times, strict=True)
    ]


STRICT = {
    "a": _timed([ONE, TWO, THREE], A), "b": _timed([ONE, TWO, "blah", THREE], [*B, (9, 13, 38), (9, 13, 39)]),
    "c": _timed([ONE, TWO], C), "d": _timed([ONE, "blah", TWO], [(11, 7, 0), (12, 7, 0), (12, 9, 0)]),
}  # fmt: skip
PLAIN = {"a": _timed([ONE, TWO, THREE], A), "b": _timed([ONE, TWO], B), "c": _timed([ONE, TWO], C)}


@pytest.mark.parametrize(
    ("journeys", "names", "settings", "bins"),
    [
        (PLAIN, [ONE, TWO, THREE], {}, THIRDS),  # test_auto_bin_count_single_step
        # test_auto_bin_count_single_step_duplicate_events
        ({"a": _timed([ONE] * 3, A), "b": _timed([ONE] * 2, B), "c": _timed([ONE] * 2, C)}, [ONE] * 3, {}, THIRDS),
        # test_custom_bin_count_single_step
        (PLAIN, [ONE, TWO, THREE], {"binCount": 7},
         [[2220, 2], [13732, 0], [25244, 0], [36756, 0], [48268, 0], [59780, 0], [71292, 1], [82804, 0]]),
        # test_basic_unordered
        ({"a": _timed([THREE, ONE, TWO], A), "b": _timed([ONE, TWO], B), "c": _timed([TWO, ONE], C)}, [ONE, TWO, THREE],
         {"funnelOrderType": "unordered"}, THIRDS),
        (STRICT, [ONE, TWO, THREE], {"funnelOrderType": "strict"}, THIRDS),  # test_basic_strict
        # test_auto_bin_count_total, without steps and with the first and the last
        (PLAIN, [ONE, TWO, THREE], {"funnelFromStep": None, "funnelToStep": None}, [[10800, 1], [10860, 0]]),
        (PLAIN, [ONE, TWO, THREE], {"funnelToStep": 2}, [[10800, 1], [10860, 0]]),
    ],
)  # fmt: skip
def test_time_to_convert(world: World, journeys: Journeys, names: list[str], settings: Any, bins: list[Any]) -> None:
    dates = {"date_from": "2021-06-07 00:00:00", "date_to": "2021-06-13 23:59:59"}
    asked = {"funnelVizType": "time_to_convert", "funnelWindowInterval": 7, "funnelFromStep": 0, "funnelToStep": 1}
    results = _funnel(_captured(world, journeys), names, dates, **{**asked, **settings})
    assert (results["bins"], results["average_conversion_time"]) == (bins, 29_540 if bins[0][0] == 2220 else 10_800)


# Stickiness: stickiness/test/test_stickiness_query_runner.py --------------------------------------------------


@pytest.fixture(scope="module")
def sticky(world: World) -> Project:
    own: dict[str, dict[str, Any]] = {
        "p1": {"$browser": "Chrome", "days": range(11, 20)}, "p2": {"$browser": "Firefox", "days": range(11, 20, 2)}
    }  # fmt: skip
    project = world.project(test_account_filters=[
        {"key": "$browser", "type": "event", "value": "Chrome", "operator": "exact"}
    ])  # fmt: skip
    project.capture(
        event(name, who, _at(f"2020-01-{day}"), **{"$browser": each["$browser"], "$group_0": "org:1"})
        for who, each in own.items()
        for day in each["days"]
        for name in ("$pageview", "$pageleave")
    )
    return project


BOTH, CHROME = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
IS_CHROME = {"type": "event", "key": "$browser", "operator": "exact", "value": "Chrome"}


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ({}, BOTH),  # test_interval_day
        ({"interval": "week"}, [0, 0, 2]),  # test_interval_week
        ({"interval": "month"}, [2]),  # test_interval_month
        # test_interval_hour
        ({"interval": "hour", "dateRange": {"date_from": "2020-01-11", "date_to": "2020-01-12"}}, [2, *[0] * 24]),
        ({"properties": [IS_CHROME]}, CHROME),  # test_property_filtering
        ({"properties": [{"type": "hogql", "key": "properties.$browser == 'Chrome'"}]}, CHROME),  # …_hogql
        ({"series": [{**_series("$pageview")[0], "properties": [IS_CHROME]}]}, CHROME),  # test_event_filtering
        ({"series": _series(None)}, BOTH),  # test_any_event
        ({"filterTestAccounts": True}, CHROME),  # test_filter_test_accounts
        # test_group_aggregations
        ({"series": [{**_series("$pageview")[0], "math": "unique_group", "math_group_type_index": 0}]}, CHROME),
    ],
)
def test_stickiness(sticky: Project, query: dict[str, Any], data: list[int]) -> None:
    dates = {"date_from": "2020-01-11", "date_to": "2020-01-20"}
    (result,) = sticky.results(kind="StickinessQuery", **{"series": _series("$pageview"), "dateRange": dates, **query})
    assert (result["data"], result["count"]) == (data, sum(data))
    assert result["days"] == list(range(1, len(data) + 1))


@pytest.mark.parametrize(
    ("now", "query", "data"),
    [
        (
            datetime(2020, 1, 20, 12, tzinfo=UTC),
            {"interval": "hour", "dateRange": {"date_from": "-2d"}},
            [1, 1, *[0] * 59],
        ),
        (
            datetime(2020, 1, 23, 12, tzinfo=UTC),
            {"interval": "week", "dateRange": {"date_from": "-30d"}},
            [0, 0, 2, 0, 0],
        ),
    ],
    ids=["test_interval_hour_last_days", "test_interval_full_weeks"],
)
def test_stickiness_up_to_now(sticky: Project, now: datetime, query: dict[str, Any], data: list[int]) -> None:
    (result,) = sticky.results(now, kind="StickinessQuery", series=_series("$pageview"), **query)
    assert result["data"] == data


def test_stickiness_compared(sticky: Project) -> None:  # test_compare
    dates = {"date_from": "2020-01-11", "date_to": "2020-01-20"}
    results = sticky.results(
        kind="StickinessQuery", series=_series("$pageview"), dateRange=dates, compareFilter={"compare": True}
    )
    assert [(each["compare_label"], each["count"]) for each in results] == [("current", 2), ("previous", 0)]


# Paths: paths/test/test_paths_query_runner.py -----------------------------------------------------------------

WAYS = {"1": "/ /about", "2": "/ /pricing /about", "3": "/pricing /", "4": "/ /pricing"}
PAGES = [("1_/", "2_/pricing", 2), ("1_/", "2_/about", 1), ("1_/pricing", "2_/", 1), ("2_/pricing", "3_/about", 1)]
CUSTOM = {"1": "e1 e3", "2": "e1 e2 e3", "3": "e2 e1", "4": "e1 e2"}
EDGES = [("1_e1", "2_e2", 2), ("1_e1", "2_e3", 1), ("1_e2", "2_e1", 1), ("2_e2", "3_e3", 1)]


def _edges(project: Project, **query: Any) -> list[tuple[str, str, int]]:
    results = project.results(kind="PathsQuery", **{"pathsFilter": {}, **query})
    return [(each["source"], each["target"], each["value"]) for each in results]


def _walked(world: World, ways: dict[str, str], step: str = "$pageview; $current_url={}", **settings: Any) -> Project:
    return _captured(world, {who: [step.format(each) for each in way.split()] for who, way in ways.items()}, **settings)


def test_current_url_paths_and_logic(world: World) -> None:
    project = _walked(world, WAYS)
    assert _edges(project) == PAGES
    day = timedelta(days=1)
    for dates, count in (
        ({"date_from": str((START - 7 * day).date())}, 4), ({"date_to": str(START.date())}, 4),
        ({"date_from": str((START + 7 * day).date())}, 0), ({"date_to": str((START - 7 * day).date())}, 0),
    ):  # fmt: skip
        assert len(_edges(project, dateRange=dates)) == count


def test_custom_event_paths(world: World) -> None:
    also = event("$pageview", "1", (START + timedelta(minutes=9)).isoformat(), **{"$current_url": "/"})
    project = _walked(world, CUSTOM, "{}", also=[also])
    assert _edges(project, pathsFilter={"includeEventTypes": ["custom_event"]}) == EDGES


def test_custom_hogql_paths(world: World) -> None:
    asked = {"includeEventTypes": ["hogql"], "pathsHogQLExpression": "event || properties.a"}
    wanted = [(f"{source}!", f"{target}!", value) for source, target, value in EDGES]
    assert _edges(_walked(world, CUSTOM, "{}; a=!"), pathsFilter=asked) == wanted


def test_screen_paths(world: World) -> None:
    project = _walked(world, WAYS, "$screen; $screen_name={}")
    assert _edges(project, pathsFilter={"includeEventTypes": ["$screen"]}) == PAGES


def test_paths_properties_filter(world: World) -> None:
    chrome = {"1": "/ /about", "2": "/ /pricing /about"}
    others = [
        event("$pageview", who, (START + timedelta(minutes=number)).isoformat(), **{"$current_url": page})
        for who in ("3", "4") for number, page in enumerate(WAYS[who].split())
    ]  # fmt: skip
    project = _walked(world, chrome, "$pageview; $current_url={}; $browser=Chrome", also=others)
    group = {"type": "AND", "values": [{"type": "AND", "values": [{**IS_CHROME, "value": ["Chrome"]}]}]}
    assert _edges(project, properties=group) == [
        ("1_/", "2_/about", 1),
        ("1_/", "2_/pricing", 1),
        ("2_/pricing", "3_/about", 1),
    ]


FROM_PRICING = [
    ("1_/pricing", "2_/about", 2), ("1_/pricing", "2_/", 1), ("2_/", "3_/about", 1), ("2_/about", "3_/pricing", 1),
    ("3_/pricing", "4_/help", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("point", "wanted"),
    [
        ("/pricing", FROM_PRICING), ("/pricing/", FROM_PRICING),
        ("/", [("1_/", "2_/about", 2), ("1_/", "2_/pricing", 2), ("2_/pricing", "3_/about", 1)]),
    ],
)  # fmt: skip
def test_paths_start(world: World, point: str, wanted: list[Any]) -> None:
    ways = {"1": "/ /about/", "2": "/ /pricing/ /about", "3": "/pricing / /about/", "4": "/ /pricing/",
            "5": "/pricing /about /pricing/ /help"}  # fmt: skip
    assert _edges(_walked(world, ways), pathsFilter={"startPoint": point}) == wanted


def test_paths_in_window(world: World) -> None:
    steps = [f"$pageview @ {_at(f'2020-04-{day}', 3, minute)}; $current_url={page}"
             for day in (14, 15) for minute, page in ((25, "/"), (30, "/about"))]  # fmt: skip
    assert _edges(_captured(world, {"1": steps}), dateRange={"date_from": "2020-04-13"}) == [("1_/", "2_/about", 2)]


@pytest.mark.parametrize(
    ("asked", "cleaned"), [({}, False), ({"pathReplacements": False}, False), ({"pathReplacements": True}, True)]
)
def test_path_replacements(world: World, asked: dict[str, Any], cleaned: bool) -> None:  # …_skips_team_cleaning
    rules = [{"alias": "/merchant/:id/dashboard", "regex": "/merchant/\\d+/dashboard"}]
    project = _walked(world, {"1": "/merchant/123/dashboard /merchant/456/dashboard"}, path_cleaning_filters=rules)
    edges = _edges(project, pathsFilter=asked)
    assert edges == ([] if cleaned else [("1_/merchant/123/dashboard", "2_/merchant/456/dashboard", 1)])


# SQL and tables of events: posthog/hogql/test/test_query.py, posthog/hogql_queries/test/test_events_query_runner.py


@pytest.fixture(scope="module")
def events(world: World) -> Project:
    project = world.project()
    mail = {"$set": {"sneaky_mail": "tim@posthog.com"}}
    project.capture(
        event("random event", "bla", _at("2026-03-18", 1, number), index=number, **mail) for number in (0, 1)
    )
    return project


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("select count(), event from events group by event", [[2, "random event"]]),  # test_query
        # test_subquery, test_subquery_alias
        ("select cnt, event from (select count() as cnt, event from events group by event) group by cnt, event",
         [[2, "random event"]]),
        ("select cnt, event from (select count(*) as cnt, event from events group by event) as c group by cnt, event",
         [[2, "random event"]]),
        ("select distinct properties.sneaky_mail from persons", [["tim@posthog.com"]]),  # test_query_distinct
        # test_query_joins_simple, …_events_pdi, …_events_e_pdi
        ("SELECT event, pdi.distinct_id, p.properties.sneaky_mail FROM events e LEFT JOIN person_distinct_ids pdi"
         " ON pdi.distinct_id = e.distinct_id LEFT JOIN persons p ON p.id = pdi.person_id",
         [["random event", "bla", "tim@posthog.com"]] * 2),
        ("SELECT event, pdi.distinct_id, pdi.person_id = person_id FROM events LIMIT 10",
         [["random event", "bla", 1]] * 2),
        ("SELECT event, e.pdi.distinct_id, pdi.person_id = e.person_id FROM events e LIMIT 10",
         [["random event", "bla", 1]] * 2),
        # test_query_joins_pdi_persons, …_pdi_person_properties
        ("SELECT pdi.distinct_id, pdi.person.created_at FROM person_distinct_ids pdi LIMIT 10",
         [["bla", "2026-03-18T01:00:00Z"]]),
        ("SELECT pdi.distinct_id, pdi.person.properties.sneaky_mail FROM person_distinct_ids pdi LIMIT 10",
         [["bla", "tim@posthog.com"]]),
        # test_query_joins_events_first_to_persons, …_lazy_on_both_sides
        ("SELECT events.event, persons.properties.sneaky_mail FROM events JOIN persons ON events.person_id = persons.id"
         " WHERE events.event = 'random event'", [["random event", "tim@posthog.com"]] * 2),
        ("SELECT e1.properties.index, e2.properties.index FROM events e1 JOIN events e2 ON e1.person_id = e2.person_id"
         " WHERE e1.properties.index = 0 AND e2.properties.index = 1", [[0, 1]]),
    ],
)  # fmt: skip
def test_sql(events: Project, text: str, rows: list[Any]) -> None:
    assert events.sql(text) == rows


@pytest.mark.parametrize(
    ("operator", "who"),
    [
        ("is_not_set", {"p_notset", "p_null"}),
        ("is_set", {"p_true", "p_false"}),
    ],  # test_is_not_set_boolean, test_is_set_…
)
def test_a_set_boolean(world: World, operator: str, who: set[str]) -> None:
    values: dict[str, dict[str, Any]] = {
        "p_true": {"b": True},
        "p_false": {"b": False},
        "p_notset": {},
        "p_null": {"b": None},
    }
    project = world.of(event("$pageview", name, START.isoformat(), **own) for name, own in values.items())
    filters = [{"type": "event", "key": "b", "operator": operator, "value": operator}]
    rows = project.results(kind="EventsQuery", select=["*"], after="-24h", event="$pageview", properties=filters)
    assert {row[0]["distinct_id"] for row in rows} == who


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    ("asked", "hours"),
    [
        # test_absolute_date_range: the days are the project's
        ({"after": "2020-01-12", "before": "2020-01-12T23:59:59"}, [(12, 1), (12, 12), (12, 23)]),
        # test_event_metadata_filter
        ({"after": "2020-01-11", "before": "2020-01-15", "properties": [
            {"type": "event_metadata", "operator": "exact", "key": "distinct_id", "value": ["p3"]}
        ]}, [(12, 12), (13, 2)]),
    ],
)  # fmt: skip
def test_a_table_of_days(world: World, zone: str, asked: dict[str, Any], hours: list[tuple[int, int]]) -> None:
    when = {(11, 22): "p17", (12, 1): "p2", (12, 12): "p3", (12, 23): "p1", (13, 2): "p3"}
    moments = {each: datetime(2020, 1, *each, tzinfo=ZoneInfo(zone)) for each in when}
    events = (event("$pageview", who, moments[each].astimezone(UTC).isoformat()) for each, who in when.items())
    project = world.of(events, timezone=zone)
    rows = project.results(
        kind="EventsQuery", select=["timestamp"], event="$pageview", orderBy=["timestamp ASC"], **asked
    )
    assert [datetime.fromisoformat(at) for (at,) in rows] == [moments[each] for each in hours]


@pytest.mark.parametrize("text", ["I'm a string with a ' in it", 'I"m a string with a " in it'])
def test_escaped_single_quotes_in_where_clause(world: World, text: str) -> None:
    others = ["I'm a string with a ' in it", 'I"m a string with a " in it']
    project = world.of(event("$pageview", "p", START.isoformat(), arr_field=[each]) for each in others)
    quoted = text.replace("'", "\\'")
    where = f"has(JSONExtract(ifNull(properties.arr_field, '[]'), 'Array(String)'), '{quoted}')"
    rows = project.results(kind="EventsQuery", select=["*"], after="-24h", where=[where])
    assert [row[0]["properties"]["arr_field"] for row in rows] == [[text]]
