"""Flags with their conditions."""

from sandbox.pages.render import MOST, listed, named
from sandbox.resources.flags.flag_dependencies import describe
from sandbox.resources.flags.flag_rules import variant_list
from sandbox.rest import activity
from sandbox.storage.store import Data
from sandbox.wire.context import Context


def all_flags(context: Context) -> Data:
    """Those that aren't deleted, by key; `?search=` in key and name."""
    search = context.query.get("search", "")
    where = "listed = 1 AND (natural LIKE ? OR json_extract(data, '$.name') LIKE ?)"
    rows, pages = listed(context, "feature_flag", where, [f"%{search}%"] * 2, order="natural")
    return {"rows": [show(context, row) for row in rows], "search": search, **pages}


def one_flag(context: Context) -> Data:
    """A flag with its conditions, the changes that are scheduled, and its history."""
    row = named(context, "feature_flag")
    own, about = "project = ? AND scope = 'FeatureFlag' AND item_id = ?", [str(context.project["id"]), str(row["id"])]
    waiting = "json_extract(data, '$.record_id') = ? AND json_extract(data, '$.executed_at') IS NULL"
    scheduled = context.store.select("scheduled_change", str(context.project["id"]), waiting, [str(row["id"])])
    shown = {"flag": show(context, row), "activity": activity.select(context, own, about, MOST)}
    return {**shown, "scheduled": scheduled}


def show(context: Context, row: Data) -> Data:
    """A flag with its conditions in words."""
    filters = row["filters"]
    conditions = [
        {
            "who": [_property(context, prop) for prop in group.get("properties") or []],
            "rollout": 100 if group.get("rollout_percentage") is None else group["rollout_percentage"],
            "variant": group.get("variant"),
            "description": group.get("description"),
        }
        for group in filters.get("groups") or []
    ]
    payloads = filters.get("payloads") or {}
    return {**row, "conditions": conditions, "variants": variant_list(filters), "payloads": payloads}


def _property(context: Context, prop: Data) -> str:
    cohort = context.store.get("cohort", prop.get("value")) if prop.get("type") == "cohort" else None
    if cohort is None:
        return describe(prop)
    return ("not " if prop.get("operator") == "not_in" else "") + f"in “{cohort['name']}”"
