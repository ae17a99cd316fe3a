"""Scheduled changes of flags (PostHog: products/feature_flags/backend/api/scheduled_change.py and
posthog/tasks/process_scheduled_changes.py).

Traps: they change flags between two looks at them and don't show in the flag; what the payload says is found wrong only
when it is due; an executed change is fixed.

A recurring change, and one that needs an approval, is refused, which PostHog does not. One in a data folder of an
earlier version is never executed.
"""

from datetime import datetime
from typing import ClassVar

from sandbox.resources.approvals import approval_gate
from sandbox.resources.flags.flags import FLAGS
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    UPDATED_AT,
    Field,
    anything,
    boolean,
    choice,
    moment,
    read_only,
    text,
)
from sandbox.rest.listing import column, same
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Services, timestamp, worker_context
from sandbox.wire.errors import ApiError, Invalid

# What a payload that isn't what it should be runs into: a permanent failure of the change, not of the worker.
MALFORMED = (ApiError, AttributeError, KeyError, TypeError, ValueError)
NOT_RECURRING = "This server makes no recurring changes."
LEFT = "Not executed: this server makes no recurring changes, and none that waits for an approval."


class ScheduledChanges(Resource):
    kind, collection, scope, log_scope = "scheduled_change", "scheduled_changes", "feature_flag", None
    life = Life.HARD
    look_every = 0.2  # PostHog's worker looks once a minute
    search = ()
    filters: ClassVar = {"model_name": same("model_name"), "record_id": same("record_id")}
    fields = (
        ID,
        read_only("team_id"),
        Field("record_id", text(200, blank=False), required=True),
        Field("model_name", choice("FeatureFlag"), required=True),
        Field("payload", anything, required=True),
        Field("scheduled_at", moment, required=True),
        read_only("executed_at"),
        read_only("failure_reason"),
        CREATED_AT,
        CREATED_BY,
        UPDATED_AT,
        Field("is_recurring", boolean, default=False),
        read_only("recurrence_interval"),
        read_only("cron_expression"),
        read_only("last_executed_at"),
        read_only("end_date"),
        read_only("timezone"),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is not None:
            _check_change(values, before)
        row = super().prepare(context, values, before)
        _check_recurrence(context.data, row, before)
        number = row["record_id"].strip()
        flag = context.store.get(FLAGS.kind, int(number), self.parent_id(context)) if number.isdecimal() else None
        if flag is None:
            raise Invalid("Feature flag not found")
        row["record_id"], row["team_id"] = str(flag["id"]), context.project["id"]
        if before is None:
            row["timezone"] = context.project["timezone"]
        if _needs_approval(context, row["payload"], flag):
            raise Invalid("This server schedules no change that needs an approval.", "payload")
        return row

    # The worker ---------------------------------------------------------------------------------------------

    def carry_out(self, services: Services, now: datetime) -> None:
        """Execute every change whose time has come."""
        waiting = f"{column('executed_at')} IS NULL AND {column('failure_reason')} IS NULL"
        for row in services.store.select(self.kind, None, waiting):
            if datetime.fromisoformat(row["scheduled_at"]) <= now:
                if row["is_recurring"] or row.get("change_request"):
                    row["failure_reason"] = LEFT
                else:
                    self._execute(services, row)
                services.store.put(self.kind, str(row["team_id"]), row)

    def _execute(self, services: Services, row: Data) -> None:
        """Change the flag and note how it went in `row`."""
        context = worker_context(services, row["team_id"])
        context.memo["trigger"] = {
            "job_type": "scheduled_change",
            "job_id": str(row["id"]),
            "payload": {"scheduled_change_id": row["id"]},
        }
        try:
            flag = context.store.get(FLAGS.kind, row["record_id"], str(row["team_id"]))
            if flag is None:
                raise ValueError("FeatureFlag matching query does not exist.")
            FLAGS.amend(context, flag, FLAGS.clean(_values(row["payload"], flag), creating=False))
        except MALFORMED as problem:
            row["failure_reason"] = f"{getattr(problem, 'detail', problem)} (permanent error)"
        row["executed_at"] = row["updated_at"] = timestamp()


SCHEDULED_CHANGES = ScheduledChanges()


# Checks -----------------------------------------------------------------------------------------------------


def _check_change(values: Data, before: Data) -> None:
    if str(values.get("record_id", before["record_id"])) != before["record_id"]:
        raise Invalid("Cannot change the target record of an existing scheduled change.", "record_id")
    if before["executed_at"]:
        raise Invalid("Cannot modify a scheduled change that has already executed.")


def _check_recurrence(sent: Data, row: Data, before: Data | None) -> None:
    if row["is_recurring"]:
        raise Invalid(NOT_RECURRING, "is_recurring")
    for name in ("recurrence_interval", "cron_expression"):
        if sent.get(name):
            text = f"Cannot set {name} when is_recurring is false for new schedules."
            raise Invalid(NOT_RECURRING if before else text, name)


def _needs_approval(context: Context, payload: Data, flag: Data) -> bool:
    """Whether a policy covers the change; false for one that can't be made anyway."""
    try:
        values = FLAGS.clean(_values(payload, flag), creating=False)
    except MALFORMED:
        return False
    return approval_gate.covers(context, values, flag)


# Execution --------------------------------------------------------------------------------------------------


def _values(payload: Data, flag: Data) -> Data:
    """What a payload writes to a flag. Raises `ValueError` (and others of `MALFORMED`) for one that can't be."""
    if "operation" not in payload or "value" not in payload:
        raise ValueError("Invalid payload")
    value, filters = payload["value"], flag["filters"]
    if payload["operation"] == "update_status":
        return {"active": value}
    if payload["operation"] == "add_release_condition":
        return {"filters": {**filters, "groups": [*filters.get("groups", []), *value.get("groups", [])]}}
    if payload["operation"] != "update_variants":
        raise ValueError(f"Unrecognized operation: {payload['operation']}")
    variants, payloads = value.get("variants", []), value.get("payloads", {})
    total, keys = sum(each.get("rollout_percentage", 0) for each in variants), {each.get("key") for each in variants}
    if variants and total != 100:
        raise ValueError(f"Invalid variant rollout percentages: sum is {total}, must be 100")
    strange = set(payloads or {}) - keys
    if strange and keys:
        raise ValueError(f"Payload keys {strange} don't match variant keys {keys}")
    multivariate = {**(filters.get("multivariate") or {}), "variants": variants}
    return {"filters": {**filters, "multivariate": multivariate, "payloads": payloads}}
