"""Who uses a cohort: flags, insights, other cohorts, the project's test-account filters. Deletion waits for all of
them.
"""

from typing import Any

from sandbox.resources.people import cohort_filters
from sandbox.storage.store import Data, Store
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, first_five

MOST_SHOWN = 100


def flags(store: Store, cohort: Data) -> list[Data]:
    """The live flags that name the cohort, or a cohort that rests on it."""
    found: dict[int, Data] = {}
    dependents = cohort_filters.reached(
        cohort, lambda each: [other for other in cohorts(store, each) if not other["is_static"]]
    )
    for each in dependents:
        for flag in store.referrers("cohort", each["id"], "feature_flag"):
            if not flag["deleted"]:
                found[flag["id"]] = flag
    return list(found.values())


def cohorts(store: Store, cohort: Data) -> list[Data]:
    """The live cohorts that name it as a criterion."""
    return [other for other in store.referrers("cohort", cohort["id"], "cohort") if not other["deleted"]]


def insights(store: Store, cohort: Data) -> list[Data]:
    return [insight for insight in store.referrers("cohort", cohort["id"], "insight") if not insight["deleted"]]


def check_deletable(context: Context, cohort: Data) -> None:
    """Refuse to delete a cohort in use, in PostHog's order. Raises `Invalid`."""
    store = context.store
    used = [flag for flag in flags(store, cohort) if flag["active"]]
    if used:
        raise Invalid(
            f"This cohort is used in {len(used)} active feature flag(s): "
            f"{', '.join(flag['name'] or flag['key'] for flag in used)}. "
            "Please remove the cohort from these feature flags before deleting it."
        )
    if any(
        isinstance(each, dict) and each.get("type") == "cohort" and each.get("value") == cohort["id"]
        for each in context.project["test_account_filters"] or []
    ):
        raise Invalid(
            "This cohort is used in 'Filter out internal and test users' for 1 environment(s): "
            f"{context.project['name']}. Please remove the cohort from these test account filters before "
            "deleting it."
        )
    shown = insights(store, cohort)
    if shown:
        raise Invalid(
            f"This cohort is used in {len(shown)} insight(s): {_names(shown)}. "
            "Please remove the cohort from these insights before deleting it."
        )
    others = cohorts(store, cohort)
    if others:
        raise Invalid(
            f"This cohort is used as criteria in {len(others)} other cohort(s): {_names(others)}. "
            "Please remove this cohort from those cohort definitions before deleting it."
        )


def _names(rows: list[Data]) -> str:
    return first_five([row["name"] or row.get("derived_name") or "Unnamed" for row in rows])


def check_allowed_in_flags(context: Context, cohort: Data, filters: dict[str, Any]) -> None:
    """A cohort that an active flag uses must not come to rest on events. Raises `Invalid`."""
    if not any(flag["active"] for flag in flags(context.store, cohort)):
        return
    for leaf in cohort_filters.leaves(filters):
        if leaf["type"] == "behavioral":
            raise Invalid(
                "Behavioral filters cannot be added to cohorts used in feature flags.",
                "filters",
                "behavioral_cohort_found",
            )
        nested = context.store.get("cohort", leaf["value"]) if leaf["type"] == "cohort" else None
        for each in cohort_filters.with_dependencies(context.store, nested) if nested else []:
            if cohort_filters.first_behavioral(each) is not None:
                raise Invalid(
                    f"A cohort dependency ({each['name']}) has filters based on events. These cohorts can't "
                    "be used in feature flags.",
                    "filters",
                    "behavioral_cohort_found",
                )


def loops(store: Store, cohort: Data) -> bool:
    """Whether a cohort's criteria lead back to itself."""
    found = cohort_filters.reached(cohort, lambda each: cohort_filters.named(store, each))
    return any(cohort["id"] in cohort_filters.cohort_ids(each) for each in found)


def used_in(context: Context, cohort: Data) -> Any:
    """`GET :id/used_in/`: who uses it, by kind."""
    store = context.store

    def block(rows: list[Data], *names: str) -> Data:
        shown = [{name: row[name] for name in names} for row in rows[:MOST_SHOWN]]
        return {"results": shown, "total": len(rows), "has_more": len(rows) > MOST_SHOWN}

    named = [{**row, "name": row["name"] or row["derived_name"] or "Unnamed"} for row in insights(store, cohort)]
    others = [{**row, "name": row["name"] or "Unnamed"} for row in cohorts(store, cohort)]
    return {
        "feature_flags": block(flags(store, cohort), "id", "key", "name"),
        "insights": block(named, "id", "short_id", "name"),
        "cohorts": block(others, "id", "name"),
    }
