"""Cohorts (PostHog: posthog/api/cohort.py).

Traps: names aren't unique; nulls vanish and every leaf gains keys (`cohort_filters.py`); every change of a dynamic
cohort recalculates it asynchronously, so `is_calculating`, `version`, `count` and `last_calculation` move by
themselves; a GET of a deleted one answers 200; deletion is refused while something uses it; membership of a static one
isn't in the object.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sandbox.events import people
from sandbox.query.errors import NotComputedError
from sandbox.resources.people import cohort_calculation, cohort_filters, cohort_usage
from sandbox.resources.people.persons_api import show_person
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    Field,
    anything,
    boolean,
    items,
    read_only,
    text,
    write_only,
)
from sandbox.rest.listing import Condition, column, limit_and_offset, next_links
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data, Reference
from sandbox.wire.context import Context, Json, Services
from sandbox.wire.errors import Invalid, NotFound, Required

STATIC_CRITERIA = "Editing the criteria of a static cohort is not supported yet. Create a new static cohort instead."


class Cohorts(Resource):
    kind, collection, scope, log_scope = "cohort", "cohorts", "cohort", "Cohort"
    has_access_controls = True
    order = "created_at DESC, seq DESC"
    fields = (
        ID,
        Field("name", text(400), null=True),
        Field("description", text(1000), default=""),
        Field("groups", anything, default=[]),
        Field("deleted", boolean, default=False),
        Field("filters", anything, null=True),
        Field("query", anything, null=True),
        read_only("version"),
        read_only("pending_version"),
        read_only("is_calculating", False),
        CREATED_BY,
        CREATED_AT,
        read_only("last_calculation"),
        read_only("last_backfill_person_properties_at"),
        read_only("errors_calculating", 0),
        read_only("last_error_message"),
        read_only("count"),
        Field("is_static", boolean, default=False),
        Field("cohort_type", anything, null=True, logged=False),
        read_only("experiment_set", []),
        FOLDER,
        write_only("_create_static_person_ids", items(text())),
    )

    def references(self, row: Data) -> Iterable[Reference]:
        return [("cohort", str(identifier)) for identifier in cohort_filters.cohort_ids(row)]

    def actions(self) -> list[Action]:
        return [
            Action("persons", self._persons, scopes=("cohort:read", "person:read")),
            Action("used_in", cohort_usage.used_in),
            Action("add_persons_to_static_cohort", self._add_persons, ("PATCH",)),
            Action("remove_person_from_static_cohort", self._remove_person, ("PATCH",)),
        ]

    # Writing ------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        static = bool(values.get("is_static", before["is_static"] if before else False))
        self._check_query(values)
        if "filters" in values:
            values["filters"] = self._check_filters(context, values["filters"], static, before)
        after = {**(before or self.initial(context)), **values}
        if before is None:
            self._check_new(context, values, after)
        else:
            self._check_change(context, values, before, after)
        if not static and after["filters"]:
            after["cohort_type"] = "realtime" if cohort_filters.is_realtime(after["filters"]) else None
        return after

    def _check_query(self, values: Data) -> None:
        query = values.get("query")
        if not query:
            return
        if not isinstance(query, dict):
            raise Invalid("Query must be a dictionary.", "query")
        if query.get("kind") not in ("ActorsQuery", "HogQLQuery"):
            raise Invalid(f"Query must be an ActorsQuery or HogQLQuery. Got: {query.get('kind')}", "query")

    def _check_filters(self, context: Context, filters: Any, static: bool, before: Data | None) -> Any:
        if static and not cohort_filters.has_criteria(filters):
            return filters
        if filters is None:
            raise Invalid("Must contain a 'properties' key with type and values", "filters__detail")
        checked = cohort_filters.check(filters, context.store, self.parent_id(context))
        if before is not None and not static:
            cohort_usage.check_allowed_in_flags(context, before, checked)
        return checked

    def _check_new(self, context: Context, values: Data, after: Data) -> None:
        criteria = cohort_filters.has_criteria(values.get("filters"))
        if values.get("query") and criteria:
            raise Invalid("Cannot set both query and filters at the same time.")
        if values.get("query") and not after["is_static"]:
            raise Invalid("Cannot create a dynamic cohort with a query. Set is_static to true.")
        after["is_calculating"] = not after["is_static"]
        if (
            after["is_static"]
            and values.get("_create_static_person_ids", []) is None
            and not criteria
            and not values.get("query")
        ):
            raise Invalid(
                "Invalid source for static cohort. Requires criteria, a csv, feature flag, existing cohort or query."
            )

    def _check_change(self, context: Context, values: Data, before: Data, after: Data) -> None:
        if (
            before["is_static"]
            and "filters" in values
            and values["filters"] != before["filters"]
            and (cohort_filters.has_criteria(before["filters"]) or cohort_filters.has_criteria(values["filters"]))
        ):
            raise Invalid(STATIC_CRITERIA)
        deletion = "deleted" in values and values["deleted"] != before["deleted"]
        if deletion and values["deleted"]:
            cohort_usage.check_deletable(context, before)
        if not deletion and not after["is_static"]:
            after["is_calculating"] = True
        if cohort_usage.loops(context.store, after):
            raise Invalid("Cohorts cannot reference other cohorts in a loop.")

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        if after["is_static"]:
            self._fill(context, after, values)
        elif not after["deleted"]:
            self._recalculate(context, after)

    def _fill(self, context: Context, row: Data, values: Data) -> None:
        """Put the persons that came with a write into a static cohort."""
        if values.get("query"):
            row["errors_calculating"] = 1
            row["last_error_message"] = NotComputedError(f"{values['query'].get('kind')} for a cohort").text
            self.store(context, row)
        found = [_person(context, identifier) for identifier in values.get("_create_static_person_ids") or []]
        if found or "count" not in row or row["count"] is None:
            people.add_members(context.store, row["id"], [person.id for person in found])
            cohort_calculation.count_members(self, context, row)

    def _recalculate(self, context: Context, row: Data) -> None:
        row["pending_version"] = (row["pending_version"] or 0) + 1
        row["is_calculating"] = True
        self.store(context, row)
        services, delay = context.services, context.settings.recalculation_delay
        then = datetime.now(UTC) + timedelta(seconds=delay)
        job = partial(cohort_calculation.recalculate, services.queries, row["id"], then)
        context.after_commit.append(lambda: services.later(delay, job))

    def resume(self, services: Services) -> None:
        for row in services.store.select(self.kind, None, f"{column('is_calculating')} = 1"):
            services.later(0, partial(cohort_calculation.recalculate, services.queries, row["id"], datetime.now(UTC)))

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        shown["filters"] = row["filters"] or {"properties": {}}
        return shown

    def show_in_list(self, context: Context, row: Data) -> Data:
        shown = self.show(context, row)
        if context.flag("basic"):
            for name in ("filters", "query", "groups"):
                del shown[name]
        return shown

    def conditions(self, context: Context) -> list[Condition]:
        found = super().conditions(context)
        if context.flag("hide_behavioral_cohorts"):
            found.append((f"coalesce({column('filters')}, '') NOT LIKE '%\"type\":\"behavioral\"%'", []))
        return found

    # Calls --------------------------------------------------------------------------------------------------

    def _persons(self, context: Context, row: Data) -> Any:
        members = people.members(context.store, row["id"])
        limit, offset = limit_and_offset(context, 100)
        return {
            **next_links(context, len(members), limit, offset),
            "results": [show_person(context, person) for person in members[offset : offset + limit]],
        }

    def _add_persons(self, context: Context, row: Data) -> Any:
        """`{person_ids: [uuid]}`; static cohorts only."""
        if not row["is_static"]:
            raise Invalid("Can only add users to static cohorts")
        ids = context.data.get("person_ids")
        if ids is None:
            raise Required("person_ids")
        found = [_person(context, identifier) for identifier in items(text())(ids, "person_ids")]
        people.add_members(context.store, row["id"], [person.id for person in found])
        cohort_calculation.count_members(self, context, row)
        return Json({"success": True})

    def _remove_person(self, context: Context, row: Data) -> Any:
        """`{person_id: uuid}`; static cohorts only."""
        if not row["is_static"]:
            raise Invalid("Can only remove users from static cohorts")
        if "person_id" not in context.data:
            raise Required("person_id")
        person = people.by_identifier(context.store, context.project["id"], str(context.data["person_id"]))
        if person is None:
            raise NotFound("Person not found or not in cohort")
        people.remove_member(context.store, row["id"], person.id)
        cohort_calculation.count_members(self, context, row)
        return Json({"success": True})


def _person(context: Context, identifier: str) -> people.Person:
    person = people.by_identifier(context.store, context.project["id"], identifier)
    if person is None:
        raise Invalid(f"The following person UUIDs do not exist in this project: {identifier}")
    return person


COHORTS = Cohorts()
