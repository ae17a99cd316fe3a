"""Random dashboards, insights, tiles, alerts and notifications."""

from __future__ import annotations

import random
from typing import Any

from providers.posthog.kinds import Ref
from tests.campaigns.generated.catalogue import tags
from tests.campaigns.generated.parts import EVENTS, NAMES, event_filter, filters, maybe, reference, some, text

Node = dict[str, Any]
_DATES = ("-7d", "-30d", "all", "2026-01-01")


def dashboard(chance: random.Random, key: str) -> dict[str, Any]:
    """A dashboard."""
    over = maybe(chance, date_from=chance.choice(_DATES), date_to="-1d", properties=filters(chance))
    return {
        "name": f"Dashboard {key}",
        **maybe(chance, description=text(chance), tags=tags(chance), pinned=True, restriction_level=37, filters=over),
    }


def insight(chance: random.Random, key: str) -> dict[str, Any]:
    """An insight of any kind of query."""
    about = maybe(chance, description=text(chance), tags=tags(chance), favorited=True)
    boards = some(chance, [Ref("dashboard", f"dashboard-{n}") for n in (1, 2, 3)])
    return {"name": f"Insight {key}", "query": query(chance), "dashboards": boards, **about}


def query(chance: random.Random) -> Node:
    """A query in its wrapper."""
    make = chance.choice((trends, _funnel, _retention, _lifecycle, _stickiness, _paths))
    if chance.random() < 0.15:
        return _sql(chance)
    around = maybe(chance, showTable=True, showLastComputation=False) if chance.random() < 0.1 else {}
    return {"kind": "InsightVizNode", "source": {**make(chance), **_common(chance)}, **around}


def _common(chance: random.Random) -> Node:
    dates = {
        **maybe(chance, date_from=chance.choice(_DATES), date_to="-1d"),
        **({"explicitDate": True} if chance.random() < 0.1 else {}),
    }
    properties: Any = filters(chance)
    if chance.random() < 0.3:
        properties = {"type": "AND", "values": [{"type": chance.choice(("AND", "OR")), "values": properties}]}
    return {**({"dateRange": dates} if dates else {}), **maybe(chance, filterTestAccounts=True, properties=properties)}


def _series(chance: random.Random, most: int = 3, least: int = 1) -> list[Node]:
    return [_event(chance) for _ in range(chance.randint(least, most))]


def _event(chance: random.Random) -> Node:
    event = {"event": chance.choice(EVENTS)} if chance.random() < 0.9 else {}
    return {"kind": "EventsNode", **event, **maybe(chance, custom_name=text(chance), properties=filters(chance))}


def trends(chance: random.Random) -> Node:
    """A trend."""
    series = [
        {**each, **chance.choice(({}, {"math": "dau"}, {"math": "sum", "math_property": "total_tokens"}))}
        for each in _series(chance)
    ]
    shown: Node = maybe(chance, display=chance.choice(("BoldNumber", "ActionsBar")), decimalPlaces=2)
    formulas = [{"formula": "A / 2"}, {"formula": "A + 1", "custom_name": text(chance)}]
    if chance.random() < 0.3:
        shown["formulaNodes"] = chance.sample(formulas, k=chance.randint(1, 2))
    return {
        "kind": "TrendsQuery",
        "series": series,
        **({"trendsFilter": shown} if shown else {}),
        **_breakdown(chance),
        **maybe(chance, interval=chance.choice(("hour", "week")), compareFilter={"compare": True}),
    }


def _breakdown(chance: random.Random, single: bool = False) -> Node:
    if chance.random() < 0.6:
        return {}
    if chance.random() < 0.2:
        cohorts = [reference(chance, "cohort") for _ in range(chance.randint(1, 2))]
        return {"breakdownFilter": {"breakdown_type": "cohort", "breakdown": cohorts}}
    name, kind = chance.choice(NAMES), chance.choice(("event", "person"))
    if single:
        limit = {"breakdown_limit": 5} if chance.random() < 0.3 else {}
        return {"breakdownFilter": {"breakdown": name, "breakdown_type": kind, **limit}}
    breakdowns = [{"property": name, "type": kind}, {"property": "model", "type": "event", "histogram_bin_count": 4}]
    return {"breakdownFilter": {"breakdowns": chance.sample(breakdowns, k=chance.randint(1, 2))}}


def _funnel(chance: random.Random) -> Node:
    kept = maybe(chance, funnelVizType="trends", funnelWindowInterval=7)
    exclusion = {"kind": "EventsNode", "event": "ai_failed", "funnelFromStep": 0, "funnelToStep": 1}
    if chance.random() < 0.3:
        kept["exclusions"] = [exclusion]
    shown = {"funnelsFilter": kept} if kept else {}
    return {"kind": "FunnelsQuery", "series": _series(chance, least=2), **shown, **_breakdown(chance, single=True)}


def _retention(chance: random.Random) -> Node:
    target = _entity(chance)
    returning = target if chance.random() < 0.5 else _entity(chance)
    settings = maybe(chance, period="Week", totalIntervals=6, retentionType="retention_first_time", cumulative=True)
    entities = (
        {"targetEntity": target, "returningEntity": returning} if chance.random() < 0.9 else {"targetEntity": target}
    )
    return {"kind": "RetentionQuery", "retentionFilter": {**entities, **settings}}


def _entity(chance: random.Random) -> Node:
    event = {"id": chance.choice(EVENTS)} if chance.random() < 0.9 else {}
    return {**event, "type": "events", **maybe(chance, name=text(chance), properties=[event_filter(chance)])}


def _lifecycle(chance: random.Random) -> Node:
    return {"kind": "LifecycleQuery", "series": _series(chance, most=1), **maybe(chance, interval="week")}


def _stickiness(chance: random.Random) -> Node:
    how = {"stickinessFilter": {"computedAs": "cumulative"}}
    return {"kind": "StickinessQuery", "series": _series(chance), **(how if chance.random() < 0.4 else {})}


def _paths(chance: random.Random) -> Node:
    return {"kind": "PathsQuery", "pathsFilter": {"stepLimit": chance.randint(2, 9), **maybe(chance, startPoint="/ai")}}


def _sql(chance: random.Random) -> Node:
    view = maybe(chance, display="BoldNumber", tableSettings={"transpose": True})
    inner = {"filters": {"dateRange": {"date_from": "-7d"}}} if chance.random() < 0.4 else {}
    return {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1\n", **inner}, **view}


def tiles(chance: random.Random, key: str) -> dict[str, Any]:
    """Tiles from left to right and down, with gaps now and then: an insight stands once on a dashboard."""
    insights = [Ref("insight", f"{key}-{n}") for n in range(chance.randint(0, 3))]
    content: list[Node] = [{"insight": each} for each in insights]
    content += [{"text": f"{text(chance)} {n}"} for n in range(chance.randint(0, 2))]
    look = maybe(chance, placement="right", style="secondary")
    content += [
        {"button": {"url": f"https://example.com/{n}", "text": "Runbook", **look}} for n in range(chance.randint(0, 1))
    ]
    chance.shuffle(content)
    placed, x, y = [], 0, 0
    for each in content:
        w, h = chance.choice((3, 6, 6, 12)), chance.choice((1, 5, 5, 7))
        if x + w > 12 or chance.random() < 0.2:
            x, y = 0, y + 7
        look = maybe(chance, color="blue") | (
            {"show_description": chance.random() < 0.5} if chance.random() < 0.2 else {}
        )
        placed.append({**each, "layout": {"x": x, "y": y, "w": w, "h": h}, **look})
        x += w
    return {"dashboard": Ref("dashboard", key), "tiles": placed, **maybe(chance, exclusive_tiles=True)}


def alert(chance: random.Random, key: str) -> dict[str, Any]:
    """An alert on a trend."""
    condition = chance.choice(("absolute_value", "relative_increase", "relative_decrease"))
    lower, upper = chance.choice((0, 1, 0.05)), chance.choice((2, 5.5, 1000000))
    kind = "absolute" if condition == "absolute_value" else chance.choice(("absolute", "percentage"))
    bounds = chance.choice(({"upper": upper}, {"lower": lower, "upper": upper}, {"lower": lower}))
    ongoing = {}
    if "upper" in bounds and condition != "relative_decrease" and chance.random() < 0.3:
        ongoing = {"check_ongoing_interval": chance.random() < 0.5}
    windows = [{"start": "22:00", "end": "23:00"}, {"start": "00:00", "end": "06:00"}]
    return {
        "name": f"Alert {key}",
        "insight": Ref("insight", "watched"),
        "condition": condition,
        "threshold": {"type": kind, **bounds},
        "config": {"type": "TrendsAlertConfig", "series_index": chance.randint(0, 1), **ongoing},
        "subscribed_users": some(chance, ("admin@example.com", "oncall@example.com")),
        **maybe(
            chance,
            calculation_interval=chance.choice(("hourly", "weekly", "monthly")),
            enabled=False,
            skip_weekend=True,
            schedule_restriction={"blocked_windows": chance.sample(windows, k=chance.randint(1, 2))},
        ),
    }


def notification(chance: random.Random, key: str) -> dict[str, Any]:
    """A notification of an alert, as an alert's file makes it."""
    owner, _, way = key.rpartition(".")
    inputs: Node
    if way == "slack":
        said = text(chance)
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": said}}]
        inputs = {"workspace": "acme", "channel": chance.choice(("#ai", "C012345")), "text": said, "blocks": blocks}
    else:
        body = {"event": "{event}", **maybe(chance, kind="ai", nested={"n": 1, "list": ["x", 2]})}
        headers = {"Content-Type": "application/json", **maybe(chance, Accept="*/*")}
        address = f"https://hooks.example.com/{chance.randint(1, 9)}"
        inputs = {"url": address, "method": chance.choice(("POST", "PUT")), "headers": headers, "body": body}
    return {
        "name": f"Alert {owner} ({'Slack' if way == 'slack' else 'webhook'})",
        "template": f"template-{way if way == 'slack' else 'webhook'}",
        "alert": Ref("alert", owner),
        "inputs": inputs,
    }
