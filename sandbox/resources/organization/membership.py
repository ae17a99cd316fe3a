"""An organisation's invites, roles, role memberships, domains and proxy records (reference 10.3 to 10.5)."""

import hashlib
import re
import secrets
import uuid
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.auth.identity import ADMIN, level, membership
from sandbox.auth.users import user_basic
from sandbox.resources.organization.organizations import INSUFFICIENT, show_member
from sandbox.rest import activity
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    UPDATED_AT,
    Field,
    boolean,
    choice,
    items,
    mapping,
    read_only,
    text,
    write_only,
)
from sandbox.rest.listing import column
from sandbox.rest.resource import CRUD, Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, parse_json, timestamp
from sandbox.wire.errors import Answer, Forbidden, Invalid, NotFound

MOST_INVITES = 20  # in one request
DOMAIN = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}")
NEED_VERIFICATION = ("jit_provisioning_enabled", "sso_enforcement")
MOST_PROXIES = 2


def routes() -> list[BaseRoute]:
    read, write = ("organization:read",), ("organization:write",)
    base = "/api/organizations/{organization}/roles/{role}/role_memberships"
    return [
        route(base, GET=(read, list_role_members), POST=(write, add_role_member)),
        route(base + "/{id}", GET=(read, show_role_member), DELETE=(write, remove_role_member)),
    ]


class Invites(Resource):
    """Traps: no PATCH; the domain part of the address is lower-cased; `send_email` isn't stored."""

    kind, collection, scope, log_scope = ("invite", "invites", "organization_member", "OrganizationInvite")
    life, identifier, parent = Life.HARD, "uuid", "organization"
    operations = CRUD - {"update", "retrieve"}
    order = "created_at DESC"
    search = ("target_email",)
    fields = (
        ID,
        Field("target_email", text(254, blank=False), required=True),
        Field("first_name", text(30), default=""),
        read_only("emailing_attempt_made", False),
        Field("level", choice(1, 8, 15), default=1),
        read_only("is_expired", False),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
        Field("message", text(), null=True),
        Field("private_project_access", items(mapping), null=True),
        write_only("send_email", boolean),
        write_only("combine_pending_invites", boolean),
    )

    def authorize_write(self, context: Context) -> None:
        if level(context) < ADMIN and not context.organization["members_can_invite"]:
            raise Forbidden(INSUFFICIENT)

    def actions(self) -> list[Action]:
        return [Action("bulk", self._bulk, ("POST",), detail=False)]

    def _bulk(self, context: Context) -> Any:
        """`[invite, …]` -> 201 with all of them; if one is refused, none is made."""
        sent = parse_json(context.raw, context.request.headers.get("content-type", ""))
        if not isinstance(sent, list):
            raise Invalid("This endpoint needs an array of data for bulk invite creation.")
        if len(sent) > MOST_INVITES:
            raise Invalid(f"A maximum of {MOST_INVITES} invites can be sent in a single request.", code="max_length")
        made = [
            self.insert(context, self.clean(each if isinstance(each, dict) else {}, creating=True)) for each in sent
        ]
        return Json([self.show_written(context, each) for each in made], 201)

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        local, at, domain = values["target_email"].rpartition("@")
        if not (local and at and "." in domain):
            raise Invalid("Enter a valid email address.", "target_email")
        values["target_email"] = f"{local}@{domain.lower()}"
        user = context.store.find("user", values["target_email"].lower())
        if user is not None and membership(context.store, context.organization, user) is not None:
            raise Invalid("A user with this email address already belongs to the organization.", "target_email")
        if values.get("level", 1) > level(context):
            raise Forbidden("You cannot invite to a higher permission level than your own.")
        return {**super().prepare(context, values, before), "emailing_attempt_made": values.get("send_email", True)}

    def label(self, row: Data) -> str | None:
        return str(row["target_email"])


INVITES = Invites()


class Roles(Resource):
    """Traps: a name is unique in the organisation whatever its case; nobody is noted as the author of a role that
    is made over the API (PostHog: products/access_control/backend/presentation/role.py, 2026-09).
    """

    kind, collection, scope, log_scope = "role", "roles", "organization", "Role"
    life, identifier, parent, admin_only = Life.HARD, "uuid", "organization", True
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
        same = context.store.find(self.kind, values.get("name", "").lower(), self.parent_id(context))
        if same is not None and (before is None or same["id"] != before["id"]):
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
    return {
        "count": len(rows),
        "next": None,
        "previous": None,
        "results": [_show_role_member(context, row) for row in rows],
    }


def add_role_member(context: Context) -> Any:
    """`{user_uuid}`."""
    role, wanted = _role(context), context.data.get("user_uuid")
    _check_admin(context)
    if wanted is None:
        raise Invalid("This field is required.", "user_uuid", "required")
    members = context.store.select(
        "membership", context.organization["id"], "json_extract(data, '$.user_uuid') = ?", [wanted]
    )
    if not members:
        raise Invalid("User does not exist.", "user_uuid")
    user = members[0]["user_id"]
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


class Domains(Resource):
    """Traps: `jit_provisioning_enabled` and `sso_enforcement` need a verified domain; a POST ignores them, a PATCH is
    refused for naming them.
    """

    kind, collection, scope, log_scope = "domain", "domains", "organization", "OrganizationDomain"
    life, identifier, parent, admin_only = Life.HARD, "uuid", "organization", True
    search = ("domain",)
    order = column("domain")
    fields = (
        ID,
        Field("domain", text(128, blank=False), required=True),
        read_only("is_verified", False),
        read_only("verified_at"),
        read_only("verification_challenge"),
        Field("jit_provisioning_enabled", boolean, default=False),
        Field("sso_enforcement", choice("", "google-oauth2", "github", "gitlab", "saml"), default=""),
        read_only("has_saml", False),
        Field("saml_entity_id", text(512), null=True),
        Field("saml_acs_url", text(512), null=True),
        Field("saml_x509_cert", text(), null=True),
    )

    def label(self, row: Data) -> str | None:
        return str(row["domain"])

    def natural(self, row: Data) -> str | None:
        return str(row["domain"])

    def actions(self) -> list[Action]:
        return [Action("verify", self._verify, ("POST",))]

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if "domain" in values:
            self._check_domain(context, values["domain"], before)
        for name in NEED_VERIFICATION:
            if before is None:
                values.pop(name, None)
            elif name in values and not before["verified_at"]:
                raise Invalid(
                    "This attribute cannot be updated until the domain is verified.", name, "verification_required"
                )
        if before is None:
            values["verification_challenge"] = secrets.token_urlsafe(32)
        row = super().prepare(context, values, before)
        return {**row, "has_saml": bool(row["saml_entity_id"] and row["saml_acs_url"] and row["saml_x509_cert"])}

    def _check_domain(self, context: Context, domain: str, before: Data | None) -> None:
        same = context.store.find(self.kind, domain)
        if same is not None and (before is None or same["id"] != before["id"]):
            raise Invalid("organization domain with this domain already exists.", "domain", "unique")
        if not DOMAIN.fullmatch(domain):
            raise Invalid("Please enter a valid domain or subdomain name.", "domain")

    def _verify(self, context: Context, row: Data) -> Any:
        """The sandbox has no DNS: a domain whose name starts with `verified.` counts as verified."""
        if row["is_verified"]:
            raise Invalid("This domain has already been verified.", None, "already_verified")
        if row["domain"].startswith("verified."):
            row = {**row, "is_verified": True, "verified_at": timestamp()}
            self.store(context, row)
        return self.show(context, row)


DOMAINS = Domains()


class ProxyRecords(Resource):
    """Managed reverse proxies: only the domain is chosen. Traps: the list has no pages but says how many there may be;
    DELETE answers 200 with a body; `created_by` is a number.
    """

    kind, collection, scope, log_scope = "proxy_record", "proxy_records", "organization", None
    life, identifier, parent, admin_only = Life.HARD, "uuid", "organization", True
    operations = CRUD - {"update"}
    fields = (
        ID,
        Field("domain", text(64, blank=False), required=True),
        read_only("target_cname"),
        read_only("status", "waiting"),
        read_only("message"),
        CREATED_AT,
        UPDATED_AT,
        read_only("created_by"),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if context.store.count(self.kind, self.parent_id(context)) >= MOST_PROXIES:
            raise Answer(400, {"detail": f"Maximum of {MOST_PROXIES} proxy records per organization."})
        row = super().prepare(context, values, before)
        digest = hashlib.sha256(f"{context.organization['id']}{row['domain']}".encode()).hexdigest()
        return {**row, "target_cname": f"{digest[:20]}.proxy.example.com"}

    def destroy(self, context: Context, row: Data) -> Any:
        self.delete(context, row)
        return {"success": True}

    def list(self, context: Context) -> Any:
        rows = context.store.select(self.kind, self.parent_id(context), order="created_at DESC")
        return {"results": [self.show(context, row) for row in rows], "max_proxy_records": MOST_PROXIES}


PROXY_RECORDS = ProxyRecords()
