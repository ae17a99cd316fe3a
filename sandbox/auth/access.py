"""The levels of access controls (PostHog: products/access_control/backend/facade/user_access_control.py).

Rules are stored and shown, and restrict nobody here: what somebody may do follows from the scopes of their key and from
their level in the organisation. Without a rule it is so in PostHog too, where everybody is then an admin of the project
and an editor of its things.

Trap: the rules of an object go when it is deleted.
"""

from sandbox.auth.identity import ADMIN, level
from sandbox.storage.store import Data
from sandbox.wire.context import Context

KIND = "access_control"
OBJECT_LEVELS = ("none", "viewer", "editor", "manager")
PROJECT_LEVELS = ("none", "member", "admin")
EDITOR, MANAGER = "editor", "manager"
READ_ONLY = "activity_log"  # the kind that has no editors


def levels(resource: str) -> tuple[str, ...]:
    """The levels of a kind, lowest first."""
    return PROJECT_LEVELS if resource in ("project", "organization") else OBJECT_LEVELS


def usual(resource: str) -> str:
    """The level of a kind without any rule."""
    return {"project": "admin", "organization": "member", READ_ONLY: "viewer"}.get(resource, EDITOR)


def lowest(resource: str) -> str:
    """The least a rule may give."""
    return "viewer" if resource == "action" else "none"


def highest(resource: str) -> str:
    """The most a rule may give."""
    return "viewer" if resource == READ_ONLY else levels(resource)[-1]


def is_admin(context: Context) -> bool:
    """Whether an admin of the organisation asks, or the server itself."""
    return context.identity is None or level(context) >= ADMIN


def object_level(context: Context, row: Data) -> str:
    """The user's level for an object: admins and its author manage it."""
    return MANAGER if is_admin(context) or row.get("created_by") == context.user["id"] else EDITOR


def roles_of(context: Context, user: Data) -> set[str]:
    """The ids of the roles a user has."""
    rows = context.store.select("role_membership", None, "natural LIKE ?", [f"%/{user['id']}"])
    return {str(row["role_id"]) for row in rows}


def drop_rules(context: Context, kind: str, row: Data) -> None:
    """Remove the rules of an object that is deleted, for good or not."""
    prefix = f"{context.project['id']}/{kind}/{row['id']}/"
    end = prefix[:-1] + "0"  # what follows on a slash
    context.store.execute("DELETE FROM objects WHERE kind = ? AND id >= ? AND id < ?", (KIND, prefix, end))
