"""What a project holds beside what the files of a stack say: the provider's comparison, without writing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ai_admin.definitions import Definition, load
from ai_admin.review.coming import Flag
from ai_admin.review.live import BY_POSTHOG, Project, title
from ai_admin.review.stack import BROKEN, reviewed
from ai_admin.review.state import Resource, State
from ai_admin.stackfile import settings
from providers.posthog.advice import explained
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.errors import ApiError, ConnectionProblem, NotAdopted, UnreadableState
from providers.posthog.inputs import Metadata, with_digests
from providers.posthog.inventory import Live
from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.kinds.base import OWN, UNKEPT, Properties, refs
from providers.posthog.lifecycle import LIFECYCLES, Lifecycle, Services
from providers.posthog.preflight import first_look, preflight
from providers.posthog.reconcile import changed
from providers.posthog.references import readable, with_ids, with_refs
from providers.posthog.settings import Settings

_OPTIONS = (UNKEPT, OWN)

PAGE = 250
"""How many objects a list is asked for at once, where all lists of a project are read. PostHog gives a hundred unless
it is asked for more, and knows no most (Django REST framework's ``LimitOffsetPagination``); a list of more goes on."""

LEAVES = "is in no file any more: the next `pulumi up` deletes it"
"""What is said of an object whose file is gone."""


@dataclass(frozen=True)
class Difference:
    """A definition that differs in PostHog, or is missing there."""

    definition: Definition
    fields: tuple[Field, ...] = ()
    """What differs; empty where there is no object."""
    id: str = ""
    """The id of the object; of a removed one the former. Empty where there never was one."""
    live: Live | None = None
    """The object as PostHog answers it."""
    there: Properties | None = None
    """Its canonical form with references; None where there is no object."""
    by_hand: tuple[Field, ...] = ()
    """The fields of these that PostHog holds otherwise than they were applied last, and those that were left to its
    pages then; without a state all of them. Of the others only the file was changed."""
    edited: tuple[Field, ...] = ()
    """Of the fields that PostHog holds otherwise than they were applied, those that the file changed as well."""
    left: tuple[Field, ...] = ()
    """The fields of these that were left to PostHog's pages when the definition was applied last, and no longer are."""
    last: Properties | None = None
    """What was applied last, in its canonical form with references; None without a state, and of what PostHog had not
    met then.
    """
    unclear: str = ""
    """Why it is not certain which object is the definition's."""
    unread: str = ""
    """Why it is not known whether anything differs: PostHog could not be read."""

    @property
    def ref(self) -> Ref:
        """The definition."""
        return Ref(self.definition.kind, self.definition.key)

    @property
    def applied(self) -> bool:
        """Whether PostHog holds what was applied last, or its own additions: nobody changed it in PostHog."""
        return bool(self.fields) and not self.by_hand

    @property
    def only_in_file(self) -> tuple[Field, ...]:
        """The fields that were changed in the file since they were applied, and not in PostHog."""
        return tuple(each for each in self.fields if each not in self.by_hand)

    @property
    def removed(self) -> bool:
        """Whether there was an object that is gone."""
        return self.there is None and bool(self.id)


@dataclass(frozen=True)
class Unowned:
    """An object that no file defines."""

    kind: Kind
    id: str
    title: str
    page: str = ""
    """The address of its page; empty where it has none."""


class Comparison:
    """Compares definitions with a project."""

    def __init__(
        self,
        project: Project,
        definitions: Iterable[Definition],
        state: State,
        environ: Mapping[str, str],
        ids: Mapping[Ref, str] | None = None,
        broken: tuple[str, ...] = (),
    ) -> None:
        """Read the project.

        Args:
            project: the project of the stack.
            definitions: all of the stack, referenced ones first.
            state: what was applied to the stack last. What is not in it is found as an adoption finds it.
            environ: the variables with secrets. What is not set is taken for unchanged.
            ids: the ids of the objects, where they were found already.
            broken: what is wrong with files whose definitions are not among these, a line each.
        """
        self.broken = broken
        self.project = project
        self.definitions = tuple(definitions)
        self._defined = {Ref(each.kind, each.key) for each in self.definitions}
        self._state = state
        self._environ = environ
        self.lives = project.lives
        history, inventory = project.history, project.inventory
        services = Services(inventory, project.directory, project.approvals, history, lambda *_: None)
        self._lifecycles: dict[str, Lifecycle] = {
            kind.name: LIFECYCLES[kind.lifecycle](kind, services) for kind in KINDS.values()
        }
        self._unclear: dict[Ref, str] = {}
        self._unread: dict[Ref, str] = {}
        self._known_ids = ids

    def again(self, definitions: Iterable[Definition]) -> Comparison:
        """Return the comparison of other definitions of the same objects with what was read."""
        return Comparison(self.project, definitions, self._state, self._environ, self.ids, self.broken)

    @cached_property
    def ids(self) -> dict[Ref, str]:
        """The ids of the objects that definitions have, by definition."""
        if self._known_ids is not None:
            return dict(self._known_ids)
        for ref, resource in self._state.resources.items():
            self.project.inventory.claim(KINDS[ref.kind], resource.id, str(ref))
        # Definitions in files that are not read still have a file.
        found = {ref: each.id for ref, each in self._state.resources.items()} if self.broken else {}
        for each in self.definitions:
            ref = Ref(each.kind, each.key)
            applied = self._applied(each)
            id_ = applied.id if applied and not applied.pending else self._adopted(each, found)
            id_ = id_ or ("" if ref in self._unclear or ref in self._unread else self._state.gone.get(ref, ""))
            if id_:
                found[ref] = id_
        return found

    def _applied(self, definition: Definition) -> Resource | None:
        """Return the resource of a definition in the state, also under the key that it had."""
        keys = (definition.key, definition.renamed_from or definition.key)
        found = (self._state.resources.get(Ref(definition.kind, key)) for key in keys)
        return next((each for each in found if each), None)

    def _adopted(self, new: Definition, found: Mapping[Ref, str]) -> str | None:
        """Return the id of the object that a definition without one adopts."""
        if new.kind == "tiles":
            return found.get(Ref("dashboard", new.key))
        try:
            wanted = self._wanted(new, found)
            match = self._lifecycles[new.kind].find(wanted, Metadata(str(Ref(new.kind, new.key)), adopt=new.adopt))
        except NotAdopted as problem:
            self._unclear[Ref(new.kind, new.key)] = str(problem)
            return None
        except ApiError as problem:
            self._unread[Ref(new.kind, new.key)] = explained(problem)
            return None
        return match.id if match else None

    def _wanted(self, definition: Definition, ids: Mapping[Ref, str]) -> Properties:
        def id_of(ref: Ref) -> Any:
            return readable(ref, ids[ref]) if ref in ids else ref

        kind = KINDS[definition.kind]
        wanted = kind.canonical(with_ids(definition.properties, id_of))
        return with_digests(kind.name, wanted, self._environ)

    @cached_property
    def owners(self) -> dict[tuple[str, str], Ref]:
        """The definitions that objects have, by kind and id."""
        return {(ref.kind, id_): ref for ref, id_ in self.ids.items()}

    def ref_of(self, kind: str, id_: Any) -> Ref | None:
        """Return the definition that has an object."""
        return self.owners.get((kind, str(id_)))

    def differences(self) -> Iterator[Difference]:
        """Yield what differs, or of which that is not known, in the order of the definitions."""
        for each in self.definitions:
            try:
                found = self._difference(each)
            except ApiError as problem:
                found = Difference(each, id=self.ids.get(Ref(each.kind, each.key), ""), unread=explained(problem))
            if found is not None:
                yield found

    def _difference(self, definition: Definition) -> Difference | None:
        ref = Ref(definition.kind, definition.key)
        kind, id_, applied = KINDS[ref.kind], self.ids.get(ref), self._applied(definition)
        if unread := self._not_known(definition):
            return Difference(definition, id=id_ or "", unread=unread)
        if id_ is None:
            if kind.lifecycle == "discovered":  # PostHog has met it in no event yet
                return None
            return Difference(definition, unclear=self._unclear.get(ref, ""))
        self.project.check(kind, id_)
        before = applied.properties if applied else {}
        wanted, comparable = self._with_known_secrets(kind, self._wanted(definition, self.ids), before)
        known = {**wanted, **{name: before[name] for name in _OPTIONS if name in before}}
        found = self._lifecycles[ref.kind].read(id_, known, Metadata(str(ref)))
        if found is None:
            return Difference(definition, id=id_)
        fields = changed(kind, comparable(found[1]), comparable(wanted))
        if not fields:
            return None
        there, last = (self._as_written(kind, each) for each in (found[1], applied.applied if applied else {}))
        live = self.project.inventory.get(kind, id_)
        if applied is None:
            return Difference(definition, tuple(fields), id_, live, there, tuple(fields))
        if applied.pending:  # nothing was sent of it
            return Difference(definition, tuple(fields), id_, live, there)
        moved = changed(kind, found[1], applied.applied)
        left = tuple(each for each in fields if each.name in applied.applied.get("unmanaged", ()))
        by_hand = tuple(each for each in fields if each in (*moved, *left))
        edited = tuple(each for each in changed(kind, before, wanted) if each in by_hand and each not in left)
        return Difference(definition, tuple(fields), id_, live, there, by_hand, edited, left, last)

    def _as_written(self, kind: Kind, form: Properties) -> Properties:
        """Return a canonical form with references in the place of ids, and without what no file has."""
        written = {name: item for name, item in deepcopy(form).items() if name not in _OPTIONS}
        for secret in kind.secrets(written):
            secret.pop("digest", None)
        return with_refs(kind, written, self.ref_of)

    def _not_known(self, definition: Definition) -> str:
        """Return why it can't be told what PostHog holds of a definition, or of one that it refers to; empty where it
        can.
        """
        named = [*refs(definition.properties)]
        unknown = [ref for ref in (Ref(definition.kind, definition.key), *named) if ref not in self.ids]
        if found := next((self._unread[ref] for ref in unknown if ref in self._unread), ""):
            return found
        missing = [ref for ref in named if ref in unknown and ref not in self._defined] if self.broken else []
        return f"its file refers to {missing[0]}, and {BROKEN}" if missing else ""

    def _with_known_secrets(
        self, kind: Kind, wanted: Properties, before: Properties
    ) -> tuple[Properties, Callable[[Properties], Properties]]:
        """Return wanted properties with the digests of secrets as they were applied where no variable has them, and
        what makes two forms comparable where neither is known.
        """
        applied = {each["env"]: each["digest"] for each in kind.secrets(before) if "digest" in each}
        unset = [each for each in kind.secrets(wanted) if not self._environ.get(each["env"])]
        for secret in unset:
            secret["digest"] = applied.get(secret["env"], "")
        return wanted, _without_digests if any(not each["digest"] for each in unset) else lambda form: form

    def flags(self) -> list[Flag]:
        """Return the flags that definitions have, and what their files say."""
        found = ((each, Ref(each.kind, each.key)) for each in self.definitions if each.kind == "flag")
        return [Flag(ref, self.ids[ref], self._wanted(each, self.ids)) for each, ref in found if ref in self.ids]

    @cached_property
    def leaving(self) -> dict[tuple[str, str], Ref]:
        """What no file defines any more and PostHog still holds, by kind and id: the next `up` deletes it.

        Empty if this is not known because files are left out.
        """
        return {name: ref for name, ref in self._in_no_file().items() if name in self.lives}

    def perhaps_leaving(self) -> Iterator[tuple[Ref, str]]:
        """Yield what no file defines any more and can't be read, with the reason: whether it exists is not known."""
        for (kind, id_), ref in self._in_no_file().items():
            try:
                self.project.check(KINDS[kind], id_)
            except ApiError as problem:
                yield ref, explained(problem)

    def _in_no_file(self) -> dict[tuple[str, str], Ref]:
        """Return what was applied and no file has any more, by kind and id; tiles go with their dashboard."""
        applied = {(ref.kind, each.id): ref for ref, each in self._state.resources.items() if ref.kind != "tiles"}
        return {} if self.broken else {name: ref for name, ref in applied.items() if name not in self.owners}

    def unowned(self) -> list[Unowned]:
        """Return the objects that people made and no definition has or had, in the order of the kinds.

        PostHog makes event and property definitions itself, of what it is sent.
        """
        return [
            Unowned(KINDS[kind], id_, title(KINDS[kind], live), self.project.page(KINDS[kind], live))
            for (kind, id_), live in self.lives.items()
            if (kind, id_) not in self.owners and (kind, id_) not in self.leaving and kind not in BY_POSTHOG
        ]


def made_by_posthog(kind: Kind, live: Live) -> bool:
    """Return whether PostHog made an object from an event, and nobody described it."""
    said = ("description", "tags", "verified", "hidden")
    return kind.name in BY_POSTHOG and not any(live.get(name) for name in said)


def _without_digests(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_digests(item) for name, item in value.items() if name != "digest"}
    return [_without_digests(item) for item in value] if isinstance(value, list) else value


def compared(root: Path, stack: str, warn: Callable[[str], object], whole: bool = False) -> Comparison:
    """Return the comparison of a stack's files, of those that have no problems, with its project.

    ``warn`` shows a line: that the state could not be read, or a long wait. ``whole``: the key must be able to read all
    kinds; else what it can't read is not known, and the rest is compared. Raises ``ConnectionProblem``.
    """
    try:
        found = reviewed(root, stack)
        given, state = found.settings, found.state
    except UnreadableState as problem:
        warn(f"the state of {stack} is not read ({problem}), so objects are found by what they are called")
        given, state = Settings(settings(root, stack), os.environ), State()
    connection = resolve(given)
    if elsewhere := state.misses(connection):
        raise ConnectionProblem(elsewhere)
    project = Project(Client(connection, warn=warn, page=PAGE))
    first_look(project.client, KINDS["flag"], lambda: project.inventory.all(KINDS["flag"]))
    definitions = load(root, stack, partly=True)
    comparison = Comparison(project, definitions.resources, state, os.environ, broken=definitions.broken)
    if whole and project.unread:
        preflight(project.client, KINDS, writing=False)  # names all scopes that the key lacks
    return comparison
