"""Whom a release condition reaches and who is in a cohort: as many as a query counts that says the same in SQL.

Drawn conditions; the SQL is written here, operator by operator, and not by what the sandbox makes of a filter.
"""

import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from sandbox.tests.shapes import Api

PEOPLE, CONDITIONS, COHORTS = 60, 28, 4
PLANS, NOTES = ["free", "Free", "pro plus", "50%", ""], ["Hello (world)", "a.b", "über", "x_y"]
VERSIONS = ["1.2.3", "v1.10.0", "2.0.0-rc.1", "0.3.0", "0.0.7", "1.2", "nonsense"]
NOW = datetime.now(UTC).replace(microsecond=0)
DATES = [(NOW - timedelta(days=days, hours=5)).isoformat() for days in (1, 6, 20, 400)]
OPERATORS = 28
DAY, LONGEST = 86_400, 60  # seconds; these tests take no longer
Draw = tuple[dict[str, Any], str]  # a filter, and the same in SQL
Draws = list[Draw]


def _sql(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("\\", "\\\\") + "'"


def _set(draw: Random, field: str) -> Draw:
    key = field.removeprefix("properties.")
    operator = draw.choice(("is_set", "is_not_set"))
    return {"key": key, "operator": operator}, f"{field} IS {'NOT ' if operator == 'is_set' else ''}NULL"


def _text(draw: Random, field: str, values: list[str]) -> Draw:
    several = draw.sample(values, draw.randrange(2, 4))
    value = draw.choice(values)
    lowered = [f"positionCaseInsensitive(toString({field}), {_sql(each)}) > 0" for each in several]
    listed = ", ".join(map(_sql, several))
    likes = f"toString({field}) {{}} {_sql(f'%{value[1:3]}%')}"
    pattern = draw.choice(("^[a-z]", "o+", "[.]", "[(]"))
    found = f"match(toString({field}), {_sql(pattern)})"
    forms: list[tuple[str, Any, str]] = [
        ("exact", value, f"{field} = {_sql(value)}"),
        ("exact", several, f"{field} IN ({listed})"),
        ("is_not", value, f"({field} IS NULL OR {field} != {_sql(value)})"),
        ("is_not", several, f"({field} IS NULL OR {field} NOT IN ({listed}))"),
        ("in", several, f"{field} IN ({listed})"),
        ("not_in", several, f"({field} IS NULL OR {field} NOT IN ({listed}))"),
        ("icontains", value[1:3], likes.format("ILIKE")),
        ("not_icontains", value[1:3], f"({field} IS NULL OR {likes.format('NOT ILIKE')})"),
        ("icontains_multi", several, " OR ".join(lowered)),
        ("regex", pattern, f"{field} IS NOT NULL AND {found}"),
        ("not_regex", pattern, f"({field} IS NULL OR NOT {found})"),
    ]
    operator, sent, sql = draw.choice(forms)
    return {"key": field.removeprefix("properties."), "operator": operator, "value": sent}, f"({sql})"


def _number(draw: Random, _: str) -> Draw:
    low = draw.randrange(8)
    high = low + draw.randrange(3)
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "exact": "="}
    operator = draw.choice((*signs, "between", "not_between"))
    if operator in signs:
        return {"key": "age", "operator": operator, "value": low}, f"(properties.age {signs[operator]} {low})"
    inside = f"properties.age >= {low} AND properties.age <= {high}"
    sql = inside if operator == "between" else f"properties.age IS NOT NULL AND NOT ({inside})"
    return {"key": "age", "operator": operator, "value": [low, high]}, f"({sql})"


def _boolean(draw: Random, _: str) -> Draw:
    value, operator = draw.choice(("true", "false")), draw.choice(("exact", "is_not"))
    sql = f"properties.beta {'=' if operator == 'exact' else '!='} {value}"
    return {"key": "beta", "operator": operator, "value": value}, sql


def _date(draw: Random, _: str) -> Draw:
    operator, date = draw.choice(("is_date_before", "is_date_after")), draw.choice((*DATES, "-7d", "-1m", "2026-01-01"))
    sign = "<" if operator == "is_date_before" else ">"
    asked = {"-7d": "now() - INTERVAL 7 DAY", "-1m": "now() - INTERVAL 1 MONTH"}.get(date, f"toDateTime('{date}')")
    return {
        "key": "since",
        "operator": operator,
        "value": date,
    }, f"(toDateTime(toString(properties.since)) {sign} {asked})"


def _version(draw: Random, _: str) -> Draw:
    """A release that is no whole version is in none of them."""
    two, ten, release, three, seven = VERSIONS[:5]
    operator, value, matching = draw.choice((
        ("eq", "1.2.3", [two]), ("neq", "1.2.3", [ten, release, three, seven]), ("gt", "1.2.3", [ten, release]),
        ("gte", "1.10.0", [ten, release]), ("lt", "1.10.0", [two, three, seven]), ("lte", "0.3.0", [three, seven]),
        ("tilde", "1.2.0", [two]), ("caret", "0.3.0", [three]), ("caret", "1.0.0", [two, ten]),
        ("wildcard", "1.*", [two, ten]),
    ))  # fmt: skip
    sql = " OR ".join(f"properties.version = {_sql(each)}" for each in matching)
    return {"key": "version", "operator": f"semver_{operator}", "value": value}, f"({sql})"


def _property(draw: Random) -> Draw:
    given, sql = draw.choice((
        lambda: _set(draw, draw.choice(("properties.plan", "properties.age", "properties.since"))),
        lambda: _text(draw, "properties.plan", PLANS[:-1]),
        lambda: _text(draw, "properties.note", NOTES),
        lambda: _number(draw, ""), lambda: _boolean(draw, ""), lambda: _date(draw, ""), lambda: _version(draw, ""),
    ))()  # fmt: skip
    return {"type": "person", **given}, sql


def _leaf(draw: Random) -> Draw:
    """A leaf of a cohort, perhaps negated."""
    if draw.random() < 0.4:
        days, negation, tokens = draw.randrange(1, 9), draw.random() < 0.4, draw.randrange(5)
        filters = [{"type": "event", "key": "tokens", "operator": "gt", "value": tokens}]
        given = {"type": "behavioral", "key": "ran", "event_type": "events", "value": "performed_event",
                 "time_value": days, "time_interval": "day", "event_filters": filters}  # fmt: skip
        sql = f"id IN (SELECT person_id FROM events WHERE event = 'ran' AND properties.tokens > {tokens}" \
              f" AND timestamp >= toStartOfDay(now() - INTERVAL {days} DAY))"  # fmt: skip
    else:
        given, sql = _property(draw)
        negation = draw.random() < 0.3
    return {**given, "negation": negation}, f"NOT ({sql})" if negation else sql


def _tree(draw: Random) -> Draw:
    groups = []
    for _ in range(draw.randrange(1, 3)):
        word, leaves = draw.choice(("AND", "OR")), [_leaf(draw) for _ in range(draw.randrange(1, 4))]
        made = {"type": word, "values": [given for given, _ in leaves]}
        groups.append((made, f" {word} ".join(sql for _, sql in leaves)))
    word = draw.choice(("AND", "OR"))
    sql = f" {word} ".join(f"({sql})" for _, sql in groups)
    return {"type": word, "values": [given for given, _ in groups]}, sql


@pytest.fixture(scope="module")
def people(api: Api) -> Api:
    left = DAY - time.time() % DAY
    if left < LONGEST:  # what days are counted in is asked twice, and by another day's days it would differ
        time.sleep(left)
    draw, batch = Random(11), []
    for number in range(PEOPLE):
        who: dict[str, Any] = {"plan": draw.choice(PLANS), "note": draw.choice(NOTES), "age": draw.randrange(10),
                               "beta": draw.random() < 0.5, "version": draw.choice(VERSIONS),
                               "since": draw.choice(DATES)}  # fmt: skip
        known = {key: value for key, value in who.items() if draw.random() < 0.8}
        at = (NOW - timedelta(hours=draw.randrange(24 * 10))).isoformat()
        batch.append({"event": "ran", "distinct_id": f"p{number}", "timestamp": at,
                      "properties": {"tokens": draw.randrange(6), "$set": known}})  # fmt: skip
    api.sandbox.capture(*batch)
    return api


def _counted(api: Api, conditions: list[str]) -> list[int]:
    """One by one and with few brackets: for what is nested deeply the parser gets a process of its own."""
    found = []
    for condition in conditions:
        query = {"kind": "HogQLQuery", "query": f"SELECT count() FROM persons WHERE {condition}"}
        found += api.post("query/", {"query": query, "refresh": "force_blocking"})["results"][0]
    return found


def test_a_release_condition_reaches_as_many_as_sql_counts(people: Api) -> None:
    draw, asked, counts, seen = Random(3), list[Draws](), list[int](), set[str]()
    cohort = _cohort(people, _tree(draw))["id"]
    for _ in range(CONDITIONS):
        drawn = [_property(draw) for _ in range(draw.randrange(1, 3))]
        while len(seen) < OPERATORS and drawn[0][0]["operator"] in seen:
            drawn[0] = _property(draw)
        seen |= {given["operator"] for given, _ in drawn}
        if draw.random() < 0.3:
            operator = draw.choice(("in", "not_in"))
            given = {"type": "cohort", "key": "id", "value": cohort, "operator": operator}
            drawn.append((given, f"id {'NOT ' if operator == 'not_in' else ''}IN COHORT {cohort}"))
        asked.append(drawn)
        properties = [given for given, _ in drawn]
        answer = people.post("feature_flags/user_blast_radius/", {"condition": {"properties": properties}})
        assert answer["total"] == PEOPLE
        counts.append(answer["affected"])
    wanted = _counted(people, [" AND ".join(sql for _, sql in drawn) for drawn in asked])
    differences = [each for each in zip(asked, counts, wanted, strict=True) if each[1] != each[2]]
    assert differences == []
    assert len(seen) == OPERATORS, "every one is drawn"
    assert len({*counts}) > CONDITIONS / 4


def _cohort(api: Api, drawn: Draw) -> Any:
    return api.calculated(api.post("cohorts/", {"name": "drawn", "filters": {"properties": drawn[0]}}))


def test_a_cohort_has_as_many_members_as_sql_counts(people: Api) -> None:
    draw = Random(4)
    free = {"type": "person", "key": "plan", "operator": "exact", "value": "free"}  # and no "Free", as flags have it
    drawn = [({"type": "AND", "values": [free]}, "properties.plan = 'free'"), *(_tree(draw) for _ in range(COHORTS))]
    cohorts = [_cohort(people, each) for each in drawn]
    assert [each["last_error_message"] for each in cohorts] == [None] * len(drawn)
    counts = [each["count"] for each in cohorts]
    assert counts == _counted(people, [sql for _, sql in drawn])
    assert counts == _counted(people, [f"id IN COHORT {each['id']}" for each in cohorts])
    assert len({*counts}) > COHORTS / 2
