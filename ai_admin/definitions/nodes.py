"""What actions match and experiments measure: nodes that name an event or an action and filter its properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.model import Path
from ai_admin.definitions.world import Unit

METRICS = ("metrics", "metrics_secondary")
"""The keys of an experiment that hold metrics."""

SOURCES = ("source", "numerator", "denominator", "start_event", "completion_event")
"""The keys of a metric that hold one node; ``series`` holds several."""

Node = dict[str, Any]


def nodes(unit: Unit) -> Iterator[tuple[Path, Node]]:
    """Yield the nodes of an action or an experiment with their paths; none for other kinds."""
    for n, step in enumerate(unit.value.get("steps") or () if unit.kind == "action" else ()):
        yield ("steps", n), step
    if unit.kind != "experiment":
        return
    for path, metric in metrics(unit):
        for name in SOURCES:
            if name in metric:
                yield (*path, name), metric[name]
        for n, step in enumerate(metric.get("series") or ()):
            yield (*path, "series", n), step
    exposure = (unit.value.get("exposure_criteria") or {}).get("exposure_config")
    if exposure:
        yield ("exposure_criteria", "exposure_config"), exposure


def metrics(unit: Unit) -> Iterator[tuple[Path, Node]]:
    """Yield the metrics of an experiment with their paths."""
    for name in METRICS:
        for n, metric in enumerate(unit.value.get(name) or ()):
            yield (name, n), metric
