"""Messages of alerts: to whom, and what became of them."""

from sandbox.messages import outbox
from sandbox.pages.render import listed
from sandbox.storage.store import Data
from sandbox.wire.context import Context


def all_deliveries(context: Context) -> Data:
    """The messages, the newest first. Addresses of webhooks are secrets, and not shown."""
    rows, pages = listed(context, outbox.KIND, "1", order="seq DESC")
    return {"rows": [_delivery(context, row) for row in rows], **pages}


def _delivery(context: Context, row: Data) -> Data:
    alert = context.store.get("alert", row["alert"])
    return {**row, "alert_name": alert["name"] if alert else ""}
