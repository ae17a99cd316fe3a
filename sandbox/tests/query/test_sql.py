"""SQL in HogQL: what it sees of the captured events, and what it refuses."""

import asyncio
import os
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from sandbox.events import people
from sandbox.query import clickhouse, engine, filters, tables
from sandbox.query.clickhouse import ClickHouse, Result
from sandbox.query.errors import QueryError
from sandbox.query.patience import patiently
from sandbox.resources.analytics import answers
from sandbox.resources.people import cohort_calculation
from sandbox.tests.forks import forked
from sandbox.tests.query.world import NOW, Project, World, event
from sandbox.wire.context import worker_context
from sandbox.wire.errors import ApiError


@pytest.fixture(scope="module")
def project(world: World) -> Project:
    project = world.project()
    project.capture(
        [
            event("run", "ann", "2026-03-16T10:00:00Z", tokens=10, ok=True, model="a", **{"$set": {"plan": "free"}}),
            event("run", "bob", "2026-03-17T23:30:00Z", tokens=20, ok=False, model="b", deep={"er": [1, "x"]}),
            event("run", "ann", "2026-03-18T11:00:00Z", tokens=30, ok=True, **{"$set": {"plan": "paid"}}),
            event("stop", "cid", "2026-03-18T12:00:00Z", model='say "hi"/é'),
        ]
    )
    return project


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT count() FROM events", [[4]]),
        ("SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC", [["run", 3], ["stop", 1]]),
        # A number by its definition, not by a cast in the query.
        ("SELECT sum(properties.tokens) FROM events WHERE properties.ok", [[40]]),
        ("SELECT count() FROM events WHERE properties.ok = false", [[1]]),
        ("SELECT properties.deep.er, properties['deep']['er'] FROM events WHERE distinct_id = 'bob'",
         [['[1,"x"]', '[1,"x"]']]),
        # A missing property is null: unequal to everything, equal to nothing, not smaller than anything.
        ("SELECT count() FROM events WHERE properties.model != 'a'", [[3]]),
        ("SELECT count() FROM events WHERE properties.model = 'a' OR properties.tokens < 5", [[1]]),
        ("SELECT count() FROM events WHERE properties.model IS NULL", [[1]]),
        ("SELECT count() FROM events WHERE properties.model NOT IN ('a', 'b')", [[2]]),
        # A person's properties are those of when the event came; of the person itself, the newest.
        ("SELECT person.properties.plan FROM events WHERE distinct_id = 'ann' ORDER BY timestamp",
         [["free"], ["paid"]]),
        ("SELECT properties.plan FROM persons WHERE properties.plan IS NOT NULL", [["paid"]]),
        ("SELECT p.properties.plan FROM events e JOIN persons p ON e.person_id = p.id WHERE e.event = 'run' AND"
         " e.distinct_id = 'ann' LIMIT 1", [["paid"]]),
        ("SELECT count() FROM events WHERE timestamp > now() - INTERVAL 1 DAY", [[3]]),
        ("SELECT toStartOfDay(timestamp) AS day, count() FROM events GROUP BY day ORDER BY day",
         [["2026-03-16T00:00:00Z", 1], ["2026-03-17T00:00:00Z", 1], ["2026-03-18T00:00:00Z", 2]]),
        ("SELECT toStartOfWeek(timestamp) FROM events LIMIT 1", [["2026-03-15"]]),
        ("SELECT dateAdd('day', 2, toDate('2026-01-30')), dateDiff('hour', toDateTime('2026-01-01'), now()) > 1",
         [["2026-02-01", 1]]),
        ("WITH runs AS (SELECT distinct_id AS who, count() AS n FROM events WHERE event = 'run' GROUP BY who)"
         " SELECT who, n FROM runs ORDER BY who", [["ann", 2], ["bob", 1]]),
        ("SELECT arrayMap(x -> x * 2, [1, 2]), if(1 > 2, 'a', 'b'), CASE WHEN 1 = 1 THEN 'c' END",
         [[[2, 4], "b", "c"]]),
        ("SELECT 1 UNION ALL SELECT 1", [[1], [1]]),
        ("SELECT * FROM (SELECT 1 AS a, 2 AS b)", [[1, 2]]),
        ("SELECT count() FROM events WHERE properties.tokens BETWEEN 5 AND 15", [[1]]),
        ("SELECT properties.tokens::String, x FROM events ARRAY JOIN [1, 2] AS x WHERE distinct_id = 'bob'",
         [["20", 1], ["20", 2]]),
        ("SELECT event FROM events ORDER BY event LIMIT 1 BY event", [["run"], ["stop"]]),
        ("SELECT 'abc' =~ 'B', 'abc' =~* 'B', 'abc' !~ 'b'", [[0, 1, 0]]),
        ("SELECT count() FROM events WHERE properties.tokens < 1000000000000000000000000000000", [[3]]),
        # An aggregate is counted with all that it says.
        ("SELECT array_agg(event) FILTER (WHERE event = 'run'), array_agg(DISTINCT event), string_agg(DISTINCT event,"
         " '/') FROM events", [[["run"] * 3, ["run", "stop"], "run/stop"]]),
        ("SELECT count() FILTER (WHERE event = 'run'), count(DISTINCT distinct_id) FILTER (WHERE event = 'run'),"
         " quantile(0.5)(properties.tokens) FILTER (WHERE properties.tokens > 10) FROM events", [[3, 2, 25]]),
        ("SELECT json_agg(event) OVER (PARTITION BY event), quantile(0.1)(properties.tokens) OVER (PARTITION BY event)"
         " FROM events WHERE event = 'run' LIMIT 1", [['["run","run","run"]', 12]]),
        # These see the whole window, not the rows up to the present one, and null where there is no row.
        ("SELECT lag(properties.tokens) OVER (ORDER BY timestamp), lead(properties.tokens, 1, 7) OVER w,"
         " lead(event, 2) OVER (PARTITION BY event ORDER BY timestamp) FROM events WINDOW w AS (ORDER BY timestamp)"
         " ORDER BY timestamp", [[None, 20, "run"], [10, 30, None], [20, None, None], [30, 7, None]]),
        ("SELECT lag(distinct_id) OVER (ORDER BY timestamp ROWS BETWEEN CURRENT ROW AND CURRENT ROW) FROM events"
         " LIMIT 1", [[None]]),
        # A limit of its own has its own offset; without one the page's offset takes its place, as in PostHog.
        ("SELECT distinct_id FROM events ORDER BY timestamp LIMIT 1 OFFSET 3", [["cid"]]),
        ("SELECT distinct_id FROM events WHERE event = 'run' ORDER BY timestamp OFFSET 2", [["ann"], ["bob"], ["ann"]]),
        ("SELECT count() FROM (SELECT number FROM numbers(60000) LIMIT 55000 OFFSET 1000)", [[55000]]),
        # What is joined is sampled, too. Of four events these are the ones whose distinct ids are in the share.
        ("SELECT uniq(e.distinct_id) FROM events e SAMPLE 0.999 JOIN persons p ON e.person_id = p.id"
         " WHERE e.properties.model = 'a'", [[1]]),
        ("SELECT count() + (SELECT count() FROM events SAMPLE 1/2 OFFSET 1/2) FROM events SAMPLE 1/2"
         " WHERE person.created_at IS NOT NULL", [[4]]),
    ],
)  # fmt: skip
def test_what_sql_answers(project: Project, text: str, rows: list[list[object]]) -> None:
    assert project.sql(text) == rows


def test_columns_and_their_types_are_called_as_posthog_calls_them(project: Project) -> None:
    answer = project.ask(
        kind="HogQLQuery", query="SELECT event, properties.model, 1 + count(), sum(properties.tokens) s FROM events"
        " GROUP BY event, properties.model LIMIT 1",
    )  # fmt: skip
    assert answer["columns"] == ["event", "model", "plus(1, count())", "s"]
    assert answer["types"] == [
        ["event", "String"], ["model", "Nullable(String)"], ["plus(1, count())", "UInt64"], ["s", "Nullable(Float64)"]
    ]  # fmt: skip
    assert answer["hasMore"] is None, "a query with a limit of its own isn't paged"


def test_a_hundred_rows_are_answered_unless_the_query_says_how_many(project: Project) -> None:
    answer = project.ask(kind="HogQLQuery", query="SELECT number FROM numbers(150)")
    assert (len(answer["results"]), answer["hasMore"], answer["limit"]) == (100, True, 100)
    assert len(project.sql("SELECT number FROM numbers(150) LIMIT 120")) == 120
    union = project.ask(kind="HogQLQuery", query="SELECT number FROM numbers(150) UNION ALL SELECT 1 FROM numbers(150)")
    assert (len(union["results"]), union["hasMore"]) == (200, None), "each of a union, which has no pages"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT nothing FROM events", "Unable to resolve field: nothing"),
        ("SELECT 1 FROM nowhere", "Unknown table `nowhere`."),
        ("SELECT cuont() FROM events", "Unsupported function call 'cuont(...)'. Perhaps you meant 'count(...)'?"),
        ("SELECT 1 AS a, 2 AS a", "Cannot redefine an alias with the name: a"),
        ("SELECT distinct_id FROM events e, person_distinct_ids p", "Ambiguous query"),
        ("SELECT event, count() FROM events", "not under aggregate"),
        ("SELECT count( FROM events", "no viable alternative"),
        ("SELECT {variables.model}", "Variable model is missing from query"),
        ("SELECT file('/etc/passwd')", "Unsupported function call 'file(...)'"),
        ("SELECT * FROM system.tables", "Unknown table `system.tables`"),
        ("SELECT [1][0]", "SQL indexes start from one"),
        ("SELECT groupArray(event ORDER BY event) FROM events", "does not compute ORDER BY in groupArray(...)"),
        ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY event) FROM events", "does not compute WITHIN GROUP in"),
        ("SELECT countIf(1 = 1) FILTER (WHERE event = 'run') FROM events", "does not compute FILTER of countIf(...)"),
        ("SELECT toString(event) FILTER (WHERE event = 'run') FROM events", "Function 'toString' doesn't take FILTER"),
        ("SELECT count() FROM events GROUP BY ALL", "does not compute GROUP BY MODE in SelectQuery"),
        ("SELECT count() FROM persons SAMPLE 0.5", "does not compute SAMPLE of persons"),
        ("SELECT count() FROM (SELECT 1) SAMPLE 0.5", "does not compute SAMPLE of a SELECT"),
    ],
)
def test_what_is_refused(project: Project, text: str, says: str) -> None:
    with pytest.raises(QueryError, match=says.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")
                       .replace("[", r"\[").replace("...", r"\.\.\.")):  # fmt: skip
        project.sql(text)


def test_a_query_that_fails_while_it_runs_spoils_no_other(project: Project) -> None:
    for _ in range(2):
        with pytest.raises(QueryError, match="Division by zero") as failed:
            project.sql("SELECT sum(intDiv(1, number)) FROM numbers(3)")
        assert failed.value.code == "illegal_division"
        assert project.sql("SELECT 1") == [[1]]


def test_a_connection_is_opened_anew_only_after_a_failure(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.sql("SELECT 1")
    asked, opened = project.world.services.queries.of(project.row, NOW).clickhouse, list[Any]()
    connect = asked.connect

    def count() -> Any:
        opened.append(connect())
        return opened[-1]

    monkeypatch.setattr(asked, "connect", count)
    assert [project.sql("SELECT 1"), project.sql("SELECT 2"), len(opened)] == [[[1]], [[2]], 0]
    with pytest.raises(QueryError):
        project.sql("SELECT sum(intDiv(1, number)) FROM numbers(3)")
    assert [project.sql("SELECT 1"), project.sql("SELECT 2"), len(opened)] == [[[1]], [[2]], 1]


def test_filters_and_variables_stand_for_what_they_are_given(project: Project) -> None:
    text = "SELECT count() FROM events WHERE {filters} AND event = {variables.what}"
    key = project.put("insight_variable", code_name="what", type="String", default_value="stop")
    named = {str(key): {"variableId": str(key), "code_name": "what"}}
    assert project.sql(text, variables=named) == [[1]], "the default"
    filters = {"dateRange": {"date_from": "-1d"}, "properties": [{"type": "event", "key": "ok", "value": "false"}]}
    run = {str(key): {**named[str(key)], "value": "run"}}
    assert project.sql(text, variables=run) == [[3]]
    assert project.sql(text, variables=run, filters=filters) == [[1]]
    within = "SELECT count() FROM events WHERE timestamp >= {filters.dateRange.from}"
    assert project.sql(within) == [[4]], "a comparison with a date that isn't given holds"
    assert project.sql(within, filters=filters) == [[3]]


def test_times_are_those_of_the_project(world: World) -> None:
    project = world.project(timezone="America/New_York", week_start_day=1)
    project.capture([event("run", "ann", "2026-03-16T02:00:00Z")])
    assert project.sql("SELECT timestamp, toStartOfDay(timestamp), toHour(timestamp), toStartOfWeek(timestamp)"
                       " FROM events") == [
        ["2026-03-15T22:00:00-04:00", "2026-03-15T00:00:00-04:00", 22, "2026-03-09"]
    ]  # fmt: skip


@pytest.fixture(scope="module", params=["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def in_a_zone(request: pytest.FixtureRequest, world: World) -> Project:
    project = world.project(timezone=request.param)
    project.capture([event("run", "ann", "2026-03-16T20:00:00Z")])
    return project


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("toDateTime('2026-03-16 20:00:00', 'UTC') = toDateTime('2026-03-16T20:00:00Z')", 1),
        ("timestamp = toDateTime('2026-03-17 01:30:00', 'Asia/Kolkata')", 1),
        ("toDateTimeUS('03/16/2026 20:00:00', 'UTC') = timestamp", 1),
        ("parseDateTimeBestEffort('2026-03-16 20:00:00', 'UTC') = timestamp", 1),
        ("parseDateTime('20:00 16.03.2026', '%H:%i %d.%m.%Y', 'UTC') = timestamp", 1),
        ("toDateTime64('2026-03-16 20:00:00.5', 3, 'UTC') > timestamp", 1),
        ("toDateTime(timestamp, 'Asia/Tokyo')", "2026-03-17T05:00:00+09:00"),
        ("toDate(toTimeZone(timestamp, 'Asia/Tokyo'))", "2026-03-17"),
        ("toStartOfDay(timestamp, 'UTC')", "2026-03-16T00:00:00Z"),
        ("toString(timestamp, 'UTC')", "2026-03-16 20:00:00.000000"),
        ("to_char(timestamp, '%d %H', 'UTC')", "16 20"),
        ("formatDateTime(timestamp, '%d %H', 'UTC')", "16 20"),
        ("toHour(now('UTC'))", 12),
        # A second is all that PostHog leaves of a moment here.
        ("toString(toDateTime(toDateTime64('2026-03-16 20:00:00.5', 6, 'UTC'), 'UTC'))", "2026-03-16 20:00:00"),
    ],
)  # fmt: skip
def test_a_time_zone_that_is_given_takes_the_place_of_the_projects(in_a_zone: Project, text: str, told: object) -> None:
    assert in_a_zone.sql(f"SELECT {text} FROM events") == [[told]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("toDate(now(), 'UTC')", "Function 'toDate' expects 1 argument, found 2"),
        ("toHour(now(), 'UTC')", "Function 'toHour' expects 1 argument, found 2"),
        ("toDateTime(now(), 'UTC', 3)", "Function 'toDateTime' expects at most 2 arguments, found 3"),
        ("toTimeZone()", "Function 'toTimeZone' expects at least 1 argument, found 0"),
        ("today('UTC')", "Function 'today' expects 0 arguments, found 1"),
        ("to_timestamp(1, 'UTC')", "does not compute to_timestamp(...) of 2 arguments"),
    ],
)
def test_an_argument_is_refused_and_never_left_out(project: Project, text: str, says: str) -> None:
    with pytest.raises(QueryError, match=re.escape(says)):
        project.sql(f"SELECT {text}")


def test_no_project_sees_anothers_events(world: World) -> None:
    first, second = world.project(), world.project()
    first.capture([event("run", "ann", "2026-03-16T02:00:00Z")])
    assert (first.sql("SELECT count() FROM events"), second.sql("SELECT count() FROM events")) == ([[1]], [[0]])
    assert second.sql("SELECT count() FROM persons") == [[0]]


def test_events_and_persons_that_change_are_seen_changed(world: World) -> None:
    project = world.project()
    whose = "SELECT uniq(person_id) FROM events"
    first = event("run", "anon", "2026-03-16T02:00:00Z", n=1)
    project.capture([{**first, "uuid": "0197d0b5-0000-7000-8000-000000000001"}])
    project.capture([event("run", "ann", "2026-03-16T03:00:00Z", n=1)])
    assert (project.sql(whose), project.sql("SELECT sum(properties.n) FROM events")) == ([[2]], [[2]])
    project.capture([event("$identify", "ann", "2026-03-16T04:00:00Z", **{"$anon_distinct_id": "anon"})])
    assert project.sql(whose) == [[1]], "earlier events follow a merge"
    changed = {**first, "uuid": "0197d0b5-0000-7000-8000-000000000001", "properties": {"n": 5}}
    project.capture([changed])
    assert project.sql("SELECT sum(properties.n), countIf(event = 'run') FROM events") == [[6, 2]], (
        "one replaces another"
    )


def test_many_people_and_events_may_change_between_two_queries(world: World) -> None:
    project, many, at = world.project(), 700, "2026-03-16T10:00:00Z"
    anonymous = [f"{n:0199}" for n in range(1, many)]
    project.capture(event("run", each, at) for each in anonymous)
    asked = "SELECT count(), count(DISTINCT person_id) FROM events WHERE event = 'run'"
    assert project.sql(asked) == [[many - 1, many - 1]]
    project.capture(event("$identify", "ann", at, **{"$anon_distinct_id": each}) for each in anonymous)
    assert project.sql(asked) == [[many - 1, 1]]
    world.services.queries.of(project.row, NOW).remove(list(range(10**16, 10**16 + 17_000)))
    assert project.sql(asked) == [[many - 1, 1]]


def test_events_that_came_again_are_replaced_a_part_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "REMOVED_AT_A_TIME", 4)
    project, at = world.project(), "2026-03-16T10:00:00Z"
    again = [{**event("run", "ann", at), "uuid": str(uuid.UUID(int=n))} for n in range(10)]
    asked, paused = "SELECT count() FROM events", 0

    def told() -> None:
        nonlocal paused
        paused += 1

    project.capture(again)
    assert project.sql(asked) == [[10]]
    monkeypatch.setattr(tables, "pause", told)
    project.capture(again)
    assert project.sql(asked) == [[10]]
    assert paused == 2


def test_a_load_of_the_people_that_fails_is_done_by_the_next_query(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, at, run = world.project(), "2026-03-16T10:00:00Z", ClickHouse.execute
    project.capture([event("run", each, at) for each in ("ann", "bob")])
    asked = "SELECT count(DISTINCT person_id) FROM events"
    assert project.sql(asked) == [[2]]
    project.capture([event("$identify", "ann", at, **{"$anon_distinct_id": "bob"})])

    def failing(self: ClickHouse, sql: str) -> None:
        if "UPDATE" in sql:
            raise RuntimeError("no memory is left")
        run(self, sql)

    with monkeypatch.context() as patched:
        patched.setattr(ClickHouse, "execute", failing)
        with pytest.raises(RuntimeError, match="no memory"):
            project.sql(asked)
    assert project.sql(asked) == [[1]]


def test_a_table_of_events(project: Project) -> None:
    answer = project.ask(kind="EventsQuery", select=["*", "person_display_name", "properties.tokens"], event="run")
    (whole, name, tokens), *rest = answer["results"]
    assert (whole["event"], whole["properties"]["tokens"], name["display_name"], tokens) == ("run", 30, "ann", 30)
    assert (len(rest), answer["hasMore"]) == (1, False), "without `after` it covers 24 hours"
    counted = project.ask(
        kind="EventsQuery", select=["event", "count()", "max(properties.tokens) -- most"], after="all",
        where=["count() > 1"],
    )  # fmt: skip
    assert counted["results"] == [["run", 3, 30]]


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_personless_event_is_of_the_person_that_its_distinct_id_is_given(world: World, asked_before: bool) -> None:
    project = world.project()
    whose = "SELECT event, person_id FROM events ORDER BY timestamp"
    project.capture([event("run", "anon", "2026-03-16T02:00:00Z", **{"$process_person_profile": False})])
    if asked_before:
        project.sql(whose)
    project.capture([event("$identify", "ann", "2026-03-16T04:00:00Z", **{"$anon_distinct_id": "anon"})])
    assert project.sql("SELECT person_mode FROM events ORDER BY timestamp") == [["propertyless"], ["full"]]
    (_, of_run), (_, of_identify) = project.sql(whose)
    assert of_run == of_identify, "whether or not somebody asked before the person was known"


EVENTS = [{"kind": "EventsNode", "event": None}]
TOTAL = {"series": EVENTS, "trendsFilter": {"display": "BoldNumber"}, "dateRange": {"date_from": "-7d"}}
OWN: dict[str, Callable[[str], dict[str, Any]]] = {  # where people write HogQL within a query
    "filter": lambda text: {"kind": "TrendsQuery", **TOTAL, "properties": [{"type": "hogql", "key": text}]},
    "breakdown": lambda text: {
        "kind": "TrendsQuery", **TOTAL, "breakdownFilter": {"breakdown_type": "hogql", "breakdown": text}
    },
    "math": lambda text: {
        "kind": "TrendsQuery", **TOTAL, "series": [{**EVENTS[0], "math": "hogql", "math_hogql": text}]
    },
    "funnel": lambda text: {
        "kind": "FunnelsQuery", "series": EVENTS * 2, "funnelsFilter": {"funnelAggregateByHogQL": text}
    },
    "stickiness": lambda text: {
        "kind": "StickinessQuery", "series": [{**EVENTS[0], "math": "hogql", "math_hogql": text}]
    },
    "paths": lambda text: {
        "kind": "PathsQuery", "pathsFilter": {"includeEventTypes": ["hogql"], "pathsHogQLExpression": text}
    },
    "select": lambda text: {"kind": "EventsQuery", "after": "all", "select": [text]},
    "where": lambda text: {"kind": "EventsQuery", "after": "all", "select": ["event"], "where": [text]},
    "order": lambda text: {"kind": "EventsQuery", "after": "all", "select": ["timestamp"], "orderBy": [text]},
}  # fmt: skip


def _numbers(results: Any) -> Any:
    """What a query answers, but for what it repeats of the question."""
    echo = ("filter", "action")
    return [each if isinstance(each, list) else {**each, **dict.fromkeys(echo)} for each in results]


@pytest.mark.parametrize("place", OWN)
def test_peoples_hogql_means_in_a_query_what_it_means_alone(project: Project, place: str) -> None:
    plain = "max(toString(distinct_id) = 'ann')" if place == "math" else "toString(distinct_id) = 'ann'"
    wanted = _numbers(project.results(**OWN[place](plain)))
    for written in (f"{plain} -- a comment", f"{plain} # another", f"not(not({plain})) // a third"):
        assert _numbers(project.results(**OWN[place](written))) == wanted
    # Of an order PostHog's parser reads no more than it understands.
    ended = [f"{plain} DESC) OR (1 = 1", f"{plain} DESC, event", f"{plain} DESC LIMIT 1"] if place == "order" else []
    descending = [] if place != "order" else _numbers(project.results(**OWN[place](f"{plain} DESC")))
    for written in ended:
        assert _numbers(project.results(**OWN[place](written))) == descending != wanted
    broken = [] if place == "order" else [f"{plain}) OR (1 = 1", f"{plain}), ({plain}", f"{plain} /*"]
    for written in (*broken, "{where}", "{value_0}", "{hogql('1')}"):
        with pytest.raises(QueryError):
            project.results(**OWN[place](written))


def test_the_bounds_of_between_are_compared_as_they_are_sent() -> None:
    assert filters.holds("x", "between", ["9", "30"], None, NOW) == "(x >= '9' AND x <= '30')"
    assert filters.holds("x", "not_between", [9, 30.5], None, NOW) == "(x < 9 OR x > 30.5)"


def test_columns_and_orders_are_peoples_whole_text(project: Project) -> None:
    answer = project.ask(
        kind="EventsQuery", after="all", select=["distinct_id AS who -- who", "count()", "'a--b'"],
        where=["event != 'x' -- none"], orderBy=["count() DESC -- most", "who"],
    )  # fmt: skip
    assert answer["results"] == [["ann", 2, "a--b"], ["bob", 1, "a--b"], ["cid", 1, "a--b"]]
    assert project.sql(answer["hogql"]) == answer["results"], "what is shown is what was asked"
    with pytest.raises(QueryError, match="Unresolved placeholder"):
        project.sql("SELECT {hogql('1')}")


@pytest.mark.parametrize(
    ("bound", "value", "sql", "text"),
    [
        ("MOST_SECONDS", 0.1, "count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1", "max execution time"),
        ("MOST_BYTES", 50_000_000, "groupArray(number) FROM numbers(100000000)", "max memory limit"),
    ],
)
def test_a_query_that_takes_too_much_is_ended(
    world: World, monkeypatch: pytest.MonkeyPatch, bound: str, value: float, sql: str, text: str
) -> None:
    monkeypatch.setattr(clickhouse, bound, value)
    with pytest.raises(QueryError, match=text) as ended:
        world.project().sql(f"SELECT {sql}")
    assert ended.value.status == 504
    asked = {"kind": "HogQLQuery", "query": f"SELECT {sql}"}
    with pytest.raises(ApiError, match=text) as refused:
        answers.respond(worker_context(world.services, world.project().id), asked, "blocking")
    assert (refused.value.status, refused.value.kind, refused.value.code) == (504, "server_error", "error")
    monkeypatch.undo()
    assert world.project().sql("SELECT 1") == [[1]], "and spoils no other"


def test_a_slow_query_is_answered_when_its_asker_begins_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clickhouse, "PATIENCE", 0.001)
    project, begun = world.project(), 0

    def job() -> Any:
        nonlocal begun
        begun += 1
        slow = "SELECT count() FROM numbers({}) WHERE cityHash64(number) != 1"
        return [project.sql(slow.format(20_000_000 + number)) for number in range(2)]

    assert asyncio.run(patiently(job)) == [[[20_000_000]], [[20_000_001]]]
    assert begun == 3


def test_what_changes_after_a_first_query_that_was_begun_again_is_seen(tmp_path: Path) -> None:
    with forked(_begin_again, ["sandbox"], tmp_path, os.environ) as (_, line):  # whose first query it is
        assert line == "[[3, 3]] [[4, 4]]\n"


def _begin_again() -> None:
    tables.AT_A_TIME = 2
    world = World(Path())
    project = world.project()

    def counted() -> Any:
        with world.store.transaction():
            return project.sql("SELECT (SELECT count() FROM persons), (SELECT count() FROM events)")

    project.capture([event("run", f"person {n}", "2026-03-16T10:00:00Z") for n in range(3)])
    first = asyncio.run(patiently(counted))
    project.capture([event("run", "another", "2026-03-16T11:00:00Z")])
    print(first, asyncio.run(patiently(counted)), flush=True)
    world.close()


def test_whoever_begins_again_asks_only_what_is_not_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    project, run, asked = world.project(), ClickHouse._rows, list[float]()

    def counted(self: ClickHouse, sql: str, seconds: float) -> Result:
        asked.append(seconds)
        if "numbers" in sql and seconds == clickhouse.PATIENCE:
            raise QueryError("It takes long", "timeout_exceeded")
        return run(self, sql, seconds)

    monkeypatch.setattr(ClickHouse, "_rows", counted)

    texts = "1", "sum(number) FROM numbers(3)", "2", "sum(number) FROM numbers(4)"

    def job() -> Any:
        return [project.sql(f"SELECT {each}") for each in texts]

    assert asyncio.run(patiently(job)) == [[[1]], [[3]], [[2]], [[6]]]
    assert asked == [clickhouse.PATIENCE, clickhouse.PATIENCE, clickhouse.MOST_SECONDS] * 2


def test_slow_queries_read_all_of_the_people_while_they_are_loaded_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, queries = world.project(), world.services.queries
    everybody = {"type": "AND", "values": [{"type": "person", "key": "plan", "operator": "is_set"}]}
    dynamic = project.put("cohort", name="all", is_static=False, filters={"properties": everybody})
    project.capture([event("$set", "ann", "2026-03-16T10:00:00Z", **{"$set": {"plan": "free"}})])
    (ann,) = queries.of(project.row, NOW).persons([])
    with world.store.transaction():
        people.add_members(world.store, project.put("cohort", name="some", is_static=True), [ann])
    queries.of(project.row, NOW).cohort(dynamic)
    seen = list[list[Any]]()

    def look(self: ClickHouse, *statement: Any, run: Callable[..., None]) -> None:
        run(self, *statement)
        of = "persons", "person_distinct_ids", "static_cohort_people", "cohort_people"
        seen.append([self.rows(f"SELECT count() FROM {each}_{project.id}").rows for each in of])

    for each in ("execute", "insert"):
        monkeypatch.setattr(ClickHouse, each, partialmethod(look, run=getattr(ClickHouse, each)))
    project.capture([event("$set", "ann", "2026-03-17T10:00:00Z", **{"$set": {"plan": "paid"}})])
    queries.of(project.row, NOW).cohort(dynamic)
    assert len(seen) > 8
    assert all(each == [[[1]]] * 4 for each in seen)


def test_no_slow_query_holds_up_a_load_of_the_people_that_it_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clickhouse, "MOST_SECONDS", 5.0)
    project, mirror = world.project(), world.services.queries.of

    def come(*names: str) -> None:
        project.capture(event("run", each, "2026-03-16T10:00:00Z") for each in names)
        assert project.sql("SELECT count() FROM persons")

    come("ann")
    asked = f"SELECT count() FROM persons_{project.id}, numbers(10000000000000) n WHERE cityHash64(number, id) = 1"
    database = mirror(project.row, NOW).clickhouse
    slow = database._later(f"{asked} SETTINGS max_execution_time=")
    while database.rows("SELECT count() FROM system.processes").rows == [[1]]:
        assert not slow.done()
    come("bob")
    come("eve")
    assert not slow.done()
    assert project.sql("SELECT count() FROM persons") == [[3]]
    while not slow.done():
        database.execute("KILL QUERY WHERE query_id != queryID() ASYNC")


def test_who_is_in_a_cohort_of_what_people_did_depends_on_when_it_is_asked(world: World) -> None:
    project = world.project()
    project.capture([event("run", "ann", "2026-03-16T10:00:00Z")])
    did = {"type": "behavioral", "key": "run", "event_type": "events", "value": "performed_event",
           "time_value": 7, "time_interval": "day"}  # fmt: skip

    def counted(now: datetime, **leaf: str) -> Any:
        filters = {"properties": {"type": "AND", "values": [{**did, **leaf}]}}
        cohort = project.put("cohort", name="c", is_static=False, filters=filters)
        return project.sql(f"SELECT count() FROM persons WHERE id IN COHORT {cohort}", now)

    assert [counted(NOW + timedelta(days=days)) for days in (0, 7)] == [[[1]], [[0]]]
    until = {"explicit_datetime": "-7d", "explicit_datetime_to": "9999-12-31"}
    assert counted(NOW, **until) == [[1]], "also what is beyond ClickHouse's last year ends a window"


def test_static_and_dynamic_cohorts_have_tables_of_their_own_without_deleted_ones(world: World) -> None:
    project, queries = world.project(), world.services.queries
    named = (event("$set", each, "2026-03-16T10:00:00Z", **{"$set": {"name": each}}) for each in ("ann", "bob"))
    project.capture(named)

    def cohort(name: str) -> int:
        leaf = {"type": "person", "key": "name", "operator": "exact", "value": [name]}
        filters = {"properties": {"type": "AND", "values": [leaf]}}
        return project.put("cohort", name=name, is_static=False, filters=filters, pending_version=1)

    ann, bob, some = cohort("ann"), cohort("bob"), project.put("cohort", name="some", is_static=True)
    with world.store.transaction():
        people.add_members(world.store, some, queries.of(project.row, NOW).persons([]))
        cohort_calculation.recalculate(queries, ann, NOW)

    def counted(table: str) -> Any:
        return project.sql(f"SELECT cohort_id, count() FROM {table} GROUP BY cohort_id ORDER BY cohort_id")

    assert project.sql(f"SELECT count() FROM events WHERE person_id IN COHORT {some}") == [[2]]
    assert counted("cohort_people") == [[ann, 1], [bob, 1]]
    assert counted("static_cohort_people") == [[some, 2]]
    with world.store.transaction():
        world.store.put("cohort", str(project.id), {"id": bob, "name": "bob", "deleted": True}, listed=False)
    assert counted("cohort_people") == [[ann, 1]]
    assert world.project().sql("SELECT count() FROM cohort_people") == [[0]], "also where there is no cohort"
    with world.store.transaction():
        row = world.store.get("cohort", ann, str(project.id)) or {}
        row["filters"]["properties"]["values"][0].update(operator="regex", value="(")
        world.store.put("cohort", str(project.id), row)
    assert counted("cohort_people") == [[ann, 1]], "and of one that makes no sense any more whom it had"
    assert project.sql(f"SELECT count() FROM persons WHERE id IN COHORT {ann}") == [[1]]


def test_a_cohort_of_a_past_moment_knows_no_later_event(world: World) -> None:
    project, queries = world.project(), world.services.queries
    project.capture([event("run", "ann", "2026-03-10T10:00:00Z"), event("buy", "ann", "2026-03-17T10:00:00Z")])
    bought = {"type": "behavioral", "key": "buy", "event_type": "events", "value": "performed_event",
              "time_value": 30, "time_interval": "day"}  # fmt: skip
    filters = {"properties": {"type": "AND", "values": [bought]}}
    cohort = project.put("cohort", name="c", is_static=False, filters=filters)
    node = {"kind": "HogQLQuery", "query": f"SELECT count() FROM persons WHERE id IN COHORT {cohort}"}
    assert queries.at(project.row, node, NOW - timedelta(days=3))["results"] == [[0]]
    assert queries.at(project.row, node, NOW)["results"] == [[1]]
    before = datetime(2026, 3, 17, 9, 59, 50, tzinfo=UTC)
    assert queries.at(project.row, node, before)["results"] == [[0]]
    assert queries.compute(project.row, node, before)["results"] == [[1]], "only what is asked as of a moment"


def test_a_cohort_is_counted_anew_once_something_was_written_or_time_went_by(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = world.project()
    project.capture([event("run", "ann", "2026-03-16T10:00:00Z")])
    did = {"type": "behavioral", "key": "run", "event_type": "events", "value": "performed_event",
           "time_value": 7, "time_interval": "day"}  # fmt: skip
    cohort = project.put("cohort", name="c", is_static=False, filters={"properties": {"type": "AND", "values": [did]}})
    mirror = world.services.queries.of(project.row, NOW).tables
    counts, count = list[int](), mirror.members

    def counting(*asked: Any) -> Any:
        found = count(*asked)
        counts.append(len(list(found)))
        return found

    monkeypatch.setattr(mirror, "members", counting)

    def members(now: datetime) -> tuple[Any, list[int]]:
        counts.clear()
        return project.sql(f"SELECT count() FROM persons WHERE id IN COHORT {cohort}", now), counts

    assert members(NOW) == ([[1]], [1])
    assert members(NOW + timedelta(seconds=50)) == ([[1]], [])
    assert members(NOW + timedelta(seconds=70)) == ([[1]], [1])
    project.capture([event("run", "bob", "2026-03-16T10:00:00Z")])
    assert members(NOW + timedelta(seconds=70)) == ([[2]], [2])
    assert members(NOW + timedelta(days=7)) == ([[0]], [0])

    def undone() -> None:
        with world.store.transaction():
            project.capture([event("run", "eve", "2026-03-16T10:00:00Z")])
            assert members(NOW) == ([[3]], [3])
            raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        undone()
    assert members(NOW)[1] == [2]


def test_prewhere_is_for_events_as_people_are_a_select_in_posthog(world: World) -> None:
    project = world.project()
    project.capture([event("run", each, "2026-03-16T10:00:00Z") for each in ("ann", "bob")])
    asked = "SELECT distinct_id FROM {} PREWHERE distinct_id = 'ann' WHERE distinct_id != 'eve'"
    assert project.sql(asked.format("events")) == [["ann"]]
    for each in ("person_distinct_ids", "(SELECT distinct_id FROM events)"):
        with pytest.raises(QueryError, match="PREWHERE"):
            project.sql(asked.format(each))


@pytest.mark.parametrize("few", [0, 1_000])
def test_a_property_is_the_same_with_and_without_a_column_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(tables, "FEW", few)
    project, said = world.project(), ["a", 'say "hi"', 1.5, True, None, {"b": [1]}, "null", ""]
    project.capture(event(str(n), "ann", "2026-03-16T10:00:00Z", p=each) for n, each in enumerate(said))
    asked = "SELECT properties.p, properties.p.b FROM events ORDER BY event"
    assert project.sql(asked) == [
        ["a", None], ['say \\"hi\\"', None], ["1.5", None], ["true", None], [None, None], ['{"b":[1]}', "[1]"],
        ["null", None], ["", None],
    ]  # fmt: skip


def test_a_slow_query_never_reads_a_property_for_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    project = world.project()
    project.capture([event("run", "ann", "2026-03-16T10:00:00Z", tokens=10, model="a")])
    monkeypatch.setattr(tables, "MOST_PROPERTIES", 1)
    monkeypatch.setattr(tables, "FEW", 0)
    waiting, _ = (project.ask(kind="HogQLQuery", query=f"SELECT properties.{each} FROM events")["clickhouse"]
                  for each in ("model", "tokens"))  # fmt: skip
    with pytest.raises(QueryError) as refused:
        world.services.queries.of(project.row, NOW).clickhouse.rows(waiting)
    assert refused.value.code == "unknown_identifier"


def test_an_answer_is_not_kept_for_another_start_of_the_week(world: World) -> None:
    project, queries = world.project(), world.services.queries
    node: dict[str, Any] = {"kind": "HogQLQuery", "query": "SELECT toStartOfWeek(toDate('2026-03-18'))"}
    assert project.results(**node) == [["2026-03-15"]]
    assert queries.kept(project.row, node, NOW) is not None
    assert queries.kept({**project.row, "week_start_day": 1}, node, NOW) is None


def test_a_table_of_groups_has_no_group_types_definitions_whatever_it_is_called(world: World) -> None:
    project, at, sizes = world.project(), "2026-03-16T10:00:00Z", {"company": 10, "team": "large"}
    project.capture(
        event("$groupidentify", "ann", at, **{"$group_type": each, "$group_key": "a", "$group_set": {"size": size}})
        for each, size in sizes.items()
    )
    for name in ("g", "g0", "g1"):
        assert project.sql(f"SELECT properties.size FROM groups AS {name} ORDER BY index") == [["10"], ["large"]]
    typed = "SELECT group_0.properties.size FROM events ORDER BY group_0.properties.size NULLS LAST LIMIT 1"
    project.capture([event("run", "ann", at, **{"$groups": {"company": "a"}})])
    assert project.sql(typed) == [[10]]


def test_the_oldest_answers_are_forgotten_when_all_get_too_large(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_KEPT", 1_000_000)
    queries, row, now = world.services.queries, world.project().row, datetime.now(UTC)
    sizes = (80_001, 80_002, 80_003, 400_000)
    text = "SELECT arrayStringConcat(arrayMap(x -> 'xxxxx', range({})))"
    asked = [{"kind": "HogQLQuery", "query": text.format(size)} for size in sizes]

    def kept() -> list[bool]:
        return [queries.kept(row, each, now) is not None for each in asked]

    for each in asked[:3]:
        queries.compute(row, each, now)
    assert kept() == [False, True, True, False]
    assert len(queries.compute(row, asked[3], now)["results"][0][0]) == 2_000_000
    assert kept() == [False] * 4, "one that is too large alone is not kept"
