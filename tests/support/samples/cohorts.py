"""Cohorts."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Sample, Samples
from tests.support.samples.catalogue import DESCRIPTION
from tests.support.samples.world import CRITERIA

PERSON = {"type": "person", "key": "channel", "operator": "exact", "value": "beta", "negation": False}
DID = {
    "type": "behavioral",
    "key": "ai",
    "value": "performed_event",
    "event_type": "events",
    "time_value": 30,
    "time_interval": "day",
    "negation": False,
}
MEMBER = {"type": "cohort", "key": "id", "value": Ref("cohort", "members"), "negation": False}


def _any(*groups: list[Any]) -> dict[str, Any]:
    return {"type": "OR", "values": [{"type": "AND", "values": leaves} for leaves in groups]}


def _leaves(*groups: list[Any]) -> dict[str, Any]:
    return {"filters": {"properties": _any(*groups)}}


_EDITS = (
    _leaves([{**PERSON, "value": "by-hand"}]),
    _leaves([PERSON, {**PERSON, "key": "added"}]),
    _leaves([PERSON], [DID]),
    _leaves([{**PERSON, "negation": True}]),
    {"filters": {"properties": {**CRITERIA, "type": "AND"}}},
)

COHORTS = Samples(
    least=lambda name: {"name": name, "filters": CRITERIA},
    fields={
        "name": Sample("Named", changed=({"name": "By hand"},)),
        "description": DESCRIPTION,
        "is_static": Sample(True, with_it={"filters": None}),
        "filters": Sample(_any([PERSON, DID], [MEMBER]), changed=_EDITS, added=_EDITS),
    },
    full={"description": "A description.", "filters": _any([PERSON, {**DID, "time_value": 7}], [MEMBER])},
    noise={
        "nulls": _leaves([{**PERSON}, {**DID, "time_value": 7, "operator": None}], [MEMBER]),
        "criteria as they are read, compiled": lambda live: {"filters": live["filters"]},
        "a recalculation": {},
        "white space at the ends of a text": {"description": "A description. "},
    },
    fixed=("is_static",),
    file="cohort",
    author={"key": "beta", "name": "Beta", "properties": [{"key": "channel", "value": "beta"}]},
    needed={"name": ("name",), "filters": ("properties",)},
)

SAMPLES = {"cohort": COHORTS}
