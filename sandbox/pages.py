"""The pages for people."""

from starlette.routing import BaseRoute


def routes() -> list[BaseRoute]:
    return []
