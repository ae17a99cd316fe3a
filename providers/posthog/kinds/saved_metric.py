"""Saved metrics of experiments: one definition of what is measured, for several experiments."""

from __future__ import annotations

from dataclasses import replace

from providers.posthog.kinds.base import Field, Json, Kind
from providers.posthog.kinds.experiment import NAMED, metric
from providers.posthog.kinds.normal import tags, text
from providers.posthog.kinds.wording import METRIC


def _carry(new: Json, live: Json) -> Json:
    """Keep the metric's id: PostHog finds results by it."""
    return {**new, "uuid": live["uuid"]} if live and live.get("uuid") else new


SAVED_METRIC = Kind(
    name="saved_metric",
    type="ExperimentSavedMetric",
    collection="experiment_saved_metrics",
    scope="experiment_saved_metric",
    pages=("experiments/shared-metrics/{id}",),
    logged_as="Experiment",
    logged_type="shared_metric",
    folder="experiments/saved_metrics",
    natural_key=("name",),
    soft_delete=False,
    fields=(
        Field("name", normalise=text, distinct=True, required=True),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field(
            "query",
            tree=NAMED,
            reader="metric",
            wording=replace(METRIC, name=None),
            normalise=metric,
            carry=_carry,
            required=True,
        ),
    ),
)
