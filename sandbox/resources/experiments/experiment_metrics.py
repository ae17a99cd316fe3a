"""An experiment's metrics: what is accepted, their uuids, fingerprints and order.

Sources: PostHog's experiment_service.py and experiment_metric_fingerprint.py. Traps: every write gives a metric without
a uuid one, a second metric with the same uuid another; the fingerprint is always computed anew.
"""

import hashlib
import json
import uuid
from copy import deepcopy
from datetime import datetime
from typing import Any

from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

# What each type of metric has to have; PostHog's pydantic models name the class in their errors.
TYPES = {
    "mean": ("ExperimentMeanMetric", ("source",)),
    "funnel": ("ExperimentFunnelMetric", ("series",)),
    "ratio": ("ExperimentRatioMetric", ("numerator", "denominator")),
    "retention": (
        "ExperimentRetentionMetric",
        tuple(
            "start_event completion_event retention_window_start retention_window_end retention_window_unit"
            " start_handling".split()
        ),
    ),
}
LEGACY = ("ExperimentTrendsQuery", "ExperimentFunnelsQuery")
NODES = ("source", "numerator", "denominator", "start_event", "completion_event")
UNFINGERPRINTED = ("uuid", "name", "kind", "fingerprint")


def check(metrics: Any, attr: str | None = None) -> None:
    """Refuse a list of metrics that isn't one. Raises `Invalid`."""
    if not isinstance(metrics, list):
        raise Invalid("Metrics must be a list", attr)
    for index, metric in enumerate(metrics):
        if not isinstance(metric, dict):
            raise Invalid(f"Invalid metric at index {index}: must be a dict", attr)
        kind = metric.get("kind")
        if kind in LEGACY:
            raise Invalid(
                f"Invalid metric at index {index}: legacy metric kind '{kind}' is no longer supported for new "
                "experiments. Use 'ExperimentMetric' instead.",
                attr,
            )
        if kind != "ExperimentMetric":
            raise Invalid(f"Invalid metric at index {index}: metric kind must be 'ExperimentMetric'", attr)
        _check_type(metric, f"Invalid metric at index {index}: ", attr)


def _check_type(metric: Data, prefix: str, attr: str | None) -> None:
    name, required = TYPES.get(str(metric.get("metric_type")), (None, ()))
    if name is None:
        expected = [{"loc": (each, "metric_type"), "type": "literal_error"} for each, _ in TYPES.values()]
        raise Invalid(f"{prefix}{expected}.", attr)
    missing = [
        {"loc": (name, field), "type": "missing", "msg": "Field required"} for field in required if field not in metric
    ]
    if missing:
        raise Invalid(f"{prefix}{missing}.", attr)
    if metric["metric_type"] == "funnel" and not metric["series"]:
        raise Invalid(
            f"{prefix}funnel metrics require at least one step. "
            "The experiment exposure event is added as the initial step automatically.",
            attr,
        )


def check_references(context: Context, metrics: list[Data], unknown_events: bool) -> None:
    """Actions have to exist; events too, unless the client says it knows better. Raises `Invalid`."""
    nodes = [node for metric in metrics for node in _nodes(metric)]
    project = str(context.project["id"])
    wanted = sorted({int(node["id"]) for node in nodes if node.get("kind") == "ActionsNode" and node.get("id")})
    found = [context.store.get("action", each, project) for each in wanted]
    missing = [
        str(each) for each, row in zip(wanted, found, strict=True) if row is None or row["deleted"]
    ]  # deleted ones don't count
    if missing:
        raise Invalid(
            f"Action(s) with ID {', '.join(missing)} not found or deleted. "
            "Each ActionsNode must reference an existing action belonging to this project."
        )
    names = {node["event"] for node in nodes if node.get("kind") == "EventsNode" and str(node.get("event") or "")}
    strange = sorted(name for name in names if context.store.find("event_definition", name, project) is None)
    if strange and not unknown_events:
        raise Invalid(
            f"Event(s) {', '.join(repr(name) for name in strange)} not found. No events with these names have been "
            "ingested by this project. If you meant a different event, please correct it. Only if the user has "
            "explicitly confirmed they want to proceed with the unknown event (e.g. they will instrument it "
            "shortly), call again with allow_unknown_events=True. Do not flip the flag silently to bypass this check."
        )


def _nodes(metric: Data) -> list[Data]:
    steps = metric.get("series") if isinstance(metric.get("series"), list) else []
    return [node for node in (*(steps or []), *(metric.get(name) for name in NODES)) if isinstance(node, dict)]


def with_uuids(metrics: list[Data], taken: set[str]) -> list[Data]:
    """The metrics, each with a uuid of its own; `taken` grows by them."""
    result = deepcopy(metrics)
    for metric in result:
        if not metric.get("uuid") or metric["uuid"] in taken:
            metric["uuid"] = str(uuid.uuid4())
        taken.add(metric["uuid"])
    return result


def with_fingerprints(experiment: Data, metrics: list[Data]) -> list[Data]:
    return [{**metric, "fingerprint": fingerprint(experiment, metric)} for metric in metrics]


def fingerprint(experiment: Data, metric: Data) -> str:
    """What changes when a metric's result would: sha256 over the metric and how the experiment is analysed."""
    start = experiment["start_date"]
    hashed: Data = {
        "metric": {name: value for name, value in metric.items() if name not in UNFINGERPRINTED},
        "start_date": datetime.fromisoformat(start).isoformat() if start else None,
        "stats_config": (experiment["stats_config"] or {}).get("method", "bayesian"),
    }
    if experiment["exposure_criteria"]:
        hashed["exposure_criteria"] = experiment["exposure_criteria"]
    if experiment["only_count_matured_users"]:
        hashed["only_count_matured_users"] = True
    excluded = experiment["excluded_variants"] or (experiment["parameters"] or {}).get("excluded_variants")
    if excluded:
        hashed["excluded_variants"] = sorted(excluded)
    return hashlib.sha256(json.dumps(hashed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def ordered(order: list[str] | None, gone: set[str], present: list[str]) -> list[str] | None:
    """An order of uuids without the ones that are gone and with the new ones at its end."""
    if order is None and not present:
        return None
    kept = [each for each in order or [] if each not in gone]
    return kept + [each for each in present if each not in kept]


def refresh_names(context: Context, metric: Data) -> Data:
    """The metric with its actions under the names they have now."""
    result = deepcopy(metric)
    for node in _nodes(result):
        action = context.store.get("action", node.get("id")) if node.get("kind") == "ActionsNode" else None
        if action is not None:
            node["name"] = action["name"]
    return result
