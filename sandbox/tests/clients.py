"""The official SDK as an installation uses it, pointed at a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from posthog import Posthog

from sandbox.tests.running import Sandbox

Sdk = Callable[..., Posthog]
"""Makes clients; takes what ``sdk`` takes."""


@contextmanager
def sdk(sandbox: Sandbox, *, local: bool = False, **options: Any) -> Iterator[Posthog]:
    """A client of the sandbox's project; with ``local`` it evaluates flags itself, by today's definitions."""
    if local:
        options = {"secret_key": sandbox.api_key, "poll_interval": 3600, **options}
    client = Posthog(sandbox.project_api_key, host=sandbox.url, **options)
    try:
        if local:
            poll(client)
        yield client
    finally:
        client.shutdown()


def poll(client: Posthog) -> None:
    """Fetch the definitions as the client's poller does."""
    client.load_feature_flags()  # type: ignore[no-untyped-call]


def new_flag(sandbox: Sandbox, key: str, filters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Create a flag through the API."""
    body = {"key": key, "name": key, "filters": filters, **fields}
    return dict(sandbox.call("POST", "feature_flags/", body))


def event(name: str, distinct_id: str, **properties: Any) -> dict[str, Any]:
    """An event as it is captured."""
    return {"event": name, "distinct_id": distinct_id, "properties": properties}


def person_of(sandbox: Sandbox, distinct_id: str) -> dict[str, Any] | None:
    """The person a distinct id leads to, as the API shows it."""
    found = sandbox.call("GET", f"persons/?distinct_id={distinct_id}")["results"]
    return dict(found[0]) if found else None


def events(sandbox: Sandbox, distinct_id: str) -> list[dict[str, Any]]:
    """The events of a distinct id, oldest first."""
    found = sandbox.call("GET", f"events/?distinct_id={distinct_id}&limit=1000")["results"]
    return list(reversed(found))
