"""The application: every module's routes behind the request log.

The kinds in `sandbox/resources/` are found by `rest/registry.py`; the other services are listed here, with their
`routes()`, and with `TABLES` (an SQL script of CREATE TABLE IF NOT EXISTS) when they have tables of their own.
"""

import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import pages
from sandbox.control import faultlayer, handles
from sandbox.control.faultlayer import FaultLayer
from sandbox.control.settings import Settings
from sandbox.evaluation.service import flags_api, flagset, local_evaluation, remote_config
from sandbox.events import capture_v1, ingestion, processing
from sandbox.query.engine import Engine
from sandbox.resources.people import cohort_calculation
from sandbox.rest import routes as rest
from sandbox.rest.registry import resources
from sandbox.seed import seed
from sandbox.storage.store import Store
from sandbox.wire.context import Json, Services
from sandbox.wire.errors import NotFound, failure
from sandbox.wire.requestlog import RequestLog
from sandbox.wire.routing import ByWord

TABLES: tuple[str, ...] = (ingestion.TABLES, flagset.TABLES)


def routes() -> list[BaseRoute]:
    """All routes, in the order in which they are tried."""
    posthog = (ingestion, capture_v1, flags_api, local_evaluation, remote_config, rest)
    return [
        Route("/_health", health),
        *handles.routes(),
        *faultlayer.routes(),
        *pages.routes(),
        *(route for module in posthog for route in module.routes()),
    ]


@cache
def router() -> ByWord:
    """What finds a request's route: one for all applications of a process, as routes keep nothing."""
    return ByWord(routes())


async def health(request: Request) -> Response:
    """`GET /_health`: 200 once requests are accepted."""
    return PlainTextResponse("ok")


async def unknown_path(request: Request, _error: Exception) -> Response:
    """PostHog's answer to a path it doesn't have."""
    error = NotFound("Endpoint not found.")
    return Json(error.body(), error.status)


async def gone(_request: Request, _error: Exception) -> Response:
    """What the request log shows of a client that went away before its request was whole; nothing was done for it."""
    return Response(status_code=499)


async def server_error(_: Request, error: Exception) -> Response:
    """Django's answer to a failure, which stderr explains."""
    traceback.print_exception(error, file=sys.stderr)
    return failure()


def create_app(data: Path, settings: Settings | None = None) -> Starlette:
    """The ASGI application over the database in folder `data`, which is created and seeded when it is new."""
    data.mkdir(parents=True, exist_ok=True)
    searched = {resource.kind: resource.search for resource in resources()}
    store = Store(data / "sandbox.sqlite3", TABLES, searched)
    processing.upgrade(store)
    services = Services(store, settings or Settings(), Engine(store, cohort_calculation.count))
    with services.store.transaction():
        seed(services.store)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        rest.resume(services)
        yield
        for task in list(services.tasks):
            task.cancel()
        services.queries.close()
        services.store.close()

    app = Starlette(
        routes=[router()],
        exception_handlers={404: unknown_path, 405: unknown_path, 500: server_error, ClientDisconnect: gone},
        middleware=[Middleware(RequestLog), Middleware(FaultLayer)],
        lifespan=lifespan,
    )
    app.state.services = services
    return app
