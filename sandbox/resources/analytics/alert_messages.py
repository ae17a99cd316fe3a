"""What an alert sends (PostHog: posthog/tasks/alerts/utils.py): e-mail to its subscribers and, when it fires, the event
`$insight_alert_firing`, to which hog functions listen.

Traps: a resolved alert sends nothing; the event has the insight's short id, no value and no address of the insight; the
breaches are lines of one text; a failed check is told of by e-mail only.
"""

from datetime import datetime

from sandbox.messages import outbox
from sandbox.resources.analytics.alert_evaluation import Outcome
from sandbox.resources.pipelines import hog_runs
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp

EVENT = "$insight_alert_firing"
TEMPLATES = {"template-slack": "slack", "template-webhook": "webhook"}


def send(context: Context, alert: Data, insight: Data, outcome: Outcome, now: datetime) -> list[Data]:
    """Send what a check's outcome asks for.

    Args:
        context: the project's. alert: in its new state. insight: the alert's. outcome: what was found. now: when.

    Returns:
        A receipt for each that is told, as the check keeps it.
    """
    name, project = alert["name"], context.project["name"]
    link = _link(context, alert, insight)
    if outcome.error is not None:
        subject = f"PostHog could not evaluate {name or 'your alert'}"
        return _mail(context, alert, subject, f"{outcome.error}\n\n{link}", now)
    subject = f"PostHog alert {name} is firing for {project}"
    receipts = _mail(context, alert, subject, "\n".join([*outcome.breaches, "", link]), now)
    event = {
        "alert_id": alert["id"],
        "alert_name": name,
        "project_name": project,
        "insight_name": insight["name"],
        "insight_id": insight["short_id"],
        "state": alert["state"],
        "last_checked_at": alert["last_checked_at"],
        "breaches": "\n".join(outcome.breaches),
    }
    told = hog_runs.trigger(context, EVENT, event, now)
    return [*receipts, *(_receipt("hog_function", each["name"], now, each) for each in told)]


def send_disabled(context: Context, alert: Data, insight: Data, reason: str, now: datetime) -> list[Data]:
    """Tell an alert's subscribers that it was switched off, and why; a receipt for each."""
    subject = f"PostHog alert {alert['name']} for {context.project['name']} has been disabled"
    return _mail(context, alert, subject, f"{reason}\n\n{_link(context, alert, insight)}", now)


def _link(context: Context, alert: Data, insight: Data) -> str:
    address = f"{context.services.url}/project/{context.project['id']}/insights/{insight['short_id']}"
    return f"Insight: {insight['name'] or insight['derived_name']}\n{address}?alert_id={alert['id']}\n"


def _mail(context: Context, alert: Data, subject: str, text: str, now: datetime) -> list[Data]:
    users = (context.store.get("user", each) for each in alert["subscribed_users"])
    addresses = [user["email"] for user in users if user is not None]
    for each in addresses:
        message = {"by": "mail", "to": each, "subject": subject, "text": text}
        about = {"channel": "email", "target": each, "function": None, "alert": alert["id"]}
        outbox.put(context.store, str(context.project["id"]), message=message, about=about)
    return [_receipt("email", each, now) for each in addresses]


def _receipt(channel: str, target: str, now: datetime, function: Data | None = None) -> Data:
    receipt = {"channel": channel, "target": target, "status": "accepted", "at": timestamp(now)}
    if function is None:
        return {**receipt, "display_label": f"Email: {target}"}
    template = TEMPLATES.get(function["template_id_stored"])
    label = f"{(template or 'function').capitalize()}: {target}"
    return {**receipt, "target_id": function["id"], "template": template, "display_label": label}
