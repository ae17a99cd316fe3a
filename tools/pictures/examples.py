"""A query of each kind with an answer as PostHog gives it, made up: a company's use of AI until 27 November 2026.

The shapes are PostHog's (posthog/schema.py and the runners in posthog/hogql_queries); the tests of ``ai_admin/charts``
read the same examples.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

Json = dict[str, Any]

TODAY = date(2026, 11, 27)
STAMPS = {"timezone": "Europe/Berlin", "last_refresh": "2026-11-27T10:40:00Z"}
MODELS = ("deepseek-chat-v3", "deepseek-chat-r1", "$$_posthog_breakdown_null_$$")


def wave(number: int, of: float, share: float = 0.25) -> list[float]:
    """Return values that rise and fall with the week."""
    return [round(of * (1 + share * math.sin(n * 2 * math.pi / 7) + n / 90), 2) for n in range(number)]


def days(number: int, step: int = 1) -> list[str]:
    """Return the last days until today."""
    return [(TODAY - timedelta(days=step * n)).isoformat() for n in reversed(range(number))]


def series(name: str, data: list[float], on: list[str] | None = None, **more: Any) -> Json:
    """Return one result of a TrendsQuery."""
    at = on or days(len(data))
    action = {"id": "ai_enhancement_used", "name": "ai_enhancement_used", "custom_name": name, "math": "total"}
    shown = {"data": data, "days": at, "labels": at, "count": sum(data), "label": "ai_enhancement_used"}
    return {**shown, "order": 0, "action": action, **more}


def total(name: str, value: float, **more: Any) -> Json:
    """Return one result of a TrendsQuery that shows a total value."""
    return {**series(name, [], []), "aggregated_value": value, "count": 0, **more}


def trends(display: str | None, *results: Json, interval: str = "day", **settings: Any) -> tuple[Json, Json]:
    """Return an insight's query and the answer to it."""
    shown = {**({"display": display} if display else {}), **settings}
    named = {result["action"]["custom_name"] for result in results}
    nodes = [{"kind": "EventsNode", "event": "ai_enhancement_used", "custom_name": name} for name in sorted(named)]
    source = {"kind": "TrendsQuery", "series": nodes, "interval": interval, "trendsFilter": shown}
    return {"kind": "InsightVizNode", "source": source}, {"results": list(results), **STAMPS}


def other(kind: str, results: Any, **source: Any) -> tuple[Json, Json]:
    """Return an insight's query of another kind, and the answer to it."""
    return {"kind": "InsightVizNode", "source": {"kind": kind, **source}}, {"results": results, **STAMPS}


def sql(columns: list[str], rows: list[list[Any]], **node: Any) -> tuple[Json, Json]:
    """Return an SQL insight's query, and the answer to it."""
    query = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "SELECT …"}, **node}
    return query, {"results": rows, "columns": columns, "types": [], **STAMPS}


def _hours() -> tuple[Json, Json]:
    now = datetime(2026, 11, 27, 11)
    on = [f"{now - timedelta(hours=n):%Y-%m-%d %H:%M:%S}" for n in reversed(range(72))]
    rate = [round(0.02 + 0.012 * math.sin(n / 5) + (0.09 if 40 <= n < 43 else 0), 4) for n in range(72)]
    item = {**series("Error rate", rate, on), "action": None, "label": "Error rate"}
    source = {"kind": "TrendsQuery", "series": [{}, {}], "interval": "hour", "trendsFilter": {
        "aggregationAxisFormat": "percentage_scaled", "goalLines": [{"label": "Alert", "value": 0.05}],
        "formulaNodes": [{"formula": "A / B", "custom_name": "Error rate"}]}}  # fmt: skip
    return {"kind": "InsightVizNode", "source": source}, {"results": [item], **STAMPS}


def _retention() -> tuple[Json, Json]:
    rows = []
    for n, start in enumerate(days(8, 7)):
        size = 120 + 9 * n
        counts = [size if k == 0 else 0 if n + k > 7 else round(size * (0.82 - 0.07 * k)) for k in range(8)]
        values = [{"count": count, "label": f"Week {k}"} for k, count in enumerate(counts)]
        rows.append({"date": f"{start}T00:00:00+01:00", "label": f"Week {n}", "values": values})
    return other("RetentionQuery", rows, retentionFilter={"period": "Week", "totalIntervals": 8})


def _lifecycle() -> tuple[Json, Json]:
    on = days(9, 7)
    parts = {"new": wave(9, 14), "returning": wave(9, 120, 0.05), "resurrecting": wave(9, 9),
             "dormant": [-value for value in wave(9, 11)]}  # fmt: skip
    results = [
        {"data": data, "days": on, "labels": on, "count": sum(data), "status": status, "action": {"id": "x"}}
        for status, data in parts.items()
    ]
    return other("LifecycleQuery", results, interval="week", series=[{}], lifecycleFilter={"showLegend": True})


def _step(order: int, name: str, count: int, seconds: float | None) -> Json:
    times = {"average_conversion_time": seconds, "median_conversion_time": seconds}
    return {"order": order, "name": "ai_enhancement_used", "custom_name": name, "action_id": "ai_enhancement_used",
            "count": count, "type": "events", "people": [], **times}  # fmt: skip


def _paths() -> tuple[Json, Json]:
    edges = (
        ("1_Search", "2_Answer", 640, 4200),
        ("1_Search", "2_Search", 210, 9100),
        ("2_Answer", "3_Feedback", 180, 61000),
        ("2_Answer", "3_Search", 150, 30000),
    )
    results = [{"source": a, "target": b, "value": n, "average_conversion_time": ms} for a, b, n, ms in edges]
    return other("PathsQuery", results, pathsFilter={"edgeLimit": 50})


_STEPS = [_step(0, "Ran", 184, None), _step(1, "Ran again", 176, 3), _step(2, "Gave feedback", 61, 5400)]
_TOKENS, _DOLLARS = (9e5, 4e5, 3e4), (1840.5, 912.25, 40)
_BY_MODEL = [series("Tokens", wave(30, of), breakdown_value=model) for model, of in zip(MODELS, _TOKENS, strict=True)]
_SPENT = [total("Spend", of, breakdown_value=model) for model, of in zip(MODELS, _DOLLARS, strict=True)]
_BEFORE = [{**series("Runs", wave(14, 800), compare=True), "compare_label": "current"},
           {**series("Runs", wave(14, 700, 0.2), [each.replace("-11-", "-10-") for each in days(14)], compare=True),
            "compare_label": "previous"}]  # fmt: skip
_CONSUMERS = [[f"inst-{n:04}", ("stable", "beta")[n % 2], f"2.{9 - n}.0", 9876543 // n, round(812.4 / n, 2),
               f"2026-11-2{n}T09:12:00Z"] for n in range(1, 7)]  # fmt: skip
_FORMATS = [{"column": "installation"}, {"column": "channel"}, {"column": "version"},
            {"column": "tokens", "settings": {"formatting": {"style": "short"}}},
            {"column": "cost", "settings": {"formatting": {"prefix": "$", "decimalPlaces": 2}}}]  # fmt: skip

EXAMPLES: dict[str, tuple[str, tuple[Json, Json]]] = {
    "line": ("Tokens per run", trends(None, series("Median", wave(30, 900)), series("95th percentile", wave(30, 2600)),
                                      goalLines=[{"label": "Standard limit", "value": 4096}])),
    "hours": ("Error rate", _hours()),
    "comparison": ("Runs, and the 14 days before", trends("ActionsLineGraph", *_BEFORE)),
    "area": ("Tokens per day, by model", trends("ActionsAreaGraph", *_BY_MODEL, aggregationAxisFormat="short")),
    "bar": ("Spend per day", trends("ActionsBar", series("Spend", wave(30, 120)), aggregationAxisPrefix="$",
                                    goalLines=[{"label": "Daily ceiling", "value": 200}])),
    "stacked-bar": ("Tokens per day, by model", trends("ActionsStackedBar", *_BY_MODEL, aggregationAxisFormat="short")),
    "bar-value": ("Spend by model", trends("ActionsBarValue", *_SPENT, aggregationAxisPrefix="$")),
    "pie": ("Spend by model", trends("ActionsPie", *_SPENT, aggregationAxisPrefix="$")),
    "number": ("This month so far", trends("BoldNumber", total("Spend", 2792.75, compare_label="current"),
                                           total("Spend", 2450, compare_label="previous"), aggregationAxisPrefix="$")),
    "table": ("Top consumers", sql(["installation", "channel", "version", "tokens", "cost", "last_active"], _CONSUMERS,
                                   display="ActionsTable", tableSettings={"columns": _FORMATS})),
    "funnel": ("From a run to feedback", other("FunnelsQuery", _STEPS, series=[{}, {}, {}])),
    "funnel-trends": ("Conversion per day", other(
        "FunnelsQuery", [{"count": 14, "data": wave(14, 70, 0.1), "days": days(14), "labels": days(14)}],
        funnelsFilter={"funnelVizType": "trends"})),
    "retention": ("Weekly retention", _retention()),
    "stickiness": ("Days of use in a week", other("StickinessQuery", [
        {**series("Installations", [31, 22, 18, 25, 40, 12, 9]), "days": list(range(1, 8)),
         "labels": [f"{n} day{'s' if n > 1 else ''}" for n in range(1, 8)]}],
        stickinessFilter={"display": "ActionsBar"})),
    "lifecycle": ("New, returning and lost installations", _lifecycle()),
    "paths": ("What people do next", _paths()),
    "failed": ("A query that fails", ({}, {"error": "Unknown table `evnts`. Did you mean `events`?"})),
}  # fmt: skip
"""The name of a picture, what the insight is called, its query and the answer."""
