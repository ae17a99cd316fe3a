"""Experiments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.forms.base import Gathered, Reference, Value, Written, fields, file, resource, told
from ai_admin.definitions.forms.queries import brief, complete
from ai_admin.definitions.model import Definition
from ai_admin.definitions.nodes import METRICS, Node, nodes
from ai_admin.definitions.query import property_filters
from ai_admin.definitions.world import Unit, World
from providers.posthog.kinds import KINDS

_EVENT_EXPOSURE = "ExperimentEventExposureConfig"


def expand(unit: Unit, _: World) -> Iterator[Definition]:
    """Yield the experiment, with the kind of every metric and node written out."""
    properties = fields(unit)
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
        result["exposure_config"] = {"kind": _EVENT_EXPOSURE, **config}
    return result


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per experiment."""
    for key, properties in gathered.of("experiment").items():
        yield file("experiment", key, _written(properties))


def _written(properties: Value) -> Value:
    value = told(KINDS["experiment"], properties)
    for name in METRICS:
        if name in value:
            value[name] = [_written_metric(each) for each in value[name]]
    if "exposure_criteria" in value:
        value["exposure_criteria"] = criteria = brief(value["exposure_criteria"])
        config = criteria.get("exposure_config")
        if config and config.get("kind") == _EVENT_EXPOSURE:
            criteria["exposure_config"] = {name: item for name, item in config.items() if name != "kind"}
    return value


def _written_metric(metric: Value) -> Any:
    usual = {"kind": "ExperimentMetric", "start_handling": "first_seen"}
    return {name: item for name, item in brief(metric).items() if usual.get(name) != item}


def references(unit: Unit) -> Iterator[Reference]:
    """Yield path, kind and key of the actions and cohorts in an experiment's metrics."""
    for path, node in nodes(unit):
        if "action" in node:
            yield (*path, "action"), "action", node["action"]
        for place, leaf in property_filters(node.get("properties"), (*path, "properties")):
            if leaf.get("type") == "cohort":
                yield (*place, "value"), "cohort", leaf.get("value")
