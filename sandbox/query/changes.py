"""What changes in the store of what is mirrored to ClickHouse, as triggers of SQLite note it."""

import itertools

from sandbox.storage.store import Store

PEOPLE = ("persons", "distinct_ids", "groups", "cohort_people")


class Changes:
    """The changes since the sandbox started, those that were rolled back among them."""

    def __init__(self, store: Store) -> None:
        """Begin to note. Outside of any transaction, as the triggers go with one that is rolled back: those of a slow
        query are.
        """
        assert not store.connection.in_transaction
        self.people = 0  # how often any of them changed
        self.removed: list[int] = []  # the numbers of events that were
        connection = store.connection
        connection.create_function("note_people", 0, self._note_people)
        connection.create_function("note_removed", 1, self.removed.append)
        connection.execute("PRAGMA recursive_triggers = ON")  # an event that replaces another removes it
        for table, change in itertools.product(PEOPLE, ("INSERT", "UPDATE", "DELETE")):
            connection.execute(
                f"CREATE TEMP TRIGGER {table}_{change} AFTER {change} ON main.{table} BEGIN SELECT note_people(); END"
            )
        connection.execute(
            "CREATE TEMP TRIGGER event_removed AFTER DELETE ON main.events BEGIN SELECT note_removed(OLD.seq); END"
        )

    def _note_people(self) -> None:
        self.people += 1
