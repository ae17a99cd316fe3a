"""The asking user (`/api/users/@me/`) and personal API keys.

Trap: a personal API key may read itself (`@current`, or its id) and nothing else here; listing, making, changing,
rolling and deleting keys needs a browser session, else 403.
"""

import secrets
from dataclasses import replace
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.auth.guard import route
from sandbox.auth.identity import authenticate, create_key, hash_key, mask, membership
from sandbox.auth.scopes import OBJECTS
from sandbox.auth.users import user_basic
from sandbox.resources.organization.organizations import show_organization
from sandbox.resources.organization.projects import project_basic, show_project, visible_to
from sandbox.rest import activity, fields
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, endpoint, timestamp
from sandbox.wire.errors import Forbidden, Invalid, MethodNotAllowed, NotFound

MOST_KEYS = 10
SCOPE_ACTIONS = ("read", "write")
KEY_FIELDS = ("label", "scopes", "scoped_teams", "scoped_organizations")


def routes() -> list[BaseRoute]:
    """The routes of the asking user and of their keys."""
    keys = "/api/personal_api_keys"
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        route("/api/users/{user}", GET=(("user:read",), show_me), PATCH=(("user:write",), change_me)),
        Route(keys, endpoint(personal_keys), methods=methods),
        Route(keys + "/{key}", endpoint(personal_key), methods=methods),
        Route(keys + "/{key}/roll", endpoint(roll_key), methods=methods),
    ]


def _myself(context: Context) -> Data:
    if context.param("user") not in ("@me", context.user["uuid"]):
        raise NotFound()
    return context.user


def show_me(context: Context) -> Any:
    """`GET /api/users/@me/`: the user, the current organisation and project, and the organisations they are
    in.
    """
    user, store = _myself(context), context.store
    organization = context.organization = store.get("organization", user["current_organization"]) or {}
    context.project = store.get("project", user["current_project"]) or {}
    memberships = [
        store.parent_of("membership", row["id"])
        for row in store.select("membership", None, "json_extract(data, '$.user_id') = ?", [user["id"]])
    ]
    return {
        "date_joined": user["date_joined"],
        **user_basic(user),
        "pending_email": None,
        "notification_settings": {},
        "anonymize_data": False,
        "toolbar_mode": "toolbar",
        "has_password": True,
        "id": user["id"],
        "is_staff": user["is_staff"],
        "is_impersonated": None,
        "is_2fa_enabled": False,
        "has_social_auth": False,
        "has_sso_enforcement": False,
        "has_seen_product_intro_for": None,
        "scene_personalisation": [],
        "theme_mode": None,
        "events_column_config": {"active": "DEFAULT"},
        "team": show_project(context, context.project),
        "organization": show_organization(context, organization),
        "organizations": [
            {name: other[name] for name in ("id", "name", "slug", "logo_media_id")}
            for identifier in memberships
            if (other := store.get("organization", identifier))
        ],
        "projects": [project_basic(row) for row in visible_to(context, organization)],
    }


def change_me(context: Context) -> Any:
    """`PATCH /api/users/@me/`: the names, and which project and organisation are current."""
    user = dict(_myself(context))
    for name in ("first_name", "last_name", "role_at_organization"):
        if name in context.data:
            user[name] = fields.text(150)(context.data[name], name)
    if "set_current_team" in context.data:
        project = context.store.get("project", context.data["set_current_team"])
        organization = context.store.get("organization", project["organization"]) if project else None
        if project is None or organization is None or membership(context.store, organization, user) is None:
            raise Invalid(
                f"Object with id={context.data['set_current_team']} does not exist.",
                "set_current_team",
                "does_not_exist",
            )
        user["current_project"], user["current_organization"] = project["id"], organization["id"]
    context.store.put("user", "", user, natural=user["email"])
    assert context.identity is not None
    context.identity.user = user
    return show_me(context)


def show_key(key: Data, value: str | None = None) -> Data:
    """A key without its secret; the value stands only in the answer that made it."""
    return {
        "id": key["id"],
        "label": key["label"],
        "value": value,
        "mask_value": key["mask_value"],
        "created_at": key["created_at"],
        "last_used_at": key["last_used_at"],
        "user_id": key["user_id"],
        "scopes": key["scopes"] or ["*"],
        "scoped_teams": key["scoped_teams"],
        "scoped_organizations": key["scoped_organizations"],
        "last_rolled_at": key["last_rolled_at"],
        "expires_at": key.get("expires_at"),
    }


def _session_only(context: Context) -> None:
    if authenticate(context).key is not None:
        raise Forbidden("This action does not support Personal API Key access")


def personal_keys(context: Context) -> Any:
    """`GET` (a plain list, newest first) and `POST /api/personal_api_keys/`."""
    _session_only(context)
    if context.method == "GET":
        mine = context.store.select("personal_api_key", str(context.user["id"]), order="seq DESC")
        return [show_key(key) for key in mine]
    if context.method != "POST":
        raise MethodNotAllowed(context.method, "GET, POST")
    if context.store.count("personal_api_key", str(context.user["id"])) >= MOST_KEYS:
        raise Invalid(
            f"You can only have {MOST_KEYS} personal API keys. Remove an existing key before creating a new one."
        )
    values = _clean_key(context, context.data)
    key, value = create_key(context.store, context.user, **values)
    _log_key(context, key, "created", [])
    return Json(show_key(key, value), 201)


def _log_key(context: Context, key: Data, what: str, changes: list[activity.Change] | None) -> None:
    """An entry wherever the key gives access: in its projects, else in its organisations, else in all of its user's."""
    projects = [context.store.get("project", each) for each in key["scoped_teams"]]
    places = [(project["organization"], project) for project in projects if project]
    if not places:
        mine = context.store.select("membership", None, "natural LIKE ?", [f"%/{key['user_id']}"])
        parents = [context.store.parent_of("membership", each["id"]) for each in mine]
        places = [(each, {}) for each in key["scoped_organizations"] or parents]
    for organization, project in places:
        place = replace(context, organization={"id": organization}, project=project)
        activity.record(place, "PersonalAPIKey", key["id"], what, key["label"], changes)


def _clean_key(context: Context, data: Data) -> Data:
    for name in ("label", "scopes"):
        if name not in data:
            raise Invalid("This field is required.", name, "required")
    scopes = fields.items(fields.text(blank=False))(data["scopes"], "scopes")
    for scope in scopes:
        name, _, action = scope.partition(":")
        if scope != "*" and (name not in OBJECTS or action not in SCOPE_ACTIONS):
            raise Invalid(f"Invalid scope: {scope}", "scopes")
    teams = fields.items(fields.integer())(data.get("scoped_teams") or [], "scoped_teams")
    for team in teams:
        project = context.store.get("project", team)
        if project is None or membership(context.store, {"id": project["organization"]}, context.user) is None:
            raise Invalid("You must be a member of all teams that you are scoping the key to.", "scoped_teams")
    organizations = fields.items(fields.text())(data.get("scoped_organizations") or [], "scoped_organizations")
    for identifier in organizations:
        if membership(context.store, {"id": identifier}, context.user) is None:
            raise Invalid(
                "You must be a member of all organizations that you are scoping the key to.",
                "scoped_organizations",
            )
    return {
        "label": fields.text(40, blank=False)(data["label"], "label"),
        "scopes": scopes,
        "scoped_teams": teams,
        "scoped_organizations": organizations,
    }


def personal_key(context: Context) -> Any:
    """`GET|PATCH|DELETE /api/personal_api_keys/:id/`; a key may only `GET` itself, with any scopes."""
    own = authenticate(context).key
    if own is not None and context.method != "GET":
        raise Forbidden("This action does not support Personal API Key access")
    wanted = context.param("key")
    key = own if wanted == "@current" else context.store.get("personal_api_key", wanted, str(context.user["id"]))
    if key is None:
        raise NotFound()
    if own is not None and key["id"] != own["id"]:
        raise Forbidden("This action does not support Personal API Key access")
    if context.method == "GET":
        return show_key(key)
    if context.method == "PATCH":
        return _change_key(context, key)
    if context.method != "DELETE":
        raise MethodNotAllowed(context.method, "GET, PATCH, DELETE")
    context.store.remove("personal_api_key", key["id"])
    _log_key(context, key, "deleted", None)
    return Response(status_code=204)


def _change_key(context: Context, key: Data) -> Any:
    """What isn't sent stays; the value stays too."""
    kept = {name: key[name] for name in KEY_FIELDS}
    after = {**key, **_clean_key(context, {**kept, **context.data})}
    changes = activity.changes_between("PersonalAPIKey", key, after, [*KEY_FIELDS], frozenset())
    if changes:
        _log_key(context, after, "updated", changes)
    natural = context.store.execute(
        "SELECT natural FROM objects WHERE kind = 'personal_api_key' AND id = ?", (key["id"],)
    ).fetchone()[0]
    context.store.put("personal_api_key", str(key["user_id"]), after, natural=natural)
    return show_key(after)


def roll_key(context: Context) -> Any:
    """`POST /api/personal_api_keys/:id/roll/`: a new value; the old one stops working at once."""
    _session_only(context)
    key = context.store.get("personal_api_key", context.param("key"), str(context.user["id"]))
    if key is None or context.method != "POST":
        raise NotFound()
    value = "phx_" + secrets.token_hex(24)
    key.update(mask_value=mask(value), last_rolled_at=timestamp())
    context.store.put("personal_api_key", str(context.user["id"]), key, natural=hash_key(value))
    return show_key(key, value)
