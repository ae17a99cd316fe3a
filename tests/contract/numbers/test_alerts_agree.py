"""A back-test fires when the sandbox's own checks do, on a clock that is moved through the same days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai_admin.numbers import Period
from ai_admin.numbers.alerting import Check
from ai_admin.numbers.backtest import Backtest, Watch
from ai_admin.simulation import company, incidents, runs
from ai_admin.simulation.sending import send
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS
from tests.support.applied import client
from tests.support.sandbox import Sandbox

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
# A weekend, of which PostHog still keeps the checks: from Friday evening to Monday morning.
END = NOW - timedelta(days=(NOW - timedelta(hours=6)).weekday(), hours=(NOW.hour - 6) % 24)
START = END - timedelta(hours=60)
COMPANY = company(3, 20, 8, END)

Json = Mapping[str, Any]

RUN = {"kind": "EventsNode", "event": "ai_enhancement_used"}
SUCCESS: Json = {"type": "event", "key": "success", "operator": "exact"}
FAILED = {**RUN, "properties": [{**SUCCESS, "value": ["false"]}]}
SPEND = {**RUN, "math": "sum", "math_property": "estimated_cost"}
RATE = {"series": [FAILED, RUN], "interval": "hour", "trendsFilter": {"formulaNodes": [{"formula": "A / B"}]}}
NIGHT = {"blocked_windows": [{"start": "22:30", "end": "05:10"}]}
# Half of the checks and few, as each takes a query there, and one here where it is asked for by itself.
HALF = {"blocked_windows": [{"start": "00:30", "end": "06:00"}, {"start": "12:30", "end": "18:00"}]}
FEW = {"blocked_windows": [{"start": "00:30", "end": "08:20"}, {"start": "10:30", "end": "22:50"}]}

FUNNEL = {
    "kind": "FunnelsQuery",
    "series": [RUN, {**RUN, "properties": [{**SUCCESS, "value": ["true"]}]}],
    "funnelsFilter": {"funnelWindowInterval": 1, "funnelWindowIntervalUnit": "hour"},
}
SQL = {"type": "HogQLAlertConfig", "evaluation": "last_row"}
HOURS = (
    "SELECT toStartOfHour(timestamp) AS hour, count() AS runs FROM events WHERE event = 'ai_enhancement_used'"
    " AND timestamp >= toStartOfHour(now()) - INTERVAL 6 HOUR GROUP BY hour"
)


def sql(query: str) -> Json:
    return {"kind": "HogQLQuery", "query": query}


ALERTS: dict[str, tuple[Json, Json]] = {
    "a rate": (RATE, {"bounds": {"upper": 0.05}, "schedule_restriction": HALF}),
    "rests at night": ({"series": [RUN], "interval": "hour"}, {"bounds": {"lower": 2}, "schedule_restriction": NIGHT}),
    "rests at weekends": ({"series": [RUN], "interval": "hour"}, {"bounds": {"lower": 3}, "skip_weekend": True}),
    "the day so far": (
        {"series": [SPEND], "interval": "day"},
        {"bounds": {"upper": 0.1}, "ongoing": True, "schedule_restriction": HALF},
    ),
    "more than the day before": (
        {"series": [RUN], "interval": "day"},
        {"bounds": {"upper": -0.5}, "type": "percentage", "condition": "relative_increase", "every": "daily"},
    ),
    "less than the hour before": ({"series": [RUN], "interval": "hour"},
                                  {"bounds": {"upper": 1}, "condition": "relative_decrease"}),
    "a model": (
        {"series": [RUN], "interval": "hour", "breakdownFilter": {"breakdown": "model", "breakdown_type": "event"}},
        {"bounds": {"lower": 1, "upper": 12}, "schedule_restriction": HALF},
    ),
}  # fmt: skip
ONE_BY_ONE: dict[str, tuple[Json, Json]] = {
    "a funnel": (
        {**FUNNEL, "dateRange": {"date_from": "-3h"}, "interval": "hour"},
        {"bounds": {"upper": 60}, "config": {"type": "FunnelsAlertConfig", "metric": "conversion_from_start"}},
    ),
    "a funnel of models": (
        {**FUNNEL, "dateRange": {"date_from": "dStart"},
         "breakdownFilter": {"breakdown": "model", "breakdown_type": "event"}},
        {"bounds": {"lower": 40}, "config": {"type": "FunnelsAlertConfig", "funnel_step": 1}},
    ),
    "one number": (
        {"series": [SPEND], "dateRange": {"date_from": "-1d"}, "trendsFilter": {"display": "BoldNumber"}},
        {"bounds": {"upper": 0.2}},
    ),
    "a smoothed line": (
        {"series": [RUN], "interval": "hour", "trendsFilter": {"smoothingIntervals": 3}}, {"bounds": {"lower": 4}},
    ),
    "the rate of the day so far": ({**RATE, "interval": "day"}, {"bounds": {"upper": 0.05}, "ongoing": True}),
    "the last row": (sql(f"SELECT count() FROM ({HOURS}) WHERE runs > 5"), {"bounds": {"upper": 1}, "config": SQL}),
    "the first row": (
        sql(f"{HOURS} ORDER BY hour DESC"),
        {"bounds": {"upper": 0}, "condition": "relative_increase",
         "config": {**SQL, "evaluation": "first_row", "column": "runs"}},
    ),
    "any row": (
        sql("SELECT properties.model AS model, count() AS runs FROM events e WHERE toDate(timestamp) >= yesterday()"
            " AND (event = 'ai_enhancement_used' OR timestamp > now()) GROUP BY model LIMIT 20"),
        {"bounds": {"upper": 60}, "config": {**SQL, "evaluation": "any_row"}},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def checked(sandbox: Sandbox) -> dict[str, Json]:
    """The alerts with the checks that the sandbox made, one after the other."""
    sandbox.call("PATCH", f"/api/projects/{sandbox.project_id}/", {"timezone": "Africa/Lagos", "week_start_day": 1})
    found = runs(3, COMPANY, 1200, incidents(COMPANY))
    send(sandbox.url, sandbox.project_api_key, found, lambda _: None)
    ids = {name: _make(sandbox, name, query, alert) for name, (query, alert) in ALERTS.items()}
    for name, (query, alert) in ONE_BY_ONE.items():
        ids[name] = _make(sandbox, name, query, {"schedule_restriction": FEW, **alert})
    for hours in range(0, 60, 6):
        sandbox.call("POST", "/_sandbox/work", {"until": (START + timedelta(hours=hours)).isoformat()})
    sandbox.call("POST", "/_sandbox/work", {"until": (END - timedelta(minutes=1)).isoformat()})
    return {name: sandbox.call("GET", f"alerts/{id_}/?checks_limit=500") for name, id_ in ids.items()}


def _make(sandbox: Sandbox, name: str, query: Json, alert: Json) -> str:
    dated = {"kind": "TrendsQuery", "dateRange": {"date_from": "-7d"}, **query}
    node = {"kind": "InsightVizNode", "source": dated}
    if "series" not in query:
        node = {"kind": "DataVisualizationNode", "source": query}
    body: dict[str, Any] = {"name": name, "query": node, "saved": True}
    insight = sandbox.call("POST", "insights/", body)["id"]
    config = {"type": "TrendsAlertConfig", "series_index": 0, "check_ongoing_interval": bool(alert.get("ongoing"))}
    body = {
        "name": name,
        "insight": insight,
        "subscribed_users": [],
        "condition": {"type": alert.get("condition", "absolute_value")},
        "threshold": {"configuration": {"type": alert.get("type", "absolute"), "bounds": alert["bounds"]}},
        "config": alert.get("config", config),
        "calculation_interval": alert.get("every", "hourly"),
        "skip_weekend": bool(alert.get("skip_weekend")),
        "schedule_restriction": alert.get("schedule_restriction"),
    }
    return str(sandbox.call("POST", "alerts/", body)["id"])


@pytest.mark.parametrize("name", [*ALERTS, *ONE_BY_ONE])
def test_the_same_checks_find_the_same(sandbox: Sandbox, checked: dict[str, Json], name: str) -> None:
    there, row = client(sandbox), checked[name]
    insight = there.get(there.project_path(f"insights/{row['insight']['id']}"))
    watch = Watch(KINDS["alert"].project(row, {}, PostHogDirectory(there)), insight["query"])
    told = Backtest(there, Period(START, END)).of(watch, last=1000)
    theirs = {
        datetime.fromisoformat(each["created_at"]): (each["state"], each["calculated_value"]) for each in row["checks"]
    }
    mine = {
        each.at: (_state(each), each.value and pytest.approx(each.value))
        for each in told.outcome.checks
    }
    if row["calculation_interval"] == "daily":
        del theirs[START]  # that of a new alert, at once, and not at its hour
    assert {at: found for at, found in theirs.items() if at < END} == mine
    assert {"Firing", "Not firing"} == {state for state, _ in mine.values()} - {"Errored"}


def _state(check: Check) -> str:
    return "Errored" if check.error else "Firing" if check.breach else "Not firing"
