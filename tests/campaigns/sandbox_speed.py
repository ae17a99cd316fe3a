"""How fast the sandbox takes events and answers /flags: `python -m tests.campaigns.sandbox_speed`.

50,000 events in batches of 100, none dropped; /flags with 5,000 flags stored; the definitions, and their 304.
"""

import gzip
import json
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from tests.support.sandbox import Sandbox, running_sandbox

EVENTS, FLAGS, PERSONS, BATCH = 50_000, 5_000, 2_000, 100


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


def store_flags(data: Path, project: str, flags: int) -> None:
    """Put flags into the database of a running sandbox, past the API and its limit of 2,000."""
    version = {"key": "version", "type": "person", "operator": "semver_gte", "value": "2.4.0"}
    groups = [{"properties": [version], "rollout_percentage": 50}, {"properties": [], "rollout_percentage": 10}]
    rows = []
    for number in range(1, flags + 1):
        filters = {"groups": groups, "payloads": {"true": "{}"}}
        flag = {"id": number, "key": f"flag-{number}", "active": True, "version": 1, "filters": filters}
        rows.append((str(number), project, flag["key"], json.dumps(flag)))
    with closing(sqlite3.connect(data / "sandbox.sqlite3", timeout=10)) as database, database:
        database.executemany(
            "INSERT INTO objects (kind, id, parent, natural, listed, created_at, data)"
            " VALUES ('feature_flag', ?, ?, ?, 1, '', ?)",
            rows,
        )


def milliseconds(repeat: int, call: Callable[[], requests.Response]) -> float:
    """The median duration of a call."""
    durations = []
    for _ in range(repeat):
        start = time.perf_counter()
        assert call().ok
        durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
        start = time.perf_counter()
        sent = send(sandbox, EVENTS)
        seconds = time.perf_counter() - start
        with closing(sqlite3.connect(Path(folder) / "sandbox.sqlite3")) as database:
            stored = database.execute("SELECT count(*) FROM events").fetchone()[0]
        print(f"{stored} of {len(sent)} events stored, {len(sent) / seconds:.0f} a second")
        store_flags(Path(folder), sandbox.project_id, FLAGS)
        _flags(sandbox)
    return 0 if stored == len(sent) else 1


def _flags(sandbox: Sandbox) -> None:
    session = requests.Session()
    body = {"token": sandbox.project_api_key, "distinct_id": "inst-5"}
    few = {**body, "flag_keys": ["flag-1", "flag-2", "flag-3"]}
    address = f"{sandbox.url}/flags/definitions?token={sandbox.project_api_key}"
    bearer = {"Authorization": f"Bearer {sandbox.api_key}"}

    def ask(asked: dict[str, Any]) -> requests.Response:
        return session.post(f"{sandbox.url}/flags/?v=2", json=asked, timeout=30)

    def poll(**headers: str) -> requests.Response:
        return session.get(address, headers={**bearer, **headers}, timeout=30)

    print(f"/flags with {FLAGS} flags stored:")
    print(f"  first request after they changed   {milliseconds(1, lambda: ask(few)):7.1f} ms")
    print(f"  median for three flag_keys         {milliseconds(300, lambda: ask(few)):7.1f} ms")
    print(f"  median for all flags               {milliseconds(20, lambda: ask(body)):7.1f} ms")
    print(f"  definitions, first                 {milliseconds(1, poll):7.1f} ms")
    etag = poll().headers["etag"]
    unchanged = milliseconds(50, lambda: poll(**{"If-None-Match": etag}))
    print(f"  median for unchanged definitions   {unchanged:7.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
