"""The calls of feature flags beyond the five: life cycle, status, versions, bulk calls, evaluation."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from sandbox import activity, fields
from sandbox.errors import Answer, ApiError, Invalid, NotFound
from sandbox.resource import Action
from sandbox.resources import flag_dependencies
from sandbox.resources.audience import blast_radius
from sandbox.resources.flag_evaluation import evaluation_reasons
from sandbox.store import Data
from sandbox.web import Context

if TYPE_CHECKING:
    from sandbox.resources.flags import Flags

STALE_AFTER = timedelta(days=30)


def actions(flags: "Flags") -> list[Action]:
    log = ("activity_log:read",)

    def life(**values: Any) -> Callable[[Context, Data], Any]:
        return lambda context, row: _live(flags, context, row, values)

    return [
        Action("enable", life(active=True), ("POST",)),
        Action("disable", life(active=False), ("POST",)),
        Action("archive", life(archived=True, active=False), ("POST",)),
        Action("unarchive", life(archived=False), ("POST",)),
        Action("status", _status),
        Action("dependent_flags", _dependent_flags),
        Action("versions/{version}", lambda context, row: _version(flags, context, row)),
        Action("remote_config", lambda context, row: _remote_config(context, row)),
        Action("user_blast_radius", blast_radius, ("POST",), scopes=("feature_flag:read",), detail=False),
        Action("evaluation_reasons", evaluation_reasons, detail=False),
        Action("activity", _activity, scopes=log),
        Action(
            "activity",
            lambda context: activity.object_activity(context, ("FeatureFlag",), None),
            scopes=log,
            detail=False,
        ),
        Action(
            "bulk_keys",
            lambda context: _bulk_keys(flags, context),
            ("POST",),
            scopes=("feature_flag:read",),
            detail=False,
        ),
        Action("bulk_delete", lambda context: _bulk_delete(flags, context), ("POST",), detail=False),
        Action("bulk_update_tags", lambda context: bulk_update_tags(flags, context), ("POST",), detail=False),
    ]


def _live(flags: "Flags", context: Context, row: Data, values: Data) -> Any:
    """Enable, disable, archive, unarchive: without a body, and nothing happens when it is so already."""
    if row["deleted"]:
        raise Answer(
            400,
            {
                "success": False,
                "error": "This feature flag has been deleted. Restore it before changing its state.",
            },
        )
    if all(row[name] == value for name, value in values.items()):
        return flags.show_written(context, row)
    context.memo["keep legacy filters"] = True
    return flags.show_written(context, flags.amend(context, row, dict(values)))


def status(row: Data) -> tuple[str, str, bool]:
    """A flag's status, why, and whether the reason speaks of the rollout (PostHog:
    FeatureFlagStatusChecker).
    """
    if row["deleted"]:
        return "deleted", "Flag has been deleted", False
    if row["archived"]:
        return "archived", "Flag has been archived", False
    if not row["active"]:
        return "active", "Flag is disabled (not evaluated for staleness)", False
    now = datetime.now(UTC)
    if row["last_called_at"] is not None:
        days = (now - datetime.fromisoformat(row["last_called_at"])).days
        if days >= STALE_AFTER.days:
            return "stale", f"Flag has not been called in {days} days", False
        if days == 0:
            return "active", "Flag was called today", False
        return "active", f"Flag was last called {days} day{'s' if days != 1 else ''} ago", False
    if now - datetime.fromisoformat(row["created_at"]) > STALE_AFTER and _rollout(row)["effectively_full_rollout"]:
        return "stale", "This flag is fully rolled out and has no usage data", True
    return "active", "Flag is not fully rolled out and may still be active", False


def _rollout(row: Data) -> Data:
    groups = row["filters"].get("groups") or []
    variants = (row["filters"].get("multivariate") or {}).get("variants") or []
    percentages = [100 if group.get("rollout_percentage") is None else group["rollout_percentage"] for group in groups]
    everybody = [
        group for group in groups if group.get("rollout_percentage") in (None, 100) and not group.get("properties")
    ]
    decided = (
        not variants
        or any(each.get("rollout_percentage") == 100 for each in variants)
        or any(group.get("variant") for group in everybody)
    )
    return {
        "effectively_full_rollout": not groups or (bool(everybody) and decided),
        "has_targeting_conditions": any(group.get("properties") for group in groups),
        "max_rollout_percentage": max(percentages) if percentages else None,
        "is_multivariate": bool(variants),
    }


def _status(context: Context, row: Data) -> Any:
    name, reason, states_rollout = status(row)
    return {
        "status": name,
        "reason": reason,
        "reason_states_rollout": states_rollout,
        "rollout": _rollout(row),
    }


def _dependent_flags(context: Context, row: Data) -> Any:
    return [
        {"id": other["id"], "key": other["key"], "name": other["name"]}
        for other in flag_dependencies.dependents(context, row)
    ]


def _version(flags: "Flags", context: Context, row: Data) -> Any:
    """The flag as it was at a version, rebuilt from the activity log by undoing the later changes."""
    try:
        wanted = int(context.param("version"))
    except ValueError as error:
        raise NotFound() from error
    if not 1 <= wanted <= row["version"]:
        raise NotFound("Version not found.")
    past = deepcopy(row)
    entries = activity.select(
        context,
        "scope = 'FeatureFlag' AND item_id = ? AND project = ?",
        [str(row["id"]), str(context.project["id"])],
        -1,
    )
    for entry in entries:
        if past["version"] <= wanted:
            break
        for change in entry["detail"]["changes"] or []:
            past[change["field"]] = change["before"]
    return {**flags.show(context, past), "version": wanted, "is_historical": wanted != row["version"]}


def _remote_config(context: Context, row: Data) -> Any:
    """The payload of a remote configuration, as JSON text; 404 for other flags."""
    if not row["is_remote_configuration"]:
        return Response(status_code=404)
    return (row["filters"].get("payloads") or {}).get("true")


def _activity(context: Context, row: Data) -> Any:
    return activity.object_activity(context, ("FeatureFlag",), str(row["id"]))


def _ids(context: Context) -> list[Any]:
    ids = context.data.get("ids")
    if not isinstance(ids, list):
        raise Answer(400, {"error": "No flag IDs provided"})
    return ids


def _bulk_keys(flags: "Flags", context: Context) -> Any:
    """`{ids}` -> `{keys: {id: key}, warning?}`; what isn't an id is named in the warning."""
    wanted = [str(each) for each in _ids(context)]
    wrong = [each for each in wanted if not each.isdigit()]
    found = {
        each: row["key"]
        for each in wanted
        if each.isdigit() and (row := context.store.get(flags.kind, int(each), flags.parent_id(context)))
    }
    warning = {"warning": f"Invalid flag IDs ignored: {wrong}"} if wrong else {}
    return {"keys": found, **warning}


def _bulk_delete(flags: "Flags", context: Context) -> Any:
    """`{ids}` -> `{deleted, errors}`; each flag by itself, with the refusals of a single deletion."""
    deleted: list[Data] = []
    errors: list[Data] = []
    for identifier in _ids(context):
        row = context.store.get(flags.kind, identifier, flags.parent_id(context))
        if row is None or row["deleted"]:
            errors.append({"id": identifier, "reason": "Flag not found"})
            continue
        try:
            flags.amend(context, row, {"deleted": True})
        except ApiError as refusal:
            errors.append({"id": identifier, "key": row["key"], "reason": refusal.detail})
        else:
            summary = _rollout(row)
            state = (
                "fully_rolled_out"
                if summary["effectively_full_rollout"]
                else "not_rolled_out"
                if summary["max_rollout_percentage"] in (None, 0)
                else "partial"
            )
            deleted.append({"id": row["id"], "key": row["key"], "rollout_state": state, "active_variant": None})
    return {"deleted": deleted, "errors": errors}


def bulk_update_tags(resource: Any, context: Context) -> Any:
    """`{ids, action: add|remove|set, tags}` -> `{updated: [{id, tags}], skipped: [{id, reason}]}`, for tagged
    kinds.
    """
    action = fields.choice("add", "remove", "set")(context.data.get("action"), "action")
    wanted = set(fields.tags(context.data.get("tags"), "tags"))
    updated: list[Data] = []
    skipped: list[Data] = []
    ids = context.data.get("ids")
    if not isinstance(ids, list) or len(ids) > 500:
        raise Invalid("Ensure this field has no more than 500 elements.", "ids", "max_length")
    for identifier in ids:
        row = context.store.get(resource.kind, identifier, resource.parent_id(context))
        if row is None or row.get("deleted"):
            skipped.append({"id": identifier, "reason": "Not found"})
            continue
        old = set(row["tags"])
        new = {"add": old | wanted, "remove": old - wanted, "set": wanted}[action]
        after = resource.amend(context, row, {"tags": fields.tags(sorted(new), "tags")})
        updated.append({"id": row["id"], "tags": after["tags"]})
    return {"updated": updated, "skipped": skipped}
