"""Subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.tiles import insight_keys
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import Ref


def expand(unit: Unit, world: World) -> Iterator[Definition]:
    """Yield the subscription; of a dashboard all insights are sent, unless some are named."""
    properties = {**fields(unit, "insights", "target"), **_target(unit.value["target"])}
    for kind in ("insight", "dashboard"):
        if kind in properties:
            properties |= {"content_type": kind, kind: Ref(kind, properties[kind])}
    if "prompt" in properties:
        properties["content_type"] = "ai_prompt"
    dashboard = world.find("dashboard", unit.value.get("dashboard"))
    if dashboard is not None:
        sent = unit.value.get("insights") or insight_keys(dashboard) or ()
        properties["dashboard_export_insights"] = [Ref("insight", key) for key in sent]
    yield resource("subscription", unit.key, unit, properties)


def _target(value: dict[str, Any]) -> dict[str, Any]:
    if "email" in value:
        return {"target_type": "email", "target_value": ",".join(value["email"])}
    if "teams" in value:
        return {"target_type": "teams", "target_value": value["teams"]["url"]}
    slack = value["slack"]
    return {"target_type": "slack", "target_value": slack["channel"], "workspace": slack["workspace"]}
