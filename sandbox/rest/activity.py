"""PostHog's activity log: one entry for every change, who, what, before and after."""

import json
import uuid
from typing import Any

from sandbox.auth.users import show_user
from sandbox.rest.listing import LARGEST, page_bounds, positive
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import NotFound

Change = dict[str, Any]
EMPTY: tuple[Any, ...] = (None, "", [], {})  # a Django column's `empty_values`
RELATIONS = frozenset({"tags"})
# Fields that are called otherwise in the log.
NAMES = {
    ("Action", "steps"): "steps_json",
    ("HogFunction", "execution_order"): "priority",
    ("Organization", "name"): "organization name",
    ("Organization", "enforce_2fa"): "two-factor authentication requirement",
    ("Organization", "members_can_invite"): "member invitation permissions",
    ("Organization", "members_can_create_projects"): "member project creation permissions",
    ("Organization", "members_can_use_personal_api_keys"): "personal API key permissions",
    ("Organization", "allow_publicly_shared_resources"): "public sharing permissions",
    ("Organization", "is_member_join_email_enabled"): "member join email notifications",
    ("Organization", "session_cookie_age"): "session cookie age",
    ("Organization", "default_experiment_stats_method"): "default experiment stats method",
    ("Organization", "is_ai_data_processing_approved"): "third-party AI services",
}


def changes_between(scope: str, before: Data, after: Data, names: list[str], masked: frozenset[str]) -> list[Change]:
    """The changes of the named fields, in PostHog's shape; equal fields are left out.

    What is empty is null here, and from one empty value to another nothing changed; tags are no column, and empty ones
    an empty list.
    """
    changes: list[Change] = []
    for name in names:
        old, new = (each.get(name) for each in (before, after))
        if name not in RELATIONS:
            old, new = (None if each in EMPTY else each for each in (old, new))
        if old == new:
            continue
        action = "created" if old is None else "deleted" if new is None else "changed"
        if name in masked:
            old, new = (None if each is None else "masked" for each in (old, new))
        shown = NAMES.get((scope, name), name)
        changes.append({"type": scope, "action": action, "field": shown, "before": old, "after": new})
    return changes


def record(
    context: Context,
    scope: str,
    item_id: object,
    activity: str,
    name: str | None,
    changes: list[Change] | None = None,
    /,
    by: int | None = None,
    **detail: Any,
) -> None:
    """Write an entry by the asking user (or the system, when nobody asks) in the project or organisation at hand; `by`
    is the id of another user that it names instead.
    """
    now = timestamp()
    user = context.identity.user if context.identity else None
    team = context.project.get("id")
    entry: Data = {
        "id": str(uuid.uuid4()),
        "user": by or user["id"] if user else None,
        "organization_id": context.organization.get("id"),
        "team_id": team,
        "client": context.request.headers.get("x-posthog-client") or None,
        "ip_address": context.request.client.host if context.request.client else None,
        "was_impersonated": False,
        "is_system": user is None,
        "activity": activity,
        "item_id": str(item_id),
        "scope": scope,
        "detail": {
            "id": None,
            "name": name,
            "short_id": None,
            "type": None,
            "changes": changes,
            "trigger": context.memo.get("trigger"),
            "context": None,
            **detail,
        },
        "created_at": now,
    }
    context.store.execute(
        "INSERT INTO activity (project, organization, scope, item_id, user_id, created_at, entry)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            None if team is None else str(team),
            entry["organization_id"] or "",
            scope,
            str(item_id),
            entry["user"],
            now,
            json.dumps(entry, ensure_ascii=False, separators=(",", ":")),
        ),
    )


def select(context: Context, where: str, parameters: list[Any], limit: int, offset: int = 0) -> list[Data]:
    """Entries for which the SQL condition holds, newest first."""
    rows = context.store.execute(
        f"SELECT entry FROM activity WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?", (*parameters, limit, offset)
    ).fetchall()
    found = [json.loads(row[0]) for row in rows]
    return [{**entry, "user": show_user(context, entry["user"]), "unread": False} for entry in found]


def object_activity(context: Context, scope: str, item_id: str | None) -> Data:
    """`GET …/:id/activity/?page&limit`: `{results, next, previous, total_count}`, ten per page by default; of all
    objects of the scope, without an id.
    """
    limit = positive(context.query.get("limit"), 10)
    page = positive(context.query.get("page"), 1)
    where, parameters = "project = ? AND scope = ?", [str(context.project["id"]), scope]
    if item_id is not None:
        where, parameters = where + " AND item_id = ?", [*parameters, item_id]
    total = context.store.execute(f"SELECT count(*) FROM activity WHERE {where}", parameters).fetchone()[0]
    path = context.request.scope["sandbox.path"]

    def link(number: int) -> str:
        return context.url(f"{path}?page={number}&limit={limit}")

    return {
        "results": select(context, where, parameters, limit, (page - 1) * limit),
        "next": link(page + 1) if page * limit < total else None,
        "previous": link(page - 1) if page > 1 else None,
        "total_count": total,
    }


def project_activity(context: Context) -> Data:
    """`GET /api/projects/:id/activity_log/?scope&scopes&item_id&page_size&cursor`."""
    where, parameters = _of_project(context)
    query = context.query
    scopes = context.request.query_params.getlist("scopes")
    scopes = [scope for part in scopes for scope in part.split(",")] or ([query["scope"]] if "scope" in query else [])
    if scopes:
        where += f" AND scope IN ({','.join('?' * len(scopes))})"
        parameters += scopes
    if "item_id" in query:
        where, parameters = where + " AND item_id = ?", [*parameters, query["item_id"]]
    size = min(positive(query.get("page_size"), 100), 1000)
    cursor = query.get("cursor")
    try:
        offset = min(int(cursor, 16), LARGEST) if cursor else 0
    except ValueError as error:
        raise NotFound("Invalid cursor") from error
    found = select(context, where, parameters, size + 1, offset)
    links: Data = {"next": None, "previous": None}
    if len(found) > size:
        links["next"] = page_bounds(context, {"cursor": format(offset + size, "x")})
    if offset:
        links["previous"] = page_bounds(context, {"cursor": format(max(offset - size, 0), "x")})
    return {**links, "results": found[:size]}


def _of_project(context: Context) -> tuple[str, list[Any]]:
    """The condition for a project's entries; its organisation's count too where the project asks for them."""
    own = [str(context.project["id"])]
    if not context.project.get("receive_org_level_activity_logs"):
        return "project = ?", own
    return "(project = ? OR (project IS NULL AND organization = ?))", [*own, context.organization["id"]]
