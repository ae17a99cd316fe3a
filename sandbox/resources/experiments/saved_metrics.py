"""Saved metrics of experiments (PostHog: products/experiments/backend/presentation/saved_metric_serializers.py).

Deleted for good, and out of the experiments that use them, unlike experiments.
"""

import uuid
from typing import Any

from sandbox.resources.experiments import experiment_metrics
from sandbox.rest.fields import CREATED_AT, CREATED_BY, ID, TAGS, UPDATED_AT, Field, read_only, text
from sandbox.rest.listing import column
from sandbox.rest.registry import resource
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

KINDS = ("ExperimentMetric", *experiment_metrics.LEGACY)


def _query(value: Any, attr: str) -> Data:
    if not value:
        raise Invalid("Query is required to create a saved metric", attr)
    if not isinstance(value, dict) or value.get("kind") not in KINDS:
        raise Invalid(
            "Metric query kind must be 'ExperimentMetric', 'ExperimentTrendsQuery' or 'ExperimentFunnelsQuery'", attr
        )
    return value


class SavedMetrics(Resource):
    kind, collection, scope = "experiment_saved_metric", "experiment_saved_metrics", "experiment_saved_metric"
    has_access_controls = True
    inherits_access_from = "experiment"
    log_scope = "Experiment"  # and marked by the detail's type
    life = Life.HARD
    order = "created_at DESC"
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(400), null=True),
        Field("query", _query, required=True),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
        TAGS,
        read_only("user_access_level"),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if "name" in values:
            alike = f"{column('name')} = ? COLLATE NOCASE"
            same = context.store.select(self.kind, self.parent_id(context), alike, [values["name"]])
            if any(before is None or row["id"] != before["id"] for row in same):
                raise Invalid("A shared metric with this name already exists.", "name")
        row = super().prepare(context, values, before)
        row["query"] = {**row["query"], "uuid": row["query"].get("uuid") or str(uuid.uuid4())}
        return row

    def removing(self, context: Context, row: Data) -> None:
        for experiment in context.store.referrers(self.kind, row["id"], "experiment"):
            links = [link for link in experiment["links"] if link["saved_metric"] != row["id"]]
            resource("experiment").store(context, {**experiment, "links": links})

    def extra(self, context: Context, row: Data) -> Data:
        return {"type": "shared_metric"}

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        shown["query"] = experiment_metrics.refresh_names(context, row["query"])
        return shown


SAVED_METRICS = SavedMetrics()
