"""Subscriptions (PostHog: ee/api/subscription.py and products/exports/backend/models/subscription.py).

Traps: a new one is delivered at once unless it says `send_test_now: false`, and so is one that goes to somebody else or
is switched on again (`deliveries.py`); `interval` is required; what is subscribed can't be changed to something of
another kind; `invite_message` isn't stored; a dashboard needs one to ten of its insights; a schedule without a future
date is refused; `next_delivery_date` moves by itself; DELETE is a 405, and a deleted one still answers GET.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule

from sandbox.auth.users import id_of
from sandbox.resources.analytics import deliveries, tiles
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    mapping,
    moment,
    read_only,
    text,
    uuid,
    worded,
    write_only,
)
from sandbox.rest.listing import Condition, equals, same, truth
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Forbidden, Invalid, Missing

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {"daily": DAILY, "weekly": WEEKLY, "monthly": MONTHLY, "yearly": YEARLY}
PERIODS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
POSITIONS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
SCHEDULE = ("frequency", "count", "interval", "start_date", "until_date", "bysetpos", "byweekday")
MOST_INSIGHTS = 10  # of 2026-07; before that 6, later 6 or 25 by plan
TARGETS = ("email", "slack", "teams")  # the newest take teams
WINDOWS = ("since_last_sent", "last_n_days", "days_ago_range")  # how far back a prompt looks
CONTENTS = {"insight": "insight", "dashboard": "dashboard", "prompt": "ai_prompt"}
# What is delivered, and to whom (PostHog: FIELDS_THAT_TRIGGER_REDELIVERY).
DELIVERED = ("target_value", "target_type", "integration_id", "prompt", "insight", "dashboard")
BUFFER = timedelta(minutes=15)  # a delivery may start a bit early
IN_ONE_MESSAGE = "post_all_insights_in_main_message"
OF_PROMPT = ("include_images", "include_feedback", "include_manage_link", "include_posthog_hint")
# The addresses that Microsoft hands out for a channel.
TEAMS = re.compile(
    r"https://(?:[a-z0-9-]+\.)+(?:"
    r"logic\.azure\.com(?::443)?/workflows/|webhook\.office\.com(?::443)?/webhookb2/|powerautomate\.com(?::443)?/.|"
    r"flow\.microsoft\.com(?::443)?/.|"
    r"environment\.api\.powerplatform\.com(?::443)?/powerautomate/automations/direct/)"
)
NO_TEAMS = (
    "This does not look like a Microsoft Teams webhook URL. Create one with the Workflows app in the "
    "channel you want reports in, then paste the URL it gives you."
)
OVER = "Subscription schedule has reached its end date. Extend until_date or remove count"


def _insights(value: Any, attr: str) -> list[int]:
    if not isinstance(value, list):
        raise Invalid("Expected a list of insight IDs.", attr)
    if not all(isinstance(each, int) for each in value):
        raise Invalid("All items must be integers.", attr)
    return value


def _looks_back(value: Any, attr: str) -> dict[str, Any]:
    """What a prompt looks at, with PostHog of September 2026: the published bodies (tests/upstream/api.json) name the
    window and its modes; `{}` is none, as PostHog's Terraform provider takes its own away with it. The text is the
    sandbox's own.
    """
    config = mapping(value, attr)
    window = mapping(config.get("window", {}), attr)
    if set(config) - {"window"} or (window and window.get("mode") not in WINDOWS):
        raise Invalid(f"The window's mode must be one of: {', '.join(WINDOWS)}.", attr)
    return config


class Subscriptions(Resource):
    kind, collection, scope, log_scope = "subscription", "subscriptions", "subscription", "Subscription"
    life, environments = Life.SOFT_READABLE, True
    log_masked = frozenset({"target_value"})
    refs: ClassVar = {"insight": "insight", "dashboard": "dashboard"}
    filters: ClassVar = {name: same(name) for name in ("insight", "dashboard", "target_type", "resource_type")}
    search = ("title",)
    order = "created_at DESC"
    fields = (
        ID,
        Field("dashboard", integer(), null=True),
        Field("insight", integer(), null=True),
        read_only("insight_short_id"),
        read_only("resource_name"),
        read_only("resource_type"),
        Field("dashboard_export_insights", _insights, default=[]),
        Field("prompt", text(4000), null=True),
        Field("target_type", choice(*TARGETS), required=True),
        Field("target_value", text(blank=False), required=True),
        Field("integration_id", integer(), null=True),
        Field("frequency", choice(*PERIODS), required=True),
        Field("interval", integer(1), required=True),
        Field("byweekday", items(choice(*WEEKDAYS), numbered=True), null=True),
        Field("bysetpos", integer(-366, 366), null=True),  # what rrule takes; on others PostHog fails
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
        Field("summary_prompt_guide", text(500), default=""),
        Field("ai_config", anything, null=True),
        Field("ai_prompt_config", _looks_back, default={}),
        Field("delivery_config", mapping, default={}),
        write_only("invite_message", text()),
        write_only("send_test_now", boolean, null=False),
    )

    def actions(self) -> list[Action]:
        return [Action("deliveries", deliveries.of_subscription)]

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        for kind in ("dashboard", "insight"):
            target = values.get(kind)
            if target and context.store.get(kind, target, self.parent_id(context)) is None:
                raise Missing(target, kind)
        content = _content(values, before)
        _gate_guide(context, values)
        row = super().prepare(context, values, before)
        row["resource_type"] = content
        self._check_exports(context, values, row, before is None)
        self._schedule(row, values, before)
        self._check_delivery(context, row)
        if values.get("summary_enabled") and not context.organization.get("is_ai_data_processing_approved"):
            raise Forbidden("AI data processing must be approved by your organization before enabling AI summaries")
        row["resource_name"] = self._name(context, row)
        return row

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        if not after["enabled"] or after["deleted"] or not values.get("send_test_now", True):
            return
        if before is None or not before["enabled"] or _delivered(before) != _delivered(after):
            deliveries.deliver(context, after)

    def _check_exports(self, context: Context, values: Data, row: Data, new: bool) -> None:
        """The insights of the dashboard that are delivered."""
        attr, sent = "dashboard_export_insights", values.get("dashboard_export_insights")
        if row["dashboard"] is None:
            if sent:
                raise Invalid("Cannot set insights selection without a dashboard.", attr)
            return
        if not sent and (new or sent is not None):
            raise Invalid("Select at least one insight for this subscription.", attr)
        chosen = set(sent or [])
        if len(chosen) > MOST_INSIGHTS:
            raise Invalid(f"Cannot select more than {MOST_INSIGHTS} insights.", attr)
        project = self.parent_id(context)
        if any(context.store.get("insight", each, project) is None for each in chosen):
            raise Invalid("Some insights do not belong to your team or do no longer exist.", attr)
        strange = [each for each in chosen if not self._stands_on(context, each, row["dashboard"])]
        if strange:
            raise Invalid(f"{len(strange)} invalid insight(s) selected.", attr)

    def _stands_on(self, context: Context, insight: int, dashboard: int) -> bool:
        found = context.store.get("insight", insight)
        shown = [tile["dashboard"] for tile in tiles.of_insight(context.store, insight)]
        return found is not None and not found["deleted"] and dashboard in shown

    def _schedule(self, row: Data, values: Data, before: Data | None) -> None:
        """Compute the next delivery when the schedule is new, or the subscription is switched on again."""
        enabling = before is not None and row["enabled"] and not before["enabled"]
        changed = before is None or any(row[name] != before[name] for name in SCHEDULE)
        if not (enabling or changed):
            return
        row["next_delivery_date"] = _next(row)
        if row["next_delivery_date"] is None and (row["enabled"] or before is None):
            if enabling:
                raise Invalid(f"{OVER} before re-enabling.", "enabled")
            raise Invalid(f"{OVER}.", "start_date" if before is None else None)

    def _check_delivery(self, context: Context, row: Data) -> None:
        if row["target_type"] == "teams" and not TEAMS.match(row["target_value"]):
            raise Invalid(NO_TEAMS, "target_value")
        self._check_look(row)
        if row["target_type"] != "slack":
            return
        if not row["integration_id"]:
            raise Invalid("A Slack integration is required for Slack subscriptions.", "integration_id")
        integration = context.store.get("integration", row["integration_id"], self.parent_id(context))
        if integration is None:
            raise Invalid("This integration does not exist or does not belong to your team.", "integration_id")
        if integration["kind"] != "slack":
            raise Invalid("Slack subscriptions require a Slack integration.", "integration_id")

    def _check_look(self, row: Data) -> None:
        """What a delivery looks like, as far as it goes with what is subscribed and where it goes. The texts are the
        sandbox's own.
        """
        look, of_prompt = row["delivery_config"], row["resource_type"] == "ai_prompt"
        for name, value in look.items():
            if name not in (IN_ONE_MESSAGE, *OF_PROMPT):
                raise Invalid(f"Unknown option {name}.", "delivery_config")
            if not isinstance(value, bool):
                raise Invalid("Must be a valid boolean.", "delivery_config")
            if (name in OF_PROMPT) != of_prompt and (value or name in OF_PROMPT):
                raise Invalid(f"{name} does not go with this kind of subscription.", "delivery_config")
        if look.get(IN_ONE_MESSAGE) and row["target_type"] != "slack":
            raise Invalid(f"{IN_ONE_MESSAGE} is for Slack subscriptions.", "delivery_config")

    def _name(self, context: Context, row: Data) -> str | None:
        if row["resource_type"] == "ai_prompt":
            return row["title"] or str(row["prompt"])[:60]
        target = context.store.get(row["resource_type"], row[row["resource_type"]])
        if target is None:
            return None
        return str(target["name"] or target.get("derived_name") or ("Dashboard" if row["dashboard"] else None))

    def label(self, row: Data) -> str | None:
        return row["resource_name"] or row["title"] or "Subscription"

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        insight = context.store.get("insight", row["insight"]) if row["insight"] else None
        shown["insight_short_id"] = insight["short_id"] if insight else None
        shown["resource_name"], shown["summary"] = self._name(context, row), _summary(row)
        return shown

    def conditions(self, context: Context) -> list[Condition]:
        query, (_, *found) = context.query, super().conditions(context)
        found.append((f"listed = {int(not truth(query.get('deleted', 'false')))}", []))
        if query.get("target_type", TARGETS[0]) not in TARGETS:
            raise Invalid(f"Must be one of: {', '.join(TARGETS)}.", "target_type")
        if query.get("created_by"):
            author = worded("Not a valid UUID.", uuid)(query["created_by"], "created_by")
            found.append(equals("created_by", id_of(context.store, author)))
        return found


SUBSCRIPTIONS = Subscriptions()


def _content(values: Data, before: Data | None) -> str:
    """What is subscribed: settled at first, and not to be mixed or changed. Raises `Invalid`."""
    sent = [kind for kind in ("insight", "dashboard", "prompt") if values.get(kind)]
    if before is None and not sent:
        raise Invalid("A subscription must have an insight, a dashboard, or a prompt.")
    content = before["resource_type"] if before is not None else CONTENTS[sent[0]]
    mixed = [kind for kind in sent if CONTENTS[kind] != content]
    if not mixed:
        return str(content)
    if content == "insight":
        raise Invalid("Insight subscriptions cannot also set dashboard or prompt.", "insight")
    if content == "dashboard":
        raise Invalid("Dashboard subscriptions cannot also set insight or prompt.", "dashboard")
    raise Invalid("AI subscriptions cannot also set insight or dashboard.", "prompt")


def _delivered(row: Data) -> list[Any]:
    return [*(row[name] for name in DELIVERED), set(row["dashboard_export_insights"])]


def _gate_guide(context: Context, values: Data) -> None:
    """Take out a guide for summaries that the organisation may not set; an empty one passes. Raises `Forbidden`."""
    gate = context.settings.gated_fields
    if not values.get("summary_prompt_guide") or gate == "kept":
        return
    if gate == "refused":
        raise Forbidden("Setting AI summary context is not enabled for this organization.")
    del values["summary_prompt_guide"]


def _next(row: Data) -> str | None:
    """The next delivery, from a quarter of an hour from now on."""
    days = row["byweekday"] or ()
    rule = rrule(
        freq=FREQUENCIES[row["frequency"]],
        dtstart=datetime.fromisoformat(row["start_date"]),
        interval=row["interval"],
        byweekday=[WEEKDAYS.index(day) for day in days] or None,
        bysetpos=row["bysetpos"] or None if days else None,
        count=row["count"],
        until=datetime.fromisoformat(row["until_date"]) if row["until_date"] else None,
    )
    following = rule.after(datetime.now(UTC) + BUFFER)
    return following.astimezone(UTC).isoformat().replace("+00:00", "Z") if following else None


def _summary(row: Data) -> str:
    """The schedule in words."""
    many = row["interval"] > 1
    words = (
        f"sent every {row['interval']} {PERIODS[row['frequency']]}s"
        if many
        else f"sent every {PERIODS[row['frequency']]}"
    )
    days = row["byweekday"]
    if not days or not row["bysetpos"]:
        return words
    if row["bysetpos"] not in POSITIONS:
        return "sent on a schedule"
    name = days[0].capitalize() if len(days) == 1 else "weekday" if set(days) == set(WEEKDAYS[:5]) else "day"
    return f"{words} on the {POSITIONS[row['bysetpos']]} {name}"
