"""What people keep next to flags and dashboards: actions, experiments, subscriptions, annotations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.contract.gather import Gathered, Value, Written, file, key_of, told
from ai_admin.definitions.contract.query import brief
from ai_admin.definitions.nodes import METRICS

_EVENT_EXPOSURE = "ExperimentEventExposureConfig"


def files(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per definition."""
    for key, properties in gathered.of("action").items():
        yield file("action", key, told("action", properties))
    for key, properties in gathered.of("experiment").items():
        yield file("experiment", key, _experiment(properties))
    for key, properties in gathered.of("subscription").items():
        yield file("subscription", key, _subscription(gathered, properties))
    for key, properties in gathered.of("annotation").items():
        value = told("annotation", properties, *(("scope",) if {"insight", "dashboard"} & properties.keys() else ()))
        yield file("annotation", key, {name: key_of(item) for name, item in value.items()})


def _experiment(properties: Value) -> Value:
    value = told("experiment", properties)
    value["flag"] = key_of(value.get("flag"))
    for name in METRICS:
        if name in value:
            value[name] = [_metric(each) for each in value[name]]
    if "exposure_criteria" in value:
        value["exposure_criteria"] = criteria = brief(value["exposure_criteria"])
        config = criteria.get("exposure_config")
        if config and config.get("kind") == _EVENT_EXPOSURE:
            criteria["exposure_config"] = {name: item for name, item in config.items() if name != "kind"}
    return value


def _metric(metric: Value) -> Any:
    usual = {"kind": "ExperimentMetric", "start_handling": "first_seen"}
    return {name: item for name, item in brief(metric).items() if usual.get(name) != item}


def _subscription(gathered: Gathered, properties: Value) -> Value:
    given = ("content_type", "target_type", "target_value", "workspace", "dashboard_export_insights")
    value = {name: key_of(item) for name, item in told("subscription", properties, *given).items()}
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
