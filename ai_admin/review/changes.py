"""What an `up` would do, worked out without the engine: refreshed, checked and compared by the provider's own code.

What the engine does around the provider is done here in the same order: it refreshes every resource of the state, hands
each definition to ``check`` and ``diff`` with the ids of what it refers to, and deletes what no definition has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ai_admin.definitions import Definition
from ai_admin.manifest import ids
from ai_admin.review.state import Resource, State
from ai_admin.run import Plan, Run
from providers.posthog import reconcile
from providers.posthog.adoption import Match
from providers.posthog.advice import explained
from providers.posthog.errors import ApiError, NotRead, Problem, Stopped
from providers.posthog.inputs import WAITING, Metadata, with_digests
from providers.posthog.judge import Judge, unknown
from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.references import readable, with_ids
from providers.posthog.session import Session

THREADS = 8
"""How many objects are read at the same time."""


class Action(StrEnum):
    """What an `up` does with an object."""

    NOTHING = "nothing"
    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    HOLD = "hold"
    """A flag stays off, as somebody switched it off in PostHog."""
    UNKNOWN = "unknown"
    """It is not known, as PostHog could not be read. An `up` leaves it as it is."""


@dataclass(frozen=True)
class Change:
    """What an `up` does with one object."""

    ref: Ref
    action: Action
    id: str = ""
    """The object's id in PostHog; empty where there is none yet."""
    source: str = ""
    """The place of its definition; empty for what goes."""
    applied: Properties | None = None
    """What was applied last; None where nothing was."""
    live: Properties | None = None
    """What PostHog holds; None where it has no such object."""
    wanted: Properties | None = None
    """What the definition says, with the ids of what is there; None for what goes."""
    fields: tuple[Field, ...] = ()
    """The fields that change."""
    by_hand: tuple[Field, ...] = ()
    """The fields that are not in PostHog as they were applied last."""
    former: Ref | None = None
    """Under which key it was applied last, where that is another one."""
    gone: str = ""
    """The id of what was applied last and is not in PostHog any more."""
    refused: str = ""
    """Why it is not applied; empty where it is."""
    note: str = ""
    """What else there is to know."""
    unread: str = ""
    """Why PostHog could not be read; empty where it was."""

    @property
    def kind(self) -> Kind:
        """The kind of the object."""
        return KINDS[self.ref.kind]

    @property
    def as_wanted(self) -> bool:
        """Whether it is adopted exactly as it is: nothing is sent, and it is only added to the state."""
        return self.action is Action.ADOPT and not self.fields and not self.refused

    @property
    def unmet(self) -> bool:
        """Whether PostHog makes it when it first meets it in an event: nothing is sent before, and it is only added to
        the state.
        """
        return self.action is Action.CREATE and self.kind.lifecycle == "discovered" and not self.refused

    @property
    def put_back(self) -> tuple[Field, ...]:
        """The fields that somebody changed in PostHog and the files did not: an `up` reverts them."""
        applied, wanted = self.applied or {}, self.wanted or {}
        return tuple(
            each
            for each in self.fields
            if each in self.by_hand and reconcile.same(applied.get(each.name), wanted.get(each.name))
        )


@dataclass(frozen=True)
class Outlook:
    """What an `up` would do."""

    changes: tuple[Change, ...]
    """One for each definition, and one for each object that goes."""
    warnings: tuple[str, ...] = ()
    names: Mapping[tuple[str, str], Ref] = field(default_factory=dict)
    """The definitions by the kinds and ids of their objects in PostHog."""


_DECIDING = ("flag", "cohort", "experiment")
"""The kinds of which all that PostHog holds decides who is served, or says what runs."""


def whole(change: Change, session: Session) -> Change:
    """Return a change with the fields that its definition takes back from PostHog's pages; of a flag, a cohort or an
    experiment on both sides also with those that it leaves to them, since these decide as well on who is served.

    Raises :class:`Refused` where PostHog can't be read.
    """
    news = {} if change.ref.kind in _DECIDING else change.wanted
    if change.live is None or news is None:
        return change
    judge, meta = Judge(change.ref.kind, session), Metadata(str(change.ref))
    live = {**judge.seen(change.id, change.live, news, meta), **change.live}
    if change.wanted is None:
        return replace(change, live=live)
    theirs = {name: live[name] for name in change.wanted.get("unmanaged", ()) if name in live}
    return replace(change, live=live, wanted={**change.wanted, **theirs})


class Warnings:
    """Takes the lines that the provider would show."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        """Take a line, once."""
        if line not in self.lines:
            self.lines.append(line)


def outlook(
    run: Run, planned: Plan, state: State, session: Session, warnings: Warnings, broken: str = ""
) -> Outlook:
    """Return what an `up` of these definitions would do. Reads from PostHog, and writes nothing.

    Args:
        run: the run that it would be.
        planned: what the program decided for it.
        state: what was applied to the stack last.
        session: configured with the settings of the run; its warnings go to ``warnings``.
        warnings: what the session warns with.
        broken: why these are not all definitions, so that it is not known what becomes of anything else; empty where
            they are.

    Raises ``Unreachable`` when PostHog can't be asked, or the state belongs to another project.
    """
    session.guard.program_runs()
    session.configure(run.settings)
    kinds = {ref.kind for ref in state.resources} | {each.kind for each in planned.definitions}
    read_lists(session, kinds)
    live = _refreshed(state, session)
    engine = _Engine(run, planned, state, session, live, broken)
    for definition in planned.definitions:
        engine.register(definition)
    changes = (*engine.changes, *engine.deletions())
    return Outlook(changes, tuple(warnings.lines), engine.names())


def read_lists(session: Session, kinds: Iterable[str]) -> None:
    """Read the lists of kinds at the same time; what goes wrong is said when one is used."""
    listed = [KINDS[name] for name in sorted(kinds) if KINDS[name].listed]
    if not listed:
        return
    session.lifecycle(listed[0].name, lists=True)
    inventory = session.inventory

    def look(kind: Kind) -> None:
        with suppress(Problem):  # whoever uses the list meets it again, and says what it is for
            inventory.all(kind)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(look, listed))


@dataclass(frozen=True)
class _Unread:
    """What PostHog could not be asked about."""

    id: str
    reason: str


Live = dict[Ref, tuple[str, Properties] | _Unread | None]


def _refreshed(state: State, session: Session) -> Live:
    """Return by reference the id and canonical form of what PostHog holds; None for what is gone."""

    def look(resource: Resource) -> tuple[str, Properties] | _Unread | None:
        meta = Metadata(str(resource.ref))
        lifecycle, _ = session.lifecycle(resource.ref.kind, True, resource.host, resource.project)
        try:
            return lifecycle.read(resource.id, resource.properties, meta)
        except ApiError as problem:
            return _Unread(resource.id, explained(problem))
        except Stopped as problem:
            return _Unread(resource.id, str(problem))

    resources = list(state.resources.values())
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(state.resources, pool.map(look, resources), strict=True))


class _Engine:
    """Does what Pulumi's engine does with registrations, without writing."""

    def __init__(self, run: Run, planned: Plan, state: State, session: Session, live: Live, broken: str) -> None:
        self._settings = run.settings
        self._session = session
        self._state = state
        self._live = live
        self._metadata = planned.metadata(run.settings)
        self._known = ids(planned.before)
        self._refused = bool(planned.refused)
        self._off = {Ref.parse(name) for name in planned.off} & self._known.keys()
        self._ids: dict[Ref, str] = {}
        self._failed: set[Ref] = set()
        self._unread: dict[Ref, str] = {}
        self._broken = broken
        self._defined = {Ref(each.kind, each.key) for each in planned.definitions}
        if broken:
            self._ids.update((ref, each.id) for ref, each in state.resources.items() if ref not in self._defined)
        self._registered: set[Ref] = set()
        self.changes: list[Change] = []

    def register(self, definition: Definition) -> None:
        """Work out what becomes of one definition; what it refers to comes first."""
        ref = Ref(definition.kind, definition.key)
        former = Ref(definition.kind, definition.renamed_from or definition.key)
        present = ref if ref in self._state.resources else former
        self._registered.add(present)
        meta = self._metadata[ref]
        properties = with_digests(ref.kind, definition.properties, self._settings.environ)
        missing = next((found for each in refs(properties) if (found := self._missing(each))), "")
        wanted = KINDS[ref.kind].canonical(with_ids(properties, self._id_of))
        if unread := self._unknown(properties, self._live.get(present)):
            change = _unknown(ref, unread, meta, None, wanted)
        else:
            change = self._changed(ref, present, wanted, meta, missing)
        if missing and change.action not in (Action.NOTHING, Action.HOLD, Action.UNKNOWN):
            change = replace(change, refused=meta.line(f"left out, as it refers to {missing}"))
        if change.refused:
            self._failed.add(ref)
        if change.unread:
            self._unread[ref] = change.unread
        if change.id and change.action is not Action.REPLACE:
            self._ids[ref] = change.id
        self.changes.append(change)

    def _unknown(self, properties: Properties, live: tuple[str, Properties] | _Unread | None) -> _Unread | None:
        """Return why it can't be known what becomes of an object, by what it refers to; None where it can."""
        about = [*refs(properties)]
        if self._broken and any(each not in self._defined and each not in self._ids for each in about):
            return _Unread(live[0] if isinstance(live, tuple) else "", self._broken)
        # One that is new to the state may be there, and is found by what it refers to.
        reason = next((self._unread[each] for each in about if each in self._unread), "") if live is None else ""
        return _Unread("", reason) if reason else None

    def _missing(self, ref: Ref) -> str:
        if ref in self._failed:
            return f"{ref}, which is not applied"
        return "an object whose creation waits for approval" if self._ids.get(ref, "").startswith(WAITING) else ""

    def _id_of(self, ref: Ref) -> Any:
        id_ = self._known.get(ref) if ref in self._off else self._ids.get(ref)
        return readable(ref, id_) if id_ else ref

    def _changed(self, ref: Ref, present: Ref, wanted: Properties, meta: Metadata, missing: str) -> Change:
        judge, found = Judge(ref.kind, self._session), self._live.get(present)
        if found is None:
            return self._new(judge, ref, present, wanted, meta, missing)
        resource = self._state.resources[present]
        applied = resource.applied
        if isinstance(found, _Unread):
            return _unknown(ref, found, meta, applied, wanted)
        id_, live = found
        problem = "" if missing else judge.change(live, wanted, meta)
        difference = judge.difference(id_, live, wanted, meta)
        if difference.held:
            action = Action.HOLD
        elif not difference:
            action = Action.NOTHING
        else:
            action = Action.REPLACE if difference.replaces and not problem else Action.UPDATE
        if action is Action.REPLACE:
            self._session.guard.replace(ref.kind, id_, meta.source)
        elif action is Action.UPDATE:
            judge.remind(id_, wanted, meta)
        return Change(
            ref,
            action,
            id_,
            meta.source,
            applied,
            live,
            wanted,
            difference.fields,
            () if resource.pending else tuple(reconcile.changed(judge.kind, applied, live)),
            present if present != ref else None,
            refused=problem,
            note=difference.held or difference.taken_back,
        )

    def _new(self, judge: Judge, ref: Ref, present: Ref, wanted: Properties, meta: Metadata, missing: str) -> Change:
        match: Match | None = None
        problem = ""
        former = self._state.resources.get(present)
        applied = former.applied if former else None
        gone = former.id if former else self._state.gone.get(present, "")
        try:
            if not missing:
                match, problem = judge.addition(wanted, meta)
        except NotRead as unread:
            return _unknown(ref, _Unread("", str(unread).removeprefix(f"{meta.line('')}: ")), meta, applied, wanted)
        if match is None:
            fields = tuple(reconcile.created(judge.kind, wanted))
            return Change(
                ref, Action.CREATE, "", meta.source, applied, None, wanted, fields, gone=gone, refused=problem
            )
        names = {*match.changes, *match.perhaps}
        fields = tuple(each for each in judge.kind.fields if each.name in names)
        return Change(
            ref, Action.ADOPT, match.id, meta.source, applied, match.live, match.wanted, fields, refused=problem
        )

    def deletions(self) -> list[Change]:
        """Return what PostHog holds and no definition defines any more."""
        left = [each for ref, each in self._state.resources.items() if ref not in self._registered]
        gone = []
        for each in left:
            found = self._live[each.ref]
            if self._broken or isinstance(found, _Unread):
                unread = found if isinstance(found, _Unread) else _Unread(each.id, self._broken)
                gone.append(_unknown(each.ref, unread, Metadata(str(each.ref)), each.properties))
            elif found:
                change = Change(each.ref, Action.DELETE, found[0], applied=each.properties, live=found[1])
                gone.append(replace(change, refused=self._kept(change)))
        replaced = (Change(each.ref, Action.DELETE, each.id, live=each.properties) for each in self._state.replaced)
        return [*gone, *(replace(each, refused=self._kept(each)) for each in replaced)]

    def _kept(self, change: Change) -> str:
        """Return why something is not deleted; empty if it is, or if the program says why nothing is deleted."""
        if self._refused:
            return ""
        judge, meta = Judge(change.ref.kind, self._session), Metadata(str(change.ref))
        return judge.deletion(
            change.id, change.live or {}, self._session.lifecycle(change.ref.kind)[1].project_id, meta
        )

    def names(self) -> dict[tuple[str, str], Ref]:
        """Return the definitions by the kinds and ids of their objects, also of those that are gone from PostHog."""
        applied = {(ref.kind, each.id): ref for ref, each in self._state.resources.items()}
        before = {
            (ref.kind, each.id if isinstance(each, _Unread) else each[0]): ref
            for ref, each in self._live.items()
            if each
        }
        return {**applied, **before, **{(ref.kind, id_): ref for ref, id_ in self._ids.items()}}


def _unknown(
    ref: Ref, found: _Unread, meta: Metadata, applied: Properties | None, wanted: Properties | None = None
) -> Change:
    """Return what becomes of an object that PostHog could not be asked about."""
    problem = meta.line(unknown(found.reason))
    return Change(
        ref, Action.UNKNOWN, found.id, meta.source, applied, wanted=wanted, refused=problem, unread=found.reason
    )
