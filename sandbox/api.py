"""PostHog's REST API under /api: every resource's routes."""

from starlette.routing import BaseRoute

from sandbox.web import Services


def routes() -> list[BaseRoute]:
    return []


def resume(services: Services) -> None:
    """Take up again what a kill interrupted."""
