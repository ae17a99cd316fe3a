"""The rules of access controls, read and written (PostHog: products/access_control); `auth/access.py` has the levels.

Traps: a rule has no id, PUT is an upsert and `access_level: null` deletes, 204 also when there was nothing; a rule
names a membership (not a user), a role, or neither, which is the default.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.auth import access
from sandbox.auth.access import KIND
from sandbox.auth.guard import route
from sandbox.auth.scopes import OBJECTS
from sandbox.rest.registry import resources
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Forbidden, Invalid, Missing, Required

ELSEWHERE = "Cannot modify access controls for a resource different from the URL target."
Handler = Callable[[Context], Any]


def routes() -> list[BaseRoute]:
    """The project's rules, the defaults per kind, and those of every object of the kinds that have them."""
    read, write = ("access_control:read",), ("access_control:write",)
    base = "/api/projects/{project}"
    found: list[BaseRoute] = [
        route(f"{base}/access_controls", GET=(read, _show_project), PUT=(write, _put_project)),
        route(f"{base}/resource_access_controls", GET=(read, _show_defaults), PUT=(write, _put_default)),
    ]
    for resource in resources():
        if resource.has_access_controls:
            path = f"{base}/{resource.collection}/{{id}}/access_controls"
            found.append(route(path, GET=(read, _show_object(resource)), PUT=(write, _put_object(resource))))
    return found


# Reading ----------------------------------------------------------------------------------------------------


def _show_project(context: Context) -> Any:
    project = str(context.project["id"])
    rules = _rules(context, lambda row: row["resource"] == "project" and row["resource_id"] == project)
    return {**_shown(rules, "project", "admin", access.is_admin(context)),
            "inherited_access": None}  # fmt: skip


def _show_defaults(context: Context) -> Any:
    """The rules of the kinds; the asking user's level is the one for the project."""
    rules = _rules(context, lambda row: row["resource_id"] is None)
    return _shown(rules, "any", "admin", access.is_admin(context))


def _show_object(resource: Resource) -> Handler:
    def show(context: Context) -> Any:
        row = resource.fetch(context, context.param("id"))
        kind, identifier, mine = resource.kind, str(row["id"]), access.object_level(context, row)
        rules = _rules(context, lambda rule: (rule["resource"], rule["resource_id"]) == (kind, identifier))
        shown = _shown(rules, kind, mine, mine == access.MANAGER)
        return {**shown, "inherited_access": _inherited(context, resource)}

    return show


def _rules(context: Context, holds: Callable[[Data], bool]) -> list[Data]:
    rows = context.store.select(KIND, str(context.project["id"]))
    return [_rule(row) for row in rows if holds(row)]


def _rule(row: Data) -> Data:
    return {name: value for name, value in row.items() if name != "id"}


def _inherited(context: Context, resource: Resource) -> Data:
    """What an object's level would be for everybody without a default of its own."""
    parent = resource.inherits_access_from or resource.kind
    default = context.store.get(KIND, f"{context.project['id']}/{parent}/None/None/None")
    return {
        "access_level": default["access_level"] if default else access.usual(resource.kind),
        "source": "resource" if default else "system_default",
        "source_subject": "default" if default else None,
        "source_resource": parent,
        "source_resource_id": None,
        "source_display_name": None,
    }


def _shown(rules: list[Data], resource: str, mine: str, manages: bool) -> Data:
    return {
        "access_controls": rules,
        "available_access_levels": list(access.levels(resource)),
        "default_access_level": access.usual(resource),
        "minimum_access_level": access.lowest(resource),
        "maximum_access_level": access.highest(resource),
        "user_access_level": mine,
        "user_can_edit_access_levels": manages,
    }


# Writing ----------------------------------------------------------------------------------------------------


def _put_project(context: Context) -> Any:
    if not access.is_admin(context):
        raise Forbidden("Must be admin to modify project permissions.")
    return _put(context, "project", str(context.project["id"]))


def _put_default(context: Context) -> Any:
    kind = context.data.get("resource")
    if not kind:
        raise Required("resource")
    if kind not in OBJECTS:
        raise Invalid(f"Invalid resource. Must be one of: {OBJECTS}", "resource")
    if context.data.get("resource_id"):
        raise Forbidden(ELSEWHERE)
    if not access.is_admin(context):
        raise Forbidden("Must be an Organization admin to modify project-wide permissions.")
    return _put(context, str(kind), None)


def _put_object(resource: Resource) -> Handler:
    def put(context: Context) -> Any:
        row = resource.fetch(context, context.param("id"))
        if access.object_level(context, row) != access.MANAGER:
            raise Forbidden(f"Must be {access.highest(resource.kind)} to modify {resource.kind} permissions.")
        return _put(context, resource.kind, str(row["id"]))

    return put


def _put(context: Context, resource: str, target: str | None) -> Any:
    """Write the rule of a member, a role or everybody, or delete it."""
    data, project = context.data, str(context.project["id"])
    if "access_level" not in data:
        raise Required("access_level")
    wanted = data["access_level"]
    if wanted is not None:
        _check_level(wanted, resource)
    member, role = data.get("organization_member"), data.get("role")
    _check_subject(context, member, role)
    key = f"{project}/{resource}/{target}/{member}/{role}"
    if wanted is None:
        context.store.remove(KIND, key)
        return Response(status_code=204)
    now, before = timestamp(), context.store.get(KIND, key)
    row: Data = {
        "id": key,
        "access_level": wanted,
        "resource": resource,
        "resource_id": target,
        "organization_member": member,
        "role": role,
        "created_by": None,  # nobody sets it over the API (presentation/access_control.py, 2026-09)
        "created_at": before["created_at"] if before else now,
        "updated_at": now,
    }
    context.store.put(KIND, project, row, natural=resource)
    return _rule(row)


def _check_level(wanted: Any, resource: str) -> None:
    levels, least, most = access.levels(resource), access.lowest(resource), access.highest(resource)
    if wanted not in levels:
        raise Invalid(f"Invalid access level. Must be one of: {', '.join(levels)}", "access_level")
    if levels.index(wanted) < levels.index(least):
        raise Invalid(f"Access level cannot be set below the minimum '{least}' for {resource}.", "access_level")
    if levels.index(wanted) > levels.index(most):
        raise Invalid(f"Access level cannot be set above the maximum '{most}' for {resource}.", "access_level")


def _check_subject(context: Context, member: Any, role: Any) -> None:
    found = {}
    for kind, identifier, attr in (("membership", member, "organization_member"), ("role", role, "role")):
        if identifier:
            found[kind] = context.store.parent_of(kind, identifier)
            if found[kind] is None and not (member and role):
                raise Missing(identifier, attr)
    if member and role:
        raise Invalid("You can not scope an access control to both a member and a role.")
    for kind, name in (("role", "role"), ("membership", "member")):
        if kind in found and found[kind] != context.organization["id"]:
            raise Invalid(f"The {name} must belong to the same organization as this project.")
