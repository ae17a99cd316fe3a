"""PostHog's REST API under /api: every resource's routes, and the modules that have routes of another shape."""

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Mount, Route

from sandbox.auth.guard import METHODS, Operation, guarded
from sandbox.rest.registry import modules, resources
from sandbox.rest.resource import Resource
from sandbox.wire.context import Context, Services, endpoint
from sandbox.wire.routing import ByWord


def routes() -> list[BaseRoute]:
    """`/api/projects/:id/…`, its older twin `/api/environments/:id/…`, `/api/organizations/:id/…`, and the others."""
    project = [resource for resource in resources() if resource.parent == "project"]
    organization = [resource for resource in resources() if resource.parent == "organization"]
    return [
        *(route for module in modules() if hasattr(module, "routes") for route in module.routes()),
        Mount("/api/projects/{project}", routes=[ByWord(_all(project))]),
        Mount("/api/environments/{project}", routes=[ByWord(_all([each for each in project if each.environments]))]),
        Mount("/api/organizations/{organization}", routes=[ByWord(_all(organization))]),
    ]


def _all(resources: list[Resource]) -> list[BaseRoute]:
    return [route for resource in resources for route in resource_routes(resource)]


def resource_routes(resource: Resource) -> list[BaseRoute]:
    """The routes of one kind; those with fixed words come before those with an id in their place."""
    read, write = (f"{resource.scope}:read",), (f"{resource.scope}:write",)
    base = f"/{resource.collection}"
    whole: dict[str, dict[str, Operation]] = {}
    single: dict[str, dict[str, Operation]] = {}
    for action in sorted(resource.actions(), key=lambda action: "{" in action.path):
        table, start = (single, f"{base}/{{id}}") if action.detail else (whole, base)
        for method in action.methods:
            scopes = action.scopes if action.scopes is not None else read if method == "GET" else write
            table.setdefault(f"{start}/{action.path}", {})[method] = (scopes, action.run)
    whole[base] = _allowed(resource, GET=("list", read), POST=("create", write))
    single[base + "/{id}"] = _allowed(
        resource, GET=("retrieve", read), PATCH=("update", write), PUT=("update", write), DELETE=("destroy", write)
    )
    return [
        *(_route(path, operations, _on_collection(resource)) for path, operations in whole.items()),
        *(_route(path, operations, _on_object(resource)) for path, operations in single.items()),
    ]


Run = Callable[[Context, Callable[..., Any]], Any]


def _route(path: str, operations: dict[str, Operation], run: Run) -> Route:
    return Route(path, endpoint(guarded(operations, run)), methods=METHODS)


def _allowed(resource: Resource, **named: tuple[str, tuple[str, ...]]) -> dict[str, Operation]:
    return {
        method: (scopes, getattr(resource, name))
        for method, (name, scopes) in named.items()
        if name in resource.operations
    }


def _on_collection(resource: Resource) -> Run:
    def run(context: Context, operation: Callable[..., Any]) -> Any:
        if context.method != "GET":
            resource.authorize_write(context)
        return operation(context)

    return run


def _on_object(resource: Resource) -> Run:
    def run(context: Context, operation: Callable[..., Any]) -> Any:
        if context.method != "GET":
            resource.authorize_write(context)
        restoring = context.method == "PATCH" and context.data.get("deleted") is False
        row = resource.fetch(context, context.param("id"), deleted=restoring)
        return operation(context, row)

    return run


def resume(services: Services) -> None:
    """Take up again what a kill interrupted, such as the recalculation of cohorts, and start the workers."""
    for resource in resources():
        resource.resume(services)
        if resource.look_every:
            services.every(resource.look_every, resource.carry_out)
