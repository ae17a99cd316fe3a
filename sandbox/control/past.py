"""The database as it was before the last write, for stale reads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.storage.store import Store


class Past(Store):
    """A second connection, which stays in one read transaction: SQLite's write-ahead log goes on showing it what stood
    when that began.
    """

    def __init__(self, present: Store) -> None:
        super().__init__(present.path)
        self.written: float | None = None  # when the last write came, by time.monotonic()
        self._begin()

    def _begin(self) -> None:
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT 1 FROM objects LIMIT 1").fetchone()  # the first read fixes what is seen

    def before_write(self) -> None:
        """Note that a write is about to be handled: the present state is the past from then on."""
        self.connection.execute("COMMIT")
        self._begin()
        self.written = time.monotonic()

    def shows(self, seconds: float) -> bool:
        """Whether the last write came less than so many seconds ago."""
        return self.written is not None and time.monotonic() - self.written < seconds

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """It is within one already."""
        yield

    def put(self, *_: Any, **__: Any) -> None:
        """Drop what a reading request writes by the way (when a key was last used)."""
