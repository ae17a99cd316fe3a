"""Alerts on insights (PostHog: products/alerts/backend/presentation/views/alert.py).

Traps: written as ids, read as objects (`insight`, `subscribed_users`); `snoozed_until` is written as `"2h"`
    and read as a
datetime; DELETE is real; the alert goes with its insight; only a changed threshold configuration resets the
state.
"""

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sandbox.errors import Invalid
from sandbox.fields import CREATED_AT, CREATED_BY, ID, Field, boolean, integer, items, mapping, read_only, text
from sandbox.identity import membership
from sandbox.listing import Condition, equals
from sandbox.resource import Life, Resource
from sandbox.resources import alert_rules, queries
from sandbox.resources.insights import INSIGHTS
from sandbox.store import Data, Reference
from sandbox.users import show_user
from sandbox.web import Context, timestamp

SHOWN_CHECKS = 5
RELATIVE = re.compile(r"^-?(\d+)([hdwmyM])$")
UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "M": timedelta(minutes=1),
    "m": timedelta(days=30),
    "y": timedelta(days=365),
}


class Alerts(Resource):
    kind, collection, scope, log_scope = "alert", "alerts", "alert", "AlertConfiguration"
    life, identifier, environments = Life.HARD, "uuid", True
    order = "created_at DESC, seq DESC"
    fields = (
        ID,
        CREATED_BY,
        CREATED_AT,
        Field("insight", integer(), required=True),
        Field("name", text(255), default=""),
        Field("subscribed_users", items(integer()), required=True),
        Field("threshold", mapping, required=True),
        Field("condition", mapping, null=True),
        read_only("state", "Not firing"),
        Field("enabled", boolean, default=True),
        read_only("last_notified_at"),
        read_only("last_checked_at"),
        read_only("next_check_at"),
        read_only("checks", []),
        read_only("checks_total", 0),
        Field("config", mapping, null=True),
        Field("detector_config", mapping, null=True),
        Field("forecast_config", mapping, null=True),
        Field("calculation_interval", alert_rules.interval, default="daily", null=True),
        Field("snoozed_until", text(), null=True),
        Field("skip_weekend", boolean, default=False, null=True),
        Field("schedule_restriction", mapping, null=True),
        read_only("last_value"),
        Field("investigation_agent_enabled", boolean, default=False),
        Field("investigation_gates_notifications", boolean, default=False),
        Field("investigation_inconclusive_action", text(), default="notify"),
    )

    def references(self, row: Data) -> Iterable[Reference]:
        return [("insight", str(row["insight"]))]

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
        if "schedule_restriction" in values:
            after["schedule_restriction"] = alert_rules.windows(values["schedule_restriction"])
        alert_rules.check(after, insight["query"], context.settings.sql_alerts)
        if "snoozed_until" in values:
            self._snooze(after, values["snoozed_until"])
        if before is not None:
            self._follow(before, after)
        return after

    def _insight(self, context: Context, after: Data, before: Data | None) -> Data:
        insight = context.store.get("insight", after["insight"])
        if insight is None or insight["deleted"]:
            raise Invalid(f'Invalid pk "{after["insight"]}" - object does not exist.', "insight", "does_not_exist")
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
                raise Invalid(
                    f'Invalid pk "{identifier}" - object does not exist.', "subscribed_users", "does_not_exist"
                )
            if membership(context.store, context.organization, user) is None:
                raise Invalid("User does not belong to the same organization as the alert's team.", "subscribed_users")

    def _threshold(self, sent: Data, before: Data | None) -> Data:
        """The threshold's row: edited in place, so it keeps its id."""
        configuration = sent.get("configuration")
        if not isinstance(configuration, dict):
            raise Invalid("This field is required.", "threshold__configuration", "required")
        alert_rules.check_threshold(configuration)
        known = before["threshold"] if before else {"id": str(uuid.uuid4()), "created_at": timestamp()}
        return {**known, "name": sent.get("name", known.get("name", "")), "configuration": configuration}

    def _snooze(self, after: Data, sent: str | None) -> None:
        """Each write of `snoozed_until` adds a check."""
        if sent is None:
            after["state"] = "Not firing"
        else:
            found = RELATIVE.match(sent)
            if found is None:
                raise Invalid("Invalid relative date string passed for snoozed_until.", "snoozed_until")
            until = datetime.now(UTC) + int(found[1]) * UNITS[found[2]]
            after["snoozed_until"] = until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            after["state"] = "Snoozed"
        check = {
            "id": str(uuid.uuid4()),
            "created_at": timestamp(),
            "calculated_value": None,
            "state": after["state"],
            "targets_notified": {},
        }
        after["checks"] = [check, *after["checks"]]

    def _follow(self, before: Data, after: Data) -> None:
        """What a change brings about: a new threshold resets the state, it and a new interval the next
        check.
        """
        moved = before["threshold"]["configuration"] != after["threshold"]["configuration"]
        if moved:
            after["state"] = "Not firing"
        if moved or before["calculation_interval"] != after["calculation_interval"]:
            after["next_check_at"] = None

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        insight = context.store.get("insight", row["insight"])
        shown["insight"] = INSIGHTS.show_basic(context, insight) if insight else None
        shown["subscribed_users"] = [show_user(context, each) for each in row["subscribed_users"]]
        shown["insight_short_id"] = insight["short_id"] if insight else None
        shown["insight_display_name"] = insight and (insight["name"] or insight["derived_name"] or "Untitled insight")
        self._show_checks(context, row, shown)
        return shown

    def _show_checks(self, context: Context, row: Data, shown: Data) -> None:
        checks = [check for check in row["checks"] if context.query.get("checks_date_from", "") <= check["created_at"]]
        number = integer(0)
        limit = min(number(context.query.get("checks_limit") or SHOWN_CHECKS, "checks_limit"), 500)
        offset = number(context.query.get("checks_offset") or 0, "checks_offset")
        shown["checks"], shown["checks_total"] = checks[offset : offset + limit], len(checks)

    def show_in_list(self, context: Context, row: Data) -> Data:
        shown = self.show(context, row)
        shown["checks"] = [check for check in row["checks"] if check["state"] == "Firing"][:SHOWN_CHECKS]
        del shown["checks_total"]
        return shown

    def conditions(self, context: Context) -> list[Condition]:
        query = context.query
        found: list[Condition] = [("listed = 1", [])]
        for name in ("insight", "insight_id"):
            if name in query:
                found.append(
                    (
                        "EXISTS (SELECT 1 FROM refs WHERE refs.kind = 'alert' AND refs.id = objects.id AND"
                        " to_kind = 'insight' AND to_id = ?)",
                        [query[name]],
                    )
                )
        if "created_by" in query:
            author = context.store.select("user", "", "json_extract(data, '$.uuid') = ?", [query["created_by"]])
            found.append(equals("created_by", author[0]["id"] if author else -1))
        return found
