"""Trees of nodes that name events and actions and filter by properties: metrics, exposures and steps.

A reader for each shape of tree, which fields name (``Field.reader``): it converts between PostHog's form and the
shorter one of files, and finds the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ai_admin.definitions.forms.queries import brief, complete
from ai_admin.definitions.index import Unit
from ai_admin.definitions.model import Path
from providers.posthog.kinds import KINDS

Node = dict[str, Any]
Places = Iterator[tuple[Path, Node]]

_SOURCES = ("source", "numerator", "denominator", "start_event", "completion_event")
"""The keys of a metric that hold one node; ``series`` holds several."""

_EVENT_EXPOSURE = "ExperimentEventExposureConfig"


@dataclass(frozen=True)
class Reader:
    """Reads one shape of tree; ``expand`` and ``contract`` are each other's inverse."""

    nodes: Callable[[Path, Any], Places]
    """Yields the nodes in a file's value, given where that is."""
    expand: Callable[[Any], Any] = lambda value: value
    contract: Callable[[Any], Any] = lambda value: value


def _listed(path: Path, value: Any) -> Places:
    for n, item in enumerate(value or ()):
        yield (*path, n), item


def _metric_nodes(path: Path, metric: Node) -> Places:
    if not metric.get("metric_type"):  # the schema checks a metric by its type: without one its fields may be anything
        return
    for name in _SOURCES:
        if name in metric:
            yield (*path, name), metric[name]
    yield from _listed((*path, "series"), metric.get("series"))


def _expanded_metric(metric: Node) -> Node:
    usual = {"start_handling": "first_seen"} if metric["metric_type"] == "retention" else {}
    return {"kind": "ExperimentMetric", **usual, **complete(metric)}


def _brief_metric(metric: Node) -> Node:
    usual = {"kind": "ExperimentMetric", "start_handling": "first_seen"}
    return {name: item for name, item in brief(metric).items() if usual.get(name) != item}


def _exposure_nodes(path: Path, value: Any) -> Places:
    config = (value or {}).get("exposure_config")
    if config:
        yield (*path, "exposure_config"), config


def _expanded_exposure(value: Node) -> Node:
    result: Node = complete(value)
    config = result.get("exposure_config")
    if config and "kind" not in config:
        result["exposure_config"] = {"kind": _EVENT_EXPOSURE, **config}
    return result


def _brief_exposure(value: Node) -> Node:
    result: Node = brief(value)
    config = result.get("exposure_config")
    if config and config.get("kind") == _EVENT_EXPOSURE:
        result["exposure_config"] = {name: item for name, item in config.items() if name != "kind"}
    return result


READERS = {
    "metric": Reader(lambda path, value: _metric_nodes(path, value or {}), _expanded_metric, _brief_metric),
    "metrics": Reader(
        lambda path, value: (each for at, metric in _listed(path, value) for each in _metric_nodes(at, metric)),
        lambda value: [_expanded_metric(each) for each in value],
        lambda value: [_brief_metric(each) for each in value],
    ),
    "exposure": Reader(_exposure_nodes, _expanded_exposure, _brief_exposure),
    "steps": Reader(_listed),
}

WITH_NODES = tuple(kind.name for kind in KINDS.values() if any(field.reader for field in kind.fields))
"""The kinds with such trees."""

WITH_METRICS = tuple(
    kind.name for kind in KINDS.values() if any(field.reader in ("metric", "metrics") for field in kind.fields)
)
"""The kinds with metrics among them."""


def nodes(unit: Unit) -> Places:
    """Yield the nodes of a unit with their paths; none for kinds without such trees."""
    for field in KINDS[unit.kind].fields:
        if field.reader:
            yield from READERS[field.reader].nodes((field.name,), unit.value.get(field.name))


def metrics(unit: Unit) -> Places:
    """Yield the metrics of a unit with their paths."""
    for field in KINDS[unit.kind].fields:
        value = unit.value.get(field.name)
        if field.reader == "metrics":
            yield from _listed((field.name,), value)
        elif field.reader == "metric":
            yield (field.name,), value or {}
