"""A static cohort of the persons a flag is on for: `POST feature_flags/:id/create_static_cohort_for_flag/`."""

from datetime import UTC, datetime
from typing import Any

from sandbox.evaluation.service.flags_api import evaluated
from sandbox.evaluation.service.flagset import flagset
from sandbox.events import people
from sandbox.resources.people import cohort_calculation
from sandbox.resources.people.cohorts import COHORTS
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, Services, alone


def create(context: Context, row: Data) -> Any:
    """-> 201 `{cohort}`, still empty: its members are found afterwards, as by PostHog's worker."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    name = f"Users with feature flag {row['key']} enabled at {now}"
    cohort = COHORTS.insert(context, {"name": name, "is_static": True})
    cohort["is_calculating"] = True
    COHORTS.store(context, cohort)
    services, project, delay = context.services, context.project["id"], context.settings.recalculation_delay
    context.after_commit.append(
        lambda: services.later(delay, lambda: _fill(services, project, cohort["id"], row["key"]))
    )
    return Json({"cohort": COHORTS.show(context, cohort)}, 201)


def _fill(services: Services, project: int, identifier: int, key: str) -> None:
    context = alone(services, project)
    cohort = context.store.get(COHORTS.kind, identifier)
    if cohort is None:
        return
    current = flagset(context.store, project)
    asked = {"flag_keys": [key], "evaluation_runtime": "all"}
    members = []
    for person in people.everybody(context.store, project):
        known = people.distinct_ids(context.store, person.id)
        if known and evaluated(context, asked, current, known[0])[key].value:
            members.append(person.id)
    people.add_members(context.store, identifier, members)
    cohort["is_calculating"] = False
    cohort_calculation.count_members(COHORTS, context, cohort)
