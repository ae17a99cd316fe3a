"""Access controls: who may see and edit a project or an object (PostHog: products/access_control).

Traps: a rule has no id, PUT is an upsert and `access_level: null` deletes, 204 also when there was nothing; a rule
names a membership (not a user), a role, or neither, which is the default. Rules are kept and shown; the sandbox doesn't
enforce them.
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
MINIMUM = {"action": "viewer"}
KIND = "access_control"
# The kinds whose objects have rules of their own; the others are shared by all who may use the kind.
CONTROLLED = frozenset(
    {
        "action",
        "cohort",
        "dashboard",
        "early_access_feature",
        "experiment",
        "experiment_saved_metric",
        "feature_flag",
        "hog_function",
        "insight",
        "session_recording_playlist",
        "survey",
    }
)
ELSEWHERE = "Cannot modify access controls for a resource different from the URL target."
Handler = Callable[[Context], Any]


def routes_for(resources: list[Resource]) -> list[BaseRoute]:
    """The project's rules, the defaults per kind, and those of every object of the kinds that have them."""
    read, write = ("access_control:read",), ("access_control:write",)
    base = "/api/projects/{project}"
    found: list[BaseRoute] = [
        route(f"{base}/access_controls", GET=(read, _show_project), PUT=(write, _put_project)),
        route(f"{base}/resource_access_controls", GET=(read, _show_defaults), PUT=(write, _put_default)),
    ]
    for resource in resources:
        if resource.kind in CONTROLLED:
            path = f"{base}/{resource.collection}/{{id}}/access_controls"
            found.append(route(path, GET=(read, _show_object(resource)), PUT=(write, _put_object(resource))))
    return found


# Reading ----------------------------------------------------------------------------------------------------


def _show_project(context: Context) -> Any:
    project = str(context.project["id"])
    rules = _rules(context, lambda row: row["resource"] == "project" and row["resource_id"] == project)
    return _shown(context, rules, PROJECT_LEVELS, "member", "none", level(context) >= ADMIN)


def _show_defaults(context: Context) -> Any:
    rules = _rules(context, lambda row: row["resource_id"] is None)
    return _shown(context, rules, OBJECT_LEVELS, "editor", "none", level(context) >= ADMIN)


def _show_object(resource: Resource) -> Handler:
    def show(context: Context) -> Any:
        row = resource.fetch(context, context.param("id"))
        rules = _rules(
            context, lambda rule: (rule["resource"], rule["resource_id"]) == (resource.scope, str(row["id"]))
        )
        minimum = MINIMUM.get(resource.scope, "none")
        return _shown(context, rules, OBJECT_LEVELS, "editor", minimum, _manages(context, row))

    return show


def _rules(context: Context, holds: Callable[[Data], bool]) -> list[Data]:
    rows = context.store.select(KIND, str(context.project["id"]))
    return [_rule(row) for row in rows if holds(row)]


def _rule(row: Data) -> Data:
    return {name: value for name, value in row.items() if name != "id"}


def _shown(context: Context, rules: list[Data], levels: list[str], usual: str, minimum: str, manages: bool) -> Data:
    return {
        "access_controls": rules,
        "available_access_levels": levels,
        "default_access_level": usual,
        "minimum_access_level": minimum,
        "maximum_access_level": levels[-1],
        "user_access_level": levels[-1] if manages else usual,
        "user_can_edit_access_levels": manages,
    }


def _manages(context: Context, row: Data) -> bool:
    """Organisation admins and the author of an object manage it."""
    return level(context) >= ADMIN or row.get("created_by") == context.user["id"]


# Writing ----------------------------------------------------------------------------------------------------


def _put_project(context: Context) -> Any:
    if level(context) < ADMIN:
        raise Forbidden("Must be admin to modify project permissions.")
    return _put(context, "project", str(context.project["id"]), PROJECT_LEVELS)


def _put_default(context: Context) -> Any:
    kind = context.data.get("resource")
    if not kind:
        raise Invalid("This field is required.", "resource", "required")
    if context.data.get("resource_id"):
        raise Forbidden(ELSEWHERE)
    if level(context) < ADMIN:
        raise Forbidden("Must be an Organization admin to modify project-wide permissions.")
    return _put(context, str(kind), None, PROJECT_LEVELS if kind == "project" else OBJECT_LEVELS)


def _put_object(resource: Resource) -> Handler:
    def put(context: Context) -> Any:
        row = resource.fetch(context, context.param("id"))
        if not _manages(context, row):
            raise Forbidden(f"Must be manager to modify {resource.scope} permissions.")
        return _put(context, resource.scope, str(row["id"]), OBJECT_LEVELS)

    return put


def _put(context: Context, resource: str, target: str | None, levels: list[str]) -> Any:
    """Write the rule of a member, a role or everybody, or delete it."""
    data, project = context.data, str(context.project["id"])
    if "access_level" not in data:
        raise Invalid("This field is required.", "access_level", "required")
    wanted = data["access_level"]
    _check_level(wanted, resource, levels)
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
        "created_by": before["created_by"] if before else context.user["id"],
        "created_at": before["created_at"] if before else now,
        "updated_at": now,
    }
    context.store.put(KIND, project, row)
    return _rule(row)


def _check_level(wanted: Any, resource: str, levels: list[str]) -> None:
    if wanted is None:
        return
    if wanted not in levels:
        raise Invalid(f"Invalid access level. Must be one of: {', '.join(levels)}", "access_level")
    minimum = MINIMUM.get(resource, "none")
    if levels.index(wanted) < levels.index(minimum):
        raise Invalid(f"Access level cannot be set below the minimum '{minimum}' for {resource}.", "access_level")


def _check_subject(context: Context, member: Any, role: Any) -> None:
    found = {}
    for kind, identifier, attr in (("membership", member, "organization_member"), ("role", role, "role")):
        if identifier:
            found[kind] = context.store.parent_of(kind, identifier)
            if found[kind] is None and not (member and role):
                raise Invalid(f'Invalid pk "{identifier}" - object does not exist.', attr, "does_not_exist")
    if member and role:
        raise Invalid("You can not scope an access control to both a member and a role.")
    for kind, name in (("role", "role"), ("membership", "member")):
        if kind in found and found[kind] != context.organization["id"]:
            raise Invalid(f"The {name} must belong to the same organization as this project.")
