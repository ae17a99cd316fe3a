"""What will change flags in PostHog by itself, in the sentences of a plan, and what of it no file says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ai_admin.review.sentences import sentences
from providers.posthog.approvals import APART, Approvals
from providers.posthog.coming import NO_CHANGE, Coming, coming
from providers.posthog.errors import ApiError
from providers.posthog.inputs import WAITING
from providers.posthog.inventory import Inventory
from providers.posthog.kinds.base import Directory, Properties, Ref
from providers.posthog.kinds.flag import FLAG
from providers.posthog.reconcile import changed
from providers.posthog.references import RefOf, with_refs

HEADING = "PostHog will change by itself, or once somebody approves it there:"


@dataclass(frozen=True)
class Told:
    """Something that will change a flag."""

    ref: Ref
    coming: Coming
    sentences: tuple[str, ...]
    """What it changes of the flag as it is now, beside the switch."""
    differs: bool
    """Whether the flag will differ by it from what its file says."""

    @property
    def line(self) -> str:
        """What, when and by whom, and how to prevent it."""
        what = f": {', '.join(self.sentences)}" if self.sentences else ""
        return f"{self.coming}{what}; {self.coming.fix}"

    @property
    def named(self) -> str:
        """The same with the flag's key."""
        return f"{FLAG.words} {self.ref.key} {self.line}"

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"name": str(self.ref), "sentence": self.line, **self.coming.data}


@dataclass(frozen=True)
class Flag:
    """A flag of which it is asked what will change it."""

    ref: Ref
    id: str
    wanted: Properties
    """What its file says: canonical, with PostHog's ids."""


class Project(Protocol):
    """What a project is read by."""

    @property
    def inventory(self) -> Inventory:
        """What it holds."""

    @property
    def directory(self) -> Directory:
        """Who and what its ids are."""

    @property
    def approvals(self) -> Approvals:
        """Its change requests."""


def told(flags: Iterable[Flag], project: Project, by_name: RefOf) -> tuple[list[Told], list[str]]:
    """Return what will change these flags, and what is not known of that, a sentence each.

    A change that waits for an approval and is of another version of the flag is left out: PostHog does not carry it out
    any more. ``by_name`` says what the ids in conditions are called.
    """
    by_id = {each.id: each for each in flags if each.id}
    found = list(coming(project.inventory.client, project.approvals, by_id, _does(by_id.values())))
    known = [(each, _live(each.flag, project.inventory)) for each in found if isinstance(each, Coming)]
    said = [
        _told(by_id[each.flag], each, live, project.directory, by_name)
        for each, live in known
        if each.version is None or live.get("version", each.version) == each.version
    ]
    return said, [each for each in found if isinstance(each, str)]


def _live(id_: str, inventory: Inventory) -> Mapping[str, Any]:
    try:
        return {} if id_.startswith(WAITING) else inventory.get(FLAG, id_) or {}
    except ApiError:  # the flag itself is what is not known then, which is said
        return {}


def _told(flag: Flag, each: Coming, live: Mapping[str, Any], directory: Directory, by_name: RefOf) -> Told:
    if each.waits and live.get(APART) is each.switch:  # what is sent has more in it than what changes
        each = replace(each, switch=None)
    try:
        now, then = (FLAG.project(side, {}, directory) for side in (live, each.applied_to(live) if live else live))
        moved = changed(FLAG, now, then)
        was, is_ = (with_refs(FLAG, side, by_name) for side in (now, then))
        said = [text for field in moved if field.name != APART for text in sentences(FLAG, field, was, is_)]
    except NO_CHANGE:
        return Told(flag.ref, each, (), False)
    by = {*(field.name for field in moved), *([APART] if each.switch is not None else ())}
    differs = bool(live) and any(field.name in by for field in changed(FLAG, then, flag.wanted))
    return Told(flag.ref, each, tuple(text.text for text in said), differs)


def _does(flags: Collection[Flag]) -> str:
    return f"changes {next(iter(flags)).ref.key}" if len(flags) == 1 else f"changes one of {len(flags):,} flags"
