"""Events and properties."""

from __future__ import annotations

from typing import Any

from tests.support.samples.base import Sample, Samples, scalar, switch
from tests.support.sandbox import Sandbox

TAGS = scalar("tags", ["ai", "cost"], ["ai"], [])
DESCRIPTION = scalar("description", "What it is for.", "By hand.", "")


def _met(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """Let PostHog meet a property: it makes the definition when it ingests the first event that has it."""
    event = {"event": "met", "properties": {"distinct_id": "i", name: "text"}}
    sandbox.capture(event)
    return {}


EVENTS = Samples(
    least=lambda name: {"name": name},
    fields={
        "name": Sample("ai_enhancement_used"),
        "description": DESCRIPTION,
        "tags": TAGS,
        "verified": switch("verified"),
        "hidden": switch("hidden"),
    },
    full={"description": "A description.", "tags": ["ai", "cost"], "verified": True},
    noise={
        "white space at the ends of a text": {"description": " A description.\n"},
        "the order and the case of tags": {"tags": ["Cost", "ai", "AI "]},
        "what people choose for their pages": {"default_columns": ["event"], "primary_property": "model"},
    },
    fixed=("name",),
    file="event",
    author={"key": "ai_enhancement_used"},
    needed={"name": ("key",)},
)

PROPERTIES = Samples(
    least=lambda name: {"name": name, "type": "event", "property_type": "String"},
    before=_met,
    fields={
        "name": Sample("total_tokens"),
        "type": Sample("person"),
        "property_type": scalar("property_type", "Numeric", "Boolean", "String"),
        "description": DESCRIPTION,
        "tags": TAGS,
    },
    full={"description": "A description.", "tags": ["ai", "cost"], "property_type": "Numeric"},
    noise={
        "the order and the case of tags": {"tags": ["Cost", "ai", "AI "]},
        "a property that people tidied away": {"hidden": True},
    },
    fixed=("name", "type"),
    given=("name", "type"),
)

SAMPLES = {"event": EVENTS, "property": PROPERTIES}
