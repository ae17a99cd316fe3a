"""Alerts with their checks."""

from sandbox.pages.render import listed
from sandbox.resources.analytics import alert_checks
from sandbox.storage.store import Data
from sandbox.wire.context import Context

CHECKS = 5


def all_alerts(context: Context) -> Data:
    """The alerts with their checks."""
    rows, pages = listed(context, "alert")
    return {"rows": [_alert(context, row) for row in rows], **pages}


def _alert(context: Context, row: Data) -> Data:
    insight = context.store.get("insight", row["insight"])
    users = [context.store.get("user", each) for each in row["subscribed_users"]]
    checks = alert_checks.newest(context.store, row["id"], CHECKS)
    due = alert_checks.next_due(row) if row["enabled"] else None
    return {
        **row,
        "insight_name": (insight["name"] or insight["derived_name"] or "Untitled") if insight else "?",
        "emails": [user["email"] for user in users if user],
        "fires": bounds(row),
        "rests": [f"{each['start']} to {each['end']}" for each in windows(row)],
        "due": due and due.isoformat(),
        "latest": [{**each, "value": written(row, each["calculated_value"])} for each in checks],
    }


def bounds(row: Data) -> list[str]:
    """The bounds of an alert, as people read them."""
    given = (row["threshold"].get("configuration") or {}).get("bounds") or {}
    return [f"{name} {written(row, value)}" for name, value in given.items() if value is not None]


def windows(row: Data) -> list[Data]:
    """The times of the day, in the project's timezone, at which an alert isn't checked."""
    return (row.get("schedule_restriction") or {}).get("blocked_windows") or []


def written(row: Data, value: float | None) -> str:
    """A value that an alert compares, in a few digits: a share of the value before, and a funnel's, in per cent."""
    if value is None:
        return ""
    if (row["threshold"].get("configuration") or {}).get("type") == "percentage":
        return f"{value * 100:,.6g} %"
    funnel = (row.get("config") or {}).get("type") == "FunnelsAlertConfig"
    return f"{value:,.6g}{' %' if funnel else ''}"
