"""Subscriptions (PostHog: ee/api/subscription.py).

Traps: the content type follows from what is subscribed and can't be changed; `invite_message` isn't stored; a
    dashboard
needs one to six insights; DELETE is a 405; `next_delivery_date` moves by itself.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.errors import Invalid
from sandbox.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    moment,
    read_only,
    text,
    write_only,
)
from sandbox.listing import Condition, equals
from sandbox.resource import Life, Resource
from sandbox.store import Data
from sandbox.web import Context

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PERIOD = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}


class Subscriptions(Resource):
    kind, collection, scope, log_scope = "subscription", "subscriptions", "subscription", "Subscription"
    life, environments = Life.SOFT_GONE, True
    log_masked = frozenset({"target_value"})
    search = ("title",)
    order = "created_at DESC"
    fields = (
        ID,
        Field("dashboard", integer(), null=True),
        Field("insight", integer(), null=True),
        read_only("insight_short_id"),
        read_only("resource_name"),
        read_only("content_type"),
        Field("dashboard_export_insights", items(integer(), 6), default=[]),
        Field("target_type", choice("email", "slack", "webhook"), required=True),
        Field("target_value", text(), required=True),
        Field("integration_id", integer(), null=True),
        Field("frequency", choice(*PERIOD), required=True),
        Field("interval", integer(1), default=1),
        Field("byweekday", items(choice(*DAYS)), null=True),
        Field("bysetpos", integer(), null=True),
        Field("count", integer(), null=True),
        Field("start_date", moment, required=True),
        Field("until_date", moment, null=True),
        CREATED_AT,
        CREATED_BY,
        Field("deleted", boolean, default=False),
        Field("title", text(100), null=True),
        read_only("summary"),
        read_only("next_delivery_date"),
        Field("enabled", boolean, default=True),
        Field("summary_enabled", boolean, default=False),
        Field("summary_prompt_guide", text(), default=""),
        Field("prompt", text(), null=True),
        Field("ai_config", anything, null=True),
        write_only("invite_message", text()),
    )

    def label(self, row: Data) -> str | None:
        return row["title"] or None

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        row = super().prepare(context, values, before)
        kind = "dashboard" if row["dashboard"] else "insight"
        if before is not None and kind != before["content_type"]:
            raise Invalid("The content type of a subscription cannot be changed.", "content_type")
        if not row["dashboard"] and not row["insight"]:
            raise Invalid("Insight is required for insight subscriptions.", "insight")
        target = context.store.get(kind, row[kind], self.parent_id(context))
        if target is None or target["deleted"]:
            raise Invalid(f'Invalid pk "{row[kind]}" - object does not exist.', kind, "does_not_exist")
        if kind == "dashboard" and not row["dashboard_export_insights"]:
            raise Invalid("Select at least one insight for this subscription.", "dashboard_export_insights")
        if row["target_type"] == "slack" and not row["integration_id"]:
            raise Invalid("A Slack integration is required for Slack subscriptions.", "integration_id")
        row["content_type"] = kind
        row["next_delivery_date"] = _next(row)
        row["summary"] = (
            f"sent every {row['interval']} {row['frequency']}" if row["interval"] > 1 else f"sent {row['frequency']}"
        )
        return row

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        target: Any = context.store.get(row["content_type"], row[row["content_type"]])
        shown["resource_name"] = target["name"] if target else None
        shown["insight_short_id"] = target["short_id"] if target and row["content_type"] == "insight" else None
        return shown

    def conditions(self, context: Context) -> list[Condition]:
        found: list[Condition] = [("listed = 1", [])]
        for name in ("insight", "dashboard", "created_by", "target_type"):
            if name in context.query:
                found.append(equals(name, context.query[name]))
        return found


def _next(row: Data) -> str:
    """The first delivery after now, by steps of the frequency from the start."""
    moment_of = datetime.fromisoformat(row["start_date"])
    step = timedelta(days=PERIOD[row["frequency"]] * row["interval"])
    now = datetime.now(UTC)
    if moment_of < now:
        moment_of += step * ((now - moment_of) // step + 1)
    return moment_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
