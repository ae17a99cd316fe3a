"""Persons changed through the events that PostHog captures for it, split, and deleted.

Source: PostHog's posthog/api/person.py. Traps: what has to be there and isn't is told with code and detail swapped; a
`delete_events` of any value is one.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from starlette.responses import Response

from sandbox.events import people, processing
from sandbox.events.people import Person
from sandbox.rest import activity
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json
from sandbox.wire.errors import Answer, ApiError, Invalid, NotFound

MOST = 1000  # persons deleted in one call


def refuse_creation(_: Context) -> Any:
    """`POST persons/`: 405; an event makes a person."""
    detail = (
        "Creating persons via this API is not allowed. Please create persons by sending an $identify event. See "
        "https://posthog.com/docs/product-analytics/identify for details."
    )
    raise ApiError(405, "invalid_request", "method_not_allowed", detail)


def update_person(context: Context) -> Any:
    """`PATCH {properties}`: set these and keep the others."""
    person, properties = asked_person(context), context.data.get("properties")
    if not isinstance(properties, dict):
        raise _required("properties")
    return _set(context, person, properties)


def update_property(context: Context) -> Any:
    """`POST :id/update_property/ {key, value}`: set one."""
    person = asked_person(context)
    for name in ("value", "key"):
        if name not in context.data or (name == "key" and context.data["key"] is None):
            raise _required(name)
    return _set(context, person, {str(context.data["key"]): context.data["value"]})


def delete_property(context: Context) -> Any:
    """`POST :id/delete_property/ {"$unset": key}`: remove one."""
    person = asked_person(context)
    _capture(context, person, "$delete_person_property", {"$unset": [str(context.data.get("$unset", ""))]})
    _log(context, person, "delete_property", [{"type": "Person", "action": "changed"}])
    return Json({"success": True}, 201)


def _set(context: Context, person: Person, properties: Data) -> Response:
    _capture(context, person, "$set", {"$set": properties})
    _log(context, person, "updated", [{"type": "Person", "action": "changed", "field": "properties"}])
    return Response(status_code=202)


def _capture(context: Context, person: Person, name: str, properties: Data) -> None:
    """PostHog changes a person by capturing an event for it."""
    distinct_id = people.distinct_ids(context.store, person.id)[0]
    event = processing.clean({"event": name, "properties": properties}, distinct_id, None)
    processing.ingest(context.store, project_of(context), [event])


# Deleting --------------------------------------------------------------------------------------------


def delete_person(context: Context) -> Any:
    """`DELETE ?delete_events&keep_person`: the person is gone at once, its events only when asked."""
    _delete(context, [asked_person(context)], "delete_events" in context.query, "keep_person" in context.query)
    return Response(status_code=202)


def bulk_delete(context: Context) -> Any:
    """`POST bulk_delete/ {ids or distinct_ids, delete_events?, delete_recordings?, keep_person?}` -> what was done."""
    ids, distinct_ids = context.data.get("ids"), context.data.get("distinct_ids")
    if ids and distinct_ids:
        raise Invalid("You must provide either distinct_ids or ids, not both")
    for name, given in (("distinct_ids", distinct_ids), ("ids", ids)):
        if given and len(given) > MOST:
            raise Invalid(f"You can only pass {MOST} {name} in one call")
    if not ids and not distinct_ids:
        raise Invalid("You need to specify either distinct_ids or ids")
    look_up = people.by_identifier if ids else people.by_distinct_id
    found = [look_up(context.store, project_of(context), one) for one in texts(ids or distinct_ids)]
    persons = {person.id: person for person in found if person}
    keep, events = bool(context.data.get("keep_person")), bool(context.data.get("delete_events"))
    _delete(context, persons.values(), events, keep)
    summary = {
        "persons_found": len(persons),
        "persons_deleted": 0 if keep else len(persons),
        "events_queued_for_deletion": events and bool(persons),
        "recordings_queued_for_deletion": bool(context.data.get("delete_recordings")) and bool(persons),
        "deletion_errors": [],
    }
    return Json(summary, 202)


def _delete(context: Context, persons: Iterable[Person], events: bool, keep: bool) -> None:
    """PostHog deletes events at the end of the week, this server at once."""
    for person in persons:
        if events:
            context.store.execute("DELETE FROM events WHERE project = ? AND person = ?", (person.project, person.uuid))
        if not keep:
            people.delete(context.store, person.id)
            _log(context, person, "deleted")


# Reading a request -----------------------------------------------------------------------------------


def asked_person(context: Context) -> Person:
    """The person of the path.

    Raises: Invalid for what can't be an id, NotFound.
    """
    identifier = context.param("id")
    if not is_uuid(identifier) and not (identifier.isascii() and identifier.isdigit()):
        raise Invalid(
            "The ID provided does not look like a personID. If you are using a distinctId, please use "
            f"/persons?distinct_id={identifier} instead."
        )
    person = people.by_identifier(context.store, project_of(context), identifier)
    if person is None:
        raise NotFound()
    return person


def _required(name: str) -> Answer:
    return Answer(
        400,
        {"attr": name, "code": "This field is required.", "detail": "required", "type": "validation_error"},
    )


def _log(context: Context, person: Person, what: str, changes: list[Data] | None = None) -> None:
    empty = {"field": None, "before": None, "after": None}
    entries = None if changes is None else [{**empty, **change} for change in changes]
    activity.record(context, "Person", person.id, what, person.uuid, entries)


def texts(value: Any) -> list[str]:
    """The elements of a list as text; none of what is no list."""
    return [str(one) for one in value] if isinstance(value, list) else []


def is_uuid(text: str) -> bool:
    """Whether a text spells a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def project_of(context: Context) -> int:
    """The id of the project of the path."""
    return int(context.project["id"])
