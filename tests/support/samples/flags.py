"""Feature flags."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Body, Sample, Samples, scalar, switch
from tests.support.samples.catalogue import TAGS

VARIANTS = [{"key": "a", "rollout_percentage": 30}, {"key": "b", "name": "The other", "rollout_percentage": 70}]
BETA = {"key": "channel", "type": "person", "operator": "exact", "value": "beta"}
IN_COHORT = {"key": "id", "type": "cohort", "operator": "in", "value": Ref("cohort", "members")}
AFTER_PARENT = {"key": Ref("flag", "parent"), "type": "flag", "operator": "flag_evaluates_to", "value": True}
CONDITIONS = [
    {"description": "Beta", "properties": [BETA, IN_COHORT], "rollout_percentage": 50},
    {"properties": [], "rollout_percentage": 10},
]


def _part(name: str, value: Any) -> Body:
    return {"filters": {name: value}}


def _groups(*groups: dict[str, Any]) -> Body:
    return _part("groups", list(groups))


def _in_filters(name: str, value: Any, others: tuple[Any, ...], default: Any, **requires: Any) -> Sample:
    edits = tuple(_part(name, other) for other in others)
    changed, added = (*edits, _part(name, default)), edits or (_part(name, value),)
    return Sample(value, changed, added, requires=requires)


_EVERYBODY = {"properties": [], "rollout_percentage": 100}
_EDITS = (
    _groups(_EVERYBODY, {"properties": [], "rollout_percentage": 5}),
    _groups({"properties": [], "rollout_percentage": 99.5}),
    _groups({**_EVERYBODY, "properties": [BETA]}),
    _groups({**_EVERYBODY, "properties": [IN_COHORT]}),
    _groups({**_EVERYBODY, "properties": [AFTER_PARENT]}),
    _groups({**_EVERYBODY, "description": "By hand"}),
    _groups({**_EVERYBODY, "variant": "a"}),
    _groups({**_EVERYBODY, "aggregation_group_type_index": 0}),
)

FLAGS = Samples(
    least=lambda name: {"key": name, "release_conditions": [{}]},
    fields={
        "key": Sample("a-key", changed=(lambda live: {"key": live["key"] + "-by-hand"},)),
        "description": Sample("What it decides.", changed=({"name": "By hand."}, {"name": ""}), added=({"name": "x"},)),
        "active": switch("active", on=False),
        "archived": switch("archived", active=False),
        "tags": TAGS,
        "variants": _in_filters(
            "multivariate",
            VARIANTS,
            (
                {"variants": [{"key": "a", "rollout_percentage": 100}]},
                {"variants": [*VARIANTS, {"key": "c", "rollout_percentage": 0}]},
                {"variants": [{**VARIANTS[0], "name": "By hand"}, VARIANTS[1]]},
            ),
            None,
        ),
        "release_conditions": Sample(
            CONDITIONS, changed=(*_EDITS, _groups()), added=_EDITS, requires={"variants": VARIANTS}
        ),
        "payloads": _in_filters(
            "payloads", {"true": '{"limit":10}'}, ({"true": "11"}, {"true": '{"limit":10,"x":1}'}), {}
        ),
        "early_exit": _in_filters("early_exit", True, (), False),
        "feature_enrollment": _in_filters("feature_enrollment", True, (), None),
        "holdout": _in_filters(
            "holdout", {"id": 3, "exclusion_percentage": 10}, ({"id": 4, "exclusion_percentage": 1},), None
        ),
        "ensure_experience_continuity": switch("ensure_experience_continuity"),
        "evaluation_runtime": scalar("evaluation_runtime", "server", "client", "all"),
        "evaluation_contexts": scalar("evaluation_contexts", ["api", "worker"], ["api"], []),
        "bucketing_identifier": Sample(
            "device_id",
            changed=({"bucketing_identifier": "distinct_id"},),
            added=({"bucketing_identifier": "device_id"},),
        ),
        "is_remote_configuration": switch("is_remote_configuration"),
    },
    full={
        "description": "A description.",
        "tags": ["ai", "cost"],
        "variants": VARIANTS,
        "payloads": {"a": '{"limit":10,"names":["x"]}'},
        "release_conditions": CONDITIONS,
    },
    noise={
        "the order and the case of tags": {"tags": ["Cost", "ai", "AI "]},
        "the formatting of JSON": _part("payloads", {"a": '{ "names": ["x"],\n "limit": 10.0 }'}),
        "a payload that is no text": _part("payloads", {"a": {"names": ["x"], "limit": 10}}),
        "whole numbers with a point": _part(
            "groups",
            [{**CONDITIONS[0], "rollout_percentage": 50.0}, {**CONDITIONS[1], "rollout_percentage": 10.0}],
        ),
        "what the page adds to conditions": _part(
            "groups",
            [
                {
                    **CONDITIONS[0],
                    "sort_key": "5f1",
                    "variant": None,
                    "properties": [{**BETA, "value": ["beta"], "label": "Channel", "negation": False}, IN_COHORT],
                },
                {**CONDITIONS[1], "description": "", "sort_key": "5f2"},
            ],
        ),
        "filters as they are read, with the names of cohorts": lambda live: {"filters": live["filters"]},
        "empty names of variants": _part("multivariate", {"variants": [{**VARIANTS[0], "name": ""}, VARIANTS[1]]}),
        "parts of filters that are null": {
            "filters": {"holdout": None, "early_exit": None, "feature_enrollment": None}
        },
        "dashboards beside the flag": {"has_enriched_analytics": True},
    },
    file="flag",
    author={"key": "ai", "release_conditions": [{}]},
    needed={"key": ("key",)},
)

SAMPLES = {"flag": FLAGS}
