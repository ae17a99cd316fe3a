"""Surveys (PostHog: products/surveys/backend/api/survey.py).

Traps: making one makes up to three hidden flags; `linked_flag_id` is read by GET, but not in the answer to a write;
setting `start_date` launches and `end_date` stops it; a sampling start in the past is refused even when it is only sent
back; questions get ids; a PATCH without conditions forgets their actions (`survey_actions.py`), and one with a number
of iterations and no frequency the frequency.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox.resources.feedback import survey_actions, survey_flags, survey_questions, survey_rules
from sandbox.resources.flags import linked_flags
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    Field,
    anything,
    boolean,
    choice,
    integer,
    mapping,
    moment,
    read_only,
    text,
    worded,
    write_only,
)
from sandbox.rest.listing import flagged, same
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid

NO_SCHEDULE = "Schedule must be one of: once, recurring, always"
DAYS = {"day": 1, "week": 7, "month": 30}


class Surveys(Resource):
    kind, collection, scope, log_scope = "survey", "surveys", "survey", "Survey"
    has_access_controls = True
    life, identifier = Life.HARD, "uuid"
    order = "created_at DESC"
    search = ("name", "description")
    refs: ClassVar = {"linked_flag_id": linked_flags.KIND}
    filters: ClassVar = {"archived": flagged("archived"), "type": same("type")}
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(), default=""),
        Field("type", choice("popover", "widget", "external_survey", "api"), required=True),
        Field("schedule", worded(NO_SCHEDULE, choice("once", "recurring", "always")), default="once", null=True),
        read_only("linked_flag"),
        Field("linked_flag_id", integer(), null=True),
        Field("linked_insight_id", integer(), null=True),
        read_only("targeting_flag"),
        read_only("internal_targeting_flag"),
        Field("targeting_flag_id", integer(), logged=False),
        write_only("targeting_flag_filters", mapping),
        write_only("remove_targeting_flag", boolean),
        Field("questions", survey_questions.questions, null=True),
        Field("conditions", worded("Conditions must be an object", mapping), null=True),
        Field("appearance", survey_questions.appearance, null=True),
        CREATED_AT,
        CREATED_BY,
        Field("start_date", moment, null=True),
        Field("end_date", moment, null=True),
        Field("archived", boolean, default=False),
        Field("responses_limit", integer(0), null=True),
        read_only("feature_flag_keys"),
        Field("iteration_count", integer(0, 500), null=True),
        Field("iteration_frequency_days", integer(0), null=True),
        read_only("iteration_start_dates"),
        Field("current_iteration", integer(0), null=True, logged=False),
        Field("current_iteration_start_date", moment, null=True, logged=False),
        Field("response_sampling_start_date", moment, null=True),
        Field("response_sampling_interval_type", choice("", "day", "week", "month"), default="week", null=True),
        Field("response_sampling_interval", integer(0), null=True),
        Field("response_sampling_limit", integer(0), null=True),
        Field("response_sampling_daily_limits", anything, null=True, logged=False),
        Field("enable_partial_responses", boolean, default=False, null=True),
        Field("enable_iframe_embedding", boolean, default=False, null=True),
        Field("base_language", text(), default="en"),
        Field("translations", mapping, null=True),
        read_only("user_access_level"),
        Field("form_content", anything, null=True),
        FOLDER,
    )

    def actions(self) -> list[Action]:
        return [
            Action("launch", lambda context, row: self._move(context, row, "start_date", "launch"), ("POST",)),
            Action("stop", lambda context, row: self._move(context, row, "end_date", "stop"), ("POST",)),
        ]

    # Writing ------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        survey_rules.check(context, values, before)
        filters, removing = values.pop("targeting_flag_filters", None), values.pop("remove_targeting_flag", None)
        if values.get("targeting_flag_id"):
            linked_flags.require_flag_scope(context, survey_flags.SCOPE)
        row = super().prepare(context, values, before)
        row["actions"] = survey_actions.chosen(context, values.get("conditions"))
        if values.get("iteration_count") is not None:
            row["iteration_frequency_days"] = values.get("iteration_frequency_days")
        if before is None:
            row["internal_targeting_flag_id"] = row["internal_response_sampling_flag_id"] = None
        if removing and row["targeting_flag_id"] and before is not None:
            linked_flags.require_flag_scope(context, survey_flags.SCOPE)
            survey_flags.remove(context, row, "targeting_flag_id")
        if filters:
            survey_flags.target(context, row, filters)
        if before is not None and before["end_date"] and not row["end_date"]:
            self._restart(row)
        _iterate(row)
        _sample(row)
        survey_flags.follow(context, row, before is None)
        return row

    def _restart(self, row: Data) -> None:
        """A recurring survey that is opened again after its last iteration starts anew."""
        count, every = row["iteration_count"], row["iteration_frequency_days"]
        if not count or not every or not row["start_date"]:
            return
        if datetime.fromisoformat(row["start_date"]) + timedelta(days=count * every) <= datetime.now(UTC):
            row.update(start_date=timestamp(), current_iteration=None, current_iteration_start_date=None)

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        for row in (before, after):
            if row is not None:
                linked_flags.link(context, row["linked_flag_id"])

    def delete(self, context: Context, row: Data) -> None:
        if row["targeting_flag_id"]:
            linked_flags.require_flag_scope(context, survey_flags.SCOPE)
        for slot in ("targeting_flag_id", "internal_targeting_flag_id"):
            survey_flags.remove(context, row, slot)
        super().delete(context, row)
        linked_flags.link(context, row["linked_flag_id"])

    def _move(self, context: Context, row: Data, name: str, what: str) -> Any:
        """Launch or stop now; nothing happens to a survey for which that is past already."""
        now = timestamp()
        if row["archived"]:
            hint = "Unarchive it first." if what == "launch" else "Unarchive it first if needed."
            raise Invalid(f"Cannot {what} an archived survey. {hint}")
        if what == "launch" and row["end_date"] and row["end_date"] <= now:
            raise Invalid("Cannot launch a survey with end_date in the past. Extend the end_date first.")
        if row[name] and row[name] <= now:
            return self.show(context, row)
        after = {**row, name: now}
        self.save(context, row, after, {})
        return self.show(context, after)

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        shown.pop("targeting_flag_id")
        flags = {slot: linked_flags.get(context, row[slot]) for slot in ("linked_flag_id", *survey_flags.SLOTS)}
        for slot in ("linked_flag_id", *survey_flags.SLOTS[:2]):
            shown[slot.removesuffix("_id")] = linked_flags.minimal(context, flags[slot])
        shown["feature_flag_keys"] = [
            {"key": slot.removesuffix("_id") + "_key", "value": flag["key"] if flag else None}
            for slot, flag in flags.items()
        ]
        shown["conditions"] = survey_actions.in_conditions(context, row)
        return shown

    def show_written(self, context: Context, row: Data) -> Data:
        hidden = ("linked_flag_id", "linked_insight_id", "feature_flag_keys", "user_access_level")
        return {name: value for name, value in self.show(context, row).items() if name not in hidden}


SURVEYS = Surveys()


def _iterate(row: Data) -> None:
    """The dates of a recurring survey's iterations."""
    count, every = row["iteration_count"], row["iteration_frequency_days"]
    if not count or not every:
        row.update(iteration_start_dates=[], current_iteration=None, current_iteration_start_date=None)
    elif row["start_date"] is None:
        row["iteration_start_dates"] = None
    else:
        start = datetime.fromisoformat(row["start_date"])
        dates = [start + timedelta(days=every * number) for number in range(count)]
        row["iteration_start_dates"] = [date.isoformat().replace("+00:00", "Z") for date in dates]
        if not row["current_iteration"]:
            row.update(current_iteration=1, current_iteration_start_date=row["start_date"])


def _sample(row: Data) -> None:
    """How many may answer by which day, as JSON text; null when nothing is sampled."""
    kind, start, limit = (row[f"response_sampling_{name}"] for name in ("interval_type", "start_date", "limit"))
    if kind is None or start is None or not limit or not row["response_sampling_interval"]:
        row["response_sampling_daily_limits"] = None
        return
    days = row["response_sampling_interval"] * DAYS[kind]
    each, rest = divmod(limit, days)
    date, total, limits = datetime.fromisoformat(start), 0, []
    for day in range(days):
        total += each + (1 if day < rest else 0)
        share = 100.0 if day == days - 1 else round(100 / days * (day + 1), 2)
        moment_of = (date + timedelta(days=day)).isoformat()
        limits.append({"date": moment_of, "daily_response_limit": total, "rollout_percentage": share})
    row["response_sampling_daily_limits"] = json.dumps(limits)
