"""Copying a flag to other projects: `POST /api/organizations/:id/feature_flags/copy_flags/`.

Traps: a flag of the same key in the target is overwritten; cohorts are matched by name among the live ones
    and made where
missing. What refers to other flags by id fails in the target, and is reported there.
"""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from sandbox.errors import ApiError, Invalid, NotFound
from sandbox.fields import boolean, integer, items
from sandbox.guard import route
from sandbox.identity import enter_project
from sandbox.resources.flag_filters import properties_of
from sandbox.store import Data
from sandbox.web import Context

if TYPE_CHECKING:
    from sandbox.resources.cohorts import Cohorts
    from sandbox.resources.flags import Flags

MOST_TARGETS = 50
COPIED = (
    "name",
    "active",
    "ensure_experience_continuity",
    "is_remote_configuration",
    "evaluation_runtime",
    "bucketing_identifier",
    "tags",
)


def routes_for(flags: "Flags", cohorts: "Cohorts") -> list[BaseRoute]:
    base = "/api/organizations/{organization}/feature_flags"
    return [
        route(base + "/copy_flags", POST=(("feature_flag:write",), lambda context: _copy(flags, cohorts, context))),
        route(base + "/{key}", GET=((), lambda context: _everywhere(flags, context))),
    ]


def _copy(flags: "Flags", cohorts: "Cohorts", context: Context) -> Any:
    data, organization = context.data, context.organization
    for name in ("feature_flag_key", "from_project", "target_project_ids"):
        if not data.get(name):
            raise Invalid("This field is required.", name, "required")
    targets = items(integer(), MOST_TARGETS)(data["target_project_ids"], "target_project_ids")
    off = boolean(data.get("disable_copied_flag", False), "disable_copied_flag")
    enter_project(context, str(data["from_project"]))
    original = context.store.find(flags.kind, data["feature_flag_key"], flags.parent_id(context))
    if original is None or original["deleted"]:
        raise NotFound("Feature flag to copy does not exist.")
    success: list[Data] = []
    failed: list[Data] = []
    for target in targets:
        try:
            enter_project(context, str(target))
            if context.organization["id"] != organization["id"]:
                raise NotFound("Project not found.")
            success.append(_into(flags, cohorts, context, original, off))
        except ApiError as refusal:
            failed.append({"project_id": target, "error_message": refusal.detail})
    return {"success": success, "failed": failed}


def _into(flags: "Flags", cohorts: "Cohorts", context: Context, original: Data, off: bool) -> Data:
    """Write the flag in the project at hand."""
    values = {name: deepcopy(original[name]) for name in COPIED}
    values["filters"] = deepcopy(original["filters"])
    if off:
        values["active"] = False
    for _, prop in properties_of(values["filters"].get("groups")):
        if prop.get("type") == "cohort":
            prop["value"] = _cohort(cohorts, context, prop["value"])
            prop.pop("cohort_name", None)
    there = context.store.find(flags.kind, original["key"], flags.parent_id(context))
    if there is not None and not there["deleted"]:
        return flags.show(context, flags.amend(context, there, values))
    return flags.show(context, flags.insert(context, {**values, "key": original["key"]}))


def _cohort(cohorts: "Cohorts", context: Context, identifier: Any) -> int:
    """The target's live cohort of the same name, made when there is none."""
    original = context.store.get(cohorts.kind, identifier)
    if original is None:
        raise Invalid(f"Cohort with id {identifier} does not exist", None, "cohort_does_not_exist")
    same = context.store.select(
        cohorts.kind, cohorts.parent_id(context), "listed = 1 AND json_extract(data, '$.name') = ?", [original["name"]]
    )
    if same:
        return int(same[0]["id"])
    values = {name: deepcopy(original[name]) for name in ("name", "description", "filters", "is_static")}
    for leaf in (values["filters"] or {}).get("properties", {}).get("values", []):
        for inner in leaf.get("values", [leaf]):
            if inner.get("type") == "cohort":
                inner["value"] = _cohort(cohorts, context, inner["value"])
    return int(cohorts.insert(context, values)["id"])


def _everywhere(flags: "Flags", context: Context) -> Any:
    """The flag of that key in every project of the organisation; for sessions only."""
    found = []
    for project in context.store.select("project", context.organization["id"]):
        row = context.store.find(flags.kind, context.param("key"), str(project["id"]))
        if row is not None and not row["deleted"]:
            context.project = project
            shown = flags.show(context, row)
            found.append(
                {
                    "flag_id": row["id"],
                    "team_id": project["id"],
                    "evaluations_7d": 0,
                    **{name: shown[name] for name in ("created_by", "filters", "created_at", "active")},
                }
            )
    if not found:
        raise NotFound()
    return found
