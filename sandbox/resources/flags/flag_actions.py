"""The calls of feature flags beyond the five: life cycle, status, tags in bulk, evaluation."""

from collections.abc import Callable
from typing import Any

from sandbox.resources.flags import flag_bulk, flag_dependencies
from sandbox.resources.flags.flag_evaluation import evaluation_reasons, my_flags
from sandbox.resources.flags.flag_rollout import rollout, status
from sandbox.resources.people.audience import blast_radius
from sandbox.rest import fields
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Answer, Invalid


def actions(flags: Resource) -> list[Action]:
    """All calls of feature flags."""

    def life(**values: Any) -> Callable[[Context, Data], Any]:
        return lambda context, row: _live(flags, context, row, values)

    return [
        Action("enable", life(active=True), ("POST",)),
        Action("disable", life(active=False), ("POST",)),
        Action("archive", life(archived=True, active=False), ("POST",)),
        Action("unarchive", life(archived=False), ("POST",)),
        Action("status", _status),
        Action("dependent_flags", _dependent_flags),
        Action("user_blast_radius", blast_radius, ("POST",), scopes=("feature_flag:read",), detail=False),
        Action("evaluation_reasons", evaluation_reasons, detail=False),
        Action("my_flags", my_flags, detail=False),
        *flags.activity_actions(),
        Action("bulk_update_tags", lambda context: bulk_update_tags(flags, context), ("POST",), detail=False),
        *flag_bulk.actions(flags),
    ]


def _live(flags: Resource, context: Context, row: Data, values: Data) -> Any:
    """Enable, disable, archive, unarchive: without a body, and nothing happens when it is so already."""
    if row["deleted"]:
        raise Answer(
            400,
            {"success": False, "error": "This feature flag has been deleted. Restore it before changing its state."},
        )
    if all(row[name] == value for name, value in values.items()):
        return flags.show_written(context, row)
    context.memo["keep legacy filters"] = True
    return flags.show_written(context, flags.amend(context, row, dict(values)))


def _status(context: Context, row: Data) -> Any:
    name, reason, states_rollout = status(row)
    return {"status": name, "reason": reason, "reason_states_rollout": states_rollout, "rollout": rollout(row)}


def _dependent_flags(context: Context, row: Data) -> Any:
    return [
        {"id": other["id"], "key": other["key"], "name": other["name"] or other["key"]}
        for other in flag_dependencies.dependents(context, row)
    ]


def bulk_update_tags(resource: Any, context: Context) -> Any:
    """`{ids, action: add|remove|set, tags}` -> `{updated: [{id, tags}], skipped: [{id, reason}]}`, for tagged kinds."""
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
