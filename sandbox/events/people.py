"""Persons, their distinct ids, groups and group types as PostHog keeps them; written by ingestion, read by all.

A person is one row whatever number of distinct ids lead to it. Properties are JSON text.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.storage import jsontext
from sandbox.storage.store import Store

GROUP_TYPE = "group_type"  # kept among the objects, since people rename them through the API
MOST_GROUP_TYPES = 5

TABLES = """
CREATE TABLE IF NOT EXISTS persons (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL,
    uuid TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    last_seen_at TEXT,
    is_identified INTEGER NOT NULL,
    properties TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS persons_project ON persons (project, id);
CREATE TABLE IF NOT EXISTS distinct_ids (
    project INTEGER NOT NULL, distinct_id TEXT NOT NULL, person INTEGER NOT NULL,
    PRIMARY KEY (project, distinct_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS distinct_ids_person ON distinct_ids (person);
CREATE TABLE IF NOT EXISTS groups (
    project INTEGER NOT NULL, type_index INTEGER NOT NULL, key TEXT NOT NULL, created_at TEXT NOT NULL,
    properties TEXT NOT NULL,
    PRIMARY KEY (project, type_index, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hash_keys (
    person INTEGER NOT NULL, flag_key TEXT NOT NULL, hash_key TEXT NOT NULL,
    PRIMARY KEY (person, flag_key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cohort_people (
    cohort INTEGER NOT NULL, person INTEGER NOT NULL,
    PRIMARY KEY (cohort, person)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cohort_people_person ON cohort_people (person);
"""

COLUMNS = "p.id, p.uuid, p.created_at, p.last_seen_at, p.is_identified, p.properties"


@dataclass(slots=True)
class Person:
    """A person; `id` is the row's number, `uuid` what PostHog shows."""

    id: int
    uuid: str
    created_at: str
    last_seen_at: str | None
    is_identified: bool
    properties: dict[str, Any] = field(default_factory=dict)


def person_of(row: Sequence[Any]) -> Person:
    """The person in a row of `COLUMNS`."""
    return Person(row[0], row[1], row[2], row[3], bool(row[4]), jsontext.decode(row[5]))


def by_distinct_id(store: Store, project: int, distinct_id: str) -> Person | None:
    """The person a distinct id leads to."""
    row = store.execute(
        f"SELECT {COLUMNS} FROM distinct_ids d JOIN persons p ON p.id = d.person"
        " WHERE d.project = ? AND d.distinct_id = ?",
        (project, distinct_id),
    ).fetchone()
    return None if row is None else person_of(row)


def by_identifier(store: Store, project: int, identifier: str) -> Person | None:
    """The person with that uuid, or with that number (PostHog's API takes both)."""
    column = "id" if identifier.isascii() and identifier.isdecimal() else "uuid"
    row = store.execute(
        f"SELECT {COLUMNS} FROM persons p WHERE p.project = ? AND p.{column} = ?", (project, identifier.lower())
    ).fetchone()
    return None if row is None else person_of(row)


def distinct_ids(store: Store, person: int) -> list[str]:
    """The distinct ids that lead to a person, identified ones (not UUID-like) first, as PostHog lists them."""
    rows = store.execute("SELECT distinct_id FROM distinct_ids WHERE person = ?", (person,)).fetchall()
    return sorted((str(row[0]) for row in rows), key=lambda name: (is_uuid(name), name))


def create(
    store: Store, project: int, distinct: Iterable[str], at: str, properties: dict[str, Any], identified: bool
) -> Person:
    """Create a person with its distinct ids; the first decides the uuid, so the same id is the same person again.

    Source: PostHog derives it from project and distinct id (uuidFromDistinctId).
    """
    names = list(distinct)
    identifier = str(uuid.uuid5(_PERSONS, f"{project}:{names[0]}"))
    if store.execute("SELECT 1 FROM persons WHERE uuid = ?", (identifier,)).fetchone():
        identifier = str(uuid.uuid4())
    row = store.execute(
        "INSERT INTO persons (project, uuid, created_at, is_identified, properties) VALUES (?, ?, ?, ?, ?)"
        " RETURNING id",
        (project, identifier, at, int(identified), jsontext.encode(properties)),
    ).fetchone()
    for name in names:
        attach(store, project, name, row[0])
    return Person(row[0], identifier, at, None, identified, properties)


def attach(store: Store, project: int, distinct_id: str, person: int) -> None:
    """Let a distinct id lead to a person."""
    store.execute("INSERT OR REPLACE INTO distinct_ids VALUES (?, ?, ?)", (project, distinct_id, person))


def save(store: Store, persons: Iterable[Person]) -> None:
    """Write persons back."""
    store.connection.executemany(
        "UPDATE persons SET created_at = ?, last_seen_at = ?, is_identified = ?, properties = ? WHERE id = ?",
        [
            (one.created_at, one.last_seen_at, int(one.is_identified), jsontext.encode(one.properties), one.id)
            for one in persons
        ],
    )


def absorb(store: Store, into: Person, other: Person) -> None:
    """Move what leads to `other` and hangs on it to `into`, and delete `other` with what `into` has already.

    Properties are the caller's.
    """
    store.execute("UPDATE distinct_ids SET person = ? WHERE person = ?", (into.id, other.id))
    store.execute("UPDATE OR IGNORE hash_keys SET person = ? WHERE person = ?", (into.id, other.id))
    store.execute("UPDATE OR IGNORE cohort_people SET person = ? WHERE person = ?", (into.id, other.id))
    for table in ("hash_keys", "cohort_people"):
        store.execute(f"DELETE FROM {table} WHERE person = ?", (other.id,))
    store.execute("DELETE FROM persons WHERE id = ?", (other.id,))


def group_types(store: Store, project: int) -> dict[str, int]:
    """Group types of a project: name -> index."""
    rows = store.execute(
        "SELECT json_extract(data, '$.group_type'), json_extract(data, '$.group_type_index') FROM objects"
        " WHERE kind = ? AND parent = ? ORDER BY 2",
        (GROUP_TYPE, str(project)),
    )
    return {str(row[0]): int(row[1]) for row in rows}


def group_type_index(store: Store, project: int, name: str, at: str) -> int | None:
    """The index of a group type, which is created when there are fewer than five; None for a sixth."""
    known = group_types(store, project)
    if name in known or len(known) >= MOST_GROUP_TYPES:
        return known.get(name)
    index = next(free for free in range(MOST_GROUP_TYPES) if free not in known.values())
    group_type = {
        "id": f"{project}/{index}",
        "group_type": name,
        "group_type_index": index,
        "name_singular": None,
        "name_plural": None,
        "detail_dashboard": None,
        "default_columns": None,
        "created_at": at,
    }
    store.put(GROUP_TYPE, str(project), group_type, natural=name)
    return index


def group_properties(store: Store, project: int, index: int, key: str) -> dict[str, Any] | None:
    """The properties of a group, None when nobody has identified it."""
    row = store.execute(
        "SELECT properties FROM groups WHERE project = ? AND type_index = ? AND key = ?", (project, index, key)
    ).fetchone()
    return None if row is None else dict(jsontext.decode(row[0]))


def set_group(store: Store, project: int, index: int, key: str, changes: dict[str, Any], at: str) -> None:
    """Create a group or overlay its properties."""
    properties = {**(group_properties(store, project, index, key) or {}), **changes}
    store.execute(
        "INSERT INTO groups VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (project, type_index, key) DO UPDATE SET properties = excluded.properties",
        (project, index, key, at, jsontext.encode(properties)),
    )


def hash_keys(store: Store, person: int) -> dict[str, str]:
    """The stored hash-key overrides of a person: flag key -> what is hashed instead of the distinct id."""
    return dict(store.execute("SELECT flag_key, hash_key FROM hash_keys WHERE person = ?", (person,)).fetchall())


def keep_hash_keys(store: Store, person: int, keys: dict[str, str]) -> None:
    """Remember by flag key what is hashed for a person from now on."""
    store.connection.executemany(
        "INSERT OR IGNORE INTO hash_keys VALUES (?, ?, ?)", [(person, flag, key) for flag, key in keys.items()]
    )


def cohorts_of(store: Store, person: int) -> frozenset[int]:
    """The static cohorts a person was put into."""
    return frozenset(row[0] for row in store.execute("SELECT cohort FROM cohort_people WHERE person = ?", (person,)))


def members(store: Store, cohort: int) -> list[Person]:
    """The persons in a static cohort, oldest first."""
    rows = store.execute(
        f"SELECT {COLUMNS} FROM cohort_people c JOIN persons p ON p.id = c.person WHERE c.cohort = ? ORDER BY p.id",
        (cohort,),
    )
    return [person_of(row) for row in rows.fetchall()]


def add_members(store: Store, cohort: int, persons: Iterable[int]) -> None:
    """Put persons into a static cohort."""
    store.connection.executemany(
        "INSERT OR IGNORE INTO cohort_people VALUES (?, ?)", [(cohort, person) for person in persons]
    )


def remove_member(store: Store, cohort: int, person: int) -> None:
    """Take a person out of a static cohort."""
    store.execute("DELETE FROM cohort_people WHERE cohort = ? AND person = ?", (cohort, person))


_PERSONS = uuid.UUID("932979b4-65c3-4424-8467-0b66ec27bc22")


def is_uuid(name: str) -> bool:
    """Whether a text spells a UUID."""
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True
