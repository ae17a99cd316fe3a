"""Discovery of PostHog's kinds: a module below `sandbox/resources/` adds a kind by an instance of a `Resource`, and
routes of another shape by a function `routes()`. Nothing else lists them.
"""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

from sandbox import resources as root
from sandbox.rest.resource import Resource


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module below `sandbox/resources/`."""
    found = pkgutil.walk_packages(root.__path__, f"{root.__name__}.")
    return tuple(import_module(each.name) for each in found if not each.ispkg)


@cache
def resources() -> tuple[Resource, ...]:
    """Every kind."""
    return tuple(
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, Resource) and type(value).__module__ == module.__name__
    )


def resource(kind: str) -> Resource:
    """The kind of that name."""
    return next(each for each in resources() if each.kind == kind)
