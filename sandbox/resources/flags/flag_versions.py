"""A feature flag as it was: `feature_flags/:id/versions/:version/`, rebuilt from the activity log by undoing later
changes (reference: PostHog's version_history.py).
"""

from typing import Any

from sandbox.rest import activity
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Answer, NotFound

TRACKED = (
    "key",
    "name",
    "filters",
    "active",
    "archived",
    "deleted",
    "version",
    "ensure_experience_continuity",
    "has_enriched_analytics",
    "is_remote_configuration",
    "has_encrypted_payloads",
    "evaluation_runtime",
    "bucketing_identifier",
    "last_called_at",
)


def version(flags: Resource, context: Context, row: Data) -> Data:
    """The flag's own fields at a version; who changed what tags or contexts it had isn't part of it."""
    if row["is_remote_configuration"] or row["has_encrypted_payloads"]:
        raise Answer(400, {"detail": "Version history is not available for remote configuration or encrypted flags."})
    text = context.param("version")
    if not text.isdigit():
        raise NotFound()
    wanted, current = int(text), row["version"]
    if not 1 <= wanted <= current:
        raise Answer(404, {"detail": f"Version {wanted} not found (current version is {current})"})
    past = {name: row[name] for name in TRACKED} | {"rollback_conditions": None, "performed_rollback": None}
    if wanted == current:
        past["filters"] = flags.show(context, row)["filters"]
        return _shown(row, past, False, row["updated_at"] or row["created_at"], row["last_modified_by"])
    for entry in _changes(context, row):
        fields = {change["field"]: change for change in entry["detail"]["changes"] or []}
        if "version" not in fields:
            continue
        after = fields["version"]["after"]
        if after == wanted:
            user = entry["user"]
            return _shown(row, past, True, entry["created_at"], user["id"] if user else None)
        if after < wanted:
            raise _incomplete(wanted)
        past.update({name: change["before"] for name, change in fields.items() if name in past})
    if wanted != 1:
        raise _incomplete(wanted)
    return _shown(row, past, True, row["created_at"], row["created_by"])


def _changes(context: Context, row: Data) -> list[Data]:
    """The entries that may have made a version, newest first."""
    return activity.select(
        context,
        "scope = 'FeatureFlag' AND item_id = ? AND project = ?",
        [str(row["id"]), str(context.project["id"])],
        -1,
    )


def _shown(row: Data, past: Data, historical: bool, at: str, by: Any) -> Data:
    filters = past["filters"] or {}
    return {
        **past,
        "filters": filters if "groups" in filters else {**filters, "groups": []},
        "id": row["id"],
        "created_at": row["created_at"],
        "created_by": row["created_by"],
        "is_historical": historical,
        "version_timestamp": at,
        "modified_by": by,
    }


def _incomplete(wanted: int) -> Answer:
    return Answer(422, {"detail": f"Activity log is incomplete. Cannot reconstruct version {wanted}."})
