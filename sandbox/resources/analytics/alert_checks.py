"""Checks of alerts: when one is due, what state it leaves, and what it leaves behind (PostHog:
posthog/temporal/alerts/activities.py, products/alerts/backend/insight_alert_state_machine.py and calendar.py).

Traps: a new alert, one with a new threshold and one with a new interval have no `next_check_at` and are due at once;
the error's text stays in the database, a fixed sentence is shown; checks are kept for 14 days; a resolved alert tells
nobody; failures are told of once per row of them.
"""

import math
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.resources.analytics.alert_evaluation import Outcome
from sandbox.storage.store import Data, Store
from sandbox.wire.context import timestamp

KIND = "alert_check"
RETENTION = timedelta(days=14)
MOST_ROWS = 5
FAILED = "This alert encountered an error. Check the alert configuration and try again."
STEPS = {"real_time": timedelta(minutes=2), "every_15_minutes": timedelta(minutes=15), "hourly": timedelta(hours=1)}
# What only a detector finds.
OF_AN_ANOMALY = tuple(
    "anomaly_scores triggered_points triggered_dates interval investigation_status"
    " investigation_verdict investigation_summary investigation_notebook_short_id".split()
)
NEWEST_FIRST = "created_at DESC, seq DESC"


# What is kept ------------------------------------------------------------------------------------------------


def record(
    store: Store, alert: Data, now: datetime, outcome: Outcome | None = None, deliveries: list[Data] | None = None
) -> None:
    """Store a check in the alert's present state, with what it found and who was told."""
    found = outcome or Outcome()
    rows = found.rows and {"breaching_rows": found.rows[:MOST_ROWS], "breaching_row_count": len(found.rows)}
    store.put(
        KIND,
        alert["id"],
        {
            "id": str(uuid.uuid4()),
            "created_at": timestamp(now),
            "calculated_value": _finite(found.value),
            "state": alert["state"],
            "error": found.error,
            "breaches": found.breaches,
            "triggered_metadata": rows or None,
            "deliveries": deliveries or [],
        },
    )


def _finite(value: float | None) -> float | None:
    """A value as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None


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
    deliveries = check.get("deliveries") or []
    return {
        **{name: check[name] for name in ("id", "created_at", "calculated_value", "state")},
        "error": {"message": FAILED} if check["error"] else None,
        "targets_notified": bool(deliveries),
        "triggered_metadata": check.get("triggered_metadata"),
        **dict.fromkeys(OF_AN_ANOMALY),
        "notification_sent_at": check["created_at"] if deliveries else None,
        "notification_suppressed_by_agent": False,
        "deliveries": deliveries or None,
    }


# Checking ----------------------------------------------------------------------------------------------------


def is_due(alert: Data, now: datetime) -> bool:
    """Whether the worker takes the alert up at all."""
    due = next_due(alert)
    return alert["enabled"] and (due is None or due <= now)


def next_due(alert: Data) -> datetime | None:
    """When an alert that is enabled is due, None for at once: at its time, and not before its snooze is over."""
    times = [datetime.fromisoformat(alert[name]) for name in ("next_check_at", "snoozed_until") if alert[name]]
    return max(times, default=None)


def put_off(alert: Data, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a due alert may not be checked now: on a weekend, in a blocked window. It gets another time, in place."""
    if alert["skip_weekend"] and now.astimezone(zone).isoweekday() >= 6:
        alert["next_check_at"] = timestamp(following(alert, zone, now))
        return True
    if _blocked(alert, zone, now):
        alert["next_check_at"] = timestamp(_unblocked(alert, zone, now))
        return True
    return False


def conclude(alert: Data, outcome: Outcome, zone: ZoneInfo, now: datetime, repeats: bool) -> bool:
    """Set an alert's state, value and next check after a check, in place.

    Args:
        alert: a due one. outcome: what the check found. zone: the project's. now: when.
        repeats: whether an alert that stays firing tells of it with each check.

    Returns:
        Whether its subscribers are to be told.
    """
    before = "Not firing" if alert["snoozed_until"] else alert["state"]
    state = "Errored" if outcome.error is not None else "Firing" if outcome.breaches else "Not firing"
    alert.update(
        state=state,
        snoozed_until=None,
        last_value=_finite(outcome.value),
        last_checked_at=timestamp(now),
        next_check_at=timestamp(following(alert, zone, now)),
    )
    return state != "Not firing" and (state != before or (repeats and state == "Firing"))


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
