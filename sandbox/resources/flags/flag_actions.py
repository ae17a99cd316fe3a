"""The calls of feature flags beyond the five: life cycle, status, audience."""

from collections.abc import Callable
from typing import Any

from sandbox.resources.flags import flag_dependencies
from sandbox.resources.flags.flag_rollout import rollout, status
from sandbox.resources.people.audience import blast_radius
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Answer


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
        flags.activity_action(),
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
