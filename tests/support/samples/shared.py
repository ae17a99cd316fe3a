"""What experiments, insights and people share: holdouts, saved metrics, variables and playlists."""

from __future__ import annotations

from typing import Any

from tests.support.samples.base import Sample, Samples, scalar
from tests.support.samples.catalogue import DESCRIPTION, TAGS
from tests.support.samples.experiments import MEAN, RATIO

_NAME = Sample("Named", changed=({"name": "By hand"},))


def _share(percent: int, *properties: dict[str, Any]) -> dict[str, Any]:
    return {"filters": [{"properties": list(properties), "rollout_percentage": percent}]}


HOLDOUTS = Samples(
    least=lambda name: {"name": name, "exclusion_percentage": 5},
    fields={
        "name": _NAME,
        "description": DESCRIPTION,
        "exclusion_percentage": Sample(
            10, changed=(_share(20), _share(10, {"key": "plan", "type": "person", "value": "free"}))
        ),
    },
    full={"description": "A description."},
    noise={"the variant that PostHog names": lambda live: {"filters": live["filters"]}},
    file="holdout",
    author={"key": "apart", "name": "Apart", "exclusion_percentage": 5},
    needed={"name": ("name",), "exclusion_percentage": ("exclusion_percentage",)},
)

SAVED_METRICS = Samples(
    least=lambda name: {"name": name, "query": MEAN},
    fields={
        "name": _NAME,
        "description": DESCRIPTION,
        "tags": TAGS,
        "query": Sample(RATIO, changed=({"query": MEAN}, {"query": {**RATIO, "goal": "decrease"}})),
    },
    full={"description": "A description.", "tags": ["ai", "cost"]},
    noise={
        "the metric with its id, as it is read": lambda live: {"query": live["query"]},
        "what means nothing in a metric": lambda live: {"query": {**live["query"], "fingerprint": "f"}},
    },
    file="saved_metric",
    author={
        "key": "cost",
        "name": "Cost",
        "query": {"name": "Cost", "metric_type": "mean", "source": {"event": "ai"}},
    },
    needed={"name": ("name",), "query": ("query",)},
)

INSIGHT_VARIABLES = Samples(
    least=lambda name: {"name": name, "type": "List", "values": ["a", "b"]},
    fields={
        "name": Sample("Named"),
        "type": Sample("Number", requires={"values": None}),
        "default_value": scalar("default_value", "b", "c", None),
        "values": scalar("values", ["a", "b", "c"], ["a"], ["b", "c"]),
        "is_multi": Sample(True, changed=({"is_multi": False},)),
    },
    noise={"a value as a number": {"values": ["a", "b"]}},
    fixed=("name", "type"),
    file="insight_variable",
    author={"key": "model", "name": "Model", "type": "String"},
    needed={"name": ("name",), "type": ("type",)},
)

_FOUND = {
    "filter_group": {
        "type": "AND",
        "values": [{"type": "AND", "values": [{"type": "events", "id": "ai", "name": "ai"}]}],
    }
}

PLAYLISTS = Samples(
    least=lambda name: {"name": name, "filters": _FOUND},
    fields={
        "name": Sample("Named", changed=({"name": "By hand", "filters": _FOUND},)),
        "description": Sample(
            "What it is for.",
            changed=({"description": "By hand.", "filters": _FOUND}, {"description": "", "filters": _FOUND}),
            added=({"description": "By hand.", "filters": _FOUND},),
        ),
        "pinned": Sample(
            True, changed=({"pinned": False, "filters": _FOUND},), added=({"pinned": True, "filters": _FOUND},)
        ),
        "filters": Sample(
            {**_FOUND, "date_from": "-7d"},
            changed=({"filters": _FOUND}, {"filters": {**_FOUND, "date_from": "-30d"}}),
        ),
    },
    full={"description": "A description."},
    noise={
        "what its page adds": {
            "filters": {**_FOUND, "date_to": None, "filter_test_accounts": False, "duration": [], "order": "start_time"}
        },
        "the name that its page works out": lambda live: {"derived_name": "(a) Unnamed", "filters": live["filters"]},
    },
    file="playlist",
    author={"key": "failed", "name": "Failed", "filters": {"date_from": "-7d"}},
    needed={"name": ("name",), "filters": ("filters",)},
)

SAMPLES = {
    "holdout": HOLDOUTS,
    "saved_metric": SAVED_METRICS,
    "insight_variable": INSIGHT_VARIABLES,
    "playlist": PLAYLISTS,
}
