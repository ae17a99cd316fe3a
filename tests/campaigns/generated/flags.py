"""Random flags and cohorts."""

from __future__ import annotations

import random
from typing import Any

from providers.posthog.kinds.normal import json_text
from tests.campaigns.generated.catalogue import tags
from tests.campaigns.generated.parts import EVENTS, NAMES, comparison, json_value, maybe, percentage, reference, text


def flag(chance: random.Random, key: str) -> dict[str, Any]:
    """A flag that PostHog's stricter rules take as well."""
    variants = _variants(chance)
    payloads = {name: json_text(json_value(chance)) for name in [each["key"] for each in variants] or ["true"]}
    remote = chance.random() < 0.2
    return {
        "key": key,
        "release_conditions": [_condition(chance, variants, remote) for _ in range(chance.randint(1, 3))],
        **({"variants": variants} if variants else {}),
        "payloads": {name: item for name, item in payloads.items() if chance.random() < 0.6},
        **chance.choice(({}, {"active": False}, {"active": False, "archived": True})),
        **chance.choice(({}, {"ensure_experience_continuity": True}, {"bucketing_identifier": "device_id"})),
        **({"is_remote_configuration": True} if remote else {}),
        **maybe(
            chance,
            description=text(chance),
            tags=tags(chance),
            early_exit=True,
            evaluation_runtime=chance.choice(("server", "client")),
            evaluation_contexts=tags(chance),
        ),
    }


def _variants(chance: random.Random) -> list[dict[str, Any]]:
    """No variants, or some whose shares make 100."""
    cuts = sorted(chance.sample(range(1, 200), k=chance.randint(0, 3)))
    if not cuts and chance.random() < 0.7:
        return []
    shares = [(upper - lower) / 2 for lower, upper in zip([0, *cuts], [*cuts, 200], strict=True)]
    named = zip(("a", "b.1", "c/d", "e"), shares, strict=False)
    return [{"key": key, "rollout_percentage": share, **maybe(chance, name=text(chance))} for key, share in named]


def _condition(chance: random.Random, variants: list[dict[str, Any]], remote: bool) -> dict[str, Any]:
    index = chance.choice((None, None, 0, 1))
    condition: dict[str, Any] = {
        "properties": [_property(chance, index) for _ in range(chance.randint(0, 3))],
        # PostHog makes 100 of a 0 in a remote configuration that is new.
        "rollout_percentage": max(percentage(chance), 1 if remote else 0),
        **maybe(chance, description=text(chance)),
    }
    if index is not None:
        condition["aggregation_group_type_index"] = index
    if variants and chance.random() < 0.3:
        condition["variant"] = chance.choice(variants)["key"]
    return condition


def _property(chance: random.Random, index: int | None) -> dict[str, Any]:
    if index is not None:
        return {"type": "group", "group_type_index": index, "key": chance.choice(NAMES), **comparison(chance)}
    kind = chance.choice(("person", "person", "cohort", "flag"))
    if kind == "cohort":
        operator = chance.choice(("in", "not_in"))
        return {"type": "cohort", "key": "id", "operator": operator, "value": reference(chance, "cohort")}
    if kind == "flag":
        value = chance.choice((True, False, "a"))
        return {"type": "flag", "key": reference(chance, "flag"), "operator": "flag_evaluates_to", "value": value}
    return {"type": "person", "key": chance.choice(NAMES), **comparison(chance)}


def cohort(chance: random.Random, key: str) -> dict[str, Any]:
    """A static cohort, or one with criteria on two levels, as flags need them."""
    properties = {"name": f"Cohort {key}", **maybe(chance, description=text(chance))}
    if chance.random() < 0.1:
        return {**properties, "is_static": True}
    groups = [_group(chance, [_leaf(chance) for _ in range(chance.randint(1, 3))]) for _ in range(chance.randint(1, 3))]
    return {**properties, "filters": _group(chance, groups)}


def _group(chance: random.Random, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": chance.choice(("AND", "OR")), "values": values}


def _leaf(chance: random.Random) -> dict[str, Any]:
    negation = {"negation": chance.random() < 0.3}
    kind = chance.choice(("person", "person", "cohort", "behavioral"))
    if kind == "cohort":
        return {"type": "cohort", "key": "id", "value": reference(chance, "cohort"), **negation}
    if kind == "behavioral":
        did = {"type": "behavioral", "key": chance.choice(EVENTS), "event_type": "events", **negation}
        if chance.random() < 0.5:
            return {**did, "value": "performed_event", "time_value": chance.randint(1, 90), "time_interval": "day"}
        often = {"operator": chance.choice(("gte", "lt")), "operator_value": chance.randint(1, 9)}
        return {**did, "value": "performed_event_multiple", "time_value": 4, "time_interval": "week", **often}
    leaf = {"type": "person", "key": chance.choice(NAMES), **comparison(chance), **negation}
    # PostHog wants a value in every leaf; its own pages write the operator's name where there is none.
    return {"value": leaf["operator"], **leaf}
