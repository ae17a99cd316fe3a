"""Actions."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.world import Unit, World


def expand(unit: Unit, _: World) -> Iterator[Definition]:
    """Yield the action, which is written as PostHog has it."""
    yield resource("action", unit.key, unit, fields(unit))
