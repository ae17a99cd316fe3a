"""Answers queries of a store's projects, and keeps the answers for as long as PostHog does.

Source: PostHog's posthog/hogql_queries/query_runner.py and posthog/caching/utils.py.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.query import events, funnels, lifecycle, paths, retention, sql, stickiness, trends
from sandbox.query.asked import Asked
from sandbox.query.changes import Changes
from sandbox.query.dates import iso
from sandbox.query.errors import NotComputedError, within_schema
from sandbox.query.tables import Members, ProjectTables, Tables
from sandbox.storage import jsontext
from sandbox.storage.store import Data, Store

KINDS: dict[str, Callable[[Asked], Data]] = {
    "HogQLQuery": sql.compute,
    "EventsQuery": events.compute,
    "TrendsQuery": trends.compute,
    "FunnelsQuery": funnels.compute,
    "RetentionQuery": retention.compute,
    "StickinessQuery": stickiness.compute,
    "LifecycleQuery": lifecycle.compute,
    "PathsQuery": paths.compute,
}
# How long an answer is fresh, by the interval of the query: a day where it is none of these.
STALE_AFTER = {
    **dict.fromkeys(("second", "minute"), timedelta(minutes=5)),
    "hour": timedelta(hours=1),
    "day": timedelta(hours=6),
}
# What a query's key doesn't depend on: how it is shown, by whom it is asked.
SHOWN_ONLY = frozenset("version tags custom_name response dataColorTheme".split())
MOST_KEPT = 50_000_000  # bytes of JSON, of all answers together
COMMON = (
    "error hogql modifiers timings query_status resolved_date_range resolved_compare_date_range warnings hasMore"
    " calculation_trigger query_metadata".split()
)


@dataclass(frozen=True)
class CachedResponse:
    """A computed response, as JSON, and until when it is fresh."""

    response: bytes
    stale: datetime


@dataclass
class Engine:
    """The queries of one store."""

    store: Store
    members: Members
    answers: dict[str, CachedResponse] = field(default_factory=dict)  # the oldest first
    tables: Tables | None = None

    def __post_init__(self) -> None:
        self.changes = Changes(self.store)

    def key(self, project: Data, node: Data) -> str:
        """What an answer is kept under."""
        of = (project["id"], project.get("timezone"), project.get("week_start_day") or 0)
        text = jsontext.encode([*of, _essence(node)])
        return f"cache_{project['id']}_{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def kept(self, project: Data, node: Data, now: datetime, stale: bool = False) -> Data | None:
        """The answer that is known already, unless it is stale (or even then)."""
        found = self.answers.get(self.key(project, node))
        if found is None or (found.stale <= now and not stale):
            return None
        return {**jsontext.decode(found.response), "is_cached": True}

    def compute(self, project: Data, node: Data, now: datetime) -> Data:
        """A query's answer, computed now and kept: a response as PostHog's query API gives it.

        Raises: QueryError.
        """
        response, stale = self._response(project, node, now)
        key = response["cache_key"]
        self.answers.pop(key, None)
        self.answers[key] = CachedResponse(jsontext.encode_bytes(response), stale)
        excess = sum(len(each.response) for each in self.answers.values()) - MOST_KEPT
        while excess > 0:
            excess -= len(self.answers.pop(next(iter(self.answers))).response)
        return response

    def at(self, project: Data, node: Data, moment: datetime) -> Data:
        """The answer at any moment, of the events up to it; it is not kept, as that moment need not be the present.

        Raises: QueryError.
        """
        return self._response(project, node, moment, until=moment)[0]

    def _response(
        self, project: Data, node: Data, now: datetime, until: datetime | None = None
    ) -> tuple[Data, datetime]:
        started = time.perf_counter()
        kind = node.get("kind")
        compute = KINDS.get(str(kind))
        if compute is None:
            raise NotComputedError(str(kind))
        tables = self.of(project, now, until)
        asked = Asked(tables, project, node, tables.now)
        with within_schema(str(kind)):
            computed = compute(asked)
        taken = time.perf_counter() - started
        stale = now + STALE_AFTER.get(str(node.get("interval") or "day"), timedelta(days=1))
        response = {
            **dict.fromkeys(COMMON),
            "hogql": ";\n".join(asked.texts),
            "timings": [{"k": ".", "t": round(taken, 6)}],
            **computed,
            "is_cached": False,
            "last_refresh": iso(now),
            "next_allowed_client_refresh": iso(now + timedelta(minutes=15)),
            "cache_target_age": iso(stale),
            "cache_key": self.key(project, node),
            "timezone": tables.timezone,
        }
        return response, stale

    def of(self, project: Data, now: datetime, until: datetime | None = None) -> ProjectTables:
        """What a project's queries are asked of, up to date, or as of a moment. Raises MissingPackageError."""
        if self.tables is None:
            self.tables = Tables(self.store, self.changes, self.members)
        return self.tables.of(project, now, until)

    def close(self) -> None:
        """Forget what was mirrored."""
        if self.tables is not None:
            self.tables.close()


def _essence(node: Any) -> Any:
    if isinstance(node, list):
        return [_essence(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _essence(value) for name, value in sorted(node.items()) if value is not None and name not in SHOWN_ONLY
    }
