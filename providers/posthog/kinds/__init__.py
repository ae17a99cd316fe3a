"""The kinds, by name: every module of this package that holds a :class:`Kind`, what is referred to first."""

from __future__ import annotations

from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules

from providers.posthog.kinds.base import Directory, Field, Kind, Reading, Ref


def _found() -> dict[str, Kind]:
    modules = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))
    kinds = {kind.name: kind for module in modules for kind in vars(module).values() if isinstance(kind, Kind)}
    before = {name: {*kinds[name].refers_to, *kinds[name].after.values()} - {name} for name in sorted(kinds)}
    return {name: kinds[name] for name in TopologicalSorter(before).static_order()}


KINDS: dict[str, Kind] = _found()

__all__ = ["KINDS", "Directory", "Field", "Kind", "Reading", "Ref"]
