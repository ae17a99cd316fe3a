"""Two logs in order of time: the commits that changed definitions, and PostHog's log of their objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ai_admin.review.commits import Commit
from ai_admin.review.sentences import Sentence
from providers.posthog import reconcile
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.references import with_ids


class How(StrEnum):
    """How something was changed."""

    COMMIT = "commit"
    HAND = "by hand"
    SCHEDULE = "by schedule"
    PROGRAM = "by ai-admin"
    POSTHOG = "by PostHog"


NEW = "is new"
"""What a commit says of a definition that it brings."""


@dataclass(frozen=True)
class Line:
    """One thing that changed."""

    text: str
    stacks: tuple[str, ...] = ()
    """The stacks in which it did; empty: in all that are looked at."""
    sentence: Sentence | None = None
    """What the plan says of it; None of what comes, goes or can't be read."""


@dataclass(frozen=True)
class Applied:
    """When a commit's change reached PostHog."""

    at: str
    by: str
    how: How


@dataclass(frozen=True)
class Entry:
    """One change of one object."""

    at: str
    """ISO 8601, UTC."""
    ref: Ref
    how: How
    by: tuple[str, ...]
    """Who made it; of a commit its authors."""
    lines: tuple[Line, ...]
    commit: Commit | None = None
    paths: tuple[str, ...] = ()
    """The files that the commit changed for it."""
    after: Mapping[str, Properties | None] = field(default_factory=dict)
    """By stack what the files say after a commit; None where they define it no more."""
    values: Properties | None = None
    """What fields have after a change in PostHog; None where it deletes the object."""
    before: Properties | None = None
    """What the same fields had before; None where it makes the object."""
    unclear: frozenset[str] = frozenset()
    """The fields that a change in PostHog is about as well, and of which the log does not say what they had before."""
    former: Ref | None = None
    """Which key the definition had before a commit that renames it."""
    applied: tuple[Applied, ...] = ()
    """When this program brought a commit's change to PostHog."""


def joined(commits: Iterable[Entry], log: Iterable[Entry], stack: str) -> list[Entry]:
    """Return both logs as one, the oldest first. What this program applied of a commit is added to that commit, and is
    no entry of its own.

    An entry of PostHog's log is the application of commits if it leaves the fields that it changes as the files said
    them then, and a commit changed one of these fields and waited for it. Several commits may be applied at once, and a
    commit by several runs. Otherwise it stays an entry: a run reverted what somebody had changed. A commit does not
    wait for what PostHog held already when it came, as after an adoption, or a pull into the files.

    Args:
        commits: what commits changed.
        log: what PostHog logged in the stack's project.
        stack: the stack.
    """
    entries = sorted(commits, key=lambda each: each.at)
    later = renamed(entries)
    # Of entries of one moment the log has the last one first, as of all entries.
    logged = sorted(log, key=lambda each: each.at, reverse=True)[::-1]
    chains: dict[Ref, tuple[list[Entry], list[Entry]]] = {}
    for number, found in enumerate((entries, logged)):
        for each in found:
            chains.setdefault(last(each.ref, later), ([], []))[number].append(each)
    every = [each for ours, theirs in chains.values() for each in _joined(ours, theirs, later, stack)]
    return sorted(every, key=lambda each: (each.at, each.how is not How.COMMIT))


def _joined(
    commits: Sequence[Entry], logged: Sequence[Entry], later: Mapping[Ref, Ref], stack: str
) -> Iterator[Entry]:
    """Yield what happened to one definition; both logs begin with the oldest."""
    applied: list[list[Applied]] = [[] for _ in commits]
    unsent: list[set[str]] = []
    for place, each in enumerate(logged):
        while len(unsent) < len(commits) and commits[len(unsent)].at <= each.at:
            _wait(commits[len(unsent)], logged[place:], unsent, later, stack)
        ours = each.how is How.PROGRAM and unsent and _as_said(each, commits[len(unsent) - 1], later, stack)
        brought = [number for number, fields in enumerate(unsent) if ours and fields & _brought(each, fields)]
        if not brought:
            yield each
        for number in brought:
            unsent[number] -= _brought(each, unsent[number])
            applied[number].append(Applied(each.at, ", ".join(each.by), each.how))
    for each, reached in zip(commits, applied, strict=True):
        yield replace(each, applied=tuple(reached))


def _wait(
    commit: Entry, logged: Sequence[Entry], unsent: list[set[str]], later: Mapping[Ref, Ref], stack: str
) -> None:
    """Add what waits of a commit to what does of the ones before it, given what was logged after it."""
    sent, said, held = _sent(commit, stack), commit.after.get(stack) or {}, _held(logged)
    if sent == {_MADE} and logged and logged[0].before is not None:
        sent = said.keys() & held.keys()  # it was there already, and is adopted
    there = {name for name in sent & held.keys() if _is_same(held[name], said.get(name), later)}
    for fields in unsent:
        fields -= there
    unsent.append(sent - there)


def _held(logged: Iterable[Entry]) -> Properties:
    """Return what an object's fields had before all of this, as far as they changed while it was there."""
    held: Properties = {}
    for each in logged:
        if each.before is None:
            break
        held = {**each.before, **held}
    return held


def renamed(commits: Iterable[Entry]) -> dict[Ref, Ref]:
    """Return under which key each definition goes on that a commit renames."""
    return {each.former: each.ref for each in commits if each.former}


def last(ref: Ref, later: Mapping[Ref, Ref]) -> Ref:
    """Return which key a definition has in the end."""
    seen = {ref}
    while (renamed := later.get(ref)) and renamed not in seen:
        ref = renamed
        seen.add(ref)
    return ref


def _is_same(held: Any, said: Any, later: Mapping[Ref, Ref]) -> bool:
    """Return whether PostHog held a value as it was said, whatever what it names was called then."""
    return reconcile.same(*(with_ids(each, lambda ref: last(ref, later)) for each in (held, said)))


def _as_said(logged: Entry, commit: Entry, later: Mapping[Ref, Ref], stack: str) -> bool:
    """Return whether an entry of the log leaves an object as the files say it after a commit."""
    said = commit.after.get(stack)
    if logged.values == {} and logged.before is not None:
        return False  # something else than what a definition says
    if logged.values is None or said is None:
        return logged.values is None and said is None
    # Secret values are not known, and others add to shared ones.
    left_out = {each.name for each in KINDS[logged.ref.kind].fields if each.secret or each.shared}
    return all(
        _is_same(value, said.get(name), later) for name, value in logged.values.items() if name not in left_out
    )


_MADE, _REMOVED = "<made>", "<removed>"
"""What waits of a commit that brings a definition, and of one that takes it away, in the place of fields."""


def _sent(commit: Entry, stack: str) -> set[str]:
    """Return the fields that a commit changes and a run has to bring to PostHog; none where only its file changes."""
    there = [each for each in commit.lines if not each.stacks or stack in each.stacks]
    if there and commit.after.get(stack) is None:
        return {_REMOVED}
    fields = {each.sentence.field for each in there if each.sentence}
    return {_MADE} if any(each.text == NEW for each in there) else fields


def _brought(logged: Entry, unsent: set[str]) -> set[str]:
    """Return which of these fields an entry of the log brings: all of them where it makes the object."""
    if logged.values is None:
        return {_REMOVED}
    return unsent - {_REMOVED} if logged.before is None else {*logged.values, _MADE}
