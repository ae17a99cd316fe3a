"""The store: what a search finds, and what comes out of it as it went in."""

import sqlite3
from pathlib import Path

import pytest

from sandbox.rest.listing import contains
from sandbox.storage.store import Store

SEARCHED = {"flag": ("key", "name"), "insight": ("name", "tags")}


def _found(store: Store, kind: str, needle: str) -> list[int]:
    condition, parameters = contains(needle)
    return [row["id"] for row in store.select(kind, "7", condition, parameters)]


def test_a_search_looks_at_every_searched_field_whatever_the_case(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", searched=SEARCHED)
    store.put("flag", "7", {"id": 1, "key": "beta", "name": "ÜBER 100%"})
    store.put("flag", "7", {"id": 2, "key": "alpha", "name": None})
    store.put("insight", "7", {"id": 3, "name": "Usage", "tags": ["ai", "cost"]})
    assert _found(store, "flag", "über") == [1]
    assert _found(store, "flag", "ALPHA") == [2]
    assert _found(store, "flag", "0%") == [1]
    assert _found(store, "flag", "_") == []
    assert _found(store, "insight", "Cost") == [3]
    # Fields stand apart: the end of one and the beginning of the next make no match.
    assert _found(store, "flag", "betaü") == []
    store.put("flag", "7", {"id": 1, "key": "gamma", "name": ""})
    assert _found(store, "flag", "beta") == []
    store.close()


def test_large_integers_stay_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.put("flag", "7", {"id": 1, "big": 2**70, "small": -1})
    assert store.get("flag", 1) == {"id": 1, "big": 2**70, "small": -1}
    store.close()


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.execute("PRAGMA foreign_keys = ON")
    store.execute("CREATE TABLE p (id INTEGER PRIMARY KEY)")
    store.execute("CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), store.transaction():
        store.execute("INSERT INTO c VALUES (1)")  # found wrong at the end
    with store.transaction():
        store.execute("INSERT INTO p VALUES (2)")
    assert store.execute("SELECT count(*) FROM c").fetchone() == (0,)
    store.close()
