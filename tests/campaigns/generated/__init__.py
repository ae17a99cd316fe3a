"""Random definitions of every kind, as a file could state them: valid in PostHog, with references by key.

A new kind is one more function here: from a source of chance and a key to properties. What it yields needs not be
canonical; ``spelled`` writes the same thing differently on top.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.campaigns.generated import boards, catalogue, flags, other_kinds
from tests.campaigns.generated.parts import spelled

Properties = dict[str, Any]

GENERATED: dict[str, Callable[[random.Random, str], Properties]] = {
    "event": catalogue.event,
    "property": catalogue.described_property,
    "cohort": flags.cohort,
    "flag": flags.flag,
    "dashboard": boards.dashboard,
    "insight": boards.insight,
    "tiles": boards.tiles,
    "alert": boards.alert,
    "notification": boards.notification,
    "action": other_kinds.action,
    "annotation": other_kinds.annotation,
    "subscription": other_kinds.subscription,
    "experiment": other_kinds.experiment,
}

__all__ = ["GENERATED", "spelled"]
