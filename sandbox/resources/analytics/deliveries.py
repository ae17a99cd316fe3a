"""Deliveries of subscriptions (PostHog: SubscriptionDeliveryViewSet in ee/api/subscription.py).

Nothing is sent and nothing rendered here: the list has what would have been delivered, and why.
"""

import uuid

from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp

KIND = "subscription_delivery"
PAGE = 50


def deliver(context: Context, subscription: Data) -> None:
    """Note a delivery because of a change of what is delivered, or to whom."""
    now = timestamp()
    delivery: Data = {
        "id": str(uuid.uuid4()),
        "subscription": subscription["id"],
        "temporal_workflow_id": f"handle-subscription-value-change-{subscription['id']}-{uuid.uuid4()}",
        "idempotency_key": str(uuid.uuid4()),
        "trigger_type": "target_change",
        "scheduled_at": None,
        "target_type": subscription["target_type"],
        "target_value": subscription["target_value"],
        "exported_asset_ids": [],
        "content_snapshot": {},
        "recipient_results": [],
        "status": "completed",
        "error": None,
        "created_at": now,
        "last_updated_at": now,
        "finished_at": now,
        **dict.fromkeys(("change_summary", "ai_report", "ai_report_diagnostics", "ai_report_prompt")),
    }
    context.store.put(KIND, str(context.project["id"]), delivery, refs=[("subscription", str(subscription["id"]))])


def of_subscription(context: Context, row: Data) -> Data:
    """`:id/deliveries/`: the newest first."""
    found = context.store.referrers("subscription", row["id"], KIND)
    return {"next": None, "previous": None, "results": found[::-1][:PAGE]}
