"""Access controls: who may see and edit a project or an object (PostHog: products/access_control).

Traps: a rule has no id, PUT is an upsert and `access_level: null` deletes; a rule names a membership (not a
    user), a role,
or neither, which is the default.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.errors import Forbidden, Invalid
from sandbox.guard import route
from sandbox.identity import ADMIN, level
from sandbox.resource import Resource
from sandbox.store import Data
from sandbox.web import Context, timestamp

PROJECT_LEVELS = ["none", "member", "admin"]
OBJECT_LEVELS = ["none", "viewer", "editor", "manager"]
KIND = "access_control"


def routes_for(resources: list[Resource]) -> list[BaseRoute]:
    """The project's rules, the defaults per kind, and those of every object of the given kinds."""
    read, write = ("access_control:read",), ("access_control:write",)
    base = "/api/projects/{project}"
    found: list[BaseRoute] = [
        route(f"{base}/access_controls", GET=(read, _show("project")), PUT=(write, _put("project"))),
        route(f"{base}/resource_access_controls", GET=(read, _show(None)), PUT=(write, _put(None))),
    ]
    for resource in resources:
        path = f"{base}/{resource.collection}/{{id}}/access_controls"
        found.append(
            route(path, GET=(read, _show(resource.scope, resource)), PUT=(write, _put(resource.scope, resource)))
        )
    return found


def _target(context: Context, resource: Resource | None) -> str | None:
    """The object of the path; None for the project's rules and the defaults."""
    return str(resource.fetch(context, context.param("id"))["id"]) if resource else None


def _show(scope: str | None, resource: Resource | None = None) -> Callable[[Context], Any]:
    def show(context: Context) -> Any:
        target = _target(context, resource)
        rows = context.store.select(KIND, str(context.project["id"]))
        kept = [
            row
            for row in rows
            if row["resource_id"] == target
            and (row["resource"] == scope if scope else row["resource"] != "project" and row["resource_id"] is None)
        ]
        levels = PROJECT_LEVELS if scope == "project" else OBJECT_LEVELS
        manages = level(context) >= ADMIN
        return {
            "access_controls": kept,
            "available_access_levels": levels,
            "default_access_level": "member" if scope == "project" else "editor",
            "user_access_level": levels[-1] if manages else levels[-2],
            "user_can_edit_access_levels": manages,
        }

    return show


def _put(scope: str | None, resource: Resource | None = None) -> Callable[[Context], Any]:
    def put(context: Context) -> Any:
        if level(context) < ADMIN:
            raise Forbidden(
                "Must be admin to modify project permissions."
                if scope == "project"
                else "Must be manager to modify object permissions."
            )
        data, target = context.data, _target(context, resource)
        member, role = data.get("organization_member"), data.get("role")
        if member and role:
            raise Invalid("You can not scope an access control to both a member and a role.")
        kind = scope or data.get("resource")
        if not kind:
            raise Invalid("This field is required.", "resource", "required")
        _check_subject(context, member, role)
        levels, wanted = PROJECT_LEVELS if kind == "project" else OBJECT_LEVELS, data.get("access_level")
        key = f"{kind}/{target}/{member}/{role}"
        if wanted is None:
            context.store.remove(KIND, f"{context.project['id']}/{key}")
            return Response(status_code=204)
        if wanted not in levels:
            raise Invalid(f"Invalid access level. Must be one of: {', '.join(levels)}", "access_level")
        row: Data = {
            "access_level": wanted,
            "resource": kind,
            "resource_id": target,
            "organization_member": member,
            "role": role,
            "created_by": context.user["id"],
            "created_at": timestamp(),
            "updated_at": timestamp(),
            "id": f"{context.project['id']}/{key}",
        }
        context.store.put(KIND, str(context.project["id"]), row)
        return {name: value for name, value in row.items() if name != "id"}

    return put


def _check_subject(context: Context, member: Any, role: Any) -> None:
    for kind, identifier, attr in (("membership", member, "organization_member"), ("role", role, "role")):
        if identifier and context.store.get(kind, identifier, context.organization["id"]) is None:
            raise Invalid(f'Invalid pk "{identifier}" - object does not exist.', attr, "does_not_exist")
