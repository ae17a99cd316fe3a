"""Random events and properties."""

from __future__ import annotations

import random
from typing import Any

from tests.campaigns.generated.parts import WORDS, maybe, some, text


def tags(chance: random.Random) -> list[str]:
    return sorted(tag.lower() for tag in some(chance, WORDS, least=1))


def event(chance: random.Random, key: str) -> dict[str, Any]:
    """An event; it is never both verified and hidden, which PostHog refuses."""
    seen = chance.choice(({}, {"verified": True}, {"hidden": True}))
    return {"name": key, **seen, **maybe(chance, description=text(chance), tags=tags(chance))}


def described_property(chance: random.Random, key: str) -> dict[str, Any]:
    """A property of an event or a person."""
    kind, _, name = key.partition(".")
    types = ("String", "Numeric", "Boolean", "DateTime", "Duration")
    described = maybe(chance, description=text(chance), tags=tags(chance))
    return {"name": name or key, "type": kind if name else "event", "property_type": chance.choice(types), **described}
