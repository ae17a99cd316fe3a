"""Deliveries of subscriptions (PostHog: SubscriptionDeliveryViewSet in ee/api/subscription.py).

Nothing is sent and nothing rendered here: the list has what would have been delivered, and why.
"""

import uuid
from typing import Any

from starlette.responses import Response

from sandbox.rest.resource import Action
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Answer, Invalid, NotFound

KIND = "subscription_delivery"
STATUSES = ("completed", "failed", "skipped", "starting")
PAGE = 50


def actions() -> list[Action]:
    """`:id/deliveries/`, one of them, and `:id/test-delivery/`."""
    return [
        Action("deliveries", _list),
        Action("deliveries/{delivery}", _one),
        Action("test-delivery", _test, ("POST",)),
    ]


def deliver(context: Context, subscription: Data, trigger: str) -> None:
    """Note a delivery; `trigger` is `target_change` or `manual`."""
    now = timestamp()
    delivery: Data = {
        "id": str(uuid.uuid4()),
        "subscription": subscription["id"],
        "temporal_workflow_id": f"handle-subscription-value-change-{subscription['id']}-{uuid.uuid4()}",
        "idempotency_key": str(uuid.uuid4()),
        "trigger_type": trigger,
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
        "change_summary": None,
        "ai_report": None,
        "ai_report_diagnostics": None,
        "ai_report_prompt": None,
    }
    context.store.put(KIND, str(context.project["id"]), delivery, refs=[("subscription", str(subscription["id"]))])


def _list(context: Context, row: Data) -> Data:
    """The newest first."""
    status = context.query.get("status")
    if status and status not in STATUSES:
        raise Invalid(f"Must be one of: {', '.join(STATUSES)}.", "status")
    found = reversed(context.store.referrers("subscription", row["id"], KIND))
    chosen = [each for each in found if status in (None, "", each["status"])]
    return {"next": None, "previous": None, "results": chosen[:PAGE]}


def _one(context: Context, row: Data) -> Any:
    found = context.store.get(KIND, context.param("delivery"))
    if found is None or found["subscription"] != row["id"]:
        raise NotFound()
    return found


def _test(context: Context, row: Data) -> Response:
    """Deliver now, whatever the schedule says."""
    if row["deleted"]:
        return Response(status_code=404)
    if not row["enabled"]:
        raise Answer(409, {"detail": "Subscription is disabled. Re-enable it before sending a test delivery."})
    deliver(context, row, "manual")
    return Response(status_code=202)
