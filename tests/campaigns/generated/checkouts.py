"""Random definitions that stand together: what one file is about, and all that this refers to."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ai_admin.definitions.model import Definition, Source
from providers.posthog.kinds import KINDS, Ref
from tests.campaigns.generated import GENERATED
from tests.campaigns.generated.boards import trends
from tests.campaigns.generated.parts import EVENTS, some

Properties = dict[str, Any]
_NOWHERE = Source("", 1, 1)
# A file says both or neither: a flag that is put away is off, payloads are those of the variants, what ends has begun.
_ALONG = {
    "active": {"archived"},
    "variants": {"payloads"},
    "byweekday": {"bysetpos"},
    "start_date": {"end_date", "conclusion", "archived"},
    "end_date": {"conclusion", "archived"},
}


def definition(chance: random.Random, kind: str, key: str, **fixed: Any) -> Definition:
    """A random definition in canonical form with some of its properties given, and now and then one left to PostHog."""
    properties = {**GENERATED[kind](chance, key), **fixed}
    manageable = [field.name for field in KINDS[kind].fields if field.manageable]
    if manageable and chance.random() < 0.15:
        left = set(some(chance, manageable, least=1))
        properties["unmanaged"] = sorted(left.union(*(_ALONG[name] for name in left & _ALONG.keys())))
    return Definition(kind, key, KINDS[kind].canonical(properties), _NOWHERE)


def _alone(kind: str) -> Callable[[random.Random, str], list[Definition]]:
    return lambda chance, name: [definition(chance, kind, name)]


def events(chance: random.Random, name: str) -> list[Definition]:
    """An event, and properties of events and persons."""
    names = [f"{owner}.{each}{name}" for owner in ("event", "person") for each in ("tokens", "a b", "1", "$x")]
    described = [definition(chance, "property", each) for each in some(chance, names)]
    odd = chance.choice(("", "", " placed", "/opened.twice", " [App] é", "$"))
    return [definition(chance, "event", f"{name}{odd}"), *described]


def boards(chance: random.Random, name: str) -> list[Definition]:
    """Two dashboards; the second shows what the first has too, now and then."""
    found: list[Definition] = []
    shown: dict[str, list[Ref]] = {}
    for key in (f"{name}-a", f"{name}-b")[: chance.randint(1, 2)]:
        laid_out = GENERATED["tiles"](chance, key)
        for tile in laid_out["tiles"]:
            if "insight" in tile:
                if shown and chance.random() < 0.3:
                    other = chance.choice([each for each in shown if Ref("dashboard", key) not in shown[each]] or [""])
                    tile["insight"] = Ref("insight", other) if other else tile["insight"]
                shown.setdefault(tile["insight"].key, []).append(Ref("dashboard", key))
        found.append(definition(chance, "dashboard", key))
        found.append(Definition("tiles", key, KINDS["tiles"].canonical(laid_out), _NOWHERE))
    if chance.random() < 0.3:
        shown[f"{name}-alone"] = []
    found += [definition(chance, "insight", key, dashboards=where) for key, where in shown.items()]
    return found


def alerts(chance: random.Random, name: str) -> list[Definition]:
    """An alert, the ways it tells people, and the insight that it watches."""
    source, config = _watched(chance)
    watched = Ref("insight", f"{name}-watched")
    alert = definition(chance, "alert", name, insight=watched, **config)
    ways = some(chance, ("slack", "webhook"), least=0 if alert.properties.get("subscribed_users") else 1)
    return [
        *_shown(chance, Ref("dashboard", f"{name}-board"), watched, query=source, unmanaged=[]),
        alert,
        *(_notification(chance, f"{name}.{way}", alert) for way in ways),
    ]


def subscriptions(chance: random.Random, name: str) -> list[Definition]:
    """A subscription of an insight, or of a dashboard that comes with it."""
    if chance.random() < 0.5:
        return [definition(chance, "subscription", name)]
    board, sent = Ref("dashboard", f"{name}-board"), Ref("insight", f"{name}-sent")
    content = {"content_type": "dashboard", "insight": None, "dashboard": board, "dashboard_export_insights": [sent]}
    return [*_shown(chance, board, sent), definition(chance, "subscription", name, **content)]


def _shown(chance: random.Random, board: Ref, insight: Ref, **fixed: Any) -> list[Definition]:
    """A dashboard with one tile, and the insight in it."""
    tile = {"insight": insight, "layout": {"x": 0, "y": 0, "w": 6, "h": 5}}
    return [
        definition(chance, "dashboard", board.key),
        Definition("tiles", board.key, KINDS["tiles"].canonical({"dashboard": board, "tiles": [tile]}), _NOWHERE),
        definition(chance, "insight", insight.key, dashboards=[board], **fixed),
    ]


def _watched(chance: random.Random) -> tuple[Properties, Properties]:
    """A query that can be watched, and what an alert on it looks at."""
    kind = chance.choice(("trends", "trends", "funnel", "sql"))
    if kind == "sql":
        source = {"kind": "HogQLQuery", "query": "select 1"}
        config: Properties = {"type": "HogQLAlertConfig", "evaluation": "last_row"}
        return {"kind": "DataVisualizationNode", "source": source}, {"config": config}
    if kind == "funnel":
        steps = [{"kind": "EventsNode", "event": event} for event in EVENTS[:2]]
        step = chance.choice(({}, {"funnel_step": 0}))
        config = {"type": "FunnelsAlertConfig", "metric": "conversion_from_start", **step}
        return {"kind": "InsightVizNode", "source": {"kind": "FunnelsQuery", "series": steps}}, {"config": config}
    return {"kind": "InsightVizNode", "source": trends(chance)}, {}


def _notification(chance: random.Random, key: str, alert: Definition) -> Definition:
    properties = GENERATED["notification"](chance, key)
    way = "Slack" if key.endswith("slack") else "webhook"
    properties["name"] = f"{alert.properties['name']} ({way})"
    return Definition("notification", key, KINDS["notification"].canonical(properties), _NOWHERE)


CHECKOUTS: dict[str, Callable[[random.Random, str], list[Definition]]] = {
    "event": events,
    "cohort": _alone("cohort"),
    "flag": _alone("flag"),
    "dashboard": boards,
    "alert": alerts,
    "subscription": subscriptions,
    **{kind: _alone(kind) for kind in ("action", "annotation", "experiment")},
}
"""By the kind of file that is tried, from a name. Properties come with events; insights and tiles with dashboards."""
