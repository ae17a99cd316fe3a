"""Random actions, experiments, subscriptions and annotations."""

from __future__ import annotations

import random
from typing import Any

from tests.campaigns.generated.catalogue import tags
from tests.campaigns.generated.parts import EVENTS, event_filter, maybe, reference, some, text

Properties = dict[str, Any]
_MOMENTS = ("2026-09-07T08:00:00Z", "2026-09-08T00:00:00Z", "2026-09-09T12:30:00Z")
# PostHog takes no schedule that is over.
_DELIVERIES = ("2099-09-07T08:00:00Z", "2099-09-08T00:00:00Z", "2099-09-09T12:30:00Z")


def action(chance: random.Random, key: str) -> Properties:
    """An action of some steps."""
    about = maybe(
        chance, description=text(chance), tags=tags(chance), post_to_slack=True, slack_message_format="[event]"
    )
    return {"name": f"Action {key}", "steps": [_step(chance) for _ in range(chance.randint(1, 3))], **about}


def _step(chance: random.Random) -> Properties:
    step: Properties = {"event": chance.choice(EVENTS)}
    if chance.random() < 0.4:
        matching = chance.choice(({}, {"url_matching": "exact"}, {"url_matching": "regex"}))
        step |= {"url": "/ai", **matching}
    if chance.random() < 0.3:
        step["properties"] = [{"type": "event", "key": "model", "operator": "exact", "value": "r1"}]
    return step | maybe(chance, selector="#run", text=text(chance))


def annotation(chance: random.Random, key: str) -> Properties:
    """A note on the project, an insight or a dashboard."""
    on = chance.choice(
        (
            {},
            {"scope": "dashboard_item", "insight": reference(chance, "insight")},
            {"scope": "dashboard", "dashboard": reference(chance, "dashboard")},
        )
    )
    when = {"date_marker": chance.choice(_MOMENTS)}
    return {"content": f"Note {key}", **when, **on, **maybe(chance, hidden_in_user_interface=True)}


def subscription(chance: random.Random, key: str) -> Properties:
    """An insight, sent again and again by mail or to Slack."""
    people = ("admin@example.com", "oncall@example.com")
    mail = {"target_type": "email", "target_value": ",".join(some(chance, people, least=1))}
    slack = {"target_type": "slack", "target_value": "#ai", "workspace": "acme"}
    days = some(chance, ("monday", "wednesday", "friday"), least=1)
    return {
        "title": f"Subscription {key}",
        "content_type": "insight",
        "insight": reference(chance, "insight"),
        "frequency": chance.choice(("daily", "weekly", "monthly")),
        "start_date": chance.choice(_DELIVERIES),
        **chance.choice((mail, slack)),
        **maybe(chance, interval=2, enabled=False, summary_enabled=True, count=5, until_date="2101-01-01T00:00:00Z"),
        **chance.choice(({}, {"byweekday": days}, {"byweekday": days, "bysetpos": -1})),
    }


def experiment(chance: random.Random, key: str) -> Properties:
    """An experiment with metrics, at some point of its life."""
    life = chance.choice(
        (
            {},
            {"start_date": _MOMENTS[0]},
            {"start_date": _MOMENTS[0], "end_date": _MOMENTS[1], "conclusion": "won", "archived": True},
        )
    )
    lists = {
        name: [_metric(chance, n) for n in range(chance.randint(1, 2))] for name in ("metrics", "metrics_secondary")
    }
    criteria: Properties = maybe(chance, filterTestAccounts=False, multiple_variant_handling="first_seen")
    if chance.random() < 0.4:
        kept = {"properties": [event_filter(chance)]} if chance.random() < 0.5 else {}
        criteria["exposure_config"] = {"kind": "ExperimentEventExposureConfig", "event": "ai_enhancement_used", **kept}
    return {
        "name": f"Experiment {key}",
        "flag": reference(chance, "flag"),
        **life,
        **maybe(
            chance,
            **lists,
            hypothesis=text(chance),
            exposure_criteria=criteria,
            stats_config={"method": "frequentist", **maybe(chance, frequentist={"alpha": 0.1})},
            only_count_matured_users=True,
            conclusion_comment=text(chance),
        ),
    }


def _metric(chance: random.Random, number: int) -> Properties:
    named = {"name": f"{text(chance)} {number}"} if chance.random() < 0.7 else {}
    common = {"kind": "ExperimentMetric", **named, **maybe(chance, goal="decrease")}
    kind = chance.choice(("mean", "funnel", "ratio", "retention"))
    if kind == "mean":
        return {**common, "metric_type": kind, "source": _source(chance)}
    if kind == "funnel":
        return {**common, "metric_type": kind, "series": [_source(chance) for _ in range(chance.randint(1, 2))]}
    if kind == "ratio":
        return {**common, "metric_type": kind, "numerator": _source(chance), "denominator": _source(chance)}
    window = {"retention_window_start": 1, "retention_window_end": 7, "retention_window_unit": "day"}
    events = {"start_event": _source(chance), "completion_event": _source(chance)}
    return {
        **common,
        "metric_type": kind,
        "start_handling": chance.choice(("first_seen", "last_seen")),
        **events,
        **window,
    }


def _source(chance: random.Random) -> Properties:
    if chance.random() < 0.2:
        return {"kind": "ActionsNode", "id": reference(chance, "action")}
    summed = {"math": "sum", "math_property": "total_tokens"} if chance.random() < 0.4 else {}
    return {"kind": "EventsNode", "event": chance.choice(EVENTS), **summed}
