"""Adoption: which existing object of PostHog a new definition adopts.

Nothing is written to PostHog to mark an object as ours. An object that belongs to no resource of the stack is adopted
by the key that it has in PostHog (a flag's key, an event's name). By a name that people give it, it is adopted only if
it equals the definition, or if this key's user created it and nobody else changed it: a killed run leaves such an
object. Otherwise, and if there are several, a person has to choose (``adopt``).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.posthog import reconcile
from providers.posthog.errors import ApiError, NotAdopted
from providers.posthog.history import not_read, step, why
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import Field, Kind, Properties, Reading, Ref
from providers.posthog.references import readable
from providers.posthog.services import Services
from providers.posthog.usage import users

LONGEST = 600
"""Characters of a value that are still shown of what an adoption changes."""


@dataclass(frozen=True)
class Match:
    """The object that a definition adopts, and how the adoption changes it."""

    kind: Kind
    id: str
    live: Properties
    """The canonical form of what PostHog holds."""
    wanted: Properties
    """The canonical form of the definition."""
    changes: tuple[str, ...] = ()
    """The fields that differ."""
    perhaps: tuple[str, ...] = ()
    """The fields that refer to an object which does not exist yet."""

    def __str__(self) -> str:
        """What is adopted, and what that changes: each field with the live value and the definition's."""
        fields = [field for field in self.kind.fields if field.name in self.changes]
        steps = [self._step(field) for field in fields]
        would = [*steps, *(f"perhaps {name}" for name in self.perhaps)]
        result = f"would change: {', '.join(would)}" if would else "as it is"
        return f"adopts {self.kind.type} {self.id}, which exists in PostHog; {result}"

    def _step(self, field: Field) -> str:
        if field.item and not self.live.get(field.name):  # where nothing stood nothing is lost
            return f"{field.name} come: {', '.join(map(field.item, self.wanted[field.name]))}"
        return f"{field.name}{step(field, self.live, self.wanted, LONGEST)}"


def outlook(kind: Kind, id_: str, live: Properties, wanted: Properties) -> Match:
    """Return what adopting an object would change: ``live`` and ``wanted`` are canonical."""
    changed = [field.name for field in reconcile.changed(kind, live, wanted)]
    certain = tuple(name for name in changed if not reconcile.agrees(live.get(name), wanted.get(name)))
    return Match(kind, id_, live, wanted, certain, tuple(name for name in changed if name not in certain))


def adopts(adopted: Mapping[str, str], kind_name: str, id_: object) -> bool:
    """Return whether an object of a kind with this id is among what is adopted (ids by the definitions' names)."""
    return any(Ref.parse(name).kind == kind_name and found == str(id_) for name, found in adopted.items())


class Adoption:
    """Finds what definitions of one kind adopt, and lets no two adopt the same. Safe for several threads."""

    def __init__(self, kind: Kind, services: Services) -> None:
        self._kind = kind
        self._services = services
        self._inventory = services.inventory
        self._directory = services.directory
        self._lock = threading.RLock()
        self._reserved: dict[str, str] = {}
        self._listed: dict[str, Live] = {}
        self._indexed = 0
        self._ids: dict[str, list[str]] = {}
        self._unread: dict[str, str] = {}

    def find(self, properties: Properties, meta: Metadata) -> str | None:
        """Return the id of the object that a new definition adopts, and reserve it; None: it has to be made.

        Parts of the natural key that are not known yet (in a preview) agree with anything; when several objects are
        left then, the answer is None, as only the run itself can tell.

        Raises :class:`NotAdopted` and ``ApiError``.
        """
        with self._lock:
            properties = self._with_adopted(properties, meta)
            there = [self._chosen(meta.adopt, properties, meta)] if meta.adopt else self.candidates(properties, meta)
            if not there:
                return None
            found = there if meta.adopt else self._own(there, properties)
            if len(found) != 1:
                if self._settled(properties):
                    raise NotAdopted(self._choice(found or there, bool(found)))
                return None
            if not self._services.adoption_allowed:
                raise NotAdopted(
                    f"{self._described(found[0])} exists in PostHog, and ai-admin:adoption forbids this stack to "
                    "adopt it; delete or rename one of the two, or allow adoption"
                )
            self._reserved[found[0]] = meta.name
            self._services.adopted[meta.name] = found[0]
            return found[0]

    def _own(self, found: list[str], properties: Properties) -> list[str]:
        """Return those of the objects that may be adopted by their name alone."""
        if self._kind.unique:
            return found
        return [id_ for id_ in found if self._is_own(id_, properties)]

    def _is_own(self, id_: str, properties: Properties) -> bool:
        """Return whether an object equals the definition, or only this key's user created and changed it."""
        live = self._inventory.get(self._kind, id_)
        if live is None:
            return False
        there = self._kind.project(live, properties, self._directory)
        if all(reconcile.agrees(there.get(name), properties.get(name)) for name in {*there, *properties}):
            return True
        me, last = self._inventory.user_id(), live.get("last_modified_by")
        made_by = _author(live).get("id")
        if made_by is None or made_by != me or (last and last.get("id") != me):
            return False
        try:
            return not self._services.history.others(self._kind, id_, me)
        except ApiError as problem:
            self._unread[id_] = not_read(why(problem))
            return False

    def candidates(self, properties: Properties, meta: Metadata) -> list[str]:
        """Return the ids of the free objects with the definition's natural key."""
        names = self._identifying()  # one that a definition does not mention is at its default
        found = []
        with self._lock:
            for id_ in self._like(properties):
                live = self._listed[id_]
                if self._free(id_, meta) and not live.get("deleted"):
                    identity = self._identity(live, properties)
                    if all(reconcile.agrees(identity.get(name), properties.get(name)) for name in names):
                        found.append(id_)
        return found

    def _like(self, properties: Properties) -> list[str]:
        """Return the ids of the objects with the wanted first part of the natural key; of all where it isn't known.

        A look at every object for every new definition would take a minute for a few thousand. What this run itself
        adds to the list is at its end.
        """
        key, live = self._kind.natural_key[0], self._inventory.all(self._kind)
        if live is not self._listed:
            self._listed, self._indexed, self._ids = live, 0, {}
        if len(live) > self._indexed:
            for id_, item in list(live.items())[self._indexed :]:
                self._ids.setdefault(repr(self._identity(item).get(key)), []).append(id_)
                self._indexed += 1
        wanted = properties.get(key)
        return self._ids.get(repr(wanted), []) if reconcile.known(wanted) else list(live)

    def _chosen(self, id_: str, properties: Properties, meta: Metadata) -> str:
        """Return the id that a definition's ``adopt`` names, if that object may be adopted."""
        live = self._inventory.all(self._kind).get(id_) or self._fetched(id_)
        if live is None or live.get("deleted"):
            raise NotAdopted(f"there is no {self._kind.type} {id_} in this project; correct or remove `adopt`")
        identity = self._identity(live)
        for field in self._kind.fields:
            wanted = properties.get(field.name)
            if field.immutable and not reconcile.agrees(identity.get(field.name), wanted):
                raise NotAdopted(
                    f"{self._described(id_)} has {field.name} {identity.get(field.name)}, which can't become {wanted}; "
                    "adopt another one, or remove `adopt`"
                )
        holder = self._inventory.holder(self._kind, id_)
        holder = holder or meta.taken.get(id_, holder)
        if holder is not None:
            owner = holder or "another definition"
            raise NotAdopted(f"{self._described(id_)} belongs to {owner} of this stack; remove `adopt`")
        return id_

    def _fetched(self, id_: str) -> Live | None:
        try:
            return self._inventory.fetch(self._kind, id_)
        except ApiError as error:
            if error.status == 400:  # no id of this kind at all
                return None
            raise

    def _free(self, id_: str, meta: Metadata) -> bool:
        if id_ in meta.taken:  # only `check` knows these
            self._reserved.setdefault(id_, meta.taken[id_])
        reserved_for = self._reserved.get(id_, meta.name)
        return reserved_for == meta.name and self._inventory.holder(self._kind, id_) is None

    def _identifying(self) -> list[str]:
        """The fields that identify an object: an object that differs in an immutable field is another one."""
        return [field.name for field in self._kind.fields if field.immutable or field.name in self._kind.natural_key]

    def _identity(self, live: Live, known: Properties | None = None) -> Properties:
        # Only who knows where a secret comes from can tell it from another one.
        reading, names = Reading(live, known or {}, self._directory), self._identifying()
        return {field.name: field.from_live(reading) for field in self._kind.fields if field.name in names}

    def _with_adopted(self, properties: Properties, meta: Metadata) -> Properties:
        """Return properties with the ids of what this run adopts, which the engine does not tell in a preview."""
        ids = {
            field: readable(Ref.parse(name), self._services.adopted[name])
            for field, name in meta.named.items()
            if name in self._services.adopted and field in properties
        }
        return {**properties, **ids}

    def _settled(self, properties: Mapping[str, object]) -> bool:
        """Return whether it is known what identifies a definition: what it refers to may be made in this run."""
        return all(reconcile.known(properties.get(name)) for name in self._identifying())

    def _choice(self, found: list[str], own: bool) -> str:
        oldest_first = sorted(found, key=lambda id_: (len(id_), id_))
        listed = ", ".join(self._described(id_) + self._used(id_) for id_ in oldest_first)
        if not own:
            unread = next((self._unread[id_] for id_ in found if id_ in self._unread), "")
            whose = "somebody else made or changed what has this name in PostHog"
            if unread:
                whose = f"it is not known whether only this key changed what has this name in PostHog ({unread})"
            return (
                f"{whose}, so it is not adopted: {listed}; to adopt it, write `adopt: {oldest_first[0]}`; "
                "else give one of the two another name"
            )
        return (
            f"{len(found)} objects in PostHog could be this one: {listed}; choose one (`adopt: {oldest_first[0]}`), "
            "or delete or rename all but one"
        )

    def _used(self, id_: str) -> str:
        """Return in words where an object is used, as far as PostHog tells."""
        live = self._inventory.all(self._kind).get(id_) or {}
        try:
            used = users(self._inventory.client, self._kind, live)
        except ApiError:
            return ""
        return f", on {', '.join(used)}" if used else ""

    def _described(self, id_: str) -> str:
        live = self._inventory.all(self._kind).get(id_) or {}
        author = self._email(live)
        made = (f"by {author}" if author else "", str(live.get("created_at") or "")[:10])
        details = ", ".join(part for part in made if part)
        return f"{self._kind.type} {id_}" + (f" ({details})" if details else "")

    def _email(self, live: Live) -> object:
        """Return the e-mail address of who made an object; None where PostHog does not say."""
        author = _author(live)
        if "email" in author or author["id"] is None:
            return author.get("email")
        try:
            return self._directory.user_email(author["id"])
        except ApiError:  # the key need not be allowed to list members
            return f"user {author['id']}"


def _author(live: Live) -> Mapping[str, Any]:
    """Return what PostHog says about an object's creator: for an insight variable only the id, for some nothing."""
    author = live.get("created_by")
    return author if isinstance(author, Mapping) else {"id": author}
