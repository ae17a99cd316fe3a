"""The alerts of a project as PostHog has them now: their state, their checks, and whom they notify."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ai_admin.numbers.alerting import Rule
from ai_admin.numbers.schedule import STEPS, next_check
from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.kinds.notification import FIRING

KEPT = "-14d"
"""How long PostHog keeps checks."""

MOST = 500
"""PostHog answers no more checks at once."""

_TEMPLATES = {"template-slack": "Slack", "template-webhook": "webhook"}

_PATH = re.compile(r"(https?://[^/\s]+)/[^\s\"']*")
"""An address. What follows the host may be a secret, as in a webhook's."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Destination:
    """Somebody whom an alert notifies."""

    name: str
    """An e-mail address, or the name of a function; never an address that may be a secret."""
    way: str
    """``e-mail``, ``Slack``, ``webhook`` or ``function``."""
    enabled: bool = True
    function: Row | None = None
    """The function as PostHog answers it; None for an e-mail."""

    def __str__(self) -> str:
        said = f"({self.way})"
        name = self.name.removesuffix(f" {said}")  # the provider's names of functions end with it
        return f"{name} {said if self.enabled else f'({self.way}, off)'}"


@dataclass(frozen=True)
class Check:
    """A check that PostHog made."""

    at: datetime
    state: str
    value: float | None
    told: tuple[str, ...]
    """Who was told, as far as PostHog says."""
    error: str
    """Why it failed; empty where it did not."""


@dataclass(frozen=True)
class Standing:
    """An alert as PostHog has it."""

    id: str
    name: str
    state: str
    """``Firing``, ``Not firing``, ``Errored`` or ``Snoozed``; ``off`` where it is switched off."""
    rule: Rule
    value: float | None
    """What the last check compared."""
    last: datetime | None
    """The last check."""
    next: datetime | None
    """The next check, which no snooze is in the way of; None while it is due at once, or off."""
    interval: str
    insight: str
    """The short id of its insight."""
    tells: tuple[Destination, ...]
    checks: tuple[Check, ...]
    """The newest first."""
    snoozed: datetime | None = None
    """Until when it is snoozed; None where it is not, or off."""

    @property
    def failures(self) -> tuple[Check, ...]:
        """Those of the checks that failed."""
        return tuple(each for each in self.checks if each.error)

    @property
    def distance(self) -> float | None:
        """How far the value is from the nearest bound: above 0 beyond it, below 0 within; None without both."""
        found = None if self.value is None else self.rule.distance(self.value)
        return found if found is not None and math.isfinite(found) else None


def alerts(client: Client, name: str | None = None, days: bool = False) -> list[Standing]:
    """Return the alerts of a project, in the order of their names.

    Args:
        client: the project. Its key needs the scopes ``alert:read`` and ``hog_function:read``.
        name: only those that are called so; None: all.
        days: with all checks of the last 14 days, and not only the last five.

    Raises ApiError.
    """
    rows = [each for each in client.pages(client.project_path("alerts")) if name in (None, each["name"])]
    wanted = {"type": "internal_destination", "full": "true"}
    functions = list(client.pages(client.project_path("hog_functions"), wanted)) if rows else []
    params = {"checks_date_from": KEPT, "checks_limit": str(MOST)} if days else {}
    whole = (client.get(client.project_path(f"alerts/{each['id']}"), params) for each in rows)
    return sorted((standing(each, functions) for each in whole), key=lambda each: each.name)


def standing(row: Row, functions: Iterable[Row]) -> Standing:
    """Return an alert as PostHog answered it. ``functions`` are the project's internal destinations. Pure."""
    configuration = (row.get("threshold") or {}).get("configuration") or {}
    alert = {
        "condition": (row.get("condition") or {}).get("type"),
        "threshold": {"type": configuration.get("type"), **(configuration.get("bounds") or {})},
        "config": row.get("config"),
    }
    mails = [Destination(each["email"], "e-mail") for each in row["subscribed_users"] if each]
    others = [_destination(each) for each in functions if _listens(each, row["id"])]
    due, until = next_check(row), row.get("snoozed_until") if row["enabled"] else None
    snoozed = datetime.fromisoformat(until) if until else None
    return Standing(
        row["id"],
        row["name"],
        row["state"] if row["enabled"] else "off",
        Rule.of(alert, "day"),
        row.get("last_value"),
        datetime.fromisoformat(row["last_checked_at"]) if row["last_checked_at"] else None,
        max(due, snoozed) if due and snoozed else due or snoozed,  # PostHog skips the checks of a snooze
        row["calculation_interval"] or "daily",
        str(row.get("insight_short_id") or (row.get("insight") or {}).get("short_id") or ""),
        (*mails, *sorted(others, key=lambda each: each.name)),
        tuple(_check(each) for each in row["checks"]),
        snoozed,
    )


def overdue(alert: Standing, now: datetime) -> bool:
    """Return whether PostHog should have checked an alert some time ago.

    That is two intervals of its checks; two hours where these are by the day, the week or the month.
    """
    patience = 2 * STEPS.get(alert.interval, STEPS["hourly"])
    return alert.state != "off" and alert.next is not None and now - alert.next > patience


@dataclass(frozen=True)
class Sent:
    """The result of a test message."""

    to: Destination
    arrived: bool
    why: str
    """What PostHog said of it; empty where it arrived."""


def send_test(client: Client, alert: Standing) -> list[Sent]:
    """Send a message as of a firing alert to each function that an alert starts, as PostHog's page does for a test.

    Args:
        client: the project. Its key needs the scope ``hog_function:write``.
        alert: the alert.

    E-mail is not sent: PostHog has no way to test it. A function that PostHog can't run is in the result.
    """
    return [_sent(client, alert, each) for each in alert.tells if each.function is not None]


def _sent(client: Client, alert: Standing, to: Destination) -> Sent:
    function = to.function or {}
    event = {
        "uuid": str(uuid.uuid4()),
        "event": FIRING,
        "distinct_id": f"team_{client.connection.project_id}",
        "timestamp": datetime.now(UTC).isoformat(),
        "url": "",
        "properties": {
            "alert_id": alert.id,
            "alert_name": f"{alert.name} (test)",
            "insight_id": alert.insight,
            "insight_name": "A test, and no alarm",
            "state": "Firing",
            "breaches": "This is a test message: somebody ran `ai-admin alerts test`. Nothing is wrong.",
        },
    }
    body = {"configuration": dict(function), "globals": {"event": event}, "mock_async_functions": False}
    try:
        answer = client.request("POST", client.project_path(f"hog_functions/{function['id']}/invocations"), body)
    except ApiError as error:
        return Sent(to, False, str(error))
    if answer["status"] == "success":
        return Sent(to, True, "")
    return Sent(to, False, _reason(answer))


def _reason(answer: Row) -> str:
    """Return why a function did not deliver: what PostHog says, or the last thing that it logged."""
    if answer["status"] == "skipped":
        return "its filters don't match a firing of this alert"
    logs = answer.get("logs") or ()
    logged = [str(each["message"]) for each in logs if str(each.get("level")).lower() in ("error", "warn")]
    said = [str(each) for each in answer.get("errors") or ()] or logged[-1:]
    return _PATH.sub(r"\1/…", "; ".join(said)) or "PostHog does not say why"


def _listens(function: Row, alert: str) -> bool:
    properties: Sequence[Any] = (function.get("filters") or {}).get("properties") or ()
    return any(each.get("key") == "alert_id" and each.get("value") in (alert, [alert]) for each in properties)


def _destination(function: Row) -> Destination:
    template = str((function.get("template") or {}).get("id"))
    channel = ((function.get("inputs") or {}).get("channel") or {}).get("value")
    name = f"{channel}".rpartition("|")[2] if template == "template-slack" and channel else str(function["name"])
    return Destination(name, _TEMPLATES.get(template, "function"), bool(function["enabled"]), function)


def _check(row: Row) -> Check:
    told = [str(each.get("display_label") or each.get("target")) for each in row.get("deliveries") or ()]
    if not told and row.get("targets_notified"):
        told = ["somebody"]
    error = row.get("error")
    text = (error.get("message") if isinstance(error, Mapping) else error) or ""
    at = datetime.fromisoformat(row["created_at"])
    return Check(at, row["state"], row["calculated_value"], tuple(told), str(text))
