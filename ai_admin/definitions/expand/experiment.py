"""Experiments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.expand.query import complete
from ai_admin.definitions.expand.resource import fields, resource
from ai_admin.definitions.model import Definition
from ai_admin.definitions.nodes import METRICS, Node
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import Ref


def expand(unit: Unit, _: World) -> Iterator[Definition]:
    """Yield the experiment, with the kind of every metric and node written out."""
    properties = fields(unit)
    properties["flag"] = Ref("flag", unit.value["flag"])
    for name in METRICS:
        if name in properties:
            properties[name] = [_metric(each) for each in properties[name]]
    if "exposure_criteria" in properties:
        properties["exposure_criteria"] = _exposure(properties["exposure_criteria"])
    yield resource("experiment", unit.key, unit, properties)


def _metric(value: Node) -> dict[str, Any]:
    usual = {"start_handling": "first_seen"} if value["metric_type"] == "retention" else {}
    return {"kind": "ExperimentMetric", **usual, **complete(value)}


def _exposure(value: Node) -> dict[str, Any]:
    result: dict[str, Any] = complete(value)
    config = result.get("exposure_config")
    if config and "kind" not in config:
        result["exposure_config"] = {"kind": "ExperimentEventExposureConfig", **config}
    return result
