"""Alerts on insights (PostHog: products/alerts/backend/presentation/views/alert.py).

Traps: written as ids, read as objects (`insight`, `subscribed_users`); `snoozed_until` is written as `"2h"` and read as
a datetime, cut to the hour; only a GET of one alert shows its checks; DELETE is real; the alert goes with its insight;
only a changed threshold configuration resets the state, and whatever switches the alert on or off; an alert that its
insight does not fit any more stands until its next check, which switches it off.
"""

import uuid
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sandbox.auth.identity import membership
from sandbox.auth.users import id_of, show_user
from sandbox.resources.analytics import (
    alert_checks,
    alert_detectors,
    alert_effects,
    alert_messages,
    alert_rules,
    queries,
    relative_dates,
)
from sandbox.resources.analytics.alert_evaluation import Outcome, evaluate
from sandbox.resources.analytics.insights import INSIGHTS
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    Field,
    boolean,
    choice,
    integer,
    items,
    mapping,
    read_only,
    text,
)
from sandbox.rest.listing import LARGEST, Condition, equals
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Services, timestamp, worker_context
from sandbox.wire.errors import Invalid, Missing, Required

SHOWN_CHECKS = 5
MOST_CHECKS = 500
AT_A_TIME = 200


def _of_insight(identifier: str) -> Condition:
    refs = "SELECT 1 FROM refs WHERE refs.kind = 'alert' AND refs.id = objects.id AND to_kind = 'insight' AND to_id = ?"
    return f"EXISTS ({refs})", [identifier]


class Alerts(Resource):
    kind, collection, scope, log_scope = "alert", "alerts", "alert", "AlertConfiguration"
    life, identifier, environments = Life.HARD, "uuid", True
    order = "created_at DESC, seq DESC"
    look_every = 60
    refs: ClassVar = {"insight": "insight"}
    filters: ClassVar = {"insight": _of_insight, "insight_id": _of_insight}
    fields = (
        ID,
        CREATED_BY,
        CREATED_AT,
        Field("insight", integer(), required=True),
        Field("name", text(255), default=""),
        Field("subscribed_users", items(integer()), required=True),
        Field("threshold", mapping, required=True),
        Field("condition", mapping, null=True),
        Field("state", default="Not firing"),
        Field("enabled", boolean, default=True),
        read_only("last_notified_at"),
        read_only("last_checked_at"),
        read_only("next_check_at"),
        Field("config", mapping, null=True),
        Field("detector_config", alert_detectors.detector, null=True),
        Field("forecast_config", mapping, null=True),
        Field("calculation_interval", choice(*alert_rules.INTERVALS), default="daily", null=True),
        Field("snoozed_until", text(), null=True),
        Field("skip_weekend", boolean, default=False, null=True),
        Field("schedule_restriction", mapping, null=True),
        Field("schedule_start_time", alert_rules.time_of_day, null=True),
        read_only("last_value"),
        Field("investigation_agent_enabled", boolean, default=False),
        Field("investigation_gates_notifications", boolean, default=False),
        Field("investigation_inconclusive_action", choice("notify", "suppress"), default="notify"),
    )

    def __init__(self) -> None:
        super().__init__()
        # A check's change of the state is logged too; the threshold and the subscribers have entries of their own.
        self.logged = [*(set(self.logged) - {"threshold", "subscribed_users"}), "state"]

    def actions(self) -> list[Action]:
        return [Action("simulate", self._simulate, ("POST",), scopes=("alert:read", "insight:read"), detail=False)]

    def _simulate(self, context: Context) -> Any:
        """`POST simulate/ {insight, detector_config?, …}`: what a detector would find, which needs a query."""
        if "insight" not in context.data:
            raise Required("insight")
        sent, project = context.data["insight"], self.parent_id(context)
        insight = context.store.find("insight", sent, project) if isinstance(sent, str) else None
        self._insight(context, {"insight": insight["id"] if insight else sent}, None)
        raise Invalid("Simulation failed: unable to compute results for this insight.")

    # Writing ------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        limit = context.settings.alert_limit
        if before is None and limit and context.store.count(self.kind, self.parent_id(context)) >= limit:
            raise Invalid(f"Your plan is limited to {limit} alerts.", "alert")
        after = {**(before or self.initial(context)), **values}
        insight = self._insight(context, after, before)
        self._check_users(context, values.get("subscribed_users") or [])
        if "threshold" in values:
            after["threshold"] = self._threshold(values["threshold"], before)
        if before is None or {"threshold", "detector_config"} & set(values):
            alert_rules.check_bounds(after)
        if "schedule_restriction" in values:
            after["schedule_restriction"] = alert_rules.windows(values["schedule_restriction"])
        if not context.settings.sql_alerts and after["config"] and after["config"].get("type") == "HogQLAlertConfig":
            raise Invalid("SQL insight alerts are not enabled for your account.")
        alert_rules.check(after, insight["query"])
        alert_rules.check_investigation(after)
        alert_rules.check_plan(after["calculation_interval"], context.settings.high_frequency_alerts)
        if before is not None:
            self._follow(context, before, after)
        if "snoozed_until" in values:
            self._snooze(after, values["snoozed_until"])
        return after

    def _insight(self, context: Context, after: Data, before: Data | None) -> Data:
        insight = context.store.get("insight", after["insight"])
        if insight is None or insight["deleted"]:
            raise Missing(after["insight"], "insight")
        if context.store.parent_of("insight", after["insight"]) != self.parent_id(context):
            raise Invalid("This insight does not belong to your team.", "insight")
        source = queries.source_of(insight["query"])
        if source is None or source.get("kind") not in alert_rules.CONFIGS:
            raise Invalid("Alerts are not supported for this insight.", "insight" if before is None else None)
        return insight

    def _check_users(self, context: Context, users: list[int]) -> None:
        for identifier in users:
            user = context.store.get("user", identifier)
            if user is None:
                raise Missing(identifier, "subscribed_users")
            if membership(context.store, context.organization, user) is None:
                raise Invalid("User does not belong to the same organization as the alert's team.", "subscribed_users")

    def _threshold(self, sent: Data, before: Data | None) -> Data:
        """The threshold's row: edited in place, so it keeps its id."""
        configuration = sent.get("configuration")
        if not isinstance(configuration, dict):
            raise Required("threshold__configuration")
        alert_rules.check_threshold(configuration)
        known = before["threshold"] if before else {"id": str(uuid.uuid4()), "created_at": timestamp()}
        return {**known, "name": sent.get("name", known.get("name", "")), "configuration": configuration}

    def _snooze(self, after: Data, sent: str | None) -> None:
        """Until the start of an hour or a day; null wakes the alert."""
        if sent is None:
            after["state"] = "Not firing"
        else:
            after["snoozed_until"] = timestamp(relative_dates.parse(sent, datetime.now(UTC), ahead=True))
            after["state"] = "Snoozed"

    def _follow(self, context: Context, before: Data, after: Data) -> None:
        """What a change brings about: a new threshold resets the state, it and a new interval the next check, switching
        on or off the state, and a new schedule restriction finds the next check anew.
        """
        moved = before["threshold"]["configuration"] != after["threshold"]["configuration"]
        if moved or before["enabled"] != after["enabled"]:
            after["state"] = "Not firing"
        if moved or before["calculation_interval"] != after["calculation_interval"]:
            after["next_check_at"] = None
        if before["schedule_restriction"] != after["schedule_restriction"]:
            fresh = {**after, "next_check_at": None}
            following = alert_checks.following(fresh, ZoneInfo(context.project["timezone"]), datetime.now(UTC))
            after["next_check_at"] = timestamp(following)

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        if before is not None and "snoozed_until" in values:
            alert_checks.record(context.store, after, datetime.now(UTC))

    def removing(self, context: Context, row: Data) -> None:
        alert_effects.take_along(context, row)

    # The activity log ---------------------------------------------------------------------------------------

    def extra(self, context: Context, row: Data) -> Data:
        return {"context": alert_effects.context_of(context.store.get("insight", row["insight"]))}

    def log(self, context: Context, before: Data | None, after: Data) -> None:
        super().log(context, before, after)
        alert_effects.log_parts(context, before, after, context.store.get("insight", after["insight"]))

    # The worker ---------------------------------------------------------------------------------------------

    def carry_out(self, services: Services, now: datetime) -> None:
        """Check the alerts that are due, as PostHog's scheduler does every minute, so many at a time."""
        store = services.store
        alert_checks.clean_up(store, now)
        due = [row for row in store.select(self.kind, None) if alert_checks.is_due(row, now)]
        for row in due[:AT_A_TIME]:
            project = store.parent_of(self.kind, row["id"])
            assert project is not None
            context = worker_context(services, int(project))
            before = deepcopy(row)
            if not alert_checks.put_off(row, ZoneInfo(context.project["timezone"]), now):
                self._check(context, row, now)
            self.store(context, row)
            self.log(context, before, row)

    def next_due(self, services: Services, now: datetime) -> datetime | None:
        """When the next check is due; one that is due at once is due `now`."""
        enabled = [row for row in services.store.select(self.kind, None) if row["enabled"]]
        return min((alert_checks.next_due(row) or now for row in enabled), default=None)

    def _check(self, context: Context, row: Data, now: datetime) -> None:
        insight = context.store.get("insight", row["insight"])
        assert insight is not None
        try:
            alert_rules.check(deepcopy(row), insight["query"])
        except Invalid as unfit:  # PostHog: disable_invalid_alert; the insight was changed since the alert was written
            row.update(enabled=False, state="Errored", snoozed_until=None, last_checked_at=timestamp(now))
            deliveries = alert_messages.send_disabled(context, row, insight, unfit.detail, now)
            row["last_notified_at"] = timestamp(now) if deliveries else row["last_notified_at"]
            alert_checks.record(context.store, row, now, Outcome(error=unfit.detail), deliveries)
            return
        zone, repeats = ZoneInfo(context.project["timezone"]), context.settings.alert_repeats
        outcome = evaluate(context.services.queries, context.project, row, insight["query"], now)
        told = alert_checks.conclude(row, outcome, zone, now, repeats)
        deliveries = alert_messages.send(context, row, insight, outcome, now) if told else []
        if deliveries:
            row["last_notified_at"] = timestamp(now)
        alert_checks.record(context.store, row, now, outcome, deliveries)

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        insight = context.store.get("insight", row["insight"])
        shown["insight"] = INSIGHTS.show_basic(context, insight) if insight else None
        shown["subscribed_users"] = [show_user(context, each) for each in row["subscribed_users"]]
        shown["insight_short_id"] = insight["short_id"] if insight else None
        shown["insight_display_name"] = insight and (insight["name"] or insight["derived_name"] or "Untitled insight")
        return shown

    def retrieve(self, context: Context, row: Data) -> Any:
        """The alert with its newest checks: `?checks_limit&checks_offset&checks_date_from&checks_date_to`."""
        query, now = context.query, datetime.now(UTC)
        condition, values = "listed = 1", []
        for name, compare in (("checks_date_from", ">="), ("checks_date_to", "<=")):
            if query.get(name):
                condition += f" AND created_at {compare} ?"
                values.append(timestamp(relative_dates.parse(query[name], now)))
        limit = _number(query.get("checks_limit"), MOST_CHECKS if values else SHOWN_CHECKS, 1, MOST_CHECKS)
        offset = _number(query.get("checks_offset"), 0, 0, LARGEST)
        found = alert_checks.newest(context.store, row["id"], limit, condition, values, offset)
        shown = self.show(context, row)
        shown["checks"] = [alert_checks.show(check) for check in found]
        shown["checks_total"] = context.store.count(alert_checks.KIND, row["id"], condition, values)
        return shown

    def show_in_list(self, context: Context, row: Data) -> Data:
        """In a list, an alert has only the checks that found anomalies, which needs a query that succeeds."""
        return {**self.show(context, row), "checks": []}

    def conditions(self, context: Context) -> list[Condition]:
        query, found = context.query, super().conditions(context)
        if "created_by" in query:
            found.append(equals("created_by", id_of(context.store, query["created_by"])))
        return found


def _number(text: str | None, usual: int, low: int, high: int) -> int:
    """A number from the query, within its bounds; what is no number counts as not given."""
    try:
        return max(low, min(int(text or ""), high))
    except ValueError:
        return usual


ALERTS = Alerts()
