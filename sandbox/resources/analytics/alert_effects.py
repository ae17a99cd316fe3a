"""What else happens to an alert's surroundings (PostHog: products/alerts/backend/activity_logging.py).

Traps: an alert that goes, be it with its insight, takes along its checks and the functions that notify of it (they are
disabled and deleted, without an entry of their own); its threshold and its subscribers are other objects in PostHog, so
that a change of them is another entry of the alert's activity, of another type.
"""

from sandbox.auth.users import show_user
from sandbox.resources.analytics import alert_checks
from sandbox.rest import activity
from sandbox.storage.store import Data
from sandbox.wire.context import Context

SCOPE = "AlertConfiguration"
FUNCTIONS = "hog_function"


def take_along(context: Context, alert: Data) -> None:
    """Remove what an alert leaves behind, just before it is removed."""
    store, project = context.store, str(context.project["id"])
    alert_checks.forget(store, alert["id"])
    for function in _functions(context, alert["id"]):
        store.put(FUNCTIONS, project, {**function, "enabled": False, "deleted": True}, listed=False)


def _functions(context: Context, alert: str) -> list[Data]:
    """The functions that notify of an alert."""
    filtered = "listed = 1 AND instr(json_extract(data, '$.filters'), ?)"
    found = context.store.select(FUNCTIONS, str(context.project["id"]), filtered, [alert])
    return [each for each in found if each["type"] == "internal_destination" and _notifies_of(each, alert)]


def _notifies_of(function: Data, alert: str) -> bool:
    properties = (function["filters"] or {}).get("properties")
    return any(
        isinstance(each, dict) and each.get("key") == "alert_id" and each.get("value") == alert
        for each in (properties if isinstance(properties, list) else [])
    )


def context_of(insight: Data | None) -> Data:
    """What the entries of an alert say of its insight."""
    return {
        "insight_id": insight and insight["id"],
        "insight_short_id": insight and insight["short_id"],
        "insight_name": insight and insight["name"],
        "alert_id": None,
        "alert_name": "Alert",
    }


def log_parts(context: Context, before: Data | None, after: Data, insight: Data | None) -> None:
    """The entries about the alert's threshold and its subscribers."""
    about = {**context_of(insight), "alert_name": after["name"]}
    if before is not None:
        changes = activity.changes_between(
            "Threshold", before["threshold"], after["threshold"], ["name", "configuration"], frozenset()
        )
        if changes:
            _record(context, after, "updated", changes, "threshold_change", about)
    was = set(before["subscribed_users"]) if before else set()
    now = set(after["subscribed_users"])
    for what, users in (("created", now - was), ("deleted", was - now)):
        for identifier in sorted(users):
            user = show_user(context, identifier) or {}
            whom = {"subscriber_name": user.get("first_name"), "subscriber_email": user.get("email")}
            _record(context, after, what, [], "alert_subscription_change", {**about, **whom})


def _record(context: Context, alert: Data, what: str, changes: list[Data], kind: str, about: Data) -> None:
    activity.record(context, SCOPE, alert["id"], what, None, changes, type=kind, context=about)
