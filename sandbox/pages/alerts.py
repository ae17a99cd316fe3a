"""Alerts with their checks."""

from sandbox.pages.render import listed
from sandbox.resources.analytics import alert_checks
from sandbox.storage.store import Data
from sandbox.wire.context import Context

CHECKS = 5


def all_alerts(context: Context) -> Data:
    """The alerts with their checks."""
    rows, pages = listed(context, "alert")
    return {"alerts": [_alert(context, row) for row in rows], **pages}


def _alert(context: Context, row: Data) -> Data:
    insight = context.store.get("insight", row["insight"])
    users = [context.store.get("user", each) for each in row["subscribed_users"]]
    bounds = (row["threshold"].get("configuration") or {}).get("bounds") or {}
    return {
        **row,
        "insight_name": (insight["name"] or insight["derived_name"] or "Untitled") if insight else "?",
        "emails": [user["email"] for user in users if user],
        "bounds": [f"{name} {value}" for name, value in bounds.items() if value is not None],
        "latest": alert_checks.newest(context.store, row["id"], CHECKS),
    }
