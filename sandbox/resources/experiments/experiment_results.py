"""What experiments have come to (PostHog: products/experiments/backend/presentation/views.py).

Nothing is computed here: a metric's timeseries has its days without results, and no number is invented.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid


def actions(experiments: Resource) -> list[Action]:
    """`stats/` of all, and `:id/timeseries_results/`."""
    return [
        Action("stats", lambda context: _stats(experiments, context), detail=False),
        Action("timeseries_results", _timeseries),
    ]


def _day(moment: str, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(moment).astimezone(zone).date()


def _stats(experiments: Resource, context: Context) -> Data:
    """How many were launched and ended in the last 30 days, and in the 30 before."""
    zone = ZoneInfo(context.project.get("timezone") or "UTC")
    today = datetime.now(zone).date()
    listed = context.store.select(experiments.kind, experiments.parent_id(context))
    rows = [row for row in listed if not row["archived"]]
    month, before = today - timedelta(days=30), today - timedelta(days=60)
    starts = [_day(row["start_date"], zone) for row in rows if row["start_date"]]
    launched = sum(month <= start <= today for start in starts)
    earlier = sum(before <= start < month for start in starts)
    change = (launched - earlier) / earlier * 100 if earlier else 100.0 if launched else 0.0
    return {
        "launched_last_30d": launched,
        "launched_previous_30d": earlier,
        "percent_change": round(change, 1),
        "active_experiments": sum(bool(row["start_date"] and not row["end_date"]) for row in rows),
        "completed_last_30d": sum(month <= _day(row["end_date"], zone) <= today for row in rows if row["end_date"]),
    }


def _timeseries(context: Context, row: Data) -> Data:
    """A metric's results by day: none yet, for every day since the start."""
    for name in ("metric_uuid", "fingerprint"):
        if not context.query.get(name):
            raise Invalid(f"{name} query parameter is required")
    if not row["start_date"]:
        raise Invalid("Experiment has not been started yet")
    first = datetime.fromisoformat(row["start_date"]).date()
    last = datetime.fromisoformat(row["end_date"]).date() if row["end_date"] else datetime.now(UTC).date()
    days: dict[str, Any] = {str(first + timedelta(days=each)): None for each in range((last - first).days + 1)}
    return {
        "experiment_id": row["id"],
        "metric_uuid": context.query["metric_uuid"],
        "status": "pending",
        "timeseries": days,
        "errors": None,
        "computed_at": None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "recalculation_status": None,
        "recalculation_created_at": None,
    }
