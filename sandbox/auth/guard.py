"""Who may call what: authentication, the place in the path, the method, the scope and the rate limits, checked in
PostHog's order.
"""

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Route

from sandbox.auth.identity import authenticate, enter_organization, enter_project, require_scope, throttle
from sandbox.wire.context import Context, Handler, endpoint
from sandbox.wire.errors import MethodNotAllowed

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Operation = tuple[tuple[str, ...], Callable[..., Any]]  # the scopes it needs, and what runs


def guarded(
    operations: dict[str, Operation], run: Callable[[Context, Callable[..., Any]], Any] | None = None
) -> Handler:
    """A handler that lets a request through to the operation of its method.

    The path's parameter `project` or `organization`, when there is one, becomes the context's. `run` calls the
    operation (default: with the context alone).
    """

    def handle(context: Context) -> Any:
        authenticate(context)
        if "project" in context.request.path_params:
            enter_project(context, context.param("project"))
        elif "organization" in context.request.path_params:
            enter_organization(context, context.param("organization"))
        if context.method not in operations:
            # A key is asked for its scopes before the method is looked at, and a method that isn't there has none, but
            # for PATCH of a collection (posthog/permissions.py, ScopeBasePermission, 2026-09).
            if context.method != "PATCH" or "id" in context.request.path_params:
                require_scope(context)
            raise MethodNotAllowed(context.method, ", ".join(operations))
        scopes, operation = operations[context.method]
        require_scope(context, *scopes)
        throttle(context)
        return run(context, operation) if run else operation(context)

    return handle


def both(path: str, **operations: Operation) -> list[BaseRoute]:
    """A route below a project, under `/api/projects/:id/` and its older twin `/api/environments/:id/`."""
    return [route(f"/api/{place}/{{project}}/{path}", **operations) for place in ("projects", "environments")]


def route(path: str, **operations: Operation) -> Route:
    """A route outside the resources: `route("/api/x", GET=(("x:read",), show))`."""
    return Route(path, endpoint(guarded(operations)), methods=METHODS)
