"""How many persons or groups a release condition reaches (`POST feature_flags/user_blast_radius/`).

Source: PostHog's posthog/models/feature_flag/user_blast_radius.py. Trap: HogQL counts, which is not how flags are
evaluated: values are compared as texts, and what a property's definition says of its type counts.
"""

import re
from datetime import datetime
from typing import Any

from sandbox.query import dates, filters
from sandbox.query.errors import QueryError, within_schema
from sandbox.query.tables import ProjectTables
from sandbox.rest.fields import integer
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

KEY = "$group_key"
OF_KEYS = frozenset({"exact", "is_not", "in", "not_in", "icontains", "not_icontains", "regex", "not_regex"})
_BACK = re.compile(r"-?(?P<number>[0-9]{1,4})(?P<unit>[hdwmy])", re.ASCII)


def blast_radius(context: Context) -> Any:
    """`{condition: {properties, rollout_percentage?}, group_type_index?}` -> `{affected, total}`.

    The rollout isn't drawn: the affected are those whose properties match.
    """
    condition, index = context.data.get("condition"), context.data.get("group_type_index")
    if not isinstance(condition, dict):
        raise Invalid("Missing condition for which to get blast radius")
    sent = condition.get("properties") or []
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise Invalid("Properties must be a list of filters")
    try:
        with within_schema("condition"):
            asked = [_as_text(each, context.begun) for each in sent]
            kinds = {each["type"] for each in asked}
            if index is None:
                if kinds - {"person", "cohort"}:
                    raise Invalid("Person-based feature flags can only use person and cohort properties")
                return _persons(context, asked)
            if kinds - {"group"}:
                raise Invalid("Properties for group based feature flags must be all groups properties")
            return _groups(context, asked, integer()(index, "group_type_index"))
    except QueryError as error:
        raise Invalid(error.text, code=error.code) from error


def _as_text(given: Data, now: datetime) -> Data:
    """A filter as it is asked: a date that counts back from now is that moment, other values are texts."""
    value, kind = given.get("value"), given.get("type") or "person"
    back = _BACK.fullmatch(str(value))
    if given.get("operator") in ("is_date_before", "is_date_after"):
        if back:
            moment = now - int(back["number"]) * dates.UNITS[back["unit"]]
            value = moment.strftime("%Y-%m-%d %H:%M:%S")
    elif kind in ("person", "group") and given.get("key") != KEY:
        if isinstance(value, list):
            value = list(map(str, value))
        elif value is not None and not isinstance(value, str | dict):
            value = str(value)
    return {**given, "type": kind, "value": value}


def _tables(context: Context) -> ProjectTables:
    return context.services.queries.of(context.project, context.begun)


def _total(context: Context, table: str, condition: str = "") -> int:
    found = context.store.execute(
        f"SELECT count(*) FROM {table} WHERE project = ?{condition}", (context.project["id"],)
    ).fetchone()
    return int(found[0])


def _persons(context: Context, asked: list[Data]) -> Any:
    total = _total(context, "persons")
    return {"affected": len(_tables(context).persons(asked)) if asked and total else total, "total": total}


def _groups(context: Context, asked: list[Data], index: int) -> Any:
    total = _total(context, "groups", f" AND type_index = {index}")
    if any(each.get("group_type_index") != index for each in asked if each.get("key") != KEY):
        raise Invalid("Invalid group type index for feature flag condition.")
    if not asked or not total:
        return {"affected": total, "total": total}
    tables = _tables(context)
    conditions = [_of_key(each, tables) if each.get("key") == KEY else tables.where(each, "groups") for each in asked]
    where = " AND ".join(f"({each})" for each in (f"index = {index}", *conditions))
    return {"affected": tables.rows(f"SELECT count(DISTINCT key) FROM groups WHERE {where}")[0][0], "total": total}


def _of_key(given: Data, tables: ProjectTables) -> str:
    """What a filter asks of a group's key, a column and no property."""
    operator, value = given.get("operator") or "exact", given.get("value")
    if operator not in OF_KEYS:
        raise Invalid(f"Operator '{operator}' is not supported for {KEY} property.")
    texts = list(map(str, value)) if isinstance(value, list) else str(value)
    return filters.holds("key", operator, texts, None, tables.now)
