"""Cohorts with their members."""

from sandbox.events import people
from sandbox.pages.render import MOST, listed, named
from sandbox.storage.store import Data
from sandbox.wire.context import Context

FEW = 5


def all_cohorts(context: Context) -> Data:
    """The cohorts, each with its first members."""
    rows, pages = listed(context, "cohort")
    return {"rows": [{**row, "members": _members(context, row, FEW)} for row in rows], **pages}


def one_cohort(context: Context) -> Data:
    """A cohort with its criteria and members."""
    row = named(context, "cohort")
    criteria = (row["filters"] or {}).get("properties") or {}
    return {"cohort": row, "criteria": criteria, "members": _members(context, row, MOST), "most": MOST}


def _members(context: Context, row: Data, most: int) -> list[Data]:
    """The first members, as they were when the cohort was last calculated."""
    rows = context.store.execute(
        f"SELECT {people.COLUMNS} FROM cohort_people c JOIN persons p ON p.id = c.person"
        " WHERE c.cohort = ? ORDER BY p.id LIMIT ?",
        (row["id"], most),
    )
    found = [people.person_of(each) for each in rows.fetchall()]
    return [
        {"uuid": person.uuid, "name": (people.distinct_ids(context.store, person.id) or [person.uuid])[0]}
        for person in found
    ]
