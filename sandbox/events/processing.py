"""From captured events to rows: events whole, persons, groups and the project's taxonomy.

PostHog does this asynchronously in its plugin server; here it happens in the transaction of the request, so that an
answered capture is durable and visible.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.evaluation.values import as_object
from sandbox.events import people, person_updates, taxonomy
from sandbox.events.people import Person
from sandbox.storage import jsontext
from sandbox.storage.store import Data, Store

TABLES = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL, uuid TEXT NOT NULL, event TEXT NOT NULL, distinct_id TEXT NOT NULL,
    person TEXT, timestamp TEXT NOT NULL, created_at TEXT NOT NULL, data TEXT NOT NULL, person_properties TEXT,
    UNIQUE (project, uuid, event, distinct_id)
);
CREATE INDEX IF NOT EXISTS events_time ON events (project, timestamp);
CREATE INDEX IF NOT EXISTS events_name ON events (project, event, timestamp);
CREATE INDEX IF NOT EXISTS events_person ON events (project, distinct_id, timestamp);
"""

LONGEST_DISTINCT_ID, LONGEST_GROUP_KEY = 200, 400
# Distinct ids that so many people would share that PostHog refuses to merge by them.
SHARED_IDS = frozenset(
    (
        *"anonymous guest distinctid distinct_id id not_authenticated email undefined true false 0 nan none".split(),
        *("null", "", "[object object]", "00000000-0000-0000-0000-000000000000"),
    )
)
# Which property of which event names the other distinct id.
_OTHER_ID = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}
_SEEN_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class Event:
    """One event, cleaned. `data` is what is stored: everything that was sent, properties merged."""

    uuid: str
    name: str
    distinct_id: str
    timestamp: str
    data: Data

    @property
    def properties(self) -> dict[str, Any]:
        """Its properties, which may be changed in place."""
        properties: dict[str, Any] = self.data["properties"]
        return properties


@dataclass(slots=True)
class _Batch:
    """What one request touches: persons loaded once and written once."""

    store: Store
    project: int
    now: str
    persons: dict[str, Person | None] = field(default_factory=dict)  # by distinct id
    known: dict[int, Person] = field(default_factory=dict)
    changed: dict[int, Person] = field(default_factory=dict)
    group_types: dict[str, int | None] = field(default_factory=dict)

    def person(self, distinct_id: str) -> Person | None:
        if distinct_id not in self.persons:
            found = people.by_distinct_id(self.store, self.project, distinct_id)
            # Two distinct ids of one person have to share one object, or one change would undo the other.
            self.persons[distinct_id] = found and self.known.setdefault(found.id, found)
        return self.persons[distinct_id]

    def touch(self, person: Person) -> None:
        self.changed[person.id] = self.known[person.id] = person

    def group_type(self, name: str) -> int | None:
        if name not in self.group_types:
            self.group_types[name] = people.group_type_index(self.store, self.project, name, self.now)
        return self.group_types[name]


def upgrade(store: Store) -> None:
    """Give a database from before there was the column `person_properties` that column."""
    if not any(column[1] == "person_properties" for column in store.execute("PRAGMA table_info(events)")):
        store.execute("ALTER TABLE events ADD COLUMN person_properties TEXT")


def ingest(store: Store, project: int, events: Iterable[Event]) -> None:
    """Store events of one project and everything that follows from them. Runs within the caller's transaction.

    An event that was captured before (same uuid, name and distinct id) replaces the first, as in PostHog. What makes no
    sense is dropped, without a word to the sender.
    """
    batch = _Batch(store, project, _text(datetime.now(UTC)))
    rows, seen = [], taxonomy.Seen()
    for event in events:
        if _is_dropped(event):
            continue
        _strip(event)
        _groups(batch, event)
        person = _person(batch, event)
        known = batch.person(event.distinct_id)
        seen.event(event.name, event.properties, batch.group_types)
        rows.append(
            (
                project,
                event.uuid,
                event.name,
                event.distinct_id,
                person,
                event.timestamp,
                batch.now,
                jsontext.encode(event.data),
                jsontext.encode(known.properties) if known else None,
            )
        )
    store.connection.executemany(
        "INSERT OR REPLACE INTO events"
        " (project, uuid, event, distinct_id, person, timestamp, created_at, data, person_properties)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    people.save(store, batch.changed.values())
    taxonomy.keep(store, project, seen, batch.now)


def clean(raw: Data, distinct_id: str, sent_at: datetime | None) -> Event:
    """An event as it is stored: `$set`, `$set_once` and `$unset` from its top level joined to its properties, its time
    corrected by the sender's clock.

    Parameters: `raw` is the event as sent, with a name; `sent_at` is when the sender says it sent the request.
    """
    properties = dict(raw["properties"]) if isinstance(raw.get("properties"), dict) else {}
    for name in ("$set", "$set_once"):
        if isinstance(raw.get(name), dict):
            inner = properties.get(name)
            properties[name] = {**(inner if isinstance(inner, dict) else {}), **raw[name]}
    if "$unset" in raw:
        properties.setdefault("$unset", raw["$unset"])
    identifier = _uuid(raw.get("uuid"))
    timestamp = _timestamp(raw, properties, sent_at)
    cleaned = {"uuid": identifier, "distinct_id": distinct_id, "timestamp": timestamp, "properties": properties}
    return Event(identifier, str(raw["event"])[:200], distinct_id, timestamp, {**raw, **cleaned})


def _is_dropped(event: Event) -> bool:
    """Whether ingestion refuses an event that capture has taken (PostHog's ingestion warnings name the reasons)."""
    sent = event.properties
    if event.name == "$groupidentify" and len(str(sent.get("$group_key") or "")) > LONGEST_GROUP_KEY:
        return True
    if event.name in _OTHER_ID:
        others = (sent.get("$anon_distinct_id"), sent.get("alias"))
        if any(other is not None and not isinstance(other, str) for other in others):
            return True
    return sent.get("$process_person_profile") is False and event.name in (*_OTHER_ID, "$groupidentify")


def _strip(event: Event) -> None:
    """Take off what says something about persons where there is to be none, and what goes without saying."""
    personless = event.properties.get("$process_person_profile") is False
    if personless or event.name == "$groupidentify":
        for name in ("$set", "$set_once", "$unset"):
            event.properties.pop(name, None)
            event.data.pop(name, None)
    if not personless:
        event.properties.pop("$process_person_profile", None)


def _person(batch: _Batch, event: Event) -> str | None:
    """Do to persons what the event asks for. Returns the uuid of the event's person."""
    if event.properties.get("$process_person_profile") is False:
        known = batch.person(event.distinct_id)
        return known.uuid if known else None
    _merge(batch, event)
    person = batch.person(event.distinct_id)
    if person is None:
        person = people.create(batch.store, batch.project, [event.distinct_id], event.timestamp, {}, False)
        batch.persons[event.distinct_id] = person
    if _update(person, event):
        batch.touch(person)
    return person.uuid


def _update(person: Person, event: Event) -> bool:
    """Apply what the event says about the person. Returns whether anything is to be written."""
    after = person_updates.updated(event.name, event.properties, person.properties)
    changed = after is not None
    if after is not None:
        person.properties = after
    if person.last_seen_at is None or event.timestamp >= _later(person.last_seen_at):
        person.last_seen_at, changed = event.timestamp, True
    return changed


def _merge(batch: _Batch, event: Event) -> None:
    """`$identify` with `$anon_distinct_id`, `$create_alias` and `$merge_dangerously` with `alias`: two ids, one person.

    Source: PostHog's person-merge-service. A person that was identified before is only merged dangerously.
    """
    if event.name not in _OTHER_ID:
        return
    named = event.properties.get(_OTHER_ID[event.name])
    if not named:
        return
    other_id, into_id = str(named)[:LONGEST_DISTINCT_ID], event.distinct_id
    if other_id == into_id or {other_id.strip().lower(), into_id.strip().lower()} & SHARED_IDS:
        return
    other, into = batch.person(other_id), batch.person(into_id)
    if into is None and other is None:
        into = people.create(batch.store, batch.project, [into_id, other_id], event.timestamp, {}, True)
    elif into is None or other is None:
        into = into or other
        assert into is not None
        people.attach(batch.store, batch.project, into_id if other else other_id, into.id)
    elif into.id != other.id:
        if other.is_identified and event.name != "$merge_dangerously":
            return
        _absorb(batch, into, other)
    batch.persons[into_id] = batch.persons[other_id] = into
    into.is_identified = True
    batch.touch(into)


def _absorb(batch: _Batch, into: Person, other: Person) -> None:
    into.properties = {**other.properties, **into.properties}
    into.created_at = min(into.created_at, other.created_at)
    people.absorb(batch.store, into, other)
    batch.changed.pop(other.id, None)
    for name, person in batch.persons.items():
        if person is not None and person.id == other.id:
            batch.persons[name] = into


def _groups(batch: _Batch, event: Event) -> None:
    """Register the group types an event names (five at most), note the keys as `$group_<n>`, identify a group."""
    for name, key in as_object(event.properties.get("$groups")).items():
        index = batch.group_type(str(name))
        if index is not None:
            event.properties[f"$group_{index}"] = key
    if event.name != "$groupidentify":
        return
    kind, key = event.properties.get("$group_type"), event.properties.get("$group_key")
    index = batch.group_type(str(kind)) if kind and key is not None else None
    if index is not None:
        changes = as_object(event.properties.get("$group_set"))
        people.set_group(batch.store, batch.project, index, str(key), changes, event.timestamp)


def _uuid(value: Any) -> str:
    try:
        return str(uuid.UUID(value))
    except (ValueError, TypeError, AttributeError):
        return str(uuid.uuid4())


def _timestamp(raw: Data, properties: dict[str, Any], sent_at: datetime | None) -> str:
    """When the event happened, by our clock: the sender's, corrected by how wrong `sent_at` shows it to be."""
    now = datetime.now(UTC)
    happened = moment(raw.get("timestamp"))
    if happened is None:
        offset = raw.get("offset")
        back = offset if isinstance(offset, (int, float)) and 0 <= offset < 10**12 else 0
        return _text(now - timedelta(milliseconds=back))
    if sent_at is not None and not properties.get("$ignore_sent_at"):
        try:
            happened = now + (happened - sent_at)
        except OverflowError:  # clocks thousands of years apart
            happened = now
    # Nothing happens in the future: PostHog moves such events to now.
    return _text(now if happened > now + timedelta(hours=23) else happened)


def moment(value: Any) -> datetime | None:
    """The moment an ISO 8601 text names (UTC where it names no zone), or None."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _later(text: str) -> str:
    return _text(datetime.fromisoformat(text) + _SEEN_EVERY)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
