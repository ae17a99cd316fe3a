"""What becomes of a dashboard's subscriptions when insights leave it (PostHog:
products/exports/backend/subscription_reconciliation.py).

Traps: an insight that leaves the dashboard leaves the selection of its subscription too, without a write to that; with
the last one the subscription is paused instead, and keeps its selection; a deleted dashboard pauses its subscriptions,
and nothing switches them on again.
"""

from collections.abc import Collection

from sandbox.rest.registry import resource
from sandbox.wire.context import Context

KIND = "subscription"


def left(context: Context, dashboard: int, insights: Collection[int | None]) -> None:
    """Take insights that left a dashboard out of its subscriptions that are on."""
    for row in context.store.referrers("dashboard", dashboard, KIND):
        rest = [each for each in row["dashboard_export_insights"] if each not in insights]
        gone = len(rest) < len(row["dashboard_export_insights"])
        if row["enabled"] and not row["deleted"] and gone:
            after = {**row, **({"dashboard_export_insights": rest} if rest else {"enabled": False})}
            resource(KIND).store(context, after)
            resource(KIND).log(context, row, after)


def left_by_all(context: Context, dashboard: int) -> None:
    """Pause the subscriptions of a dashboard that is deleted."""
    for row in context.store.referrers("dashboard", dashboard, KIND):
        left(context, dashboard, row["dashboard_export_insights"])
