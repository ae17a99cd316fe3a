"""Subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.forms.base import Gathered, Value, Written, fields, file, for_file, key_of, resource
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition
from ai_admin.definitions.tiles import insight_keys
from providers.posthog.kinds import KINDS, Ref


def expand(unit: Unit, index: Index) -> Iterator[Definition]:
    """Yield the subscription; of a dashboard all insights are sent, unless some are named."""
    properties = {**fields(unit, "insights", "target"), **_target(unit.value["target"])}
    for kind in ("insight", "dashboard"):
        if kind in properties:
            properties["content_type"] = kind
    if "prompt" in properties:
        properties["content_type"] = "ai_prompt"
    dashboard = index.find("dashboard", unit.value.get("dashboard"))
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


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per subscription."""
    for key, properties in gathered.of("subscription").items():
        yield file("subscription", key, _written(gathered, properties))


def _written(gathered: Gathered, properties: Value) -> Value:
    given = ("content_type", "target_type", "target_value", "workspace", "dashboard_export_insights")
    value = for_file(KINDS["subscription"], properties, *given)
    if properties.get("target_type") == "email":
        value["target"] = {"email": str(properties.get("target_value")).split(",")}
    elif properties.get("target_type") == "teams":
        value["target"] = {"teams": {"url": properties.get("target_value")}}
    else:
        target = {"workspace": properties.get("workspace"), "channel": properties.get("target_value")}
        value["target"] = {"slack": {name: item for name, item in target.items() if item is not None}}
    if "dashboard" in value:
        sent = [key_of(each) for each in properties.get("dashboard_export_insights", ())]
        tiles = gathered.of("tiles").get(value["dashboard"], {}).get("tiles", ())
        if sorted(sent) != sorted(key_of(tile["insight"]) for tile in tiles if "insight" in tile):
            value["insights"] = sent
    return value
