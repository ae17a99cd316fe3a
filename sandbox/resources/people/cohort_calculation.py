"""The members of a cohort, counted as PostHog's asynchronous worker does it: sets of persons, leaf by leaf.

Who fits a person filter, or did something, HogQL says, as in PostHog (hogql_cohort_query.py): flags, which are
evaluated elsewhere, may see it otherwise. Where a criterion makes no sense the calculation fails as a failed query
does, and the count stays what it was.
"""

from collections.abc import Callable
from datetime import datetime

from sandbox.events import people
from sandbox.query.engine import Engine
from sandbox.query.errors import QueryError, within_schema
from sandbox.query.tables import ProjectTables
from sandbox.resources.people import cohort_behaviour
from sandbox.resources.people.cohort_behaviour import Members
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data, Store
from sandbox.wire.context import Context, timestamp

KIND = "cohort"
Mirror = Callable[[], ProjectTables]  # what HogQL is asked of, made when it is needed


def recalculate(engine: Engine, identifier: int, now: datetime) -> None:
    """Count a dynamic cohort's members and move its volatile fields. Does nothing for one that is gone."""
    store = engine.store
    row, parent = store.get(KIND, identifier), store.parent_of(KIND, identifier)
    if row is None or parent is None or row["is_static"]:
        return
    try:
        project = store.get("project", parent) or {}
        found = members(store, int(parent), row, set(), lambda: engine.of(project, now))
    except QueryError as error:
        row["errors_calculating"] += 1
        row["last_error_message"] = str(error)
    else:
        store.execute("DELETE FROM cohort_people WHERE cohort = ?", (identifier,))
        people.add_members(store, identifier, found)
        row.update(
            count=len(found),
            errors_calculating=0,
            last_error_message=None,
            version=row["pending_version"],
            last_calculation=timestamp(),
        )
    row["is_calculating"] = False
    refs = store.execute("SELECT to_kind, to_id FROM refs WHERE kind = ? AND id = ?", (KIND, str(identifier)))
    store.put(KIND, parent, row, listed=not row["deleted"], refs=refs.fetchall())


def count_members(cohorts: Resource, context: Context, row: Data) -> None:
    """Bring a static cohort's count up to date."""
    row["count"] = len(people.members(context.store, row["id"]))
    row["last_calculation"], row["is_calculating"] = timestamp(), False
    cohorts.store(context, row)


def members(store: Store, project: int, cohort: Data, above: set[int], mirror: Mirror) -> Members:
    """The persons (by number) in a cohort; `above` are the cohorts on the way to it, against loops.

    Raises: QueryError: its criteria make no sense.
    """
    if cohort["is_static"]:
        return {person.id for person in people.members(store, cohort["id"])}
    root = (cohort["filters"] or {}).get("properties")
    if not root or not root.get("values"):
        return set()
    with within_schema("cohort"):
        return _node(store, project, root, above | {cohort["id"]}, mirror)


def count(tables: ProjectTables, cohort: Data) -> Members:
    """The persons (by number) in a cohort, for a query. Raises QueryError: its criteria make no sense."""
    return members(tables.store, tables.project, cohort, set(), lambda: tables)


def _node(store: Store, project: int, node: Data, above: set[int], mirror: Mirror) -> Members:
    if "values" in node and node.get("type") in ("AND", "OR"):
        sets = [_node(store, project, value, above, mirror) for value in node["values"]]
        if not sets:
            return set()
        return set.intersection(*sets) if node["type"] == "AND" else set.union(*sets)
    found = _leaf(store, project, node, above, mirror)
    return _everybody(store, project) - found if node.get("negation") else found


def _everybody(store: Store, project: int) -> Members:
    return {row[0] for row in store.execute("SELECT id FROM persons WHERE project = ?", (project,))}


def _leaf(store: Store, project: int, leaf: Data, above: set[int], mirror: Mirror) -> Members:
    if leaf["type"] == "cohort":
        other = store.get(KIND, leaf["value"], str(project))
        if other is None or other["deleted"] or other["id"] in above:
            return set()
        return members(store, project, other, above, mirror)
    if leaf["type"] == "behavioral":
        return cohort_behaviour.members(mirror(), leaf)
    # Nobody is asked of where there is nobody.
    anybody = store.execute("SELECT 1 FROM persons WHERE project = ? LIMIT 1", (project,)).fetchone()
    return mirror().persons({**leaf, "negation": False}) if anybody else set()
