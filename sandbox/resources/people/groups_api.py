"""Group types and groups of a project, read and named; ingestion makes them.

Source: PostHog's posthog/api/groups.py.
"""

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.events import people
from sandbox.rest.listing import column
from sandbox.storage import jsontext
from sandbox.storage.store import Data
from sandbox.wire.context import Context, parse_json
from sandbox.wire.errors import Invalid, NotFound

READ, WRITE = ("group:read",), ("group:write",)
_TYPE_FIELDS = ("name_singular", "name_plural", "detail_dashboard", "default_columns")


def routes() -> list[BaseRoute]:
    """Below `/api/projects/` and, the same, below `/api/environments/`."""
    return [one for prefix in ("/api/projects", "/api/environments") for one in _routes(prefix + "/{project}")]


def _routes(base: str) -> list[BaseRoute]:
    return [
        route(f"{base}/groups_types", GET=(READ, list_group_types)),
        route(f"{base}/groups_types/update_metadata", PATCH=(WRITE, update_group_types)),
        route(f"{base}/groups_types/{{index}}", DELETE=(WRITE, delete_group_type)),
        route(f"{base}/groups", GET=(READ, list_groups)),
        route(f"{base}/groups/find", GET=(READ, find_group)),
    ]


def list_group_types(context: Context) -> Any:
    """A plain list, no paging."""
    rows = context.store.select(people.GROUP_TYPE, str(_project(context)), order=column("group_type_index"))
    shown = ("group_type", "group_type_index", *_TYPE_FIELDS, "created_at")
    return [{name: row.get(name) for name in shown} for row in rows]


def update_group_types(context: Context) -> Any:
    """`PATCH` with the list of types: what people call them. Types can't be created here; ingestion does
    that.
    """
    sent = parse_json(context.raw or b"[]")
    for item in sent if isinstance(sent, list) else ():
        identifier = f"{_project(context)}/{item.get('group_type_index')}"
        row = context.store.get(people.GROUP_TYPE, identifier)
        if row is not None:
            row.update({name: item[name] for name in _TYPE_FIELDS if name in item})
            context.store.put(people.GROUP_TYPE, str(_project(context)), row, natural=row["group_type"])
    return list_group_types(context)


def delete_group_type(context: Context) -> Any:
    """`DELETE groups_types/:index/`: the type is gone, its groups stay."""
    identifier = f"{_project(context)}/{context.param('index')}"
    if context.store.get(people.GROUP_TYPE, identifier) is None:
        raise NotFound()
    context.store.remove(people.GROUP_TYPE, identifier)
    return Response(status_code=204)


def list_groups(context: Context) -> Any:
    """`GET groups/?group_type_index=&search=`: the groups of one type, newest first."""
    index = _group_type_index(context)
    rows = context.store.execute(
        "SELECT key, created_at, properties FROM groups WHERE project = ? AND type_index = ?"
        " AND (key LIKE ? OR properties LIKE ?) ORDER BY created_at DESC, key LIMIT 100",
        (_project(context), index, *[f"%{context.query.get('search', '')}%"] * 2),
    ).fetchall()
    return {"next": None, "previous": None, "results": [_group(index, *row) for row in rows]}


def find_group(context: Context) -> Any:
    """`GET groups/find/?group_type_index=&group_key=`."""
    index, key = _group_type_index(context), context.query.get("group_key", "")
    row = context.store.execute(
        "SELECT key, created_at, properties FROM groups WHERE project = ? AND type_index = ? AND key = ?",
        (_project(context), index, key),
    ).fetchone()
    if row is None:
        raise NotFound()
    return _group(index, *row)


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
