"""What a sample of a field, and of a kind, is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.sandbox import Sandbox

Body = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]
"""What PostHog's pages send when somebody changes an object, or a function that makes it of the live object."""


@dataclass(frozen=True)
class Sample:
    """How a field is tested."""

    value: Any
    """A value that a definition can have and that is not the default."""
    changed: tuple[Body, ...] = ()
    """Requests by which somebody changes or removes the value in PostHog; each must show this field and no other."""
    added: tuple[Body, ...] = ()
    """Requests by which somebody sets the field where no definition mentions it; each must show this field alone."""
    theirs: tuple[Body, ...] = ()
    """Requests by which somebody adds what belongs to no definition; it is no difference, and stays."""
    requires: Mapping[str, Any] = field(default_factory=dict)
    """Properties that the object needs for this field, with and without the value."""
    with_it: Mapping[str, Any] = field(default_factory=dict)
    """Properties that are set and removed together with the value."""


def switch(name: str, on: bool = True, **requires: Any) -> Sample:
    """A boolean whose default is not ``on``."""
    return Sample(on, changed=({name: not on},), added=({name: on},), requires=requires)


def scalar(name: str, value: Any, other: Any, default: Any, **requires: Any) -> Sample:
    """A field that the API takes by its own name: ``other`` is set by hand, and ``default`` when it is emptied."""
    return Sample(value, changed=({name: other}, {name: default}), added=({name: other},), requires=requires)


def nothing(_: Sandbox, __: str) -> dict[str, Any]:
    """For kinds that stand on nothing."""
    return {}


@dataclass(frozen=True)
class Samples:
    """How a kind is tried.

    ``least`` makes the smallest definition from a name that nothing else has; ``before`` makes what an object of that
    name stands on and returns the properties that lead there. ``fields`` has a sample for each field of the table.
    ``full`` is a definition with much in it, and ``noise`` what PostHog and its pages do to it that is no change: a
    name for it, and the request. ``fixed`` are fields that nobody can change in PostHog.

    ``author`` is a small definition as it stands in a ``file`` of that kind, and ``needed`` where in it a field stands
    without which the schema refuses it; ``given`` are fields that a file can't leave out, as they follow from others.
    """

    least: Callable[[str], dict[str, Any]]
    fields: Mapping[str, Sample]
    full: Mapping[str, Any] = field(default_factory=dict)
    noise: Mapping[str, Body] = field(default_factory=dict)
    before: Callable[[Sandbox, str], dict[str, Any]] = nothing
    fixed: tuple[str, ...] = ()
    file: str = ""
    author: Mapping[str, Any] = field(default_factory=dict)
    needed: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    given: tuple[str, ...] = ()
