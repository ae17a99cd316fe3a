"""What is defined and what is live, stack by stack: `ai-admin ls` and `ai-admin show`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ai_admin.definitions import Definition, load
from ai_admin.review import reading
from ai_admin.review.changes import Action, Change, whole
from ai_admin.review.coming import Flag, Told, told
from ai_admin.review.history import matches
from ai_admin.review.names import names
from ai_admin.review.plan import Planned, planned
from ai_admin.review.report import Entry, with_left
from ai_admin.review.stack import Waiting
from ai_admin.review.uses import users
from providers.posthog.errors import ApiError
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.wording import SWITCH

PARTS = ("property", "tiles")
"""Kinds that are parts of what has a file, and are listed where they differ or are asked for."""

DEFINED, SAME, ABSENT, UNKNOWN = "defined", "as defined", "-", "?"
"""How an object stands where PostHog was not asked, where nothing differs, where a stack does not define it, and where
a stack could not be read."""

OFF, DELETED = "as defined, off", "deleted in PostHog"
"""How an object stands that is off as its definition says or lets it be, and one that was applied and is gone."""

_AS_WANTED = frozenset({SAME, OFF, DEFINED, ABSENT})
"""Where there is nothing to do, as far as it was asked for."""

_WORDS = {
    Action.NOTHING: SAME,
    Action.CREATE: "not there yet",
    Action.ADOPT: "not adopted yet",
    Action.UPDATE: "differs",
    Action.REPLACE: "differs, and is made anew",
    Action.DELETE: "in no file any more",
    Action.HOLD: "off by hand, and stays off",
    Action.UNKNOWN: UNKNOWN,
}


@dataclass(frozen=True)
class Standing:
    """One object in one stack."""

    state: str
    """How PostHog's object stands to the definition."""
    definition: Definition | None = None
    entry: Entry | None = None
    """What the plan says of it; None where nothing changes or PostHog was not asked."""
    uses: tuple[str, ...] = ()
    """What uses it, a line each."""
    id: str = ""
    """Its id in PostHog; empty where it is not there or PostHog was not asked."""
    url: str = ""
    """Its page in PostHog."""
    coming: tuple[Told, ...] = ()
    """What will change a flag in PostHog by itself."""
    unread: tuple[str, ...] = ()
    """What is not known of that, a line each."""


@dataclass(frozen=True)
class Survey:
    """What is defined and live in stacks."""

    stacks: tuple[str, ...]
    objects: Mapping[Ref, Mapping[str, Standing]]
    """By definition and stack."""
    unowned: Mapping[str, str] = field(default_factory=dict)
    """By stack how many objects no file owns, in words."""
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By stack why it could not be read, a line each."""

    def rows(self, kind: str = "", different: bool = False) -> Iterator[Row]:
        """Yield a row for each object of a kind (empty: of all), if ``different`` only of those that differ."""
        for ref, standings in self.objects.items():
            states = {stack: standings[stack].state if stack in standings else ABSENT for stack in self.stacks}
            differs = not _AS_WANTED.issuperset(states.values())
            part = ref.kind in PARTS and (_AS_WANTED | {UNKNOWN}).issuperset(states.values())
            if (ref.kind == kind if kind else not part) and (differs or not different):
                defined = next((each.definition for each in standings.values() if each.definition), None)
                yield Row(ref, states, f"{defined.source.path}:{defined.source.line}" if defined else "")


@dataclass(frozen=True)
class Row:
    """One object as a line of a list."""

    ref: Ref
    states: Mapping[str, str]
    """By stack how it stands."""
    source: str
    """``flags/ai.yaml:1``; empty for what is in no file."""


def survey(
    root: Path, stacks: Iterable[str], key: str = "", online: bool = True, waiting: Waiting = lambda _: None
) -> Survey:
    """Return what is defined in these stacks of a checkout, and how it stands to PostHog's objects.

    Args:
        root: the checkout.
        stacks: the stacks.
        key: ``kind/key``, or a key, of the only definitions that are asked for, with their pages and what will change
            them; empty for all.
        online: whether PostHog is asked.
        waiting: shows that it is waited for.
    """
    every = tuple(stacks)
    objects: dict[Ref, dict[str, Standing]] = {}
    unowned: dict[str, str] = {}
    unread: dict[str, tuple[str, ...]] = {}
    for stack in every:
        definitions = load(root, stack, partly=True)
        found = planned(root, stack, False, waiting, partly=True) if online else ()
        plan = found if isinstance(found, Planned) else None
        if plan:
            unowned[stack] = reading.unowned_of_plan(plan.report.unowned)
        if lines := (*definitions.broken, *(found.report.unread if isinstance(found, Planned) else found)):
            unread[stack] = lines
        for ref, standing in _standing(definitions.resources, plan, key):
            objects.setdefault(ref, {})[stack] = standing if plan or not online else replace(standing, state=UNKNOWN)
    ordered = {ref: objects[ref] for ref in sorted(objects, key=lambda ref: (ref.kind, ref.key))}
    return Survey(every, ordered, unowned, unread)


def _standing(definitions: Iterable[Definition], plan: Planned | None, key: str) -> Iterator[tuple[Ref, Standing]]:
    """Yield how each object stands that is defined, or that a plan deletes."""
    defined = {Ref(each.kind, each.key): each for each in definitions}
    changes = {each.ref: each for each in plan.outlook.changes} if plan else {}
    complete = {ref: whole(each, plan.session) for ref, each in changes.items()} if plan else {}
    by_name = names(plan.outlook.names, plan.session.inventory) if plan else None
    using = users(with_left(defined.values(), complete.values(), by_name) if by_name else defined.values())
    entries = {each.change.ref: each for each in plan.report.entries} if plan else {}
    for ref in dict.fromkeys([*defined, *changes]):
        if key and not matches(ref, key):
            continue
        change, entry = changes.get(ref), entries.get(ref)
        coming, unread = _coming(change, plan) if key and change and plan else ([], [])
        yield (
            ref,
            Standing(
                _state(complete[ref], entry) if change else DEFINED,
                defined.get(ref),
                entry,
                tuple(each.text for each in using.get(ref, ())),
                change.id if change else "",
                _page(change, plan) if key and change and plan else "",
                tuple(coming),
                tuple(unread),
            ),
        )


def _coming(change: Change, plan: Planned) -> tuple[list[Told], list[str]]:
    """Return what will change a flag, also so that it is as its file says."""
    if change.ref.kind != "flag" or change.action is Action.UNKNOWN:
        return [], []
    by_name = names(plan.outlook.names, plan.session.inventory)
    return told([Flag(change.ref, change.id, change.wanted or {})], plan.session, by_name)


def _state(change: Change, entry: Entry | None) -> str:
    """Return in a few words the state of an object, compared with its definition."""
    if change.gone:
        return DELETED
    if change.refused and not change.unread:
        return "refused"
    by_hand = change.action is Action.UPDATE and entry and entry.by_hand and not entry.sentences
    word = "changed by hand" if by_hand else _WORDS[change.action]
    return f"{word}, off" if change.action in (Action.NOTHING, Action.UPDATE) and _is_off(change) else word


def _is_off(change: Change) -> bool:
    switches = (each.name for each in change.kind.fields if each.wording is SWITCH)
    return any((change.live or {}).get(name) is False for name in switches)


def _page(change: Change, plan: Planned) -> str:
    """Return the address of an object's page; empty where there is none."""
    if not change.id:
        return ""
    # Tiles are on the page of their dashboard.
    kind = KINDS["dashboard"] if change.ref.kind == "tiles" else change.kind
    try:
        live = plan.session.inventory.get(kind, change.id)
    except ApiError:
        return ""
    path = kind.page_of(live or {})
    return f"{plan.report.host}/project/{plan.report.project}/{path}" if path else ""


def shown(properties: Properties) -> Properties:
    """Return canonical properties for people: keys in the place of references, and nothing that only states have."""
    return {name: _keyed(value) for name, value in properties.items() if not name.startswith("__")}


def _keyed(value: Any) -> Any:
    if isinstance(value, Ref):
        return value.key
    if isinstance(value, dict):
        return {name: _keyed(item) for name, item in value.items()}
    return [_keyed(item) for item in value] if isinstance(value, list) else value
