"""From a request to an answer: what a handler gets (`Context`), and how it becomes an endpoint (`endpoint`).

A handler is a plain function `Context -> answer`. It runs on the event loop without awaiting, inside one transaction
(see `storage/store.py` for why), and its answer is sent after the commit. Any object is an answer of status 200; a
`Response` is sent as it is; a coroutine does what takes longer, beside other requests, and gives the answer then.
"""

import asyncio
import inspect
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.control.faults import Plan
from sandbox.control.limits import Limiter
from sandbox.control.settings import Settings
from sandbox.query.engine import Engine
from sandbox.query.patience import SlowQuery, patiently
from sandbox.storage import jsontext
from sandbox.storage.store import Data, Store
from sandbox.wire.errors import Answer, ApiError, Invalid


def timestamp(moment: datetime | None = None) -> str:
    """A moment (default: now) as PostHog writes it: UTC, microseconds, `Z`."""
    return (moment.astimezone(UTC) if moment else datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Json(Response):
    """A JSON answer."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return jsontext.encode_bytes(content)


@dataclass
class Identity:
    """Who is asking. `scopes` None means not limited by scopes, as a worker that acts for somebody."""

    user: Data
    scopes: list[str] | None
    key: Data | None = None


@dataclass
class Services:
    """What all requests share."""

    store: Store
    settings: Settings
    queries: Engine
    limiter: Limiter = field(default_factory=Limiter)
    plan: Plan = field(default_factory=Plan)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    sending: set[str] = field(default_factory=set)  # the messages that are on their way at this moment
    url: str = ""  # where the server listens

    async def do(self, job: Callable[[], None]) -> None:
        """Run `job` in a transaction of its own, which begins anew where a query in it takes long."""

        def run() -> None:
            with self.store.transaction():
                job()

        await patiently(run)

    def later(self, delay: float, job: Callable[[], None]) -> None:
        """Run `job` in a transaction of its own, `delay` seconds from now (PostHog's asynchronous workers)."""

        async def run() -> None:
            await asyncio.sleep(delay)
            await self.do(job)

        self.start(run())

    def every(self, seconds: float, job: Callable[["Services", datetime], None]) -> None:
        """Run `job` with the present time, in its own transaction, again and again (PostHog's periodic workers)."""

        async def run() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    await self.do(partial(job, self, datetime.now(UTC)))
                except Exception as error:  # noqa: BLE001 - one look that fails is not the worker's end
                    traceback.print_exception(error, file=sys.stderr)

        self.start(run())

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work go on beside the requests. Between its awaits nothing else runs."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Say why work failed: nobody waits for it."""
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error, file=sys.stderr)


@dataclass
class Context:
    """One request, with the answers to who asks (`identity`) and where (`project`, `organization`)."""

    request: Request
    raw: bytes
    services: Services
    identity: Identity | None = None
    project: Data = field(default_factory=dict)
    organization: Data = field(default_factory=dict)
    memo: dict[Any, Any] = field(default_factory=dict)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    again: bool = False  # it was begun before: a query takes long

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def user(self) -> Data:
        """The authenticated user. Only for handlers behind `identity.authenticate`."""
        assert self.identity is not None
        return self.identity.user

    @property
    def method(self) -> str:
        return self.request.method

    @cached_property
    def query(self) -> dict[str, str]:
        """The query parameters; of a repeated one the last counts, as in Django."""
        return dict(self.request.query_params)

    @cached_property
    def data(self) -> Data:
        """The request's JSON object.

        Raises:
            ApiError: 400 parse_error for malformed JSON, 415 for another media type, 400 for a body that
                isn't an object.
        """
        data = parse_json(self.raw, self.request.headers.get("content-type", ""))
        if not isinstance(data, dict):
            name = {list: "list", str: "str", bool: "bool", int: "int", float: "float"}.get(type(data), "NoneType")
            raise Invalid(f"Invalid data. Expected a dictionary, but got {name}.")
        return data

    def param(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def flag(self, name: str) -> bool:
        """Whether a query parameter is switched on (`?name=true`, `?name=1`, `?name`)."""
        return self.query.get(name, "false").lower() in ("true", "1", "yes", "t", "y", "on", "")

    def url(self, path: str) -> str:
        """An absolute URL of this server, under the name the client used for it."""
        return f"{self.request.url.scheme}://{self.request.headers.get('host', self.request.url.netloc)}{path}"


def parse_json(raw: bytes, content_type: str = "application/json") -> Any:
    """The value in a JSON body; an empty body is an empty object, as in Django REST framework."""
    if not raw:
        return {}
    media = content_type.partition(";")[0].strip().lower()
    if media and media != "application/json":
        raise ApiError(
            415, "invalid_request", "unsupported_media_type", f'Unsupported media type "{content_type}" in request.'
        )
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
        if b"\\ud" in raw.lower():  # half a surrogate pair is no text, and PostgreSQL refuses it too
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "invalid_request", "parse_error", f"JSON parse error - {error}") from error
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


def worker_context(services: Services, project: int) -> Context:
    """The context of a worker's job: in a project, without an identity."""
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""})
    found = services.store.get("project", project)
    assert found is not None
    organization = services.store.get("organization", found["organization"])
    return Context(request, b"", services, project=found, organization=organization or {})


Handler = Callable[[Context], Any]


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The ASGI endpoint of a handler: read the body, run the handler in a transaction, commit, answer."""

    async def run(request: Request) -> Response:
        raw = await request.body()
        request.scope["sandbox.body"] = raw  # for the request log
        # A stale read brings services of its own (`strikes.stale`).
        context = Context(request, raw, request.scope.get("sandbox.services") or request.app.state.services)

        def attempt() -> Any:
            nonlocal context
            try:
                with context.store.transaction():
                    return handler(context)
            except SlowQuery:
                context = Context(request, raw, context.services, begun=context.begun, again=True)
                raise

        try:
            answer = await patiently(attempt)
            if inspect.isawaitable(answer):
                answer = await answer
        except ApiError as error:
            return Json(error.body(), error.status, headers=error.headers)
        except Answer as error:
            if error.keep is not None:
                with context.store.transaction():
                    error.keep()
            return Json(error.body, error.status)
        finally:
            request.scope["sandbox.identity"] = context.identity
        for job in context.after_commit:
            job()
        return answer if isinstance(answer, Response) else Json(answer)

    return run
