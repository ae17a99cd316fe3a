"""Scheduled changes of flags (PostHog: products/feature_flags/backend/api/scheduled_change.py).

Traps: they change flags between two looks at them and don't show in the flag; an executed one-time change is
    fixed.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.errors import ApiError, Invalid
from sandbox.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    UPDATED_AT,
    Field,
    boolean,
    choice,
    mapping,
    moment,
    read_only,
    text,
)
from sandbox.listing import Condition, column, equals
from sandbox.resource import Life, Resource
from sandbox.store import Data
from sandbox.web import Context, Services, alone, timestamp

if TYPE_CHECKING:
    from sandbox.resources.flags import Flags

OPERATIONS = ("update_status", "add_release_condition", "update_variants")
STEPS = {
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
LOOK_EVERY = 0.2  # seconds; PostHog's worker looks once a minute


class ScheduledChanges(Resource):
    kind, collection, scope, log_scope = "scheduled_change", "scheduled_changes", "feature_flag", None
    life = Life.HARD
    search = ()
    fields = (
        ID,
        read_only("team_id"),
        Field("record_id", text(200), required=True),
        Field("model_name", choice("FeatureFlag"), required=True),
        Field("payload", mapping, required=True),
        Field("scheduled_at", moment, required=True),
        read_only("executed_at"),
        read_only("failure_reason"),
        Field("is_recurring", boolean, default=False),
        Field("recurrence_interval", choice(*STEPS), null=True),
        Field("cron_expression", text(100), null=True),
        Field("end_date", moment, null=True),
        read_only("timezone"),
        CREATED_AT,
        CREATED_BY,
        UPDATED_AT,
    )

    def __init__(self, flags: "Flags") -> None:
        super().__init__()
        self.flags = flags

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is not None and before["executed_at"] and not before["is_recurring"]:
            raise Invalid("Cannot update a scheduled change that has already been executed.")
        row = {
            **super().prepare(context, values, before),
            "team_id": context.project["id"],
            "timezone": context.project["timezone"],
        }
        if row["payload"].get("operation") not in OPERATIONS or "value" not in row["payload"]:
            raise Invalid("Invalid payload", "payload")
        if row["cron_expression"] and row["recurrence_interval"]:
            raise Invalid("cron_expression and recurrence_interval are mutually exclusive.")
        if row["cron_expression"] and len(row["cron_expression"].split()) != 5:
            raise Invalid("cron_expression must have exactly 5 fields.", "cron_expression")
        if row["is_recurring"] and not (row["recurrence_interval"] or row["cron_expression"]):
            raise Invalid("recurrence_interval is required when is_recurring is true.", "recurrence_interval")
        self.flags.fetch(context, row["record_id"])
        return row

    def conditions(self, context: Context) -> list[Condition]:
        found: list[Condition] = [("listed = 1", [])]
        return found + [
            equals(name, context.query[name]) for name in ("model_name", "record_id") if name in context.query
        ]

    # The worker ---------------------------------------------------------------------------------------

    def resume(self, services: Services) -> None:
        """Look for due changes for as long as the server runs."""

        async def work() -> None:
            while True:
                with services.store.transaction():
                    self.carry_out(services)
                await asyncio.sleep(LOOK_EVERY)

        services.tasks.add(asyncio.get_running_loop().create_task(work()))

    def carry_out(self, services: Services) -> None:
        """Execute every change whose time has come."""
        now = timestamp()
        due = services.store.select(
            self.kind, None, f"{column('executed_at')} IS NULL AND {column('scheduled_at')} <= ?", [now]
        )
        for row in due:
            context = alone(services, row["team_id"])
            context.memo["trigger"] = {
                "job_type": "scheduled_change",
                "job_id": str(row["id"]),
                "payload": {"scheduled_change_id": row["id"]},
            }
            try:
                flag = self.flags.fetch(context, row["record_id"])
                self.flags.amend(context, flag, _values(row["payload"], flag))
                row["failure_reason"] = None
            except ApiError as refusal:
                row["failure_reason"] = refusal.detail
            self._after(row, now)
            services.store.put(self.kind, str(row["team_id"]), row)

    def _after(self, row: Data, now: str) -> None:
        step = STEPS.get(row["recurrence_interval"] or "")
        row["updated_at"] = now
        if not row["is_recurring"] or step is None:
            row["executed_at"] = now
            return
        following = datetime.fromisoformat(row["scheduled_at"]) + step
        if row["end_date"] and following > datetime.fromisoformat(row["end_date"]):
            row["executed_at"] = now
        else:
            row["scheduled_at"] = following.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _values(payload: Data, flag: Data) -> Data:
    """What a payload writes to a flag."""
    value: Any = payload["value"]
    if payload["operation"] == "update_status":
        return {"active": bool(value)}
    if payload["operation"] == "add_release_condition":
        groups = [*(flag["filters"].get("groups") or []), *(value.get("groups") or [])]
        return {"filters": {"groups": groups}}
    changed: Data = {"multivariate": {"variants": value.get("variants") or []}}
    if "payloads" in value:
        changed["payloads"] = value["payloads"]
    return {"filters": changed}
