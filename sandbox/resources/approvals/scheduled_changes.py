"""Scheduled changes of flags (PostHog: products/feature_flags/backend/api/scheduled_change.py and
posthog/tasks/process_scheduled_changes.py).

Traps: they change flags between two looks at them and don't show in the flag; what the payload says is found wrong only
when it is due; a paused recurrence keeps its settings; an executed one-time change is fixed. One that needs an approval
is bound to a change request when it is made: it is skipped when nobody approved in time.
"""

from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.relativedelta import relativedelta

from sandbox.auth.access import EDITOR, VIEWER, allows, visible
from sandbox.resources.approvals import approval_gate
from sandbox.resources.approvals.approvals import CHANGE_REQUESTS, OPEN
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
from sandbox.rest.listing import Condition, column, same
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Identity, Services, timestamp, worker_context
from sandbox.wire.errors import Answer, ApiError, Forbidden, Invalid, NotFound

INTERVALS = {
    "daily": relativedelta(days=1),
    "weekly": relativedelta(weeks=1),
    "monthly": relativedelta(months=1),
    "yearly": relativedelta(years=1),
}
TIMING = ("scheduled_at", "cron_expression", "recurrence_interval", "end_date", "is_recurring")
NO_EDIT = "You don't have edit permissions for this feature flag"
# What a payload that isn't what it should be runs into: a permanent failure of the change, not of the worker.
MALFORMED = (ApiError, AttributeError, KeyError, TypeError, ValueError)


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
        Field("recurrence_interval", choice(*INTERVALS), null=True),
        Field("cron_expression", text(100), null=True),
        read_only("last_executed_at"),
        Field("end_date", moment, null=True),
        read_only("timezone"),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is not None:
            _check_change(values, before)
            self._check_timing(context, values, before)
        row = super().prepare(context, values, before)
        _check_recurrence(row, before is None)
        end, start = row["end_date"], row["scheduled_at"]
        if end and datetime.fromisoformat(end) <= datetime.fromisoformat(start):
            raise Invalid("End date must be after the scheduled start date.", "end_date")
        number = row["record_id"].strip()
        flag = context.store.get(FLAGS.kind, int(number), self.parent_id(context)) if number.isdigit() else None
        if flag is None:
            raise Invalid("Feature flag not found")
        if not allows(context, FLAGS.kind, flag, EDITOR):
            raise Invalid(NO_EDIT)
        row["record_id"], row["team_id"] = str(flag["id"]), context.project["id"]
        if before is None:
            row["timezone"] = context.project["timezone"]
        if "payload" in values:
            bound = row.get("change_request")
            row["change_request"] = self._bind(context, row, flag, bound)
            if bound != row["change_request"]:
                self._expire(context, bound, ("pending",))
        return row

    def removing(self, context: Context, row: Data) -> None:
        flag = context.store.get(FLAGS.kind, row["record_id"], self.parent_id(context))
        if flag is not None and not allows(context, FLAGS.kind, flag, EDITOR):
            raise Forbidden(NO_EDIT)
        self._expire(context, row.get("change_request"), OPEN)

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        row = super().fetch(context, identifier, deleted)
        flag = context.store.get(FLAGS.kind, row["record_id"], self.parent_id(context))
        if flag is not None and not allows(context, FLAGS.kind, flag, VIEWER):
            raise NotFound()
        return row

    def conditions(self, context: Context) -> list[Condition]:
        found = super().conditions(context)
        for condition, values in visible(context, FLAGS.kind):
            flags = f"SELECT CAST(id AS TEXT) FROM objects WHERE kind = '{FLAGS.kind}' AND {condition}"
            found.append((f"{column('record_id')} IN ({flags})", values))
        return found

    # Approvals ----------------------------------------------------------------------------------------------

    def _bind(self, context: Context, row: Data, flag: Data, bound: str | None) -> str | None:
        """The change request that the change has to wait for; none for one that can't be made anyway."""
        try:
            values = FLAGS.clean(_values(row["payload"], flag), creating=False)
        except MALFORMED:
            return None
        return approval_gate.bind(context, values, flag, bound)

    def _request(self, context: Context, identifier: str | None) -> Data | None:
        return context.store.get(CHANGE_REQUESTS.kind, identifier) if identifier else None

    def _expire(self, context: Context, identifier: str | None, states: tuple[str, ...]) -> None:
        """End a request that the change isn't bound to any more."""
        request = self._request(context, identifier)
        if request is not None and request["state"] in states:
            request["state"] = "expired"
            CHANGE_REQUESTS.store(context, request)

    def _check_timing(self, context: Context, values: Data, before: Data) -> None:
        """What is approved is approved for its time."""
        request = self._request(context, before.get("change_request"))
        changed = [name for name in TIMING if name in values and values[name] != before[name]]
        if changed and request is not None and request["state"] in OPEN:
            raise Invalid(
                "Cannot change the timing of a scheduled change while its approval request is pending or approved. "
                "Delete this schedule and create a new one to reschedule.",
                changed[0],
            )

    # The worker ---------------------------------------------------------------------------------------------

    def carry_out(self, services: Services, now: datetime) -> None:
        """Execute every change whose time has come."""
        waiting = services.store.select(self.kind, None, f"{column('executed_at')} IS NULL")
        for row in waiting:
            repeats = row["recurrence_interval"] or row["cron_expression"]
            paused = repeats and not row["is_recurring"]
            if paused or datetime.fromisoformat(row["scheduled_at"]) > now:
                continue
            over, before = repeats and row["end_date"] and datetime.fromisoformat(row["end_date"]) <= now, dict(row)
            if over:
                row["executed_at"] = timestamp()
            else:
                self._execute(services, row, now)
            if row != before:
                row["updated_at"] = timestamp()
                services.store.put(self.kind, str(row["team_id"]), row)

    def _execute(self, services: Services, row: Data, now: datetime) -> None:
        """Change the flag and note how it went in `row`."""
        context = worker_context(services, row["team_id"])
        try:
            flag = context.store.get(FLAGS.kind, row["record_id"], str(row["team_id"]))
            if flag is None:
                raise ValueError("FeatureFlag matching query does not exist.")
            if row.get("change_request"):
                self._apply(context, row)
            else:
                self._change(context, row, flag)
        except MALFORMED as problem:
            row["failure_reason"] = f"{getattr(problem, 'detail', problem)} (permanent error)"
            row["executed_at"] = timestamp()
            return
        following = _following(row, now)
        if following is None or (row["end_date"] and following > datetime.fromisoformat(row["end_date"])):
            row["executed_at"] = timestamp()
        elif self._bound_again(context, row):
            row["scheduled_at"] = following.astimezone(UTC).isoformat().replace("+00:00", "Z")
        else:
            return
        if following is not None:
            row["last_executed_at"] = timestamp()

    def _change(self, context: Context, row: Data, flag: Data) -> None:
        context.memo["trigger"] = {
            "job_type": "scheduled_change",
            "job_id": str(row["id"]),
            "payload": {"scheduled_change_id": row["id"]},
        }
        values = _values(row["payload"], flag)
        FLAGS.amend(context, flag, FLAGS.clean(values, creating=False))

    def _apply(self, context: Context, row: Data) -> None:
        """Make a change that was approved, in its requester's name; let its request expire when it wasn't."""
        request = self._request(context, row["change_request"])
        if request is None or request["state"] not in OPEN:
            return
        failed = None
        if request["state"] == "pending":
            request["state"] = "expired"
        elif request["validation_status"] != "stale":
            failed = CHANGE_REQUESTS.apply(context, request)
        CHANGE_REQUESTS.store(context, request)
        if failed:
            raise ValueError(failed)

    def _bound_again(self, context: Context, row: Data) -> bool:
        """Bind the next time of a recurring change, in its maker's name; whether it could be: while another request
        waits it is put off, and one under several policies fails.
        """
        flag = context.store.get(FLAGS.kind, row["record_id"])
        maker = context.store.get("user", row["created_by"])
        context.identity = Identity(maker, None) if maker else None
        try:
            row["change_request"] = self._bind(context, row, flag or {}, None)
        except Answer as problem:
            if problem.status != 409:
                row["failure_reason"] = f"{problem.body['error']} (failed after 5 out of 5 attempts)"
                row["executed_at"] = timestamp()
            return False
        return True


SCHEDULED_CHANGES = ScheduledChanges()


# Checks -----------------------------------------------------------------------------------------------------


def _check_change(values: Data, before: Data) -> None:
    if str(values.get("record_id", before["record_id"])) != before["record_id"]:
        raise Invalid("Cannot change the target record of an existing scheduled change.", "record_id")
    if before["executed_at"] and not before["is_recurring"]:
        raise Invalid("Cannot modify a scheduled change that has already executed.")


def _check_recurrence(row: Data, new: bool) -> None:
    expression, interval = row["cron_expression"], row["recurrence_interval"]
    if expression and interval:
        raise Invalid(
            "Cannot set both cron_expression and recurrence_interval. Use one or the other.", "cron_expression"
        )
    if expression:
        _check_cron(expression)
    if row["is_recurring"]:
        if not expression and not interval:
            raise Invalid(
                "Either recurrence_interval or cron_expression is required when is_recurring is true.",
                "recurrence_interval",
            )
        if isinstance(row["payload"], dict) and row["payload"].get("operation") == "add_release_condition":
            raise Invalid(
                "Recurring schedules are not supported for add_release_condition "
                "because it appends conditions on each run, creating duplicates.",
                "payload",
            )
    elif new:
        for name in ("recurrence_interval", "cron_expression"):
            if row[name]:
                raise Invalid(f"Cannot set {name} when is_recurring is false for new schedules.", name)


def _check_cron(expression: str) -> None:
    if len(expression.split()) != 5:
        raise Invalid(
            "Only standard 5-field cron expressions are supported (minute hour day month weekday). "
            "Example: '0 9 * * 1-5'.",
            "cron_expression",
        )
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError as error:
        raise Invalid(
            "Invalid cron expression. Use standard 5-field cron syntax (e.g., '0 9 * * 1-5').", "cron_expression"
        ) from error


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


def _following(row: Data, now: datetime) -> datetime | None:
    """The next time of a recurring change, after now; None for a one-time change."""
    if not row["is_recurring"]:
        return None
    last = datetime.fromisoformat(row["scheduled_at"])
    if row["cron_expression"]:
        zone = ZoneInfo(row["timezone"] or "UTC")
        return next(CronSim(row["cron_expression"], max(last, now).astimezone(zone))).astimezone(UTC)
    while last <= now:
        last += INTERVALS[row["recurrence_interval"]]  # in a shorter month, on its last day
    return last
