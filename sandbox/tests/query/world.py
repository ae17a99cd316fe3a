"""A store with events, and queries of it at a moment of the test's choice, without a server."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.app import create_app
from sandbox.events.processing import clean, ingest
from sandbox.resources.organization.tenancy import new_project
from sandbox.storage.store import Data
from sandbox.wire.context import Services

NOW = datetime(2026, 3, 18, 12, 30, tzinfo=UTC)  # a Wednesday


class World:
    """One sandbox in this process. Each project is a world of its own."""

    def __init__(self, folder: Path) -> None:
        self.services: Services = create_app(folder).state.services
        self.store = self.services.store
        self.asked_only: dict[str, Project] = {}

    def project(self, **settings: Any) -> "Project":
        """A new project without events."""
        organization = self.store.select("organization", None)[0]
        with self.store.transaction():
            return Project(self, new_project(self.store, organization, "p", settings))

    def of(self, events: Iterable[Data], **settings: Any) -> "Project":
        """The project with these events, for tests that capture no more: of many tests it is one and the same."""
        listed = list(events)
        key = json.dumps([listed, settings])
        if key not in self.asked_only:
            self.asked_only[key] = self.project(**settings)
            self.asked_only[key].capture(listed)
        return self.asked_only[key]

    def close(self) -> None:
        """Forget all."""
        self.services.queries.close()
        self.store.close()


class Project:
    """A project with its events."""

    def __init__(self, world: World, row: Data) -> None:
        self.world, self.row, self.id = world, row, int(row["id"])
        self.captured = False

    def capture(self, events: Iterable[Data]) -> None:
        """Take events as capture does: `{event, distinct_id, timestamp, properties}`."""
        assert self not in self.world.asked_only.values() or not self.captured
        self.captured = True
        with self.world.store.transaction():
            ingest(self.world.store, self.id, [clean(each, str(each["distinct_id"]), None) for each in events])

    def put(self, kind: str, **row: Any) -> int:
        """An object of the project, such as an action; its id."""
        identifier = self.world.store.next_id(kind)
        with self.world.store.transaction():
            self.world.store.put(kind, str(self.id), {"id": identifier, "deleted": False, **row})
        return int(identifier)

    def ask(self, now: datetime = NOW, **node: Any) -> Data:
        """The response to a query, computed anew. Raises QueryError."""
        return self.world.services.queries.compute(self.row, node, now)

    def results(self, now: datetime = NOW, **node: Any) -> Any:
        """Its results alone."""
        return self.ask(now, **node)["results"]

    def sql(self, text: str, now: datetime = NOW, **node: Any) -> Any:
        """The rows of a HogQL query."""
        return self.results(now, kind="HogQLQuery", query=text, **node)


def event(name: str, person: str, at: str, **properties: Any) -> Data:
    """An event of a person at an ISO time (UTC)."""
    return {"event": name, "distinct_id": person, "timestamp": at, "properties": properties}
