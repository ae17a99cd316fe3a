"""The asking user (`/api/users/@me/`) and their personal API keys.

Trap: a personal API key may read itself (`@current`, or its id) and no other, else 403. Keys are made at
`/_sandbox/keys`, the substitute for PostHog's page.
"""

from typing import Any

from starlette.routing import BaseRoute, Route

from sandbox.auth.guard import route
from sandbox.auth.identity import authenticate
from sandbox.auth.users import user_basic
from sandbox.resources.organization.organizations import show_organization
from sandbox.resources.organization.projects import project_basic, show_project, visible_to
from sandbox.storage.store import Data
from sandbox.wire.context import Context, endpoint
from sandbox.wire.errors import Forbidden, NotFound


def routes() -> list[BaseRoute]:
    """The routes of the asking user and of their keys."""
    return [
        route("/api/users/{user}", GET=(("user:read",), show_me)),
        Route("/api/personal_api_keys/{key}", endpoint(show_own_key)),
    ]


def _myself(context: Context) -> Data:
    if context.param("user") not in ("@me", context.user["uuid"]):
        raise NotFound()
    return context.user


def show_me(context: Context) -> Any:
    """`GET /api/users/@me/`: the user, the current organisation and project, and the organisations they are in."""
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


def show_own_key(context: Context) -> Any:
    """`GET /api/personal_api_keys/:id/`: a key itself, with any scopes, without its secret."""
    own = authenticate(context).key
    if own is None or context.param("key") not in ("@current", own["id"]):
        raise Forbidden("This action does not support Personal API Key access")
    return {**own, "value": None, "scopes": own["scopes"] or ["*"], "expires_at": own.get("expires_at")}
