"""The calls on many feature flags at once. They skip what they can't do and say why; none refuses as a whole."""

import json
from typing import Any

from sandbox.resources.flags import flag_dependencies, flag_lists
from sandbox.resources.flags.flag_rollout import active_variant, rollout
from sandbox.rest import activity
from sandbox.rest.listing import joined
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Answer

FILTERS = frozenset(
    "active archived created_by_id evaluation_runtime excluded_properties excluded_tags has_evaluation_contexts search"
    " tags type".split()
)


def actions(flags: Resource) -> list[Action]:
    """The calls on many flags at once."""
    read = ("feature_flag:read",)
    return [
        Action("bulk_keys", lambda context: _keys(flags, context), ("POST",), scopes=read, detail=False),
        Action("bulk_delete", lambda context: _delete(flags, context), ("POST",), detail=False),
    ]


def _number(identifier: Any) -> int | None:
    if isinstance(identifier, int):
        return int(identifier)
    return int(identifier) if isinstance(identifier, str) and identifier.isdigit() else None


def _ids(context: Context) -> list[Any]:
    ids = context.data.get("ids") or []
    return ids if isinstance(ids, list) else [ids]


def _keys(flags: Resource, context: Context) -> Any:
    """`{ids}` -> `{keys: {id: key}, warning?}`, deleted flags included; what isn't an id is named in the warning."""
    ids = _ids(context)
    if not ids:
        return {"keys": {}}
    wrong = [each for each in ids if _number(each) is None]
    if len(wrong) == len(ids):
        raise Answer(400, {"error": "Invalid flag IDs provided"})
    found = [
        context.store.get(flags.kind, _number(each), flags.parent_id(context)) for each in ids if each not in wrong
    ]
    warning = {"warning": f"Invalid flag IDs ignored: {wrong}"} if wrong else {}
    return {**warning, "keys": {str(row["id"]): row["key"] for row in found if row is not None}}


def _matching(flags: Resource, context: Context, query: dict[str, str]) -> list[Data]:
    """The flags that the list with these query parameters would show, on all its pages."""
    conditions = flag_lists.conditions(query)
    if query.get("search"):
        conditions.append(flags.matching(query["search"]))
    return context.store.select(flags.kind, flags.parent_id(context), *joined(conditions))


def _delete(flags: Resource, context: Context) -> Any:
    """`{ids}` or `{filters}` -> `{deleted, errors}`."""
    filters, ids = context.data.get("filters") or {}, _ids(context)
    if filters and ids:
        raise Answer(400, {"error": "Provide either filters or ids, not both"})
    if not filters and not ids:
        raise Answer(400, {"error": "Must provide either filters or ids"})
    errors: list[Data] = []
    if filters:
        unknown = sorted(set(filters) - FILTERS)
        if unknown:
            raise Answer(400, {"error": f"Unknown filter keys: {', '.join(unknown)}"})
        query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in filters.items()}
        rows = _matching(flags, context, query)
    else:
        rows = _named(flags, context, ids, errors)
    blocked = {row["id"]: _obstacle(context, row) for row in rows}  # before any is deleted: their order is no matter
    deleted: list[Data] = []
    for row in rows:
        reason = blocked[row["id"]]
        if reason is not None:
            errors.append({"id": row["id"], "key": row["key"], "reason": reason})
        else:
            deleted.append({"id": row["id"], "key": row["key"], **_state(row)})
            _remove(flags, context, row)
    return {"deleted": deleted, "errors": errors}


def _named(flags: Resource, context: Context, ids: list[Any], errors: list[Data]) -> list[Data]:
    """The live flags of these ids, oldest first, each once; the others go to the errors."""
    found: dict[int, Data] = {}
    for identifier in ids:
        number = _number(identifier)
        if number is None:
            errors.append({"id": identifier, "reason": "Invalid flag ID format"})
            continue
        row = context.store.get(flags.kind, number, flags.parent_id(context))
        if row is None or row["deleted"] or row.get("internal"):
            errors.append({"id": number, "reason": "Flag not found"})
        else:
            found[number] = row
    return [found[number] for number in sorted(found)]


def _obstacle(context: Context, row: Data) -> str | None:
    """Why the flag can't be deleted; the words differ from those of a single deletion."""
    if flag_dependencies.early_access(context, row):
        return "Cannot delete a feature flag that is in use with early access features"
    running = flag_dependencies.running(context, row)
    if running:
        names = ", ".join(f'"{each["name"]}" (ID: {each["id"]})' for each in running)
        return f"Cannot delete a feature flag linked to running experiment(s): {names}"
    others = flag_dependencies.dependents(context, row)
    if others:
        named = [f"{other['key']} (ID: {other['id']})" for other in others[:3]]
        more = [f"and {len(others) - 3} more"] if len(others) > 3 else []
        return f"Cannot delete because other flags depend on it: {', '.join([*named, *more])}"
    return None


def _state(row: Data) -> Data:
    summary = rollout(row)
    if summary["effectively_full_rollout"]:
        return {"rollout_state": "fully_rolled_out", "active_variant": active_variant(row)}
    state = "not_rolled_out" if summary["max_rollout_percentage"] == 0 else "partial"
    return {"rollout_state": state, "active_variant": None}


def _remove(flags: Resource, context: Context, row: Data) -> None:
    """Without what a single deletion does besides: the version stays, and the log entry names no changes."""
    after = {**row, "deleted": True}
    if flag_dependencies.experiments(context, row):
        after["key"] = f"{row['key']}:deleted:{row['id']}"
    flags.touch(context, after)
    flags.store(context, after)
    activity.record(context, "FeatureFlag", row["id"], "deleted", row["key"], [])
