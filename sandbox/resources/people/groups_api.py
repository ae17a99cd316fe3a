"""Group types and groups of a project, read; ingestion makes them.

Source: PostHog's posthog/api/groups.py.
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.events import people
from sandbox.rest.listing import column
from sandbox.storage import jsontext
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

READ = ("group:read",)
_TYPE_FIELDS = ("name_singular", "name_plural", "detail_dashboard", "default_columns")


def routes() -> list[BaseRoute]:
    """Below `/api/projects/` and, the same, below `/api/environments/`."""
    return [*both("groups_types", GET=(READ, list_group_types)), *both("groups", GET=(READ, list_groups))]


def list_group_types(context: Context) -> Any:
    """A plain list, no paging."""
    rows = context.store.select(people.GROUP_TYPE, str(_project(context)), order=column("group_type_index"))
    shown = ("group_type", "group_type_index", *_TYPE_FIELDS, "created_at")
    return [{name: row.get(name) for name in shown} for row in rows]


def list_groups(context: Context) -> Any:
    """`GET groups/?group_type_index=&search=`: the groups of one type, newest first."""
    index = _group_type_index(context)
    rows = context.store.execute(
        "SELECT key, created_at, properties FROM groups WHERE project = ? AND type_index = ?"
        " AND (key LIKE ? OR properties LIKE ?) ORDER BY created_at DESC, key LIMIT 100",
        (_project(context), index, *[f"%{context.query.get('search', '')}%"] * 2),
    ).fetchall()
    return {"next": None, "previous": None, "results": [_group(index, *row) for row in rows]}


def _group_type_index(context: Context) -> int:
    try:
        return int(context.query["group_type_index"])
    except (KeyError, ValueError) as error:
        raise Invalid("You must pass ?group_type_index=<an integer>.", "group_type_index") from error


def _group(index: int, key: str, created_at: str, properties: str) -> Data:
    return {
        "group_type_index": index,
        "group_key": key,
        "group_properties": jsontext.decode(properties),
        "created_at": created_at,
    }


def _project(context: Context) -> int:
    return int(context.project["id"])
