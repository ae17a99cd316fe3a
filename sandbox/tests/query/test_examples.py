"""Worked examples. Those of retention, lifecycle and exclusions are events and numbers of PostHog's own tests."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sandbox.query import hogql, native
from sandbox.query.clickhouse import ClickHouse
from sandbox.query.errors import MissingPackageError, QueryError
from sandbox.tests.query.world import Project, World, event

PAGE = "$pageview"


def _capture(
    world: World, what: dict[str, list[str]], name: str = PAGE, also: Sequence[dict[str, Any]] = (), **settings: Any
) -> Project:
    """A project in which each person did one thing at these times, and what others did."""
    found = (event(name, who, at) for who, times in what.items() for at in times)
    return world.of([*sorted(found, key=lambda each: each["timestamp"]), *also], **settings)


def _days(*days: str, hour: int = 5) -> list[str]:
    return [f"2020-{day}T{hour:02d}:00:00Z" for day in days]


def _retention(project: Project, until: str, **settings: Any) -> tuple[str, list[list[int]]]:
    """The first row's date and the numbers."""
    results = project.results(kind="RetentionQuery", dateRange={"date_to": until}, retentionFilter=settings)
    assert [each["label"] for each in results] == [f"{settings['period']} {index}" for index in range(len(results))]
    return results[0]["date"][:10], [[cell["count"] for cell in row["values"]] for row in results]


def _padded(*rows: list[int]) -> list[list[int]]:
    return [row + [0] * (len(rows) - len(row)) for row in rows]


def test_retention_by_day(world: World) -> None:
    project = _capture(
        world,
        {
            "person1": [*_days("06-10", "06-11", "06-12", "06-15", "06-16"), *_days("06-15", hour=9)],
            "person2": _days("06-11", "06-12", "06-13", "06-16"),
        },
    )
    assert _retention(project, "2020-06-20T06:00:00", period="Day", totalIntervals=11) == (
        "2020-06-10",
        _padded(
            [1, 1, 1, 0, 0, 1, 1], [2, 2, 1, 0, 1, 2], [2, 1, 0, 1, 2], [1, 0, 0, 1], [], [1, 1], [2], [], [], [], []
        ),
    )


def test_retention_by_month(world: World) -> None:
    project = _capture(
        world,
        {
            "person1": _days("01-10", "02-10", "03-10", "05-10", "06-10", "09-10"),
            "person2": _days("01-10", "02-10", "03-10", "06-10", "07-10", "11-10"),
        },
    )
    assert _retention(project, "2020-11-25T00:00:00", period="Month", totalIntervals=11) == (
        "2020-01-01",
        _padded(
            [2, 2, 2, 0, 1, 2, 1, 0, 1, 0, 1], [2, 2, 0, 1, 2, 1, 0, 1, 0, 1], [2, 0, 1, 2, 1, 0, 1, 0, 1], [],
            [1, 1, 0, 0, 1], [2, 1, 0, 1, 0, 1], [1, 0, 0, 0, 1], [], [1], [], [1],
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("monday", "first"), [(0, "2020-06-07"), (1, "2020-06-08")])
def test_retention_by_week_which_starts_on_the_projects_day(world: World, monday: int, first: str) -> None:
    project = _capture(
        world,
        {
            "person1": _days("06-10", "06-11", "06-17", "06-24", "07-04", "07-11"),
            "person2": _days("06-10", "06-11", "06-17", "07-04", "07-11", "07-25"),
        },
        week_start_day=monday,
    )
    assert _retention(project, "2020-07-20T00:00:00", period="Week", totalIntervals=7) == (
        first,
        _padded([2, 2, 1, 2, 2, 0, 1], [2, 1, 2, 2, 0, 1], [1, 1, 1], [2, 2, 0, 1], [2, 0, 1], [], [1]),
    )


COUNTRIES: dict[str, dict[str, tuple[int, ...]]] = {  # what is done again on which days after 10 June, by whom
    "US": {"person1": (0, 1, 3), "person3": (0, 2)},
    "UK": {"person2": (0, 1, 4)},
    "Germany": {"person4": (0, 5)},
}


def _broken_down(world: World, breakdown: dict[str, Any]) -> dict[Any, list[list[int]]]:
    """Retention of those countries by a breakdown: its values with their numbers, in order."""
    project = world.of(
        event(PAGE, who, f"2020-06-{10 + day}T05:00:00Z", country=country, **{"$set": {"country": country}})
        for country, people in COUNTRIES.items()
        for who, days in people.items()
        for day in days
    )
    results = project.results(
        kind="RetentionQuery",
        dateRange={"date_to": "2020-06-15T00:00:00"},
        retentionFilter={"period": "Day", "totalIntervals": 6},
        breakdownFilter=breakdown,
    )
    found: dict[Any, list[list[int]]] = {}
    for row in results:
        found.setdefault(row["breakdown_value"], []).append([cell["count"] for cell in row["values"]])
    return found


@pytest.mark.parametrize("of", ["event", "person"])
def test_retention_with_a_breakdown(world: World, of: str) -> None:
    found = _broken_down(world, {"breakdowns": [{"property": "country", "type": of}]})
    assert found == {
        "US": _padded([2, 1, 1, 1], [1, 0, 1], [1], [1], [], []),
        "UK": _padded([1, 1, 0, 0, 1], [1, 0, 0, 1], [], [], [1], []),
        "Germany": _padded([1, 0, 0, 0, 0, 1], [], [], [], [], [1]),
    }
    assert list(found) == ["US", "UK", "Germany"]  # the most that started first


@pytest.mark.parametrize("how", [{"histogram_bin_count": 2}, {"normalize_url": True}])
def test_retention_is_not_broken_down_in_another_way_than_asked(world: World, how: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="does not compute retention broken down by bins or by normalised addresses"):
        _broken_down(world, {"breakdowns": [{"property": "country", **how}]})


def test_retentions_smaller_values_are_counted_together(world: World) -> None:
    found = _broken_down(world, {"breakdown": "country", "breakdown_type": "event", "breakdown_limit": 1})
    assert list(found) == ["US", "$$_posthog_breakdown_other_$$"]
    assert found["$$_posthog_breakdown_other_$$"][0] == [2, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("returning", "of", "wanted"),
    [
        # What is paid before the first start of a day isn't paid for coming back.
        ("paid", "sum", [(2, 5), (1, 30)]),
        ("paid", "avg", [(2, 2.5), (1, 30)]),
        # Of one event all counts, in the first column as well.
        ("started", "sum", [(2, 6), (1, 4)]),
    ],
)
def test_retention_sums_up_a_property(world: World, returning: str, of: str, wanted: list[tuple[int, float]]) -> None:
    project = world.of(
        [
            event("paid", "ann", "2020-06-10T05:00:00Z", amount=100),
            event("started", "ann", "2020-06-10T06:00:00Z", amount=1),
            event("paid", "ann", "2020-06-10T07:00:00Z", amount=5),
            event("started", "ann", "2020-06-10T08:00:00Z", amount=2),
            event("started", "bob", "2020-06-10T08:00:00Z", amount=3),
            event("paid", "ann", "2020-06-11T05:00:00Z", amount=10),
            event("paid", "ann", "2020-06-11T06:00:00Z", amount="20"),
            event("paid", "ann", "2020-06-11T07:00:00Z", amount="much"),
            event("started", "ann", "2020-06-11T08:00:00Z", amount=4),
        ]
    )
    first, _ = project.results(
        kind="RetentionQuery",
        dateRange={"date_to": "2020-06-11T12:00:00"},
        retentionFilter={
            "period": "Day",
            "totalIntervals": 2,
            "targetEntity": {"id": "started", "type": "events"},
            "returningEntity": {"id": returning, "type": "events"},
            "aggregationType": of,
            "aggregationProperty": "amount",
        },
    )
    assert [(cell["count"], cell["aggregation_value"]) for cell in first["values"]] == wanted


@pytest.mark.parametrize(("computed", "wanted"), [("non_cumulative", [1, 2, 0]), ("cumulative", [3, 2, 0])])
def test_stickiness_counts_each_actor_once(world: World, computed: str, wanted: list[int]) -> None:
    project = _capture(world, {"ann": _days("06-10", "06-11"), "bob": _days("06-11", "06-12"), "eve": _days("06-10")})
    query: dict[str, Any] = {
        "kind": "StickinessQuery",
        "series": [{"kind": "EventsNode", "event": PAGE}],
        "dateRange": {"date_from": "2020-06-10", "date_to": "2020-06-12"},
        "stickinessFilter": {"computedAs": computed},
    }
    (result,) = project.results(**query)
    assert (result["data"], result["count"]) == (wanted, 3)
    with pytest.raises(QueryError, match="does not compute stickiness over intervals counted back from the end"):
        project.results(**query, interval="week", intervalCount=1)


def test_of_a_long_way_between_two_points_the_middle_is_left_out(world: World) -> None:
    project = world.project()
    project.capture(event(name, "ann", f"2026-03-18T05:0{at}:00Z") for at, name in enumerate("xabcdez"))
    asked = {"startPoint": "a", "endPoint": "e", "stepLimit": 4}
    edges = project.results(kind="PathsQuery", pathsFilter=asked)
    assert [(edge["source"], edge["target"], edge["average_conversion_time"] / 60_000) for edge in edges] == [
        ("1_a", "2_b", 1), ("2_b", "3_...", 1), ("3_...", "4_d", 1), ("4_d", "5_e", 1)
    ]  # fmt: skip
    assert project.results(kind="PathsQuery", pathsFilter={**asked, "startPoint": "e", "endPoint": "a"}) == []


def test_paths_that_nothing_leads_to_are_left_out(world: World) -> None:
    project = world.project()
    for who, names in (("ann", "abc"), ("bob", "xbc")):
        project.capture(event(name, who, f"2026-03-18T05:0{at}:00Z") for at, name in enumerate(names))
    found = {
        limit: [edge["source"] for edge in project.results(kind="PathsQuery", pathsFilter={"edgeLimit": limit})]
        for limit in (1, 2)
    }
    assert found == {1: [], 2: ["2_b", "1_a"]}


def test_lifecycle(world: World) -> None:
    noon = 12
    project = _capture(
        world,
        {
            "p1": _days("01-11", "01-12", "01-13", "01-15", "01-17", "01-19", hour=noon),
            "p2": _days("01-09", "01-12", hour=noon),
            "p3": _days("01-12", hour=noon),
            "p4": _days("01-15", hour=noon),
        },
    )
    results = project.results(
        kind="LifecycleQuery",
        series=[{"kind": "EventsNode", "event": PAGE}],
        dateRange={"date_from": "2020-01-09", "date_to": "2020-01-19"},
        interval="day",
    )
    assert {each["status"]: each["data"] for each in results} == {
        "new": [1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0],
        "returning": [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
        "resurrecting": [0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1],
        "dormant": [0, -1, 0, 0, -2, -1, 0, -2, 0, -1, 0],
    }
    assert results[0]["labels"][:2] == ["9-Jan-2020", "10-Jan-2020"]
    assert [each["count"] for each in results] == [4, 2, 4, -7]


def _funnel(project: Project, *names: str, **settings: Any) -> list[int]:
    results = project.results(
        kind="FunnelsQuery",
        series=[{"kind": "EventsNode", "event": name} for name in names],
        dateRange={"date_from": "2021-05-01 00:00:00", "date_to": "2021-05-14 00:00:00"},
        funnelsFilter=settings,
    )
    return [each["count"] for each in results]


@pytest.mark.parametrize("order", ["ordered", "unordered"])
def test_who_does_what_is_excluded_is_in_no_step_of_a_funnel(world: World, order: str) -> None:
    project = world.of(
        [
            event("signed up", "person1", "2021-05-01T01:00:00Z"),
            event("paid", "person1", "2021-05-01T02:00:00Z"),
            event("signed up", "person2", "2021-05-01T03:00:00Z"),
            event("x", "person2", "2021-05-01T03:30:00Z"),
            event("paid", "person2", "2021-05-01T04:00:00Z"),
            event("signed up", "person3", "2021-05-01T05:00:00Z"),
            event("paid", "person3", "2021-05-01T06:00:00Z"),
        ]
    )
    excluded = [{"kind": "EventsNode", "event": "x", "funnelFromStep": 0, "funnelToStep": 1}]
    assert _funnel(project, "signed up", "paid", funnelOrderType=order) == [3, 3]
    counted = _funnel(project, "signed up", "paid", funnelOrderType=order, exclusions=excluded)
    # Out of order it only takes back what was done before it.
    assert counted == ([2, 2] if order == "ordered" else [3, 2])


def test_a_funnel_is_broken_down_by_one_property_or_says_that_it_is_not(world: World) -> None:
    project = world.project()
    project.capture(
        event(name, who, f"2021-05-01T0{hour}:00:00Z", model=model, tokens=5, url=url)
        for who, model, url in (("ann", "a", "https://x.example/a/?#"), ("bob", "b", "/"))
        for hour, name in enumerate(("signed up", "paid"), 1)
    )

    def values(breakdown: dict[str, Any]) -> list[Any]:
        results = project.results(
            kind="FunnelsQuery",
            series=[{"kind": "EventsNode", "event": name} for name in ("signed up", "paid")],
            dateRange={"date_from": "2021-05-01", "date_to": "2021-05-14"},
            breakdownFilter=breakdown,
        )
        return [each[0]["breakdown_value"] for each in results] if isinstance(results[0], list) else ["not broken down"]

    assert values({"breakdown": "model"}) == values({"breakdown": ["model"], "breakdown_type": "event"})
    assert values({"breakdown": "model"}) == [["a"], ["b"]]
    assert values({"breakdown": "url", "breakdown_normalize_url": True}) == [["/"], ["https://x.example/a"]]
    # PostHog's funnels look at `breakdown` alone.
    several = [{"property": "model"}, {"property": "tokens", "histogram_bin_count": 2}]
    assert values({"breakdowns": several}) == ["not broken down"]
    assert values({"breakdowns": several, "breakdown": "model"}) == [["a"], ["b"]]
    with pytest.raises(QueryError, match="does not compute a `breakdown` by several properties at once"):
        values({"breakdown": ["model", "tokens"]})
    with pytest.raises(QueryError, match="does not compute funnels broken down by bins"):
        values({"breakdown": "tokens", "breakdown_histogram_bin_count": 2})


def test_one_event_is_one_step_however_many_it_matches(world: World) -> None:
    project = world.project()
    project.capture(
        [
            event("signed up", "twice", "2021-05-01T01:00:00Z"),
            event("signed up", "twice", "2021-05-01T02:00:00Z"),
            event("signed up", "once", "2021-05-01T01:00:00Z"),
        ]
    )
    assert _funnel(project, "signed up", "signed up") == [2, 1]
    assert _funnel(project, "signed up", "signed up", funnelWindowInterval=30, funnelWindowIntervalUnit="minute") == [
        2,
        0,
    ]


def test_steps_of_one_moment_count_in_any_order(world: World) -> None:
    project = world.project()
    project.capture([event(name, "one", "2021-05-01T01:00:00Z") for name in ("paid", "signed up")])
    assert _funnel(project, "signed up", "paid") == [1, 1]


def test_a_funnel_needs_two_steps(world: World) -> None:
    with pytest.raises(QueryError) as refused:
        _funnel(world.of([]), "signed up")
    assert refused.value.code == "funnels_require_at_least_two_steps"


def test_trends_by_day_and_compared_with_the_days_before(world: World) -> None:
    project = _capture(
        world,
        {"ann": ["2019-12-24T01:01:01Z", *["2020-01-01T00:06:34Z"] * 3], "bob": ["2020-01-02T16:34:34Z"]},
        "sign up",
    )
    results = project.results(
        kind="TrendsQuery",
        series=[{"kind": "EventsNode", "event": "sign up"}],
        dateRange={"date_from": "2019-12-28", "date_to": "2020-01-04"},
    )
    assert results[0]["data"] == [0, 0, 0, 0, 3, 1, 0, 0]
    assert (results[0]["label"], results[0]["labels"][4], results[0]["count"]) == ("sign up", "1-Jan-2020", 4)
    now, then = project.results(
        kind="TrendsQuery",
        series=[{"kind": "EventsNode", "event": "sign up"}],
        dateRange={"date_from": "2020-01-01", "date_to": "2020-01-07"},
        compareFilter={"compare": True, "compare_to": "-8d"},
    )
    assert (now["compare_label"], now["days"][0], now["data"][:2]) == ("current", "2020-01-01", [3, 1])
    assert (then["compare_label"], then["days"][0], then["data"][0]) == ("previous", "2019-12-24", 1)


@pytest.mark.parametrize("math", ["sums", "sums_count_per_actor", "first_time_for_group"])
@pytest.mark.parametrize("display", ["ActionsLineGraph", "ActionsPie"])
def test_a_math_that_is_not_computed_is_no_count_of_events(world: World, math: str, display: str) -> None:
    series = [{"kind": "EventsNode", "event": "run", "math": math, "math_group_type_index": 0}]
    with pytest.raises(QueryError, match=f"does not compute the math {math.removesuffix('_count_per_actor')}"):
        world.of([]).results(kind="TrendsQuery", series=series, trendsFilter={"display": display})


def test_a_cohort_filters_and_breaks_down(world: World) -> None:
    paid = event("paid", "ann", "2026-03-18T03:00:00Z", **{"$set": {"plan": "paid"}})
    project = _capture(world, {"ann": ["2026-03-18T01:00:00Z"] * 2, "bob": ["2026-03-18T02:00:00Z"]}, "run", [paid])
    leaf = {"type": "person", "key": "plan", "operator": "exact", "value": "paid"}
    group = {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
    payers = project.put("cohort", name="Payers", is_static=False, filters={"properties": group})
    series = [{"kind": "EventsNode", "event": "run"}]
    total = {"display": "ActionsPie"}
    broken = {"breakdown": [payers, "all"], "breakdown_type": "cohort"}
    results = project.results(kind="TrendsQuery", series=series, trendsFilter=total, breakdownFilter=broken)
    assert [(each["label"], each["breakdown_value"], each["aggregated_value"]) for each in results] == [
        ("Payers", payers, 2), ("all users", "all", 3)
    ]  # fmt: skip
    retention = project.results(
        kind="RetentionQuery",
        breakdownFilter=broken,
        retentionFilter={name: {"id": "run", "type": "events"} for name in ("targetEntity", "returningEntity")},
    )
    sizes = {row["breakdown_value"]: row["values"][0]["count"] for row in retention}  # those of the last day
    assert sizes == {"0": 2, str(payers): 1}
    outside = [{"type": "cohort", "key": "id", "operator": "not_in", "value": payers}]
    (result,) = project.results(kind="TrendsQuery", series=series, trendsFilter=total, properties=outside)
    assert result["aggregated_value"] == 1


def test_texts_that_are_nested_to_different_depths_do_not_keep_each_other_waiting() -> None:
    for depth in (8, 9, 7):
        tree = hogql.parse(f"select {'lower(' * depth}'é'{')' * depth} from events")
        found = json.dumps(tree, ensure_ascii=False)
        assert (found.count('"name": "lower"'), found.count("é")) == (depth, 1)
    with pytest.raises(QueryError, match="curly bracket"):
        hogql.parse("select lower(lower(lower(lower(lower(event)))))}")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    native.package.cache_clear()
    for package, load in (("chdb", lambda: ClickHouse(tmp_path)), ("hogql_parser", lambda: hogql.parse("select 404"))):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingPackageError, match="does not compute queries without the package"):
            load()


def test_cohorts_of_behaviour_count_as_queries_do(world: World) -> None:
    draw, now = Random(5), datetime.now(UTC)
    project = world.project(timezone="America/New_York")
    project.capture(
        event(draw.choice(("run", "stop")), f"p{draw.randrange(40)}", (now - timedelta(hours=each / 4)).isoformat())
        for each in sorted((draw.randrange(4 * 24 * 20) for _ in range(200)), reverse=True)
    )
    leaf = {"type": "behavioral", "key": "run", "event_type": "events", "time_value": 7, "time_interval": "day"}
    asked = {
        "performed_event": "event = 'run' AND timestamp >= toStartOfDay(now() - INTERVAL 7 DAY) GROUP BY person_id",
        "performed_event_multiple": "event = 'run' AND timestamp >= now() - INTERVAL 7 DAY GROUP BY person_id"
        " HAVING count() >= 2",
        "performed_event_first_time": "event = 'run' GROUP BY person_id"
        " HAVING min(timestamp) >= toStartOfDay(now() - INTERVAL 7 DAY)",
    }
    for value, condition in asked.items():
        group = {"type": "AND", "values": [{**leaf, "value": value, "operator": "gte", "operator_value": 2}]}
        properties = {"type": "OR", "values": [group]}
        cohort = project.put("cohort", name=value, is_static=False, filters={"properties": properties})
        (inside,) = project.sql(f"SELECT uniq(person_id) FROM events WHERE person_id IN COHORT {cohort}", now)
        wanted = project.sql(f"SELECT count() FROM (SELECT person_id FROM events WHERE {condition})", now)
        assert [inside] == wanted
        assert 0 < inside[0] < 40


def test_an_hour_that_comes_twice_is_two_buckets(world: World) -> None:
    # In New York clocks go back on 1 November at 06:00 UTC: 05:00 and 06:00 UTC are both 01:00 there.
    now, many = datetime(2026, 11, 2, 12, tzinfo=UTC), {"04": 1, "05": 2, "06": 3, "07": 1}
    project = world.project(timezone="America/New_York")
    project.capture(
        event(name, f"p{person}", f"2026-11-01T{hour}:{minute}:00Z")
        for hour, persons in many.items()
        for person in range(persons)
        for name, minute in (("run", 10), ("stop", 20))
    )
    run = {"kind": "EventsNode", "event": "run"}
    day = {"date_from": "2026-11-01", "date_to": "2026-11-01T02:30:00"}
    asked = {"interval": "hour", "dateRange": day}

    def data(*series: dict[str, Any], **node: Any) -> Any:
        return project.results(now, **asked, series=series, **node)[0]["data"]

    (trends,) = project.results(now, kind="TrendsQuery", series=[run], **asked)
    assert trends["days"] == [f"2026-11-01 0{hour}:00:00" for hour in (0, 1, 1, 2)]
    assert trends["data"] == [1, 2, 3, 1]
    assert data({**run, "math": "weekly_active"}, kind="TrendsQuery") == [3, 3, 3, 3]
    stop = {"kind": "EventsNode", "event": "stop", "properties": [{"type": "hogql", "key": "person_id = person_id"}]}
    assert data(run, stop, kind="FunnelsQuery", funnelsFilter={"funnelVizType": "trends"}) == [100, 100, 100, 100]
    assert data(run, kind="LifecycleQuery") == [1, 1, 1, 0]  # the new ones
    entity = {"id": "run", "type": "events"}
    filter_ = {"period": "Hour", "totalIntervals": 3, "targetEntity": entity, "returningEntity": entity}
    rows = project.results(now, kind="RetentionQuery", retentionFilter=filter_, dateRange={"date_from": "2026-11-01"})
    assert [row["values"][0]["count"] for row in rows[:4]] == [1, 2, 3, 1]
