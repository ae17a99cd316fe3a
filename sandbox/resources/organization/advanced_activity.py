"""The activity log of a project, searched: `advanced_activity_logs/` (PostHog: posthog/api/advanced_activity_logs/).

Traps: it holds the organisation's own entries only where the project's settings say so; filters of arrays look at their
first five elements.
"""

import json
from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth import access
from sandbox.auth.guard import route
from sandbox.auth.users import show_user
from sandbox.rest import activity
from sandbox.rest.fields import boolean, items, moment
from sandbox.rest.fields import uuid as uuid_text
from sandbox.rest.listing import joined
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

OPERATIONS = ("contains", "exact", "in")
SEEN_ELEMENTS = 5
LISTS = {
    "scopes": "scope",
    "activities": "json_extract(entry, '$.activity')",
    "clients": "json_extract(entry, '$.client')",
    "item_ids": "item_id",
}
Where = tuple[str, list[Any]]


def routes() -> list[BaseRoute]:
    """The search, and what there is to search by."""
    read, base = ("activity_log:read",), "/api/projects/{project}/advanced_activity_logs"
    return [route(base, GET=(read, _list)), route(f"{base}/available_filters", GET=(read, _available))]


def _of_project(context: Context) -> Where:
    access.check_kind(context, "activity_log", access.VIEWER)
    return activity.of_project(context)


def _list(context: Context) -> Any:
    conditions = [_of_project(context), *_filters(context)]
    where, values = joined(conditions)
    wanted = _detail_filters(context)
    if wanted:
        rows = context.store.execute(f"SELECT seq, entry FROM activity WHERE {where}", values).fetchall()
        found = [row[0] for row in rows if all(_holds(json.loads(row[1])["detail"], *each) for each in wanted)]
        where, values = f"seq IN ({','.join('?' * len(found))})", found
    return activity.pages(context, where, values)


def _filters(context: Context) -> list[Where]:
    """The conditions of the query's parameters; lists are repeated, parted by commas or written in JSON."""
    query = context.query
    found: list[Where] = []
    for name, compare in (("start_date", ">="), ("end_date", "<=")):
        if query.get(name):
            found.append((f"created_at {compare} ?", [moment(query[name], name)]))
    users: list[Any] = [uuid_text(each, "users") for each in _several(context, "users")]
    if users:
        known = f"SELECT id FROM objects WHERE kind = 'user' AND json_extract(data, '$.uuid') IN ({_marks(users)})"
        found.append((f"CAST(user_id AS TEXT) IN ({known})", users))
    for name, expression in LISTS.items():
        values = _several(context, name)
        if values:
            found.append((f"{expression} IN ({_marks(values)})", values))
    addresses = _several(context, "ip_addresses")
    if addresses:
        anyone = " OR ".join("json_extract(entry, '$.ip_address') GLOB ?" for _ in addresses)
        found.append((f"({anyone})", addresses))
    for name in ("was_impersonated", "is_system"):
        if query.get(name):
            found.append((f"json_extract(entry, '$.{name}') = ?", [boolean(query[name], name)]))
    if query.get("search_text"):
        found.append(("instr(lower(json_extract(entry, '$.detail')), ?)", [query["search_text"].lower()]))
    return found


def _marks(values: list[Any]) -> str:
    return ",".join("?" * len(values))


def _several(context: Context, name: str) -> list[Any]:
    found: list[Any] = []
    for text in context.request.query_params.getlist(name):
        found += [str(each) for each in items()(_json(text, name), name)] if text.startswith("[") else text.split(",")
    return [each for each in found if each]


def _json(text: str, attr: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid("Value must be valid JSON.", attr) from error


def _detail_filters(context: Context) -> list[tuple[str, str, Any]]:
    """`?detail_filters={path: {operation, value}}` as path, operation and value."""
    attr = "detail_filters"
    sent = _json(context.query.get(attr) or "{}", attr)
    if not isinstance(sent, dict):
        raise Invalid("detail_filters must be an object.", attr)
    found = []
    for path, wanted in sent.items():
        if not isinstance(wanted, dict):
            raise Invalid(f"Detail filter '{path}' must be an object.", attr)
        operation = wanted.get("operation", "exact")
        if operation not in OPERATIONS:
            raise Invalid(
                f"Unsupported detail filter operation '{operation}'. Allowed operations: {', '.join(OPERATIONS)}.", attr
            )
        if "__" in path:
            raise Invalid(f"Detail filter field path '{path}' contains '__'.", attr)
        if not all(path.replace("[]", "").split(".")):
            raise Invalid(f"Detail filter field path '{path}' has an empty segment.", attr)
        if wanted.get("value") is not None:
            found.append((path, operation, wanted["value"]))
    return found


def _holds(detail: Data, path: str, operation: str, value: Any) -> bool:
    """Whether one of the values at the path is the wanted one, whatever its type."""
    texts = [_text(each) for each in _at(detail, path.split("."))]
    if operation == "contains":
        return any(_text(value).lower() in text.lower() for text in texts)
    wanted = {_text(each) for each in (value if isinstance(value, list) else [value])}
    return any(text in wanted for text in texts)


def _at(value: Any, path: list[str]) -> list[Any]:
    if not path:
        return [value]
    name, array = path[0].removesuffix("[]"), path[0].endswith("[]")
    inner = value.get(name) if isinstance(value, dict) else None
    if array:
        elements = inner[:SEEN_ELEMENTS] if isinstance(inner, list) else []
        return [found for element in elements for found in _at(element, path[1:])]
    return _at(inner, path[1:])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _available(context: Context) -> Any:
    """What there is to filter by: users, scopes, activities, clients, and the paths in the details."""
    where, values = _of_project(context)
    rows = context.store.execute(f"SELECT entry FROM activity WHERE {where}", values).fetchall()
    entries = [json.loads(row[0]) for row in rows]
    users = [show_user(context, each) for each in sorted({e["user"] for e in entries if e["user"] is not None})]
    named = {name: sorted({e[name] for e in entries if e.get(name)}) for name in ("scope", "activity", "client")}
    return {
        "static_filters": {
            "users": [{"value": user["uuid"], "label": _name(user)} for user in users if user],
            "scopes": [{"value": each} for each in named["scope"]],
            "activities": [{"value": each} for each in named["activity"]],
            "clients": [{"value": each} for each in named["client"]],
        },
        "detail_fields": _paths(entries),
    }


def _name(user: Data) -> str:
    return f"{user['first_name']} {user['last_name']}".strip() or str(user["email"])


def _paths(entries: list[Data]) -> Data:
    """The paths of every scope's details with the types of their values."""
    found: dict[str, dict[str, set[str]]] = {}
    for entry in entries:
        for path, kind in _walk(entry["detail"], ""):
            found.setdefault(entry["scope"], {}).setdefault(path, set()).add(kind)
    found["General"] = {f"changes[].{name}": {"string"} for name in ("type", "action", "field")} | {
        f"changes[].{name}": {"any"} for name in ("before", "after")
    }
    return {
        scope: {"fields": [{"name": path, "types": sorted(kinds)} for path, kinds in paths.items()]}
        for scope, paths in found.items()
    }


TYPES = {dict: "object", list: "array", bool: "boolean", int: "number", float: "number", str: "string"}


def _walk(value: Any, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{prefix}.{name}" if prefix else name
            found += [(path, TYPES.get(type(inner), "null")), *_walk(inner, path)]
    elif isinstance(value, list):
        for inner in value[:10]:
            if inner is not None:
                found += [(prefix + "[]", TYPES[type(inner)]), *_walk(inner, prefix + "[]")]
    return found
