"""The organisation and its members.

Traps: members have no GET by id, and the id in the URL is the user's uuid, not the membership's; granting ownership
takes it from the present owner.
"""

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.auth.identity import ADMIN, MEMBER, OWNER, level, membership
from sandbox.auth.users import user_basic
from sandbox.resources.organization import tenancy
from sandbox.resources.organization.projects import project_basic, visible_to
from sandbox.rest import activity, fields
from sandbox.rest.listing import column, limit_and_offset, next_links, whole
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Forbidden, Invalid, NotFound

INSUFFICIENT = "Your organization access level is insufficient."


def routes() -> list[BaseRoute]:
    """The routes of organisations and their members."""
    read, write = ("organization:read",), ("organization:write",)
    member_read, member_write = ("organization_member:read",), ("organization_member:write",)
    return [
        route("/api/organizations", GET=(read, list_all)),
        route("/api/organizations/{organization}", GET=(read, retrieve), PATCH=(write, update), PUT=(write, update)),
        route("/api/organizations/{organization}/members", GET=(member_read, list_members)),
        route(
            "/api/organizations/{organization}/members/{user}",
            PATCH=(member_write, change_member),
            DELETE=(member_write, remove_member),
        ),
    ]


def show_organization(context: Context, organization: Data) -> Data:
    """The organisation with its projects and what the asking user is in it."""
    store = context.store
    found = membership(store, organization, context.user)
    projects = [project_basic(row) for row in visible_to(context, organization)]
    return {
        **organization,
        "membership_level": found["level"] if found else None,
        "plugins_access_level": 9,
        "teams": projects,
        "projects": [{name: project[name] for name in ("id", "organization", "name")} for project in projects],
        "available_product_features": [],
        "member_count": store.count("membership", organization["id"]),
    }


def list_all(context: Context) -> Any:
    """The organisations that the asking user is a member of."""
    rows = [
        row
        for row in context.store.select("organization", "")
        if membership(context.store, row, context.user) is not None
    ]
    return whole([show_organization(context, row) for row in rows])


def retrieve(context: Context) -> Any:
    return show_organization(context, context.organization)


def update(context: Context) -> Any:
    """Write settings; for admins. Unknown and read-only fields are ignored."""
    if level(context) < ADMIN:
        raise Forbidden(INSUFFICIENT)
    before, after = context.organization, dict(context.organization)
    for name, value in context.data.items():
        if name == "name":
            after[name] = fields.text(64, blank=False)(value, name)
        elif name == "default_experiment_stats_method":
            after[name] = fields.choice("bayesian", "frequentist")(value, name)
        elif name in tenancy.ORGANIZATION_SETTINGS:
            known = tenancy.ORGANIZATION_SETTINGS[name]
            after[name] = fields.boolean(value, name) if isinstance(known, bool) else value
    changes = activity.changes_between(
        "Organization", before, after, ["name", *tenancy.ORGANIZATION_SETTINGS], frozenset()
    )
    if changes:
        after["updated_at"] = timestamp()
        activity.record(context, "Organization", after["id"], "updated", after["name"], changes)
    context.store.put("organization", "", after)
    context.organization = after
    return show_organization(context, after)


def show_member(context: Context, member: Data) -> Data:
    """A membership with its user; `id` is the membership's, the URL takes the user's uuid."""
    user = context.store.get("user", member["user_id"])
    assert user is not None
    return {
        "id": member["id"],
        "user": user_basic(user),
        "level": member["level"],
        "joined_at": member["joined_at"],
        "updated_at": member["updated_at"],
        "is_2fa_enabled": False,
        "has_social_auth": False,
        "last_login": user["last_login"],
    }


def list_members(context: Context) -> Any:
    """The members, newest first."""
    organization = context.organization["id"]
    limit, offset = limit_and_offset(context, 100)
    total = context.store.count("membership", organization)
    rows = context.store.select("membership", organization, order="seq DESC", limit=limit, offset=offset)
    return {
        "count": total,
        **next_links(context, total, limit, offset),
        "results": [show_member(context, row) for row in rows],
    }


def member_of(context: Context, user: str) -> Data | None:
    """The membership of the user with that uuid."""
    rows = context.store.select("membership", context.organization["id"], f"{column('user_uuid')} = ?", [user])
    return rows[0] if rows else None


def _member(context: Context) -> Data:
    asked = context.param("user")
    found = member_of(context, context.user["uuid"] if asked == "@me" else asked)
    if found is None:
        raise NotFound()
    return found


def _put(context: Context, member: Data) -> None:
    organization = context.organization["id"]
    context.store.put("membership", organization, member, natural=f"{organization}/{member['user_id']}")


def change_member(context: Context) -> Any:
    """`PATCH …/members/:user_uuid/ {level}`. Making somebody the owner makes the present owner an admin."""
    member, mine = _member(context), level(context)
    wanted = fields.choice(MEMBER, ADMIN, OWNER)(context.data.get("level", member["level"]), "level")
    if mine < ADMIN:
        raise Forbidden(INSUFFICIENT)
    if member["user_id"] == context.user["id"]:
        raise Forbidden("You can't change your own access level.")
    if wanted == OWNER and mine < OWNER:
        raise Forbidden("You can only pass on organization ownership if you're its owner.")
    if member["level"] > mine:
        raise Forbidden("You can only edit others with level lower or equal to you.")
    if wanted == OWNER:
        own = membership(context.store, context.organization, context.user)
        assert own is not None
        _put(context, {**own, "level": ADMIN, "updated_at": timestamp()})
    after = {**member, "level": wanted, "updated_at": timestamp()}
    _put(context, after)
    changes = activity.changes_between("OrganizationMembership", member, after, ["level"], frozenset())
    if changes:
        activity.record(context, "OrganizationMembership", member["id"], "updated", None, changes)
    return show_member(context, after)


def remove_member(context: Context) -> Any:
    """`DELETE …/members/:user_uuid/`; the owner can't be removed."""
    member = _member(context)
    if level(context) < ADMIN and member["user_id"] != context.user["id"]:
        raise Forbidden(INSUFFICIENT)
    if member["level"] == OWNER:
        raise Invalid("Cannot remove the organization owner.")
    context.store.remove("membership", member["id"])
    activity.record(context, "OrganizationMembership", member["id"], "deleted", None)
    return Response(status_code=204)
