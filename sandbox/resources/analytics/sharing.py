"""Public sharing of dashboards and insights (PostHog: posthog/api/sharing.py), scope `sharing_configuration`.

Traps: a GET answers an unsaved default, its access token a new random one each time, until sharing is first
    enabled;
unknown settings vanish, nulls too.
"""

import secrets
from typing import Any

from starlette.responses import Response

from sandbox.rest import activity
from sandbox.rest.fields import boolean, text
from sandbox.rest.resource import Action
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, timestamp
from sandbox.wire.errors import Answer, Forbidden, Invalid, NotFound

KIND = "sharing"
SETTINGS = frozenset(
    {
        "whitelabel",
        "noHeader",
        "showInspector",
        "legend",
        "detailed",
        "hideExtraDetails",
        "theme",
        "hideTitle",
        "hideDescription",
    }
)
LOGGED = {"dashboard": "Dashboard", "insight": "Insight"}


def actions(kind: str) -> list[Action]:
    """The calls below `:id/sharing/` of a kind."""
    read, write = ("sharing_configuration:read",), ("sharing_configuration:write",)
    return [
        Action("sharing", lambda context, row: _show(_stored(context, kind, row)), scopes=read),
        Action("sharing", lambda context, row: _change(context, kind, row), ("PATCH",), scopes=write),
        Action("sharing/refresh", lambda context, row: _refresh(context, kind, row), ("POST",), scopes=write),
        Action("sharing/passwords", lambda context, row: _add_password(context, kind, row), ("POST",), scopes=write),
        Action(
            "sharing/passwords/{password}",
            lambda context, row: _drop_password(context, kind, row),
            ("DELETE",),
            scopes=write,
        ),
    ]


def is_shared(context: Context, kind: str, row: Data) -> bool:
    found = context.store.get(KIND, f"{kind}/{row['id']}")
    return bool(found and found["enabled"])


def _stored(context: Context, kind: str, row: Data) -> Data:
    found = context.store.get(KIND, f"{kind}/{row['id']}")
    return found or {
        "id": f"{kind}/{row['id']}",
        "created_at": None,
        "enabled": False,
        "access_token": secrets.token_urlsafe(22),
        "settings": None,
        "password_required": False,
        "share_passwords": [],
    }


def _show(stored: Data) -> Data:
    return {
        name: stored[name]
        for name in ("created_at", "enabled", "access_token", "settings", "password_required", "share_passwords")
    }


def _put(context: Context, stored: Data) -> None:
    stored["created_at"] = stored["created_at"] or timestamp()
    context.store.put(KIND, str(context.project["id"]), stored, natural=stored["access_token"])


def _change(context: Context, kind: str, row: Data) -> Any:
    stored, data = _stored(context, kind, row), context.data
    was = stored["enabled"]
    if "enabled" in data:
        stored["enabled"] = boolean(data["enabled"], "enabled")
        if stored["enabled"] and not context.organization["allow_publicly_shared_resources"]:
            raise Forbidden("Public sharing is disabled for this organization.")
    if "settings" in data:
        sent = data["settings"]
        if sent is not None and not isinstance(sent, dict):
            raise Invalid("Invalid settings format", "settings")
        stored["settings"] = (
            {name: value for name, value in (sent or {}).items() if name in SETTINGS and value is not None}
            if sent is not None
            else None
        )
    if "password_required" in data:
        stored["password_required"] = boolean(data["password_required"], "password_required")
        if stored["password_required"] and not context.settings.advanced_permissions:
            raise Answer(403, {"error": "Sharing with password requires the Advanced Permissions feature"})
    _put(context, stored)
    if was != stored["enabled"]:
        what = "sharing enabled" if stored["enabled"] else "sharing disabled"
        activity.record(context, LOGGED[kind], row["id"], what, row["name"], [])
    return _show(stored)


def _refresh(context: Context, kind: str, row: Data) -> Any:
    """A new access token; the old one stops working."""
    stored = {**_stored(context, kind, row), "access_token": secrets.token_urlsafe(22)}
    _put(context, stored)
    return _show(stored)


def _add_password(context: Context, kind: str, row: Data) -> Any:
    if not context.settings.advanced_permissions:
        raise Answer(403, {"error": "Sharing with password requires the Advanced Permissions feature"})
    stored = _stored(context, kind, row)
    raw = context.data.get("raw_password")
    if raw is not None and len(text()(raw, "raw_password")) < 8:
        raise Invalid("Password must be at least 8 characters long.", "raw_password")
    raw = raw or secrets.token_urlsafe(12)
    shown = {
        "id": context.store.next_id("share_password"),
        "created_at": timestamp(),
        "note": context.data.get("note", ""),
        "created_by_email": context.user["email"],
        "is_active": True,
    }
    stored["share_passwords"].append(shown)
    _put(context, stored)
    return Json({**shown, "password": raw}, 201)


def _drop_password(context: Context, kind: str, row: Data) -> Any:
    stored = _stored(context, kind, row)
    kept = [each for each in stored["share_passwords"] if str(each["id"]) != context.param("password")]
    if len(kept) == len(stored["share_passwords"]):
        raise NotFound()
    stored["share_passwords"] = kept
    _put(context, stored)
    return Response(status_code=204)
