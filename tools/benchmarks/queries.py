"""Queries of the sandbox over a million events: trends by day with a breakdown, and every insight of the repository.

In this process, without HTTP: `python -m tools.benchmarks.queries [EVENTS]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from ai_admin.definitions import load
from ai_admin.simulation.installations import company
from ai_admin.simulation.traffic import incidents, runs
from sandbox.app import create_app
from sandbox.events.processing import clean, ingest
from sandbox.resources.analytics.queries import source_of
from sandbox.storage.store import Store
from tests.support.sandbox import REPOSITORY

EVENTS, INSTALLATIONS, DAYS = 1_000_000, 1_000, 90
AT_A_TIME, COPIES = 10_000, 20
RUNS = 15
MODEL = "deepseek-chat-v3"
BY_DAY: dict[str, Any] = {
    "kind": "TrendsQuery",
    "series": [{"kind": "EventsNode", "event": "ai_enhancement_used"}],
    "interval": "day",
    "dateRange": {"date_from": f"-{DAYS}d"},
    "breakdownFilter": {"breakdown": "model", "breakdown_type": "event"},
}


def main() -> int:
    """Fill a store, ask, print the seconds. Returns 1 when a query took longer than the sandbox promises."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        services = create_app(Path(folder)).state.services
        project = services.store.select("project", None)[0]
        variable = {"id": "1", "code_name": "ai_model", "default_value": MODEL}
        services.store.put("insight_variable", str(project["id"]), variable)
        fill(services.store, project["id"], wanted, now)
        nodes = insights()

        def seconds(node: dict[str, Any]) -> float:
            begun = time.perf_counter()
            services.queries.compute(project, node, now)
            return time.perf_counter() - begun

        print(f"the first query, which mirrors them: {seconds(BY_DAY):.1f} s", flush=True)
        by_day = median(seconds(BY_DAY) for _ in range(RUNS))
        print(f"trends by day with a breakdown: {by_day:.3f} s (median of {RUNS})", flush=True)
        first = {key: seconds(node) for key, node in nodes.items()}
        again = {key: seconds(node) for key, node in nodes.items()}
        for key, taken in sorted(again.items(), key=lambda each: -each[1]):
            print(f"  {key}: {taken:.3f} s (the first time {first[key]:.3f} s)")
        print(f"{len(nodes)} insights: {sum(again.values()):.2f} s, the first time {sum(first.values()):.2f} s")
        services.queries.close()
        return int(by_day > 0.3 or sum(again.values()) > 4)


def fill(store: Store, project: int, wanted: int, now: datetime) -> None:
    """Capture a simulated company's events, and put each into the database so often again, some seconds earlier."""
    captured = _events(wanted // COPIES, now)
    while batch := list(islice(captured, AT_A_TIME)):
        with store.transaction():
            ingest(store, project, [clean(each, each["distinct_id"], None) for each in batch])
    last = store.execute("SELECT max(seq) FROM events").fetchone()[0]
    with store.transaction():
        for number in range(1, COPIES):
            store.execute(
                "INSERT INTO events"
                " (project, uuid, event, distinct_id, person, timestamp, created_at, data, person_properties)"
                " SELECT project, substr(uuid, 1, 24) || printf('%012x', ? * 1000000000 + seq), event, distinct_id,"
                " person, strftime('%Y-%m-%dT%H:%M:%f000Z', timestamp, ? || ' seconds'), created_at, data,"
                " person_properties FROM events WHERE seq <= ?",
                (number, -7 * number, last),
            )


def _events(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    simulated = company(1, INSTALLATIONS, DAYS, now)
    for run in runs(1, simulated, count, incidents(simulated)):
        yield {
            "event": "ai_enhancement_used",
            "uuid": str(run.id),
            "distinct_id": run.installation.id,
            "timestamp": run.when.isoformat(),
            "properties": dict(run.properties),
        }


def insights() -> dict[str, dict[str, Any]]:
    """The queries of the repository's insights; those that leave their dates to a dashboard over 30 days."""
    found = {}
    for each in load(REPOSITORY, "sandbox").resources:
        if each.kind == "insight":
            source = source_of(each.properties["query"])
            assert source is not None
            if source["kind"] == "HogQLQuery":
                named = (variable["code_name"] for variable in source.get("variables", []))
                source["variables"] = {name: {"code_name": name, "value": MODEL} for name in named}
            elif source["kind"] != "RetentionQuery":
                source.setdefault("dateRange", {"date_from": "-30d"})
            found[each.key] = source
    return found


if __name__ == "__main__":
    sys.exit(main())
