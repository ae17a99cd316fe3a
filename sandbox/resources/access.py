"""What the asking user may do with an object: volatile between keys, never worth comparing."""

from sandbox.identity import ADMIN, level
from sandbox.store import Data
from sandbox.web import Context


def user_access_level(context: Context, row: Data) -> str:
    """`manager` for organisation admins and the object's author, else `editor`."""
    if "level" not in context.memo:
        context.memo["level"] = level(context)
    mine = context.memo["level"] >= ADMIN or row.get("created_by") == context.user["id"]
    return "manager" if mine else "editor"
