"""How many persons or groups a release condition reaches (`POST feature_flags/user_blast_radius/`)."""

from typing import Any

from sandbox.evaluation.cohorts import CohortError, Membership
from sandbox.evaluation.dates import Clock
from sandbox.evaluation.parsing import parse_filter
from sandbox.evaluation.properties import Filter, match_property
from sandbox.evaluation.service.flagset import flagset
from sandbox.events import people
from sandbox.resources.organization.tenancy import project_clock
from sandbox.rest.fields import integer
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid


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
    filters = [parse_filter(each) for each in sent]
    if index is None:
        return _persons(context, filters)
    if any(each.type != "group" for each in filters):
        raise Invalid("Properties for group based feature flags must be all groups properties")
    return _groups(context, filters, integer()(index, "group_type_index"))


def _persons(context: Context, filters: list[Filter]) -> Any:
    if any(each.type not in ("person", "cohort", "flag") for each in filters):
        raise Invalid("Person-based feature flags can only use person and cohort properties")
    store, clock, total, affected = context.store, project_clock(context.project), 0, 0
    cohorts = flagset(store, context.project["id"]).cohorts
    for person in people.everybody(store, context.project["id"]):
        total += 1
        static = people.cohorts_of(store, person.id) if any(each.type == "cohort" for each in filters) else frozenset()
        membership = Membership(cohorts, person.properties, clock, static.__contains__)
        affected += all(_holds(each, person.properties, membership, clock) for each in filters)
    return {"affected": affected, "total": total}


def _holds(condition: Filter, properties: dict[str, Any], membership: Membership, clock: Clock) -> bool:
    if condition.type != "cohort":
        return match_property(condition, properties, clock)
    try:
        return membership.satisfies(condition)
    except CohortError:
        return False


def _groups(context: Context, filters: list[Filter], index: int) -> Any:
    store, clock = context.store, project_clock(context.project)
    rows = store.execute(
        "SELECT key FROM groups WHERE project = ? AND type_index = ?", (context.project["id"], index)
    ).fetchall()
    affected = 0
    for (key,) in rows:
        properties = {**(people.group_properties(store, context.project["id"], index, key) or {}), "$group_key": key}
        affected += all(match_property(each, properties, clock) for each in filters)
    return {"affected": affected, "total": len(rows)}
