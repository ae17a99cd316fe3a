"""Where limits and faults meet the server: the middleware around PostHog's paths, and the handles to switch them."""

import json
from functools import partial
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.control.strikes import KINDS
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Services, endpoint
from sandbox.wire.errors import Invalid
from sandbox.wire.requestlog import is_logged, shown_path


class FaultLayer:
    """ASGI middleware: asks the plan what strikes a request, and lets that happen to it.

    It is inside the request log, which notes what struck, and around nothing but what a client of PostHog may ask for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_logged(scope["sandbox.path"]):
            await self.app(scope, receive, send)
            return
        plan = scope["app"].state.services.plan
        strikes = scope["sandbox.strikes"] = plan.draw(scope["method"], shown_path(scope))
        if plan.past is not None and scope["method"] != "GET" and scope["path"].startswith("/api/"):
            plan.past.before_write()
        app = self.app
        for strike in reversed(strikes):
            app = partial(KINDS[strike.kind].run, app, strike.options)
        await app(scope, receive, send)


def routes() -> list[BaseRoute]:
    """The handles of limits and faults."""
    return [
        Route("/_sandbox/faults", endpoint(faults), methods=["GET", "PUT", "PATCH", "DELETE"]),
        Route("/_sandbox/limits", endpoint(limits), methods=["GET", "PATCH", "DELETE"]),
    ]


def faults(context: Context) -> Any:
    """The plan of faults. PUT and PATCH set what they name (PUT: and the rest to its default) and start the counts
    anew; DELETE ends all faults.
    """
    values: Data = {} if context.method in ("GET", "DELETE") else context.data
    if context.method in ("PUT", "DELETE"):
        values = {"seed": 0, "rules": [], **values}
    services = context.services
    if context.method != "GET":
        try:
            services.plan.change(values, services.store)
        except ValueError as error:
            raise Invalid(str(error)) from error
    return services.plan.shown()


def limits(context: Context) -> Any:
    """PostHog's rate limits: `enabled`, whether the server is `self_hosted` all the same, and the `speed` of the clock
    they count by; these may be set. `time` is that clock's, `refused` how many requests were answered 429. DELETE
    switches them off and forgets what was counted.
    """
    limiter = context.services.limiter
    if context.method == "DELETE":
        limiter.clear()
    elif context.method == "PATCH":
        try:
            limiter.change(context.data)
        except ValueError as error:
            raise Invalid(str(error)) from error
    return limiter.shown()


def from_options(services: Services, plan: str, speed: str) -> None:
    """Switch on what the command line or the environment asks for.

    Args:
        plan: the plan of faults as JSON, "" for none. speed: how fast the limits' clock runs, "" for no limits.

    Raises:
        ValueError: one of them can't be read, with a sentence that says why.
    """
    if plan:
        services.plan.change(json.loads(plan), services.store)
    if speed:
        services.limiter.change({"enabled": True, "speed": float(speed)})
