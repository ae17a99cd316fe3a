"""Checks of alerts: when one is due, and what it leaves behind (PostHog: posthog/temporal/alerts/activities.py,
products/alerts/backend/insight_alert_state_machine.py and calendar.py).

No query is computed here, so every check ends as PostHog's do when the query fails: the check and the alert are
`Errored`, the next check is at its usual time, and the subscribers are notified once per row of failures.

Traps: a new alert, one with a new threshold and one with a new interval have no `next_check_at` and are due at once;
the error's text stays in the database, a fixed sentence is shown; checks are kept for 14 days.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.query.errors import NotComputedError
from sandbox.resources.analytics import queries
from sandbox.storage.store import Data, Store
from sandbox.wire.context import timestamp

KIND = "alert_check"
RETENTION = timedelta(days=14)
FAILED = "This alert encountered an error. Check the alert configuration and try again."
STEPS = {"real_time": timedelta(minutes=2), "every_15_minutes": timedelta(minutes=15), "hourly": timedelta(hours=1)}
# What only a query that succeeds finds.
OF_AN_ANOMALY = tuple(
    "anomaly_scores triggered_points triggered_dates interval triggered_metadata investigation_status"
    " investigation_verdict investigation_summary investigation_notebook_short_id".split()
)
NEWEST_FIRST = "created_at DESC, seq DESC"


# What is kept ------------------------------------------------------------------------------------------------


def record(store: Store, alert: Data, now: datetime, error: str | None = None, notified: tuple[str, ...] = ()) -> None:
    """Store a check in the alert's present state; `notified` are the e-mail addresses."""
    store.put(
        KIND,
        alert["id"],
        {
            "id": str(uuid.uuid4()),
            "created_at": timestamp(now),
            "calculated_value": None,
            "state": alert["state"],
            "error": error,
            "notified": list(notified),
        },
    )


def newest(store: Store, alert: str, limit: int, conditions: str = "listed = 1", values: list[Any] | None = None,
           offset: int = 0) -> list[Data]:  # fmt: skip
    """Checks of an alert, newest first."""
    return store.select(KIND, alert, conditions, values or [], order=NEWEST_FIRST, limit=limit, offset=offset)


def forget(store: Store, alert: str) -> None:
    """Remove an alert's checks with it."""
    store.execute("DELETE FROM objects WHERE kind = ? AND parent = ?", (KIND, alert))


def clean_up(store: Store, now: datetime) -> None:
    """Remove what is older than PostHog keeps."""
    store.execute("DELETE FROM objects WHERE kind = ? AND created_at < ?", (KIND, timestamp(now - RETENTION)))


def show(check: Data) -> Data:
    """A check as the API shows it."""
    notified = check["notified"]
    receipts = [
        {"channel": "email", "target": each, "status": "accepted", "at": check["created_at"],
         "display_label": f"Email: {each}"}
        for each in notified
    ]  # fmt: skip
    return {
        "id": check["id"],
        "created_at": check["created_at"],
        "calculated_value": check["calculated_value"],
        "state": check["state"],
        "error": {"message": FAILED} if check["error"] else None,
        "targets_notified": bool(notified),
        **dict.fromkeys(OF_AN_ANOMALY),
        "notification_sent_at": check["created_at"] if notified else None,
        "notification_suppressed_by_agent": False,
        "deliveries": receipts or None,
    }


# Checking ----------------------------------------------------------------------------------------------------


def is_due(alert: Data, now: datetime) -> bool:
    """Whether the worker takes the alert up at all."""
    snoozed = alert["snoozed_until"] is not None and datetime.fromisoformat(alert["snoozed_until"]) > now
    waiting = alert["next_check_at"] is not None and datetime.fromisoformat(alert["next_check_at"]) > now
    return alert["enabled"] and not snoozed and not waiting


def check(store: Store, alert: Data, query: Any, zone: ZoneInfo, now: datetime) -> None:
    """Check a due alert: put it off where it may not be checked now, else note that its query failed. In place."""
    if alert["skip_weekend"] and now.astimezone(zone).isoweekday() >= 6:
        alert["next_check_at"] = timestamp(following(alert, zone, now))
        return
    if _blocked(alert, zone, now):
        alert["next_check_at"] = timestamp(_unblocked(alert, zone, now))
        return
    if alert["snoozed_until"]:
        alert.update(snoozed_until=None, state="Not firing")
    source = queries.source_of(query) or {}
    first = alert["state"] != "Errored"
    alert.update(state="Errored", last_checked_at=timestamp(now), next_check_at=timestamp(following(alert, zone, now)))
    notified = tuple(_addresses(store, alert)) if first else ()
    if notified:
        alert["last_notified_at"] = timestamp(now)
    record(store, alert, now, NotComputedError(f"alerts on a {source.get('kind')}").text, notified)


def _addresses(store: Store, alert: Data) -> list[str]:
    users = (store.get("user", identifier) for identifier in alert["subscribed_users"])
    return [user["email"] for user in users if user is not None]


def following(alert: Data, zone: ZoneInfo, now: datetime) -> datetime:
    """The alert's next check: an interval after the last one was due, or early in the next day (1h), week (Monday, 3h)
    or month (the first, 4h) of the project, outside its blocked windows.
    """
    due, local = alert["next_check_at"], now.astimezone(zone)
    if (step := STEPS.get(alert["calculation_interval"])) is not None:
        candidate = (datetime.fromisoformat(due) if due else now) + step
    else:
        day, hour = CALENDAR[alert["calculation_interval"] or "daily"](local)
        candidate = datetime.combine(day, local.time().replace(hour=hour), zone).astimezone(UTC)
    return _unblocked(alert, zone, candidate) if alert["schedule_restriction"] else candidate


def _next_month(local: datetime) -> datetime:
    return (local.replace(day=28) + timedelta(days=4)).replace(day=1)


CALENDAR: dict[str, Callable[[datetime], tuple[datetime, int]]] = {
    "daily": lambda local: (local + timedelta(days=1), 1),
    "weekly": lambda local: (local + timedelta(days=7 - local.weekday()), 3),
    "monthly": lambda local: (_next_month(local), 4),
}


def _blocked(alert: Data, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether the moment lies in a blocked window, whose end is exclusive and which may pass midnight."""
    clock = moment.astimezone(zone).time().replace(second=0, microsecond=0)
    windows = (alert["schedule_restriction"] or {}).get("blocked_windows", [])
    ends = [(time.fromisoformat(each["start"]), time.fromisoformat(each["end"])) for each in windows]
    return any(start <= clock < end if start < end else clock >= start or clock < end for start, end in ends)


def _unblocked(alert: Data, zone: ZoneInfo, moment: datetime) -> datetime:
    """The first minute from the given one on that no window blocks; windows leave some time of every day."""
    candidate = moment.replace(second=0, microsecond=0)
    while _blocked(alert, zone, candidate):
        candidate += timedelta(minutes=1)
    return candidate
