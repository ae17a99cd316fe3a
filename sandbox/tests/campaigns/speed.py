"""How fast the sandbox answers with 5,000 flags stored: `python -m sandbox.tests.campaigns.speed`.

50,000 events in batches of 100, none dropped; then the median of every kind of request, as a client on a kept
connection sees it: from the request's first byte to the answer's last.
"""

import gzip
import json
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import requests

from sandbox.tests.running import Sandbox, running_sandbox

EVENTS, FLAGS, PERSONS, BATCH, REPEAT = 50_000, 5_000, 2_000, 100, 200


def send(sandbox: Sandbox, events: int) -> set[str]:
    """Capture that many events of the kind installations send, in batches. Returns their uuids."""
    session, sent = requests.Session(), set[str]()
    for start in range(0, events, BATCH):
        batch = [_event(number) for number in range(start, start + BATCH)]
        body = gzip.compress(json.dumps({"api_key": sandbox.project_api_key, "batch": batch}).encode(), 1)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = session.post(f"{sandbox.url}/batch/", data=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        sent |= {event["uuid"] for event in batch}
    return sent


def _event(number: int) -> dict[str, Any]:
    installation = f"inst-{number % PERSONS}"
    usage = {"model": "deepseek-chat-v3", "prompt_tokens": number, "total_tokens": number + 5, "success": True}
    person = {"version": "2.4.0", "total_usage": number}
    return {
        "event": "ai_enhancement_used",
        "uuid": str(uuid.uuid4()),
        "distinct_id": installation,
        "timestamp": "2026-01-01T00:00:00Z",
        "properties": {"installation_id": installation, **usage, "$set": person},
    }


def store_flags(sandbox: Sandbox, data: Path, flags: int) -> None:
    """Put flags `flag-1`, `flag-2`, … into the database of a running sandbox: one through the API, the others as its
    copies, past the API and its limit of 2,000.
    """
    version = {"key": "version", "type": "person", "operator": "semver_gte", "value": "2.4.0"}
    groups = [{"properties": [version], "rollout_percentage": 50}, {"properties": [], "rollout_percentage": 10}]
    filters = {"groups": groups, "payloads": {"true": {"limit": 5}}}
    first = sandbox.call("POST", "feature_flags/", {"key": "flag-1", "name": "One of many", "filters": filters})
    with closing(sqlite3.connect(data / "sandbox.sqlite3", timeout=10)) as database, database:
        database.execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :flags - 1)"
            " INSERT INTO objects (kind, id, parent, natural, listed, created_at, search, data)"
            " SELECT kind, id + n, parent, 'flag-' || (n + 1), listed, created_at,"
            " replace(search, 'flag-1', 'flag-' || (n + 1)),"
            " json_set(data, '$.id', id + n, '$.key', 'flag-' || (n + 1))"
            " FROM objects, numbers WHERE kind = 'feature_flag' AND id = :first ORDER BY n",
            {"flags": flags, "first": str(first["id"])},
        )
        database.execute("UPDATE counters SET value = value + ? WHERE name = 'feature_flag'", (flags,))


@dataclass
class Question:
    """One kind of request; `body` makes the JSON of the next one."""

    name: str
    method: str
    path: str
    body: Callable[[], dict[str, Any]] | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Client:
    """A kept connection, and as little of a client as there can be: the server is what is measured."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.connection = HTTPConnection(sandbox.url.removeprefix("http://"), timeout=60)
        self.headers = {"Authorization": f"Bearer {sandbox.api_key}", "Content-Type": "application/json"}
        self.pid = sandbox.pid

    def ask(self, question: Question) -> tuple[float, bytes]:
        """Milliseconds to the end of the answer, and its body."""
        body = None if question.body is None else json.dumps(question.body())
        start = time.perf_counter()
        self.connection.request(question.method, question.path, body, {**self.headers, **question.headers})
        answer = self.connection.getresponse()
        content = answer.read()
        taken = (time.perf_counter() - start) * 1000
        assert answer.status < 400, content
        return taken, content

    def median(self, question: Question, repeat: int = REPEAT) -> float:
        """The median of that many requests, in milliseconds."""
        return statistics.median(self.ask(question)[0] for _ in range(repeat))

    def processor(self, question: Question, repeat: int = REPEAT) -> float | None:
        """The milliseconds of a processor that the server needs for it, undisturbed by what else the machine does.

        That is the fifth least of so many requests; None where the system doesn't say (it does on Linux).
        """
        needed = []
        for _ in range(repeat):
            before = _processor_time(self.pid)
            self.ask(question)
            after = _processor_time(self.pid)
            if before is None or after is None:
                return None
            needed.append(after - before)
        return sorted(needed)[min(5, repeat - 1)]


def _processor_time(pid: int | None) -> float | None:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except (OSError, ValueError, IndexError):
        return None


def questions(sandbox: Sandbox) -> Iterator[Question]:
    """What is asked with 5,000 flags stored."""
    flags, numbers = f"/api/projects/{sandbox.project_id}/feature_flags/", count()
    asked = {"token": sandbox.project_api_key, "distinct_id": "inst-5", "flag_keys": ["flag-1", "flag-2", "flag-3"]}
    event = {"api_key": sandbox.project_api_key, **_event(1)}
    empty: dict[str, Any] = {"filters": {"groups": []}}
    definitions = f"/flags/definitions?token={sandbox.project_api_key}"
    yield Question("list, a page of 100", "GET", flags)
    yield Question("list, the last page", "GET", f"{flags}?limit=100&offset={FLAGS - 100}")
    yield Question("search, 100 of 111 found", "GET", f"{flags}?search=flag-42")
    yield Question("search, one found", "GET", f"{flags}?search=flag-4242")
    yield Question("find by key", "GET", f"{flags}?key=flag-4242")
    yield Question("retrieve", "GET", f"{flags}4242/")
    yield Question("PATCH of the description", "PATCH", f"{flags}4242/", lambda: {"name": "Another"})
    yield Question("PATCH of the filters", "PATCH", f"{flags}4242/", lambda: empty)
    yield Question("POST", "POST", flags, lambda: {"key": f"new-{next(numbers)}", "filters": {"groups": [{}]}})
    yield Question("activity of one flag", "GET", f"{flags}4242/activity/")
    yield Question("a person by distinct id", "GET", f"/api/projects/{sandbox.project_id}/persons/?distinct_id=inst-5")
    yield Question("capture one event", "POST", "/i/v0/e/", lambda: event)
    yield Question("/flags, three flag_keys", "POST", "/flags/?v=2", lambda: asked)
    bearer = {"Authorization": f"Bearer {sandbox.api_key}"}
    etag = requests.get(f"{sandbox.url}{definitions}", headers=bearer, timeout=60).headers["etag"]
    yield Question("definitions, unchanged (304)", "GET", definitions, headers={"If-None-Match": etag})


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
        start = time.perf_counter()
        sent = send(sandbox, EVENTS)
        seconds = time.perf_counter() - start
        with closing(sqlite3.connect(Path(folder) / "sandbox.sqlite3")) as database:
            stored = database.execute("SELECT count(*) FROM events").fetchone()[0]
        print(f"{stored} of {len(sent)} events stored, {len(sent) / seconds:.0f} a second")
        store_flags(sandbox, Path(folder), FLAGS)
        requests.patch(f"{sandbox.url}/_sandbox/settings", json={"flag_limit": 0}, timeout=10)
        _measure(sandbox)
    return 0 if stored == len(sent) else 1


def _measure(sandbox: Sandbox) -> None:
    client = Client(sandbox)
    print(f"median of {REPEAT} requests, {FLAGS} flags stored, and the processor time that the server needs for one:")
    for question in questions(sandbox):
        _print(question.name, client.median(question), client.processor(question))
    path = f"/api/projects/{sandbox.project_id}/feature_flags/4242/"
    change = Question("", "PATCH", path, lambda: {"name": "Another"})
    asked = {"token": sandbox.project_api_key, "distinct_id": "inst-5"}
    few = Question("/flags, one flag_key", "POST", "/flags/?v=2", lambda: {**asked, "flag_keys": ["flag-1"]})
    everything = Question("/flags", "POST", "/flags/?v=2", lambda: asked)
    definitions = Question("definitions", "GET", f"/flags/definitions?token={sandbox.project_api_key}")
    print("after a change of one flag:")
    for question in (few, definitions):
        _print(question.name, statistics.median(client.ask(change) and client.ask(question)[0] for _ in range(20)))
    print("all 5,000 in one answer:")
    for question in (definitions, everything):
        size = len(client.ask(question)[1]) / 1e6
        _print(f"{question.name}, {size:.1f} MB", client.median(question, 20), client.processor(question, 20))


def _print(name: str, milliseconds: float, processor: float | None = None) -> None:
    print(f"  {name:34}{milliseconds:7.1f} ms" + (f"{processor:7.1f} ms" if processor else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main())
