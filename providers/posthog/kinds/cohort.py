"""Cohorts. PostHog compiles every leaf of a cohort's filters and writes what it compiled next to it."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import plain, text
from providers.posthog.kinds.phrases import filters_moved, group_text
from providers.posthog.kinds.wording import SERVE, Wording, switchable

# Written by PostHog into every leaf on save.
_ADDED_TO_LEAF = ("bytecode", "bytecode_error", "conditionHash")


def _criteria(value: Any) -> Any:
    """Return filters with server additions dropped, and with what leaves mean by not saying it; groups may nest.

    That is ``negation``, and that a property is compared with ``exact`` (test_property_to_expr_event in PostHog's
    hogql/test/test_property.py).
    """
    if not isinstance(value, dict):
        return value
    if not value or "values" in value:
        values = value.get("values")
        if not values:  # empty criteria read back as {}
            return None
        return {"type": value.get("type", "AND"), "values": [_criteria(item) for item in values]}
    leaf = {"negation": False, **{name: item for name, item in plain(value).items() if name not in _ADDED_TO_LEAF}}
    if leaf.get("type") == "cohort":
        leaf["key"] = "id"
    return {"operator": "exact", **leaf} if leaf.get("type") == "person" else leaf


COHORT = Kind(
    name="cohort",
    type="Cohort",
    collection="cohorts",
    scope="cohort",
    pages=("cohorts/{id}",),
    folder="cohorts",
    natural_key=("name",),
    same_by=("name",),
    weight=SERVE,
    whole=("filters",),
    fields=(
        Field("name", normalise=text, required=True),
        Field("description", default="", normalise=text),
        # PostHog refuses to change criteria of a static cohort, and one kind into the other.
        Field(
            "is_static",
            default=False,
            immutable=True,
            manageable=False,
            wording=switchable("has the members that people put in", "has the members that its criteria find"),
        ),
        # Null and {} are refused: a cohort that is not static has criteria.
        Field(
            "filters",
            written=("filters", "properties"),
            tree=("cohort", "action"),
            path=("filters", "properties"),
            normalise=_criteria,
            clearable=False,
            wording=Wording("criteria", show=group_text, moved=filters_moved, quoted=True),
            manageable=True,
        ),
    ),
    left={
        "groups": "the criteria of cohorts from before filters; PostHog writes none any more",
        "query": "what a static cohort was filled from once",
        "cohort_type": "PostHog works it out from the criteria",
        "filters.filterTestAccounts": "a definition's criteria say who is left out, on PostHog of any age",
        "_create_static_person_ids": "members of a static cohort are data, not configuration",
    },
)
