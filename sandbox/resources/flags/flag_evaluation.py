"""What flags answer for somebody and why: `GET feature_flags/evaluation_reasons/`, and for the asking user: `GET
feature_flags/my_flags/` (PostHog: feature_flag.py).
"""

import json
from typing import Any

from sandbox.evaluation.service.flags_api import evaluated
from sandbox.evaluation.service.flagset import flagset
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

# What other kinds' answers and `my_flags` show of a flag, besides its ids.
MINIMAL = tuple(
    "name key filters deleted active ensure_experience_continuity has_encrypted_payloads version evaluation_runtime"
    " bucketing_identifier evaluation_contexts".split()
)


def minimal(row: Data, project: int) -> Data:
    """A flag inside something else."""
    return {"id": row["id"], "team_id": project, **{name: row.get(name) for name in MINIMAL}}


def evaluation_reasons(context: Context) -> Any:
    """`?distinct_id=&groups={}&flag_keys=a,b` -> `{key: {value, evaluation}}`; disabled flags are there too."""
    query = context.query
    if not query.get("distinct_id"):
        raise Invalid("distinct_id is required")
    asked: Data = {"groups": _groups(query.get("groups") or "{}"), "evaluation_runtime": "all"}
    keys = [key for key in query.get("flag_keys", "").split(",") if key]
    if keys:
        asked["flag_keys"] = keys
    current = flagset(context.store, int(context.project["id"]))
    found = {
        key: {
            "value": match.value,
            "evaluation": {
                "reason": match.code,
                "condition_index": match.condition_index,
                "description": match.description,
            },
        }
        for key, match in evaluated(context, asked, current, query["distinct_id"]).items()
    }
    for flag in current.flags.values():
        if not flag.active and (not keys or flag.key in keys):
            found[flag.key] = {"value": False, "evaluation": {"reason": "disabled", "condition_index": None}}
    return found


def my_flags(context: Context) -> Any:
    """`?groups={}` -> `[{feature_flag, value}]` for the user's own distinct id, newest flags first; disabled ones are
    false.
    """
    asked: Data = {"groups": _groups(context.query.get("groups") or "{}"), "evaluation_runtime": "all"}
    current = flagset(context.store, int(context.project["id"]))
    found = evaluated(context, asked, current, context.user["distinct_id"])
    newest = sorted(current.rows.values(), key=lambda row: (row["created_at"], row["id"]), reverse=True)
    return [
        {
            "feature_flag": minimal(row, context.project["id"]),
            "value": found[row["key"]].value if row["key"] in found else False,
        }
        for row in newest
    ]


def _groups(text: str) -> Data:
    try:
        groups = json.loads(text)
    except ValueError as error:
        raise Invalid("Invalid JSON in groups", "groups") from error
    return groups if isinstance(groups, dict) else {}
