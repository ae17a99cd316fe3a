"""The inconveniences of a real network and a real PostHog: rate limits, latency, failures, cuts, stale
answers.

All are off until `PUT /_sandbox/faults` (or the environment variable SANDBOX_FAULTS, the same JSON) switches
them on. Every decision is drawn from one seeded generator in the order in which requests arrive, so that a
failure can be replayed.
"""

import asyncio
import json
import os
import random
from collections import defaultdict, deque
from dataclasses import dataclass, field, fields
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MINUTE, HOUR = 60.0, 3600.0
KINDS = ("error_before", "error_after", "cut_before", "cut_during", "cut_after", "truncate", "slow", "stale")


@dataclass
class Faults:
    """What goes wrong, and how often.

    Attributes:
        seed: of the generator that decides.
        rate_limits: PostHog's limits for personal API keys: 480 requests a minute and 4,800 an hour each.
        per_minute, per_hour: other limits than PostHog's.
        latency, jitter: seconds added to every answer, and up to so many more.
        error_before, error_after: share of requests answered `status` before or after the request was carried
        out. cut_before, cut_during, cut_after: share of connections cut before the request was carried out;
        within the
            answer; after it was carried out and before anything was answered.
        truncate: share of answers that end early, though the connection is closed in order.
        slow: share of answers that trickle, over `slow_seconds`.
        stale: share of GETs answered with what the same GET answered before the last write.
        status: of the errors.
        paths: only requests whose path contains this are affected (but for limits).
        methods: only these methods are affected; empty means all.
    """

    seed: int = 0
    rate_limits: bool = False
    per_minute: int = 480
    per_hour: int = 4800
    latency: float = 0.0
    jitter: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    cut_before: float = 0.0
    cut_during: float = 0.0
    cut_after: float = 0.0
    truncate: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    stale: float = 0.0
    status: int = 503
    paths: str = ""
    methods: list[str] = field(default_factory=list)

    def change(self, values: dict[str, Any]) -> None:
        """Set what `values` names. Raises `ValueError` for an unknown name or a value of another type."""
        for name, value in values.items():
            known = {each.name: type(getattr(self, each.name)) for each in fields(self)}
            wanted = known.get(name)
            if wanted is None:
                raise ValueError(f"unknown fault {name!r}; known: {', '.join(known)}")
            if wanted is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if type(value) is not wanted:
                raise ValueError(f"{name} must be {wanted.__name__}, not {type(value).__name__}")
            setattr(self, name, value)


class FaultLayer:
    """ASGI middleware around everything but the sandbox's own handles and pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.faults = Faults()
        self.random = random.Random(0)
        self.seen: dict[bytes, deque[float]] = defaultdict(deque)
        self.answers: dict[tuple[bytes, str, bytes], list[Message]] = {}
        if os.environ.get("SANDBOX_FAULTS"):
            self.set(json.loads(os.environ["SANDBOX_FAULTS"]))

    def set(self, values: dict[str, Any]) -> Faults:
        """Replace the faults: what isn't named is off. The generator starts again from the seed."""
        faults = Faults()
        faults.change(values)
        self.faults, self.random = faults, random.Random(faults.seed)
        self.seen.clear()
        self.answers.clear()
        return faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["sandbox.faults"] = self
        path = scope.get("sandbox.path", scope["path"])
        if not path.startswith(("/api", "/flags", "/decide", "/batch", "/i/", "/e/", "/capture")):
            await self.app(scope, receive, send)
            return
        wait = self._limited(scope)
        if wait is not None:
            await _answer(
                send,
                429,
                {
                    "type": "throttled_error",
                    "code": "throttled",
                    "detail": f"Request was throttled. Expected available in {wait} seconds.",
                    "attr": None,
                },
                [(b"retry-after", str(wait).encode())],
            )
            return
        faults = self.faults
        concerned = faults.paths in path and (not faults.methods or scope["method"] in faults.methods)
        kind = self._draw(scope["method"]) if concerned else None
        if concerned and (faults.latency or faults.jitter):
            await asyncio.sleep(faults.latency + self.random.random() * faults.jitter)
        await self._carry_out(kind, scope, receive, send)

    def _draw(self, method: str) -> str | None:
        """Which fault befalls a request: one draw, however many are switched on."""
        drawn, edge = self.random.random(), 0.0
        for kind in KINDS:
            edge += getattr(self.faults, kind)
            if drawn < edge:
                return None if kind == "stale" and method != "GET" else kind
        return None

    def _limited(self, scope: Scope) -> int | None:
        """Seconds to wait when the personal API key has used up its share, else None."""
        key = _bearer(scope)
        if not self.faults.rate_limits or not key.startswith(b"phx_") or not scope["path"].startswith("/api/"):
            return None
        now, past = monotonic(), self.seen[key]
        while past and now - past[0] > HOUR:
            past.popleft()
        limits = ((MINUTE, self.faults.per_minute), (HOUR, self.faults.per_hour))
        for span, limit in limits:
            if len(past) >= limit and now - past[-limit] < span:
                return max(1, int(span - (now - past[-limit])) + 1)
        past.append(now)
        return None

    async def _carry_out(self, kind: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        if kind == "cut_before":
            await _drain(receive)
            await _cut(scope)
            return
        if kind == "error_before":
            await _drain(receive)
            await self._error(send)
            return
        messages: list[Message] = []
        if not any(getattr(self.faults, name) for name in KINDS):
            await self.app(scope, receive, send)
            return

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        await self._deliver(kind, scope, messages, send)

    async def _deliver(self, kind: str | None, scope: Scope, messages: list[Message], send: Send) -> None:
        """Answer, or fail to, after the request has been carried out."""
        messages = self._remembered(kind, scope, messages)
        if kind == "error_after":
            await self._error(send)
        elif kind == "cut_after":
            await _cut(scope)
        elif kind in ("cut_during", "truncate"):
            start, body = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
            if kind == "truncate":
                kept = [each for each in start["headers"] if each[0] != b"content-length"]
                start = {**start, "headers": [*kept, (b"connection", b"close")]}
            await send(start)
            await send(
                {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": kind == "cut_during"}
            )
            if kind == "cut_during":
                await asyncio.sleep(0.01)  # so that the half that is sent has left
                await _cut(scope)
        elif kind == "slow":
            await self._trickle(messages, send)
        else:
            for message in messages:
                await send(message)

    def _remembered(self, kind: str | None, scope: Scope, messages: list[Message]) -> list[Message]:
        """Keep the answers of GETs for stale reads; give the former one when it is a stale read's turn."""
        if scope["method"] != "GET" or not self.faults.stale:
            return messages
        place = (_bearer(scope), scope["path"], scope["query_string"])
        former = self.answers.get(place)
        if kind == "stale" and former is not None:
            return former
        self.answers[place] = messages
        return messages

    async def _trickle(self, messages: list[Message], send: Send) -> None:
        body = b"".join(message.get("body", b"") for message in messages[1:])
        await send(messages[0])
        parts = 10
        size = max(1, len(body) // parts)
        for start in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            await asyncio.sleep(self.faults.slow_seconds / parts)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _error(self, send: Send) -> None:
        body = {"type": "server_error", "code": "error", "detail": "A server error occurred.", "attr": None}
        await _answer(send, self.faults.status, body, [])


async def _cut(scope: Scope) -> None:
    """Close the connection at once, without another byte. The server's protocol puts the transport into the
    scope.
    """
    scope["sandbox.transport"].abort()
    await asyncio.sleep(0.01)  # until the server has noticed, so that it doesn't try to answer


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def _answer(send: Send, status: int, body: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
    raw = json.dumps(body, separators=(",", ":")).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": raw, "more_body": False})


def _bearer(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"authorization" and value.startswith(b"Bearer "):
            return bytes(value[7:])
    return b""
