"""An organisation's roles and their members."""

import uuid
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.auth.identity import ADMIN, level, membership
from sandbox.auth.users import user_basic
from sandbox.resources.organization.organizations import member_of, show_member
from sandbox.rest import activity
from sandbox.rest.fields import CREATED_AT, CREATED_BY, ID, Field, read_only, text
from sandbox.rest.listing import whole
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, timestamp
from sandbox.wire.errors import Forbidden, Invalid, NotFound, Required


def routes() -> list[BaseRoute]:
    read, write = ("organization:read",), ("organization:write",)
    base = "/api/organizations/{organization}/roles/{role}/role_memberships"
    return [
        route(base, GET=(read, list_role_members), POST=(write, add_role_member)),
        route(base + "/{id}", GET=(read, show_role_member), DELETE=(write, remove_role_member)),
    ]


class Roles(Resource):
    """Traps: a name is unique in the organisation whatever its case; nobody is noted as the author of a role that is
    made over the API (PostHog: products/access_control/backend/presentation/role.py, 2026-09).
    """

    kind, collection, scope, log_scope = "role", "roles", "organization", "Role"
    life, identifier, parent = Life.HARD, "uuid", "organization"
    fields = (
        ID,
        Field("name", text(200, blank=False), required=True),
        CREATED_AT,
        CREATED_BY,
        read_only("members", []),
        read_only("is_default", False),
    )

    def authorize_write(self, context: Context) -> None:
        _check_admin(context)

    def natural(self, row: Data) -> str | None:
        return f"{row['name'].lower()}"

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if self.namesake(context, values.get("name", "").lower(), before):
            raise Invalid("There is already a role with this name.", "name", "unique")
        return {**super().prepare(context, values, before), "created_by": None}

    def show(self, context: Context, row: Data) -> Data:
        members = context.store.select("role_membership", row["id"])
        return {
            **super().show(context, row),
            "members": [_show_role_member(context, each) for each in members],
            "is_default": context.organization["default_role_id"] == row["id"],
        }

    def removing(self, context: Context, row: Data) -> None:
        context.store.execute("DELETE FROM objects WHERE kind = 'role_membership' AND parent = ?", (row["id"],))


ROLES = Roles()


def _check_admin(context: Context) -> None:
    if level(context) < ADMIN:
        raise Forbidden("You need to have admin level or higher.")


def _role(context: Context) -> Data:
    role = context.store.get("role", context.param("role"), context.organization["id"])
    if role is None:
        raise NotFound()
    return role


def _show_role_member(context: Context, row: Data) -> Data:
    user = context.store.get("user", row["user_id"])
    assert user is not None
    member = membership(context.store, context.organization, user)
    return {
        "id": row["id"],
        "role_id": row["role_id"],
        "organization_member": show_member(context, member) if member else None,
        "user": user_basic(user),
        "joined_at": row["created_at"],
        "updated_at": row["created_at"],
    }


def list_role_members(context: Context) -> Any:
    rows = context.store.select("role_membership", _role(context)["id"])
    return whole([_show_role_member(context, row) for row in rows])


def add_role_member(context: Context) -> Any:
    """`{user_uuid}`."""
    role, wanted = _role(context), context.data.get("user_uuid")
    _check_admin(context)
    if wanted is None:
        raise Required("user_uuid")
    member = member_of(context, wanted)
    if member is None:
        raise Invalid("User does not exist.", "user_uuid")
    user = member["user_id"]
    if context.store.find("role_membership", f"{role['id']}/{user}"):
        raise Invalid("User is already part of the role.")
    row = {"id": str(uuid.uuid4()), "role_id": role["id"], "user_id": user, "created_at": timestamp()}
    context.store.put("role_membership", role["id"], row, natural=f"{role['id']}/{user}")
    activity.record(context, "Role", role["id"], "updated", role["name"], [])
    return Json(_show_role_member(context, row), 201)


def _membership(context: Context) -> Data:
    found = context.store.get("role_membership", context.param("id"), _role(context)["id"])
    if found is None:
        raise NotFound()
    return found


def show_role_member(context: Context) -> Any:
    return _show_role_member(context, _membership(context))


def remove_role_member(context: Context) -> Any:
    _check_admin(context)
    context.store.remove("role_membership", _membership(context)["id"])
    return Response(status_code=204)
