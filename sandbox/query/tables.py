"""What was captured, mirrored from SQLite to ClickHouse when a query asks for it.

Each project has tables of its own: no query can see another's. New events are appended; persons, their distinct ids,
groups and static cohorts are few, kept in memory and loaded anew when one of them has changed (see `changes`). An event
belongs to whom its distinct id leads to now, as PostHog has it, and to the person that it came with where it leads to
nobody, whatever was asked when; the person's properties are those of when it came.
"""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.events import people
from sandbox.events.taxonomy import PROPERTY_DEFINITION, property_key
from sandbox.query import dates
from sandbox.query.changes import Changes
from sandbox.query.clickhouse import ClickHouse
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.filters import action_matches, condition
from sandbox.query.hogql import literal
from sandbox.query.patience import pause
from sandbox.query.printer import Printer, extract
from sandbox.query.schema import SESSIONS_VIEW
from sandbox.storage.store import Data, Store

AT_A_TIME = 20_000  # events, in some 0.2 seconds for which nobody else is served
REMOVED_AT_A_TIME = 5_000  # events, in as long
MOST_PROPERTIES = 200  # that have a column of their own
COUNTED_FOR = timedelta(minutes=1)  # a cohort, where nothing is written: for what it says of the last days
FEW = 1_000  # events, of which to read the JSON takes less than to make a column
PERSONLESS = uuid.UUID("932979b4-65c3-4424-8467-0b66ec27bc22")
EVENTS = """
    seq Int64, uuid UUID, event String, properties String, timestamp DateTime64(6, 'UTC'), distinct_id String,
    created_at DateTime64(6, 'UTC'), person_id UUID, came_with UUID, person_properties String,
    elements_chain String DEFAULT '',
    person_mode String DEFAULT
        if(JSONExtractRaw(properties, '$process_person_profile') = 'false', 'propertyless', 'full'),
    `$session_id` Nullable(String) MATERIALIZED nullIf(JSONExtractString(properties, '$session_id'), ''),
    `$window_id` Nullable(String) MATERIALIZED nullIf(JSONExtractString(properties, '$window_id'), ''),
    `$group_0` String MATERIALIZED JSONExtractString(properties, '$group_0'),
    `$group_1` String MATERIALIZED JSONExtractString(properties, '$group_1'),
    `$group_2` String MATERIALIZED JSONExtractString(properties, '$group_2'),
    `$group_3` String MATERIALIZED JSONExtractString(properties, '$group_3'),
    `$group_4` String MATERIALIZED JSONExtractString(properties, '$group_4')
"""
_ENGINE = (
    "MergeTree ORDER BY (toDate(timestamp), event, cityHash64(distinct_id), cityHash64(uuid))"
    " SAMPLE BY cityHash64(distinct_id)"
)
_PEOPLE = {
    "persons": "id UUID, number Int64, created_at DateTime64(6, 'UTC'), properties String, is_identified Bool,"
    " last_seen_at Nullable(DateTime64(6, 'UTC'))",
    "person_distinct_ids": "distinct_id String, person_id UUID",
    "groups": "`index` UInt8, key String, created_at DateTime64(6, 'UTC'), updated_at DateTime64(6, 'UTC'),"
    " properties String",
    "cohort_people": "person_id UUID, cohort_id Int64",
    "static_cohort_people": "person_id UUID, cohort_id Int64",
}
_MOMENT = "parseDateTime64BestEffort({0}, 6, 'UTC') AS {0}"
Members = Callable[["ProjectTables", Data], Iterable[int]]


class Tables:
    """The mirror of one store."""

    def __init__(self, store: Store, changes: Changes, members: Members) -> None:
        """Open it, empty. `members` counts a dynamic cohort: the numbers of its persons.

        Raises: MissingPackageError.
        """
        self.store, self.changes, self.members = store, changes, members
        self.clickhouse = ClickHouse(store.path.parent / "clickhouse")
        self.projects: dict[int, ProjectTables] = {}

    def of(self, project: Data, now: datetime, until: datetime | None = None) -> "ProjectTables":
        """A project's tables, up to date; `now` is when actions are asked for, and no event after `until` is there."""
        identifier = int(project["id"])
        if identifier not in self.projects:
            self.projects[identifier] = ProjectTables(self, identifier)
        found = self.projects[identifier]
        while removed := self.changes.removed[:REMOVED_AT_A_TIME]:
            if gone := [each for each in removed if not self._has(each)]:
                for mirrored in self.projects.values():
                    mirrored.remove(gone)
            del self.changes.removed[: len(removed)]
            if self.changes.removed:
                pause()
        found.refresh(project, now, until)
        return found

    def _has(self, seq: int) -> bool:
        return self.store.execute("SELECT 1 FROM events WHERE seq = ?", (seq,)).fetchone() is not None

    def close(self) -> None:
        """Forget everything."""
        self.clickhouse.close()


class ProjectTables:
    """One project's tables: what `printer.Project` asks for."""

    timezone, week_start = "UTC", 0
    now: datetime  # in the project's timezone
    until: datetime | None = None  # later events are not there

    def __init__(self, tables: Tables, project: int) -> None:
        self.tables, self.store, self.project = tables, tables.store, project
        self.clickhouse = tables.clickhouse
        self.loaded = -1  # how often people had changed when they were
        self.last = self.count = 0  # the number of the last event that is here, and how many came
        self.people: dict[str, str] = {}
        self.seen: set[str] = set()  # the distinct ids of the events that are here
        self.columns: dict[tuple[str, str], str] = {}
        # A slow query that waits its turn must not find another property under the name of one that was forgotten.
        self.numbers = defaultdict[tuple[str, str], int](itertools.count().__next__)
        self.cohorts: dict[int, int] = {}  # that are counted
        self.counted_at = ((-1, -1), datetime.min.replace(tzinfo=UTC))  # after which changes of the store, and when
        self.types: dict[str, str | None] = {}
        self.clickhouse.execute(f"CREATE TABLE {self.table('events')} ({EVENTS}) ENGINE = {_ENGINE}")
        for name, columns in _PEOPLE.items():
            for each in (name, f"next_{name}"):
                self.clickhouse.execute(f"CREATE TABLE {self.table(each)} ({columns}) ENGINE = Memory")
        self.has_sessions = False

    def table(self, name: str) -> str:
        """ClickHouse's name of a table; the view of sessions is made when it is first asked for."""
        named = f"{name}_{self.project}"
        if name == "sessions" and not self.has_sessions:
            self.clickhouse.execute(f"CREATE VIEW {named} AS {SESSIONS_VIEW.format(events=self.table('events'))}")
            self.has_sessions = True
        return named

    # Keeping up --------------------------------------------------------------------------------------------

    def refresh(self, project: Data, now: datetime, until: datetime | None) -> None:
        """Bring everything up to what the store holds, later events than `until` aside."""
        self.timezone = str(project.get("timezone") or "UTC")
        self.now = now.astimezone(ZoneInfo(self.timezone))
        self.week_start = int(project.get("week_start_day") or 0)
        self.types.clear()
        if until != self.until:
            self.until = until
            self.cohorts.clear()
        changes = self.store.connection.total_changes, self.store.undone
        if changes != self.counted_at[0] or abs(now - self.counted_at[1]) > COUNTED_FOR:
            self.cohorts.clear()
            self.counted_at = changes, now
        if self.loaded != self.tables.changes.people:
            self._load_people()
            self.loaded = self.tables.changes.people
        self._append()

    def remove(self, seqs: list[int]) -> None:
        """Take out events that the store no longer has."""
        self.clickhouse.execute(f"DELETE FROM {self.table('events')} WHERE seq IN ({', '.join(map(str, seqs))})")

    def _load_people(self) -> None:
        persons = self._read(
            "SELECT uuid AS id, id AS number, created_at, properties, is_identified,"
            " ifnull(last_seen_at, '') AS last_seen_at FROM persons"
        )
        self._replace("persons", persons, f"toUUID(id), number, {_MOMENT.format('created_at')}, properties,"
                      " is_identified, parseDateTime64BestEffortOrNull(last_seen_at, 6, 'UTC')")  # fmt: skip
        pairs = self._read(
            "SELECT d.distinct_id, p.uuid AS person_id FROM distinct_ids d JOIN persons p ON p.id = d.person", "d."
        )
        self._replace("person_distinct_ids", pairs, "distinct_id, toUUID(person_id)")
        groups = self._read('SELECT type_index AS "index", key, created_at, properties FROM groups')
        self._replace("groups", groups, f"`index`, key, {_MOMENT.format('created_at')}, created_at, properties")
        members = self._read(
            "SELECT p.uuid AS person_id, c.cohort AS cohort_id FROM cohort_people c JOIN persons p ON p.id = c.person",
            "p.",
        )
        self._replace("static_cohort_people", members, "toUUID(person_id), cohort_id")
        now: dict[str, str] = dict(zip(*pairs.values(), strict=True))
        moved = [each for each in self.seen if now.get(each) != self.people.get(each)]
        if moved:
            names = ", ".join(map(literal, moved))
            mapped = ", ".join(literal(now.get(each, "")) for each in moved)
            self.clickhouse.execute(
                f"ALTER TABLE {self.table('events')} UPDATE person_id ="
                f" ifNull(toUUIDOrNull(transform(distinct_id, [{names}], [{mapped}], '')), came_with)"
                f" WHERE distinct_id IN ({names}) SETTINGS mutations_sync = 2"
            )
        self.people = now  # last: where this fails, the next query does all of it again

    def _read(self, sql: str, of: str = "") -> dict[str, list[Any]]:
        """The columns of the project's rows."""
        cursor = self.store.execute(f"{sql} WHERE {of}project = ?", (self.project,))
        found = cursor.fetchall()
        names = [each[0] for each in cursor.description]
        return {name: [row[index] for row in found] for index, name in enumerate(names)}

    def _replace(self, name: str, columns: dict[str, list[Any]], source: str) -> None:
        with self._replaced(name) as following:
            self._insert(following, columns, source)

    @contextmanager
    def _replaced(self, name: str) -> Iterator[str]:
        """The name of a table to fill, whose rows take the place of others at once: slow queries read meanwhile."""
        following = f"next_{name}"
        # TRUNCATE would wait for the slow queries that read what was replaced.
        emptied = f"CREATE OR REPLACE TABLE {self.table(following)} ({_PEOPLE[name]}) ENGINE = Memory"
        self.clickhouse.execute(emptied if self.clickhouse.slow else f"TRUNCATE TABLE {self.table(following)}")
        yield following
        self.clickhouse.execute(f"EXCHANGE TABLES {self.table(name)} AND {self.table(following)}")

    def _insert(self, name: str, columns: dict[str, list[Any]], source: str, into: str = "") -> None:
        import pyarrow  # comes with chdb-core

        if next(iter(columns.values())):
            self.clickhouse.insert(f"{self.table(name)}{into}", source, pyarrow.table(columns))

    def _append(self) -> None:
        # The `+` keeps SQLite from going through all of the project's events by another index.
        cursor = self.store.execute(
            "SELECT seq, uuid, event, json_extract(data, '$.properties'), timestamp, distinct_id, created_at, person,"
            " person_properties FROM events WHERE seq > ? AND +project = ? ORDER BY seq",
            (self.last, self.project),
        )
        names = "seq uuid event properties timestamp distinct_id created_at person_id person_properties".split()
        while found := cursor.fetchmany(AT_A_TIME):
            columns: dict[str, list[Any]] = {
                name: list(values) for name, values in zip(names, zip(*found, strict=True), strict=True)
            }
            columns["came_with"] = [
                person or self._personless(distinct_id)
                for distinct_id, person in zip(columns["distinct_id"], columns["person_id"], strict=True)
            ]
            columns["person_id"] = [
                self.people.get(distinct_id, person)
                for distinct_id, person in zip(columns["distinct_id"], columns["came_with"], strict=True)
            ]
            self.seen.update(columns["distinct_id"])
            columns["person_properties"] = [each or "{}" for each in columns["person_properties"]]
            source = (
                f"seq, toUUID(uuid), event, properties, {_MOMENT.format('timestamp')}, distinct_id,"
                f" {_MOMENT.format('created_at')}, toUUID(person_id), person_properties, toUUID(came_with)"
            )
            self._insert("events", columns, source, f" ({', '.join((*names, 'came_with'))})")
            self.last = found[-1][0]
            self.count += len(found)
            if len(found) == AT_A_TIME:
                pause()

    def _personless(self, distinct_id: str) -> str:
        """The person that PostHog gives an event without one: it makes an id of the distinct id."""
        return str(uuid.uuid5(PERSONLESS, f"{self.project}:{distinct_id}"))

    # What others ask for -----------------------------------------------------------------------------------

    def rows(self, hogql: str) -> list[list[Any]]:
        """What HogQL answers, all of it. Raises QueryError."""
        return self.clickhouse.rows(Printer(self, self.now).query(hogql).sql, self.hidden).rows

    @property
    def hidden(self) -> str:
        """The setting that hides later events."""
        if self.until is None:
            return ""
        condition = f"timestamp <= {dates.moment(self.until.astimezone(UTC))}"
        return f", additional_table_filters={{{literal(self.table('events'))}: {literal(condition)}}}"

    def where(self, given: Any, scope: str = "events") -> str:
        """Filters as a condition of a query. Raises QueryError."""
        return condition(self, given, self.now, scope)

    def persons(self, given: Any) -> set[int]:
        """The numbers of the persons of whom filters hold. Raises QueryError."""
        numbers = self._numbers()
        return {
            numbers[each]
            for (each,) in self.rows(f"SELECT toString(id) FROM persons WHERE {self.where(given, 'persons')}")
            if each in numbers  # and not removed since the answer, which may be of when the request was first begun
        }

    def happened(self, which: str) -> list[tuple[int, datetime]]:
        """Who did what a condition says of events, and when, oldest first. Raises QueryError."""
        numbers = self._numbers()
        found = self.rows(f"SELECT toString(person_id), timestamp FROM events WHERE {which} ORDER BY timestamp")
        return [(numbers[who], datetime.fromisoformat(at)) for who, at in found if who in numbers]

    def counted(self, which: str) -> dict[int, int]:
        """How often each person did what a condition says of events; who never did isn't there. Raises QueryError."""
        numbers = self._numbers()
        found = self.rows(f"SELECT toString(person_id), count() FROM events WHERE {which} GROUP BY person_id")
        return {numbers[who]: times for who, times in found if who in numbers}

    def _numbers(self) -> dict[str, int]:
        return dict(self.store.execute("SELECT uuid, id FROM persons WHERE project = ?", (self.project,)).fetchall())

    # What the printer asks for -----------------------------------------------------------------------------

    def property_column(self, column: str, key: str) -> str | None:
        """The column that holds a property of events, made when it is first asked for: reading JSON takes long; None
        of few events.
        """
        known = self.columns.get((column, key))
        if known is None and self.count > FEW:
            if len(self.columns) >= MOST_PROPERTIES:
                self._forget()
            known = self.columns[column, key] = f"property_{self.numbers[column, key]}"
            table = self.table("events")
            made = extract(column, [key])
            self.clickhouse.execute(f"ALTER TABLE {table} ADD COLUMN {known} Nullable(String) MATERIALIZED {made}")
            self.clickhouse.execute(f"ALTER TABLE {table} MATERIALIZE COLUMN {known} SETTINGS mutations_sync = 2")
        return known

    def _forget(self) -> None:
        drops = ", ".join(f"DROP COLUMN {each}" for each in self.columns.values())
        self.clickhouse.execute(f"ALTER TABLE {self.table('events')} {drops} SETTINGS mutations_sync = 2")
        self.columns.clear()

    def property_type(self, of: str, index: int | None, key: str) -> str | None:
        """What a property's definition says it is."""
        natural = property_key(of, index, key)
        if natural not in self.types:
            found = self.store.find(PROPERTY_DEFINITION, natural, str(self.project))
            self.types[natural] = found["property_type"] if found else None
        return self.types[natural]

    def action(self, identifier: Any) -> str:
        """What an action matches, as HogQL. Raises QueryError."""
        found = self._action(identifier)
        if found is None:
            raise QueryError(f"Action ID {identifier} does not exist!")
        return action_matches(self, found, self.now)

    def _action(self, identifier: Any) -> Data | None:
        found = self.store.get("action", identifier, str(self.project))
        return None if found is None or found.get("deleted") else found

    def has_action(self, identifier: Any) -> bool:
        """Whether there is such an action."""
        return self._action(identifier) is not None

    def action_name(self, identifier: Any) -> str | None:
        """What an action is called."""
        found = self.store.get("action", identifier, str(self.project))
        return str(found["name"]) if found and found.get("name") else None

    def cohort_name(self, identifier: int) -> str:
        """What a cohort is called."""
        found = self._cohort(identifier)
        return str(found["name"]) if found and found.get("name") else f"Cohort {identifier}"

    def cohort(self, identifier: Any) -> int:
        """The number of a cohort, whose members are counted now. Where that fails as in PostHog, it has those of its
        last calculation, as there.

        Raises: QueryError: there is none, or one isn't computed, or takes too much.
        """
        found = self._cohort(identifier)
        if found is None or found["deleted"]:
            raise QueryError(f"Could not find a cohort with the ID {identifier}")
        number = int(found["id"])
        if number not in self.cohorts:
            try:
                members = list(self.tables.members(self, found))
            except QueryError as error:
                if isinstance(error, NotComputedError) or error.status != 400:
                    raise
                members = [person.id for person in people.members(self.store, number)]
            self._hold(number, members)
            self.cohorts[number] = len(members)
        return number

    def _hold(self, cohort: int, members: list[int]) -> None:
        with self._replaced("cohort_people") as following:
            self.clickhouse.execute(
                f"INSERT INTO {self.table(following)} SELECT * FROM {self.table('cohort_people')}"
                f" WHERE cohort_id != {cohort}"
            )
            if members:
                numbers = ", ".join(map(str, members))
                self.clickhouse.execute(
                    f"INSERT INTO {self.table(following)} SELECT id, {cohort} FROM {self.table('persons')}"
                    f" WHERE number IN ({numbers})"
                )

    def count_cohorts(self) -> list[int]:
        """Count the members of every dynamic cohort: PostHog keeps those of its last calculation, here they are new.

        Returns: their numbers. The table has others, too: static ones, and deleted ones.
        Raises: QueryError: one isn't computed, or takes too much.
        """
        every = self.store.select("cohort", str(self.project))
        return [self.cohort(each["id"]) for each in every if not each["deleted"] and not each["is_static"]]

    def static_cohorts(self) -> list[int]:
        """The static cohorts. The table has the members of all, as of the last calculation of dynamic ones."""
        return [int(each["id"]) for each in self.store.select("cohort", str(self.project), "1") if each["is_static"]]

    def _cohort(self, identifier: Any) -> Data | None:
        if isinstance(identifier, str) and not identifier.isdecimal():
            every = self.store.select("cohort", str(self.project))
            return next((each for each in every if each["name"] == identifier), None)
        return self.store.get("cohort", identifier, str(self.project))

    def earliest(self) -> datetime | None:
        """When the first event happened."""
        found = self.store.execute("SELECT min(timestamp) FROM events WHERE project = ?", (self.project,)).fetchone()
        return None if found[0] is None else datetime.fromisoformat(found[0])
