"""Every kind that has no page of its own, straight from the declarations of `resources/`."""

from sandbox.pages.render import MOST, paging
from sandbox.rest.registry import resources
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound

OWN = frozenset({"feature_flag", "cohort", "dashboard", "alert", "experiment"})
DULL = frozenset({"id", "name", "key", "description", "created_by", "created_at", "updated_at", "deleted"})


def kinds(context: Context) -> Data:
    """The kinds that have no page of their own."""
    return {"kinds": [_counted(context, resource) for resource in _resources()]}


def used(context: Context) -> list[Data]:
    """The kinds of which there is something."""
    return [each for each in kinds(context)["kinds"] if each["count"]]


def of_kind(context: Context) -> Data:
    """The objects of one kind."""
    resource = _named(context)
    parent = _parent(context, resource)
    pages = paging(context, context.store.count(resource.kind, parent))
    rows = context.store.select(resource.kind, parent, limit=MOST, offset=pages["offset"])
    return {"kind": _counted(context, resource), "things": [_thing(context, resource, row) for row in rows], **pages}


def one(context: Context) -> Data:
    """One object, with everything that is stored of it."""
    resource = _named(context)
    row = resource.fetch(context, context.param("id"))
    path = f"/api/projects/{context.project['id']}/{resource.collection}/{row['id']}/"
    return {"kind": _counted(context, resource), "things": [_thing(context, resource, row)], "api": path, "total": 1}


def _named(context: Context) -> Resource:
    resource = next((each for each in _resources() if each.collection == context.param("kind")), None)
    context.organization = context.store.get("organization", context.project["organization"]) or {}
    if resource is None:
        raise NotFound()
    return resource


def _resources() -> list[Resource]:
    return [resource for resource in resources() if resource.kind not in OWN]


def _parent(context: Context, resource: Resource) -> str:
    return str(context.project["id"] if resource.parent == "project" else context.project["organization"])


def _counted(context: Context, resource: Resource) -> Data:
    return {
        "collection": resource.collection,
        "title": resource.collection.replace("_", " "),
        "count": context.store.count(resource.kind, _parent(context, resource)),
    }


def _thing(context: Context, resource: Resource, row: Data) -> Data:
    """An object's name, and the stored fields that aren't empty."""
    author = context.store.get("user", row["created_by"]) if row.get("created_by") else None
    return {
        "id": row["id"],
        "name": resource.label(row) or row.get("key") or row.get("content") or row["id"],
        "description": row.get("description") or "",
        "author": author["email"] if author else "",
        "created_at": row.get("created_at"),
        "fields": {name: value for name, value in row.items() if name not in DULL and value not in (None, "", [], {})},
    }
