"""What each kind of fault does to a request: what happens instead of the application alone, one entry in `KINDS` each.

None of them undoes or withholds a write that was answered: a fault comes before the application has seen the request,
or it spoils the answer after the application has committed.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.wire.errors import Failure

Options = Mapping[str, Any]
Run = Callable[[ASGIApp, Options, Scope, Receive, Send], Awaitable[None]]
SERVER_ERROR = Failure().body()


@dataclass(frozen=True)
class Kind:
    """A kind of fault; `options` are its options with their defaults."""

    run: Run
    options: Options

    def drawn(self, options: Options, luck: random.Random) -> dict[str, Any]:
        """The options of one strike: `jitter` becomes a part of `seconds`."""
        found = dict(options)
        if "jitter" in found:
            found["seconds"] = round(found["seconds"] + found.pop("jitter") * luck.random(), 4)
        return found


@dataclass
class Reply:
    """An answer of the application, held back."""

    start: Message
    body: bytes

    async def send(self, send: Send, body: bytes | None = None) -> None:
        """Send it; with another body its length is put right."""
        sent = self.body if body is None else body
        headers = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(sent)).encode()))
        await send({**self.start, "headers": headers})
        await send({"type": "http.response.body", "body": sent})


async def read(scope: Scope, receive: Receive) -> None:
    """Take the request in whole without handing it on."""
    try:
        scope["sandbox.body"] = await Request(scope, receive).body()
    except ClientDisconnect:
        scope["sandbox.body"] = b""


async def perform(app: ASGIApp, scope: Scope, receive: Receive) -> Reply:
    """Let the application handle the request, and keep its answer."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    if not messages:  # the client is gone, and nobody sees this
        return Reply({"type": "http.response.start", "status": 400, "headers": []}, b"")
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Reply(messages[0], body)


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection once what was written to it is sent, and wait until the server knows."""
    scope["sandbox.transport"].close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def latency(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Waits before the request is handled."""
    await asyncio.sleep(options["seconds"])
    await app(scope, receive, send)


async def late_answer(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Handles the request at once and answers late: a client with a shorter timeout doesn't learn of its write."""
    reply = await perform(app, scope, receive)
    await asyncio.sleep(options["seconds"])
    await reply.send(send)


def _error(options: Options) -> Response:
    """A 500 is Django's and speaks JSON; the others come from the proxy before it and speak HTML."""
    status = int(options["status"])
    headers = {"Retry-After": str(int(options["retry_after"]))} if options["retry_after"] else None
    if status == 500:
        return Response(json.dumps(SERVER_ERROR), status, headers, "application/json")
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return Response(page, status, headers, "text/html")


async def error_before(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an error instead of handling the request."""
    await read(scope, receive)
    await _error(options)(scope, receive, send)


async def error_after(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Handles the request, then answers an error: what was written stays written."""
    await perform(app, scope, receive)
    await _error(options)(scope, receive, send)


async def cut_before(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Closes the connection instead of handling the request."""
    await read(scope, receive)
    await hang_up(scope, receive)


async def cut_unanswered(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Handles the request, then closes the connection without an answer."""
    await perform(app, scope, receive)
    await hang_up(scope, receive)


async def cut_during(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Handles the request, and closes the connection within the answer."""
    reply = await perform(app, scope, receive)
    await send(reply.start)
    await send({"type": "http.response.body", "body": _part(reply.body, options), "more_body": True})
    await hang_up(scope, receive)


async def cut_after(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers, and closes the connection that the client believes to be kept alive."""
    await app(scope, receive, send)
    await hang_up(scope, receive)


async def truncated(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers correctly framed HTTP whose body is the beginning of the real one."""
    reply = await perform(app, scope, receive)
    await reply.send(send, _part(reply.body, options))


async def slow(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with a body that trickles."""
    reply = await perform(app, scope, receive)
    pieces = max(1, int(options["pieces"]))
    edges = [len(reply.body) * piece // pieces for piece in range(pieces + 1)]
    await send(reply.start)
    for start, end in pairwise(edges):
        await asyncio.sleep(options["seconds"] / pieces)
        await send({"type": "http.response.body", "body": reply.body[start:end], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def stale(app: ASGIApp, options: Options, scope: Scope, receive: Receive, send: Send) -> None:
    """Lets a GET see the database as it was before the last write, if that was less than `seconds` ago."""
    services = scope["app"].state.services
    scope["sandbox.services"] = replace(services, store=services.plan.past)
    await app(scope, receive, send)


def _part(body: bytes, options: Options) -> bytes:
    return body[: int(len(body) * options["share"])]


_ERROR = {"status": 503, "retry_after": 0}
KINDS: dict[str, Kind] = {
    "latency": Kind(latency, {"seconds": 0.1, "jitter": 0}),
    "late_answer": Kind(late_answer, {"seconds": 1, "jitter": 0}),
    "error_before": Kind(error_before, _ERROR),
    "error_after": Kind(error_after, {**_ERROR, "status": 502}),
    "cut_before": Kind(cut_before, {}),
    "cut_unanswered": Kind(cut_unanswered, {}),
    "cut_during": Kind(cut_during, {"share": 0.5}),
    "cut_after": Kind(cut_after, {}),
    "truncated": Kind(truncated, {"share": 0.5}),
    "slow": Kind(slow, {"seconds": 1, "pieces": 10}),
    "stale": Kind(stale, {"seconds": 1}),
}
