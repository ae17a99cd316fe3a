"""Persons with what is known of them, and groups."""

import json

from sandbox.events import people
from sandbox.pages.render import MOST, paging
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound

EVENTS = 50


def all_persons(context: Context) -> Data:
    """Newest first; `?search=` in distinct ids and properties."""
    search, project = context.query.get("search", ""), int(context.project["id"])
    where = (
        "p.project = ? AND (p.properties LIKE ? OR EXISTS"
        " (SELECT 1 FROM distinct_ids d WHERE d.person = p.id AND d.distinct_id LIKE ?))"
    )
    values = [project, f"%{search}%", f"%{search}%"]
    total = context.store.execute(f"SELECT count(*) FROM persons p WHERE {where}", values).fetchone()[0]
    pages = paging(context, total)
    rows = context.store.execute(
        f"SELECT {people.COLUMNS} FROM persons p WHERE {where} ORDER BY p.id DESC LIMIT ? OFFSET ?",
        [*values, MOST, pages["offset"]],
    ).fetchall()
    return {"rows": [_person(context, people.person_of(row)) for row in rows], "search": search, **pages}


def one_person(context: Context) -> Data:
    """A person with what is known of it and its last events."""
    project = int(context.project["id"])
    person = people.by_identifier(context.store, project, context.param("id"))
    if person is None:
        raise NotFound()
    found = _person(context, person)
    marks = ",".join("?" * len(found["distinct_ids"]))
    rows = context.store.execute(
        f"SELECT data FROM events WHERE project = ? AND distinct_id IN ({marks}) ORDER BY timestamp DESC LIMIT ?",
        [project, *found["distinct_ids"], EVENTS],
    ).fetchall()
    return {"person": found, "events": [json.loads(row[0]) for row in rows], "most": EVENTS}


def _person(context: Context, person: people.Person) -> Data:
    names = people.distinct_ids(context.store, person.id)
    return {
        "uuid": person.uuid,
        "name": person.properties.get("email") or person.properties.get("name") or (names or [person.uuid])[0],
        "distinct_ids": names,
        "created_at": person.created_at,
        "is_identified": person.is_identified,
        "properties": dict(sorted(person.properties.items())),
    }


def all_groups(context: Context) -> Data:
    """The groups of every type, newest first."""
    project = int(context.project["id"])
    types = []
    for name, index in people.group_types(context.store, project).items():
        rows = context.store.execute(
            "SELECT key, created_at, properties FROM groups WHERE project = ? AND type_index = ?"
            " ORDER BY created_at DESC, key LIMIT ?",
            (project, index, MOST),
        ).fetchall()
        groups = [{"key": key, "created_at": at, "properties": json.loads(text)} for key, at, text in rows]
        types.append({"name": name, "index": index, "groups": groups})
    return {"types": types}
