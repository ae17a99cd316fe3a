"""The results of reading definitions: resources in canonical form, and problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from providers.posthog.kinds.phrases import printable

Path = tuple[str | int, ...]
"""Where a value is inside a definition: mapping keys and list indexes from the top."""


class Source(NamedTuple):
    """A place in a file; line and column count from 1."""

    path: str
    """Relative to the checkout, with ``/``."""
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that prevents a definition from being applied, or a note."""

    source: Source
    subject: str
    """``kind/key``; empty where it is unknown."""
    message: str
    fix: str
    """What to write instead."""
    stacks: tuple[str, ...] = ()
    """The stacks that have the problem; empty when the definition has it as written, in every stack."""
    rule: str = ""
    """The name of what found it."""
    note: bool = False
    """It prevents nothing: a reader should know it."""

    @property
    def said(self) -> str:
        """What is wrong, where it is, and what to write instead, without the place and the subject."""
        stacks = f"stack{'s' if len(self.stacks) > 1 else ''} {' and '.join(self.stacks)}"
        where = f"in {stacks}: " if self.stacks else ""
        return f"{where}{self.message}; {self.fix}"

    def __str__(self) -> str:
        """One line, in which what a terminal would act on is escaped: it names what stands in the file."""
        subject = f"{self.subject}: " if self.subject else ""
        return printable(f"{self.source}: {subject}{'note: ' if self.note else ''}{self.said}")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem inside one definition, before its place in a file is looked up."""

    path: Path
    """Where the value is in the file's definition."""
    message: str
    fix: str
    absent: str | None = None
    """A key that is missing there."""
    at_key: bool = False
    """The problem is the key at the end of the path, and not its value."""
    meant: str | None = None
    """The key of which that one seems to be a misspelling."""
    whole: bool = False
    """The value is a list or mapping whose parts can be read nevertheless."""
    offset: int | None = None
    """Which character of the text at the path the problem is."""
    note: bool = False
    """It prevents nothing: a reader should know it."""

    def broken(self) -> Iterator[Path]:
        """Yield the places that can't be read because of this problem."""
        if not self.whole:
            yield self.path if self.absent is None else (*self.path, self.absent)
        if self.meant is not None:
            yield (*self.path[:-1], self.meant)


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource."""

    kind: str
    key: str
    properties: dict[str, Any]
    """In canonical form; references are :class:`providers.posthog.kinds.Ref`."""
    source: Source
    adopt: str | None = None
    """The id of the PostHog object that it adopts, where a person chose one."""
    renamed_from: str | None = None
    """The key that it had before."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """The definitions of a checkout for one stack: all of its resources, or its problems."""

    resources: tuple[Definition, ...]
    """Referenced ones first; with problems there are none, or those of the files that have none."""
    problems: tuple[Problem, ...]
    off: tuple[Definition, ...] = ()
    """When there are problems: the flags whose own files are valid and have ``active: false``, with no other field."""
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """All values that properties of persons can have, for those whose values the catalogue lists."""

    @property
    def broken(self) -> tuple[str, ...]:
        """The first problem of each file that has one, a line each."""
        first: dict[str, Problem] = {}
        for problem in self.problems:
            first.setdefault(problem.source.path, problem)
        return tuple(map(str, first.values()))
