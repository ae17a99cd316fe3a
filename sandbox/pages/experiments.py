"""Experiments with their flag, their state and their metrics."""

from typing import Any

from sandbox.pages.flags import show
from sandbox.pages.render import listed
from sandbox.storage.store import Data
from sandbox.wire.context import Context


def all_experiments(context: Context) -> Data:
    """The experiments with their flags."""
    rows, pages = listed(context, "experiment", order="created_at DESC")
    return {"rows": [_experiment(context, row) for row in rows], **pages}


def _experiment(context: Context, row: Data) -> Data:
    flag = context.store.get("feature_flag", row["feature_flag_id"])
    metrics = [*(row["metrics"] or []), *(row["metrics_secondary"] or [])]
    saved = [context.store.get("experiment_saved_metric", link["saved_metric"]) for link in row["links"]]
    return {
        **row,
        "flag": show(context, flag) if flag else None,
        "metrics": [_metric(each) for each in metrics] + [each["name"] for each in saved if each],
    }


def _metric(metric: Data) -> str:
    """A metric's name, or what it measures."""
    source: Any = metric.get("source") or next(iter(metric.get("series") or []), None) or {}
    return str(metric.get("name") or f"{metric.get('metric_type')} of {source.get('event') or source.get('kind')}")
