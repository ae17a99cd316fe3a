"""Everything the sandbox keeps, in one SQLite file.

One connection, used from one thread: the event loop's. A request is handled without awaiting anything inside one
transaction, and its answer leaves only after the commit. Thus 32 clients writing at once are simply served one after
the other (a request takes well under a millisecond of SQLite's time, less than a hand-over between threads would cost),
nothing can be interleaved, and no lock can be forgotten.

Write-ahead log with `synchronous=NORMAL`: a commit is handed to the operating system before it is answered, so it
outlives the process being killed at any moment. Only a power failure could lose the last commits, which a local double
doesn't have to survive.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.storage import jsontext

Data = dict[str, Any]
Reference = tuple[str, str]  # (kind, id) of the object that is pointed at

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    natural TEXT,
    listed INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    search TEXT,
    data TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS objects_natural ON objects (kind, natural, parent);
CREATE INDEX IF NOT EXISTS objects_alike ON objects (kind, parent, natural COLLATE NOCASE);
-- Lists in either order, and what `search` looks at in the same few pages: a search reads only the rows it finds.
CREATE INDEX IF NOT EXISTS objects_by_age ON objects (kind, parent, listed, created_at, search);
CREATE INDEX IF NOT EXISTS objects_in_order ON objects (kind, parent, listed, seq, search);
CREATE TABLE IF NOT EXISTS refs (
    kind TEXT NOT NULL, id TEXT NOT NULL, to_kind TEXT NOT NULL, to_id TEXT NOT NULL,
    PRIMARY KEY (kind, id, to_kind, to_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refs_to ON refs (to_kind, to_id);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS activity (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT, organization TEXT NOT NULL, scope TEXT NOT NULL, item_id TEXT, user_id INTEGER,
    created_at TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS activity_item ON activity (scope, item_id, project);
CREATE INDEX IF NOT EXISTS activity_project ON activity (project, seq);
"""

BETWEEN = "\x1f"  # the fields of a search text; nobody searches for it


class Store:
    """The one database. Objects are JSON documents with the columns that lists and look-ups need.

    `parent` is the id of the project or organisation an object belongs to ("" for users, organisations …);
    `natural` is what else it can be looked up by (a flag's key, an event's name, the hash of an API key);
    `listed` is false for what the kind's default list leaves out (deleted, archived, internal); `search` is
    the text of the fields that a search looks at, in lower case. `refs` holds who points at whom.
    """

    def __init__(
        self, path: Path, tables: Iterable[str] = (), searched: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Open or create the database at `path`.

        Args:
            tables: further modules' CREATE TABLE IF NOT EXISTS scripts.
            searched: the fields a search looks at, by kind.
        """
        self.path = path
        self.searched = searched or {}
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        for script in (SCHEMA, *tables):
            self.connection.executescript(script)
        self.undone = 0  # how many transactions were
        self._depth = 0

    def _search_text(self, kind: str, data: Data) -> str | None:
        if kind not in self.searched:
            return None
        values = [data.get(name) or "" for name in self.searched[kind]]
        return BETWEEN.join(BETWEEN.join(value) if isinstance(value, list) else str(value) for value in values).lower()

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement (a module with tables of its own uses this)."""
        return self.connection.execute(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. May be nested: the outermost one commits."""
        if self._depth:
            yield
            return
        # At once, not with the first write: a write after a read would fail if another process, such as a person's
        # `sqlite3`, had written in between.
        self.connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            with self.connection:
                yield
        except BaseException:
            self.undone += 1
            raise
        finally:
            self._depth = 0

    def next_id(self, kind: str) -> int:
        """The next integer id of a kind; never given twice, even after a deletion."""
        row = self.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (kind,),
        ).fetchone()
        return int(row[0])

    def fact(self, name: str) -> str | None:
        """What was noted under a name, or None."""
        row = self.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Note something under a name."""
        self.execute(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    def put(
        self,
        kind: str,
        parent: str,
        data: Data,
        *,
        natural: str | None = None,
        listed: bool = True,
        refs: Iterable[Reference] = (),
    ) -> None:
        """Insert or replace the object `data["id"]` of a kind, with what it points at."""
        key = str(data["id"])
        self.execute(
            "INSERT INTO objects (kind, id, parent, natural, listed, created_at, search, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET parent = excluded.parent,"
            " natural = excluded.natural, listed = excluded.listed, created_at = excluded.created_at,"
            " search = excluded.search, data = excluded.data",
            (
                kind,
                key,
                parent,
                natural,
                int(listed),
                str(data.get("created_at") or ""),
                self._search_text(kind, data),
                jsontext.encode(data),
            ),
        )
        self.execute("DELETE FROM refs WHERE kind = ? AND id = ?", (kind, key))
        self.connection.executemany(
            "INSERT OR IGNORE INTO refs VALUES (?, ?, ?, ?)", ((kind, key, *reference) for reference in refs)
        )

    def remove(self, kind: str, identifier: object) -> None:
        """Delete an object for good."""
        self.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, str(identifier)))
        self.execute("DELETE FROM refs WHERE kind = ? AND id = ?", (kind, str(identifier)))

    def get(self, kind: str, identifier: object, parent: str | None = None) -> Data | None:
        """The object with that id (of that parent, when given), or None."""
        row = self.execute(
            "SELECT data, parent FROM objects WHERE kind = ? AND id = ?", (kind, str(identifier))
        ).fetchone()
        if row is None or (parent is not None and row[1] != parent):
            return None
        data: Data = jsontext.decode(row[0])
        return data

    def parent_of(self, kind: str, identifier: object) -> str | None:
        """The project or organisation an object belongs to."""
        row = self.execute("SELECT parent FROM objects WHERE kind = ? AND id = ?", (kind, str(identifier))).fetchone()
        return None if row is None else str(row[0])

    def find(self, kind: str, natural: str, parent: str | None = None) -> Data | None:
        """The object with that natural key, or None."""
        sql = "SELECT data FROM objects WHERE kind = ? AND natural = ?"
        parameters: tuple[Any, ...] = (kind, natural)
        if parent is not None:
            sql, parameters = sql + " AND parent = ?", (*parameters, parent)
        row = self.execute(sql + " ORDER BY seq LIMIT 1", parameters).fetchone()
        return None if row is None else jsontext.decode(row[0])

    def select(
        self,
        kind: str,
        parent: str | None,
        where: str = "listed = 1",
        parameters: Sequence[Any] = (),
        *,
        order: str = "seq",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Data]:
        """The objects of a kind and parent (None: of all parents) for which the SQL condition holds."""
        scope, values = _scope(kind, parent)
        sql = f"SELECT data FROM objects WHERE {scope} AND {where} ORDER BY {order} LIMIT ? OFFSET ?"
        rows = self.execute(sql, (*values, *parameters, limit, offset)).fetchall()
        return [jsontext.decode(row[0]) for row in rows]

    def count(self, kind: str, parent: str | None, where: str = "listed = 1", parameters: Sequence[Any] = ()) -> int:
        """How many objects `select` would find without a limit."""
        scope, values = _scope(kind, parent)
        row = self.execute(f"SELECT count(*) FROM objects WHERE {scope} AND {where}", (*values, *parameters)).fetchone()
        return int(row[0])

    def referrers(self, kind: str, identifier: object, by: str) -> list[Data]:
        """The objects of kind `by` that point at the given object, deleted ones included, oldest first."""
        rows = self.execute(
            "SELECT o.data FROM refs r JOIN objects o ON o.kind = r.kind AND o.id = r.id"
            " WHERE r.to_kind = ? AND r.to_id = ? AND r.kind = ? ORDER BY o.seq",
            (kind, str(identifier), by),
        ).fetchall()
        return [jsontext.decode(row[0]) for row in rows]


def _scope(kind: str, parent: str | None) -> tuple[str, tuple[str, ...]]:
    return ("kind = ?", (kind,)) if parent is None else ("kind = ? AND parent = ?", (kind, parent))
