"""Persons: read, listed and searched. Events make and change them.

Source: PostHog's posthog/api/person.py and actor_strategies.py. Traps: a full page has a `next`, also when nothing
comes after it; `count` is only there for `?include_total`; `id` is a uuid in lists and a number in a single one.
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.events import people
from sandbox.events.people import Person
from sandbox.rest.listing import limit_and_offset, page_bounds
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, NotFound

READ = ("person:read",)
# What a person is called, in PostHog's order; the distinct id when none is there.
NAMES = ("email", "Email", "name", "Name", "username", "Username", "UserName")


def routes() -> list[BaseRoute]:
    """Below `/api/projects/` and, the same, below `/api/environments/`."""
    base, one = "persons", "persons/{id}"
    return [
        *both(base, GET=(READ, list_persons)),
        *both(f"{base}/cohorts", GET=((*READ, "cohort:read"), cohorts_of_person)),
        *both(one, GET=(READ, retrieve_person)),
    ]


# Showing ---------------------------------------------------------------------------------------------


def show_person(context: Context, person: Person) -> Data:
    """A person as lists show it: an actor of a query."""
    return {
        **_shown(context, person),
        "id": person.uuid,
        "type": "person",
        "is_identified": person.is_identified,
        "matched_recordings": [],
        "value_at_data_point": None,
    }


def _shown(context: Context, person: Person) -> Data:
    ids = people.distinct_ids(context.store, person.id)
    named = next((str(person.properties[name]) for name in NAMES if person.properties.get(name)), None)
    return {
        "id": person.id,
        "name": named or (ids[0] if ids else ""),
        "distinct_ids": ids,
        "properties": person.properties,
        "created_at": person.created_at,
        "uuid": person.uuid,
        "last_seen_at": person.last_seen_at,
    }


def retrieve_person(context: Context) -> Any:
    """`GET persons/:id/`, by uuid or number.

    Raises: Invalid for what can't be an id, NotFound.
    """
    identifier = context.param("id")
    if not people.is_uuid(identifier) and not (identifier.isascii() and identifier.isdecimal()):
        raise Invalid(
            "The ID provided does not look like a personID. If you are using a distinctId, please use "
            f"/persons?distinct_id={identifier} instead."
        )
    person = people.by_identifier(context.store, context.project["id"], identifier)
    if person is None:
        raise NotFound()
    return _shown(context, person)


def cohorts_of_person(context: Context) -> Any:
    """`GET cohorts/?person_id=`: the cohorts the person was in when they were last calculated."""
    person = people.by_identifier(context.store, context.project["id"], context.query.get("person_id", ""))
    if person is None:
        raise NotFound()
    ids = sorted(people.cohorts_of(context.store, person.id))
    rows = [context.store.get("cohort", identifier) for identifier in ids]
    shown = [{name: row[name] for name in ("id", "name", "count")} for row in rows if row and not row["deleted"]]
    return {"results": shown}


# Listing ---------------------------------------------------------------------------------------------


def list_persons(context: Context) -> Any:
    """`GET persons/?distinct_id=&email=&search=&limit=&offset=`, newest first.

    `search` finds a part of the e-mail address, the name, the uuid or a distinct id.
    """
    conditions = ["p.project = ?"]
    parameters: list[Any] = [context.project["id"]]
    for given, condition, repeated in (
        ("distinct_id", "p.id IN (SELECT person FROM distinct_ids WHERE project = p.project AND distinct_id = ?)", 1),
        ("email", "json_extract(p.properties, '$.email') = ?", 1),
        ("search", _SEARCH, 4),
    ):
        if context.query.get(given):
            conditions.append(condition)
            parameters += [context.query[given]] * repeated
    where = " AND ".join(conditions)
    limit, offset = limit_and_offset(context, 100)
    rows = context.store.execute(
        f"SELECT {people.COLUMNS} FROM persons p WHERE {where} ORDER BY p.created_at DESC, p.id DESC LIMIT ? OFFSET ?",
        [*parameters, limit, offset],
    ).fetchall()
    total = context.store.execute(f"SELECT count(*) FROM persons p WHERE {where}", parameters).fetchone()[0]
    return {
        "results": [show_person(context, people.person_of(row)) for row in rows],
        "next": page_bounds(context, {"offset": offset + limit}) if len(rows) >= limit else None,
        "previous": page_bounds(context, {"offset": offset - limit}) if offset >= limit else None,
        **({"count": total} if "include_total" in context.query else {}),
    }


_SEARCH = (
    "(instr(lower(json_extract(p.properties, '$.email')), lower(?)) > 0"
    " OR instr(lower(json_extract(p.properties, '$.name')), lower(?)) > 0 OR instr(p.uuid, lower(?)) > 0"
    " OR EXISTS (SELECT 1 FROM distinct_ids d WHERE d.person = p.id AND instr(lower(d.distinct_id), lower(?)) > 0))"
)
