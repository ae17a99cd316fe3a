"""Reading what was ingested: persons, group types, groups and events of a project.

Sources: PostHog's posthog/api/person.py, groups.py and event.py.
"""

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox import people
from sandbox.errors import Invalid, NotFound
from sandbox.evaluation.parsing import parse_filter
from sandbox.evaluation.properties import match_property
from sandbox.guard import route
from sandbox.listing import column, limit_and_offset, next_links
from sandbox.people import Person
from sandbox.places import project_clock
from sandbox.store import Data
from sandbox.web import Context, Json

READ_PERSON, WRITE_PERSON = ("person:read",), ("person:write",)
READ_GROUP, WRITE_GROUP = ("group:read",), ("group:write",)
# What a person is called, in PostHog's order; the distinct id when none is there.
NAMES = ("email", "Email", "name", "Name", "username", "Username", "UserName")


def routes() -> list[BaseRoute]:
    """Below `/api/projects/` and, the same, below `/api/environments/`."""
    return [one for prefix in ("/api/projects", "/api/environments") for one in _routes(prefix + "/{project}")]


def _routes(base: str) -> list[BaseRoute]:
    return [
        route(f"{base}/persons", GET=(READ_PERSON, list_persons)),
        route(
            f"{base}/persons/{{id}}",
            GET=(READ_PERSON, retrieve_person),
            PATCH=(WRITE_PERSON, update_person),
            DELETE=(WRITE_PERSON, delete_person),
        ),
        route(f"{base}/persons/{{id}}/update_property", POST=(WRITE_PERSON, update_property)),
        route(f"{base}/persons/{{id}}/delete_property", POST=(WRITE_PERSON, delete_property)),
        route(f"{base}/groups_types", GET=(READ_GROUP, list_group_types)),
        route(f"{base}/groups_types/update_metadata", PATCH=(WRITE_GROUP, update_group_types)),
        route(f"{base}/groups_types/{{index}}", DELETE=(WRITE_GROUP, delete_group_type)),
        route(f"{base}/groups", GET=(READ_GROUP, list_groups)),
        route(f"{base}/groups/find", GET=(READ_GROUP, find_group)),
        route(f"{base}/events", GET=(("query:read",), list_events)),
    ]


# Persons ---------------------------------------------------------------------------------------------


def show_person(context: Context, person: Person) -> Data:
    """A person as PostHog's API shows it; `id` is the uuid, as in the newest versions' lists."""
    ids = people.distinct_ids(context.store, person.id)
    named = next((str(person.properties[name]) for name in NAMES if person.properties.get(name)), None)
    return {
        "id": person.uuid,
        "uuid": person.uuid,
        "name": named or (ids[0] if ids else ""),
        "distinct_ids": ids,
        "properties": person.properties,
        "created_at": person.created_at,
        "last_seen_at": person.last_seen_at,
    }


def list_persons(context: Context) -> Any:
    """`GET persons/?distinct_id=&email=&search=&properties=&limit=&offset=`, newest first.

    `search` finds a part of the e-mail address or a whole distinct id; `properties` are filters in JSON, a list of
    which all have to hold or groups `{type: AND or OR, values}`.
    """
    conditions = ["p.project = ?"]
    values: list[Any] = [_project(context)]
    if "distinct_id" in context.query:
        conditions.append("p.id IN (SELECT person FROM distinct_ids WHERE project = ? AND distinct_id = ?)")
        values += [_project(context), context.query["distinct_id"]]
    if context.query.get("email"):
        conditions.append("json_extract(p.properties, '$.email') = ?")
        values.append(context.query["email"])
    if context.query.get("search"):
        conditions.append(
            "(instr(lower(json_extract(p.properties, '$.email')), lower(?)) > 0"
            " OR p.id IN (SELECT person FROM distinct_ids WHERE project = ? AND distinct_id = ?))"
        )
        values += [context.query["search"], _project(context), context.query["search"]]
    where, holds = " AND ".join(conditions), _holds(context)
    limit, offset = limit_and_offset(context, 100)
    total = context.store.execute(f"SELECT count(*) FROM persons p WHERE {where}", values).fetchone()[0]
    part = [limit, offset] if holds is None else [-1, 0]
    rows = context.store.execute(
        f"SELECT {people.COLUMNS} FROM persons p WHERE {where} ORDER BY p.created_at DESC, p.id DESC LIMIT ? OFFSET ?",
        [*values, *part],
    ).fetchall()
    persons = [people.person_of(row) for row in rows]
    if holds is not None:
        persons = [person for person in persons if holds(person)]
        total, persons = len(persons), persons[offset : offset + limit]
    results = [show_person(context, person) for person in persons]
    return {**next_links(context, total, limit, offset), "results": results}


def _holds(context: Context) -> Callable[[Person], bool] | None:
    """What `?properties=` asks of a person; None when it asks nothing."""
    try:
        sent = json.loads(context.query.get("properties") or "[]")
    except ValueError as error:
        raise Invalid("Properties are unparsable!") from error
    clock = project_clock(context.project)

    def holds(node: Any, person: Person) -> bool:
        if isinstance(node, list):
            return all(holds(one, person) for one in node)
        if not isinstance(node, dict):
            raise Invalid("Properties are unparsable!")
        if "values" in node:
            some = any if node.get("type") == "OR" else all
            return some(holds(one, person) for one in node["values"])
        one = parse_filter(node)
        if one.type == "cohort":
            member = int(one.value) in people.cohorts_of(context.store, person.id)
            return member != (one.negation or one.operator == "not_in")
        return match_property(one, person.properties, clock)

    return (lambda person: holds(sent, person)) if sent else None


def retrieve_person(context: Context) -> Any:
    """`GET persons/:id/`, by uuid or number."""
    return show_person(context, _person(context))


def update_person(context: Context) -> Any:
    """`PATCH {properties}`: replace the properties."""
    person, properties = _person(context), context.data.get("properties")
    if not isinstance(properties, dict):
        raise Invalid("This field is required.", "properties", "required")
    person.properties = properties
    people.save(context.store, [person])
    return show_person(context, person)


def update_property(context: Context) -> Any:
    """`POST {key, value}`: set one property. PostHog captures an event for it, thus 202."""
    person = _person(context)
    if "key" not in context.data:
        raise Invalid("This field is required.", "key", "required")
    person.properties[str(context.data["key"])] = context.data.get("value")
    people.save(context.store, [person])
    return Response(status_code=202)


def delete_property(context: Context) -> Any:
    """`POST {"$unset": key}`: remove one property."""
    person = _person(context)
    person.properties.pop(str(context.data.get("$unset", "")), None)
    people.save(context.store, [person])
    return Json({"success": True}, 201)


def delete_person(context: Context) -> Any:
    """`DELETE ?delete_events=true`: the person is gone at once, its events only when asked."""
    person = _person(context)
    if context.flag("delete_events"):
        context.store.execute("DELETE FROM events WHERE project = ? AND person = ?", (person.project, person.uuid))
    people.delete(context.store, person.id)
    return Response(status_code=202)


def _person(context: Context) -> Person:
    person = people.by_identifier(context.store, _project(context), context.param("id"))
    if person is None:
        raise NotFound()
    return person


def _project(context: Context) -> int:
    return int(context.project["id"])


# Groups ----------------------------------------------------------------------------------------------

_TYPE_FIELDS = ("name_singular", "name_plural", "detail_dashboard", "default_columns")


def list_group_types(context: Context) -> Any:
    """A plain list, no paging."""
    rows = context.store.select(people.GROUP_TYPE, str(_project(context)), order=column("group_type_index"))
    shown = ("group_type", "group_type_index", *_TYPE_FIELDS, "created_at")
    return [{name: row.get(name) for name in shown} for row in rows]


def update_group_types(context: Context) -> Any:
    """`PATCH` with the list of types: what people call them. Types can't be created here; ingestion does
    that.
    """
    sent = json.loads(context.raw or b"[]")
    for item in sent if isinstance(sent, list) else ():
        identifier = f"{_project(context)}/{item.get('group_type_index')}"
        row = context.store.get(people.GROUP_TYPE, identifier)
        if row is not None:
            row.update({name: item[name] for name in _TYPE_FIELDS if name in item})
            context.store.put(people.GROUP_TYPE, str(_project(context)), row, natural=row["group_type"])
    return list_group_types(context)


def delete_group_type(context: Context) -> Any:
    """`DELETE groups_types/:index/`: the type is gone, its groups stay."""
    identifier = f"{_project(context)}/{context.param('index')}"
    if context.store.get(people.GROUP_TYPE, identifier) is None:
        raise NotFound()
    context.store.remove(people.GROUP_TYPE, identifier)
    return Response(status_code=204)


def list_groups(context: Context) -> Any:
    """`GET groups/?group_type_index=&search=`: the groups of one type, newest first."""
    index = _group_type_index(context)
    rows = context.store.execute(
        "SELECT key, created_at, properties FROM groups WHERE project = ? AND type_index = ?"
        " AND (key LIKE ? OR properties LIKE ?) ORDER BY created_at DESC, key LIMIT 100",
        (_project(context), index, *[f"%{context.query.get('search', '')}%"] * 2),
    ).fetchall()
    return {"next": None, "previous": None, "results": [_group(index, *row) for row in rows]}


def find_group(context: Context) -> Any:
    """`GET groups/find/?group_type_index=&group_key=`."""
    index, key = _group_type_index(context), context.query.get("group_key", "")
    row = context.store.execute(
        "SELECT key, created_at, properties FROM groups WHERE project = ? AND type_index = ? AND key = ?",
        (_project(context), index, key),
    ).fetchone()
    if row is None:
        raise NotFound()
    return _group(index, *row)


def _group_type_index(context: Context) -> int:
    try:
        return int(context.query["group_type_index"])
    except (KeyError, ValueError) as error:
        raise Invalid("You must pass ?group_type_index=<an integer>.", "group_type_index") from error


def _group(index: int, key: str, created_at: str, properties: str) -> Data:
    return {
        "group_type_index": index,
        "group_key": key,
        "group_properties": json.loads(properties),
        "created_at": created_at,
    }


# Events ----------------------------------------------------------------------------------------------

_EVENT_FILTERS = {
    "event": "event = ?",
    "distinct_id": "distinct_id = ?",
    "person_id": "person = ?",
    "after": "timestamp > ?",
    "before": "timestamp < ?",
}


def list_events(context: Context) -> Any:
    """`GET events/?event=&distinct_id=&person_id=&after=&before=&limit=`, newest first."""
    asked = [(condition, context.query[name]) for name, condition in _EVENT_FILTERS.items() if name in context.query]
    where = " AND ".join(["project = ?", *(condition for condition, _ in asked)])
    values: list[Any] = [_project(context), *(value for _, value in asked)]
    limit, offset = limit_and_offset(context, 100)
    rows = context.store.execute(
        f"SELECT data, person FROM events WHERE {where} ORDER BY timestamp DESC, seq DESC LIMIT ? OFFSET ?",
        [*values, limit + 1, offset],
    ).fetchall()
    more = offset + len(rows) if len(rows) > limit else offset
    links = next_links(context, more, limit, offset)
    return {
        "next": links["next"],
        "results": [_event(json.loads(data), person) for data, person in rows[:limit]],
    }


def _event(data: Data, person: str | None) -> Data:
    return {
        "id": data["uuid"],
        "distinct_id": data["distinct_id"],
        "properties": data["properties"],
        "event": data["event"],
        "timestamp": data["timestamp"],
        "person": {"uuid": person},
        "elements": [],
        "elements_chain": "",
    }
