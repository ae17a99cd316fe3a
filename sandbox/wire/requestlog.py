"""The request log: what was asked and answered, newest 10,000 requests, kept in memory for tests, benchmarks and
people.
"""

import json
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.auth.identity import mask
from sandbox.control.faults import Strike
from sandbox.wire.context import timestamp

LENGTH = 10_000
LONGEST_BODY = 65_536


@dataclass(frozen=True)
class Entry:
    """One request; `body` is the raw body of a write, cut at 64 KB; `status` is None when nothing was answered;
    `faults` are those that struck.
    """

    id: int
    at: str
    method: str
    path: str
    status: int | None
    key: str | None
    user: str | None
    body: bytes
    duration_ms: float
    faults: tuple[Strike, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The entry as JSON: the body parsed where it is JSON, as text otherwise, null for reads."""
        body: Any = None
        if self.body:
            try:
                body = json.loads(self.body)
            except ValueError:
                body = self.body.decode("utf-8", "replace")
        return {**vars(self), "body": body, "faults": [strike.shown() for strike in self.faults]}


class RequestLog:
    """ASGI middleware that writes the log, and takes the trailing slash off paths (PostHog's routes allow both)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        scope["sandbox.path"] = path
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"
        if not is_logged(path):
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), None

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            record(scope, status, (time.perf_counter() - start) * 1000)


def is_logged(path: str) -> bool:
    """Whether a path is one of PostHog's, and not one of the sandbox's own handles and pages."""
    return path.startswith("/_preflight") or (path != "/" and not path.startswith(("/_", "/favicon", "/project/")))


def shown_path(scope: Scope) -> str:
    """The path as it was asked for, with its query."""
    query = scope["query_string"].decode("latin-1")
    return str(scope["sandbox.path"]) + (f"?{query}" if query else "")


ENTRIES: deque[Entry] = deque(maxlen=LENGTH)
_last = 0


def record(scope: Scope, status: int | None, duration_ms: float) -> None:
    """Append a request; `status` None means that no answer was sent."""
    global _last
    _last += 1
    identity = scope.get("sandbox.identity")
    body = scope.get("sandbox.body", b"") if scope["method"] not in ("GET", "HEAD") else b""
    ENTRIES.append(
        Entry(
            id=_last,
            at=timestamp(),
            method=scope["method"],
            path=shown_path(scope),
            status=status,
            key=identity.key["mask_value"] if identity and identity.key else _unknown_key(scope),
            user=identity.user["email"] if identity else None,
            body=body[:LONGEST_BODY],
            duration_ms=round(duration_ms, 3),
            faults=tuple(scope.get("sandbox.strikes", ())),
        )
    )


def _unknown_key(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization" and value.startswith(b"Bearer "):
            return mask(value[7:].decode("latin-1").strip())
    return None


def entries(since: int = 0) -> list[dict[str, Any]]:
    """The requests with an id above `since`, oldest first."""
    return [entry.shown() for entry in ENTRIES if entry.id > since]


def latest(most: int, offset: int = 0) -> list[dict[str, Any]]:
    """So many of the requests, newest first."""
    return [entry.shown() for entry in islice(reversed(ENTRIES), offset, offset + most)]


def clear() -> None:
    """Forget everything; ids go on."""
    ENTRIES.clear()
