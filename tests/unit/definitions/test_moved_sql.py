"""SQL as of a past moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ai_admin.definitions.sql.moved import NotMovedError, moved

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
NOW = "assumeNotNull(toDateTime('2026-11-20T10:30:00.000000Z'))"


@pytest.mark.parametrize(
    ("query", "then"),
    [
        (
            "SELECT NOW(), today(), yesterday(), 'now()' /* now() */",
            f"SELECT {NOW}, assumeNotNull(toDate('2026-11-20')), assumeNotNull(toDate('2026-11-19')), "
            "'now()' /* now() */",
        ),
        ("SELECT count() FROM events", f"SELECT count() FROM events WHERE `events`.timestamp <= {NOW}"),
        (
            "SELECT 1 FROM events e WHERE event = 'ü😀' OR timestamp > now() GROUP BY 1",
            f"SELECT 1 FROM events e WHERE (event = 'ü😀' OR timestamp > {NOW}) AND `e`.timestamp <= {NOW} GROUP BY 1",
        ),
        (
            "SELECT 1 FROM events a JOIN events b ON (a.x = b.x) -- all\nLIMIT 1",
            "SELECT 1 FROM events a JOIN events b ON (a.x = b.x) "
            f"WHERE `a`.timestamp <= {NOW} AND `b`.timestamp <= {NOW} -- all\nLIMIT 1",
        ),
        (
            "WITH r AS (SELECT 1 AS x FROM events SAMPLE 0.1 WHERE (a OR b)) SELECT * FROM r UNION ALL SELECT 2",
            "WITH r AS (SELECT 1 AS x FROM events SAMPLE 0.1 WHERE ((a OR b) AND "
            f"`events`.timestamp <= {NOW})) SELECT * FROM r UNION ALL SELECT 2",
        ),
        (
            "WITH events AS (SELECT 1 AS x FROM events) SELECT x, now() FROM events",
            f"WITH events AS (SELECT 1 AS x FROM events WHERE `events`.timestamp <= {NOW}) SELECT x, {NOW} FROM events",
        ),
        (
            "SELECT 1 FROM (WITH events AS (SELECT now()) SELECT * FROM events) UNION ALL SELECT 1 FROM events",
            f"SELECT 1 FROM (WITH events AS (SELECT {NOW}) SELECT * FROM events) UNION ALL "
            f"SELECT 1 FROM events WHERE `events`.timestamp <= {NOW}",
        ),
        (
            "WITH 5 AS events SELECT events, now() FROM events",
            f"WITH 5 AS events SELECT events, {NOW} FROM events WHERE `events`.timestamp <= {NOW}",
        ),
        (
            "WITH a AS (SELECT 1 AS x FROM events), b AS (SELECT x FROM a) SELECT x FROM b UNION ALL SELECT x FROM a",
            f"WITH a AS (SELECT 1 AS x FROM events WHERE `events`.timestamp <= {NOW}), b AS (SELECT x FROM a) "
            "SELECT x FROM b UNION ALL SELECT x FROM a",
        ),
    ],
)
def test_its_present_is_the_moment_and_later_events_are_not_there(query: str, then: str) -> None:
    assert " ".join(moved(query, AT).split()) == " ".join(then.split())


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT 1 FROM numbers(3)", "no time in it: it would give today's number"),
        ("SELECT now('UTC')", "calls now in a form whose past is not known"),
        ("SELECT count() FROM persons", "reads persons, of which PostHog keeps no past$"),
        ("SELECT 1 FROM events JOIN groups g ON 1 = 1", "reads groups"),
        ("WITH x AS (SELECT 1 FROM persons) SELECT count() FROM events", "reads persons"),
        ("SELECT count() FROM events, (WITH persons AS (SELECT 1) SELECT * FROM persons), persons", "reads persons"),
        ("SELECT 1 FROM {table}", "reads a placeholder"),
        ("SELECT 1 FROM (SELECT 1) x LEFT JOIN events ON 1 = 1", "a LEFT JOIN of events"),
        ("SELECT 1 FROM events FULL OUTER JOIN (SELECT 1) x ON 1 = 1", "a FULL OUTER JOIN of events"),
        ("SELECT 1 FROM (events)", "in a way in which later events can't be left out"),
        ("SELECT FROM", "SQL"),
        (f"SELECT {'1, ' * 5_000} 1", "it is too long, or nested too deeply, for PostHog's parser: see in PostHog"),
    ],
)
def test_what_has_no_past_is_said(query: str, reason: str) -> None:
    with pytest.raises(NotMovedError, match=reason):
        moved(query, AT)
