"""Annotations."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import Ref

# PostHog says beside what an annotation hangs on that it hangs there.
_SCOPES = {"insight": "dashboard_item", "dashboard": "dashboard"}


def expand(unit: Unit, _: World) -> Iterator[Definition]:
    """Yield the annotation: of an insight, of a dashboard, or of the whole project."""
    properties = fields(unit)
    for kind, scope in _SCOPES.items():
        if kind in properties:
            properties |= {"scope": scope, kind: Ref(kind, properties[kind])}
    yield resource("annotation", unit.key, unit, properties)
