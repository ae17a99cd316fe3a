"""What definitions hand over: resources in canonical form, and problems in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Where a value is inside a definition: mapping keys and list indexes from the top."""


class Source(NamedTuple):
    """A place in a file: ``path`` is relative to the checkout with ``/``; line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a definition from being applied.

    ``subject`` is ``kind/key``, or empty where it is unknown. ``stacks`` names the stacks that have the
    problem; it is empty when the definition has it as written, in every stack. ``rule`` is the name of what found it.
    """

    source: Source
    subject: str
    message: str
    fix: str
    stacks: tuple[str, ...] = ()
    rule: str = ""

    @property
    def said(self) -> str:
        """What is wrong, where it is, and what to write instead, without the place and the subject."""
        stacks = f"stack{'s' if len(self.stacks) > 1 else ''} {' and '.join(self.stacks)}"
        where = f"in {stacks}: " if self.stacks else ""
        return f"{where}{self.message}; {self.fix}"

    def __str__(self) -> str:
        subject = f"{self.subject}: " if self.subject else ""
        return f"{self.source}: {subject}{self.said}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem inside one definition, before its place in a file is looked up.

    ``path`` leads to the value in the author's form. ``absent`` names a key that is missing there. ``at_key``
    points at the key of the last step instead of its value, and ``meant`` is the key that seems to be misspelt there.
    ``whole`` is true of a list or mapping whose parts can be read nevertheless.
    """

    path: Path
    message: str
    fix: str
    absent: str | None = None
    at_key: bool = False
    meant: str | None = None
    whole: bool = False

    def broken(self) -> Iterator[Path]:
        """Yield where the definition can't be read because of what a schema finds wrong."""
        if not self.whole:
            yield self.path if self.absent is None else (*self.path, self.absent)
        if self.meant is not None:
            yield (*self.path[:-1], self.meant)


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource: ``properties`` in canonical form, with :class:`providers.posthog.kinds.Ref` leaves.

    ``adopt`` is the id of the PostHog object that it takes over, where several could be meant; ``renamed_from``
    the key that a flag or cohort had before.
    """

    kind: str
    key: str
    properties: dict[str, Any]
    source: Source
    adopt: str | None = None
    renamed_from: str | None = None


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything below a root for one stack.

    ``resources`` are in dependency order, referenced ones first. When there are problems, there are no
    resources; ``off`` are then the flags whose own files are sound and say ``active: false``, with that alone.
    ``values`` are all values that a property of persons can have, where the catalogue lists them.
    """

    resources: tuple[Definition, ...]
    problems: tuple[Problem, ...]
    off: tuple[Definition, ...] = ()
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
