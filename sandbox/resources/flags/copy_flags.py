"""Flags across the projects of an organisation (PostHog: feature_flags/backend/api/organization_feature_flag.py).

Traps: copying overwrites a flag of the same key in the target, a deleted one too; cohorts are matched by name among the
live ones and made where missing; tags and evaluation contexts stay behind; what refers to other flags by id fails in
the target, and is reported there.
"""

from copy import deepcopy
from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.auth.identity import enter_project
from sandbox.resources.flags.flag_filters import properties_of
from sandbox.resources.flags.flags import FLAGS
from sandbox.resources.people.cohorts import COHORTS
from sandbox.rest.fields import boolean, items
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Answer, ApiError, Invalid, NotFound

MOST_TARGETS = 50
COPIED = tuple(
    "name active ensure_experience_continuity evaluation_runtime bucketing_identifier is_remote_configuration"
    " has_encrypted_payloads".split()
)
SCHEDULE = "scheduled_change"
RESCHEDULED = ("payload", "scheduled_at", "is_recurring", "recurrence_interval", "end_date")


def routes() -> list[BaseRoute]:
    """The one route, below an organisation."""
    return [route("/api/organizations/{organization}/feature_flags/copy_flags", POST=(("feature_flag:write",), _copy))]


def _copy(context: Context) -> Any:
    data, organization = context.data, context.organization
    key, source = data.get("feature_flag_key"), data.get("from_project")
    if not key or not source or not data.get("target_project_ids"):
        raise Answer(400, {"error": "Missing required fields"})
    targets = items(None, MOST_TARGETS)(data["target_project_ids"], "target_project_ids")
    project = context.store.get("project", source, organization["id"])
    original = context.store.find(FLAGS.kind, key, str(source)) if project else None
    if original is None:
        raise Answer(400, {"error": "Feature flag to copy does not exist."})
    success: list[Data] = []
    failed: list[Data] = []
    for target in targets:
        try:
            _enter(context, target)
            success.append(_into(context, original))
        except NotFound as refusal:
            failed.append({"project_id": target, "error_message": refusal.detail})
        except Invalid as refusal:
            message = {refusal.attr or "non_field_errors": [refusal.detail]}
            failed.append({"project_id": target, "error_message": message})
    return {"success": success, "failed": failed}


def _enter(context: Context, target: Any) -> None:
    """Act in the target. Raises `NotFound` for one that doesn't exist, or that the asking user can't see."""
    try:
        enter_project(context, str(target) if isinstance(target, int) else "")
    except ApiError as error:
        raise NotFound("Project not found.") from error


def _into(context: Context, original: Data) -> Data:
    """Write the flag in the project at hand, with its schedule where that is asked for."""
    data: Data = {"key": original["key"], "deleted": False, **{name: original[name] for name in COPIED}}
    data["filters"] = deepcopy(original["filters"])
    if boolean(context.data.get("disable_copied_flag", False), "disable_copied_flag"):
        data["active"] = False
    _move_cohorts(context, data["filters"])
    there = context.store.find(FLAGS.kind, original["key"], FLAGS.parent_id(context))
    values = FLAGS.clean(data, creating=True)
    row = FLAGS.amend(context, there, values) if there is not None else FLAGS.insert(context, values)
    if boolean(context.data.get("copy_schedule", False), "copy_schedule"):
        _reschedule(context, original, row)
    return FLAGS.show(context, row)


def _move_cohorts(context: Context, filters: Data) -> None:
    """Let the conditions name the target's cohorts instead of those of the source."""
    for _, prop in properties_of(filters.get("groups")):
        if prop.get("type") == "cohort":
            prop["value"] = _cohort(context, prop["value"])
            prop.pop("cohort_name", None)


def _cohort(context: Context, identifier: Any) -> int:
    """The target's live cohort of the same name, made when there is none."""
    original = context.store.get(COHORTS.kind, identifier)
    if original is None:
        raise Invalid(f"Cohort with id {identifier} does not exist", "filters", "cohort_does_not_exist")
    same = context.store.select(
        COHORTS.kind, COHORTS.parent_id(context), "listed = 1 AND json_extract(data, '$.name') = ?", [original["name"]]
    )
    if same:
        return int(same[0]["id"])
    values = {name: deepcopy(original[name]) for name in ("name", "description", "filters", "is_static")}
    for leaf in (values["filters"] or {}).get("properties", {}).get("values", []):
        for inner in leaf.get("values", [leaf]):
            if inner.get("type") == "cohort":
                inner["value"] = _cohort(context, inner["value"])
    return int(COHORTS.insert(context, values)["id"])


def _reschedule(context: Context, original: Data, copy: Data) -> None:
    """Copy the scheduled changes that are still to come."""
    pending = "json_extract(data, '$.record_id') = ? AND json_extract(data, '$.executed_at') IS NULL"
    blank: Data = {"executed_at": None, "failure_reason": None, "last_executed_at": None, "cron_expression": None}
    for change in context.store.select(SCHEDULE, None, pending, [str(original["id"])]):
        now = timestamp()
        row = {
            "id": context.store.next_id(SCHEDULE),
            "team_id": context.project["id"],
            "record_id": str(copy["id"]),
            "model_name": "FeatureFlag",
            **blank,
            **{name: deepcopy(change[name]) for name in RESCHEDULED},
            "timezone": None,
            "created_at": now,
            "created_by": context.user["id"],
            "updated_at": now,
        }
        if isinstance(row["payload"], dict) and isinstance(row["payload"].get("value"), dict):
            _move_cohorts(context, row["payload"]["value"])
        context.store.put(SCHEDULE, str(context.project["id"]), row)
