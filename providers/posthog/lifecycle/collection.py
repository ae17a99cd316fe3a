"""Objects that a POST creates, a PATCH changes and a DELETE (or a deletion mark) removes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog import reconcile
from providers.posthog.adoption import Adoption, Match, outlook
from providers.posthog.errors import ApiError, Conflict
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import UNKEPT, Field, Kind, Properties
from providers.posthog.lifecycle.writing import Writer
from providers.posthog.services import ATTEMPTS, Services


class Collection:
    """Objects that a POST creates, a PATCH changes and a DELETE (or a deletion mark) removes."""

    def __init__(self, kind: Kind, services: Services) -> None:
        self.kind = kind
        self.services = services
        self.inventory = services.inventory
        self.client = services.inventory.client
        self.writer = Writer(kind, services)
        self.adoption = Adoption(kind, services)

    def read(self, id_: str, known: Mapping[str, Any], meta: Metadata) -> tuple[str, Properties] | None:
        """Return the object's id and live canonical form, or None when it is gone."""
        self.inventory.claim(self.kind, id_, meta.name)
        live = self.inventory.get(self.kind, id_)
        return None if live is None else (id_, self.writer.project(live, known))

    def find(self, properties: Properties, meta: Metadata) -> Match | None:
        """Return what a definition that is new to the state adopts, and what that changes; None: it has to be made.

        Raises ``NotAdopted`` and ``ApiError``.
        """
        id_ = self.adoption.find(properties, meta)
        live = self.inventory.get(self.kind, id_) if id_ else None
        return outlook(self.kind, id_, self.writer.project(live, properties), properties) if id_ and live else None

    def create(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        """Create the object, or adopt the one that exists already; return its id and what PostHog then holds.

        A creation whose answer was lost leaves an object behind that the next run must find and not make again, so the
        live objects are searched first. Raises ``NotAdopted``, ``ApiError``, ``LookupProblem`` and ``NotApproved``.
        """
        found = self.adoption.find(properties, meta)
        if found:
            return self._adopt(found, properties, meta)
        return self._post(properties, meta)

    def _post(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        """POST the object; one whose outcome is unknown is looked for before it is sent again: there might be two."""
        fields = reconcile.created(self.kind, properties)
        for attempt in range(ATTEMPTS):
            try:
                live, refused = self.writer.send("POST", self.writer.path(), fields, properties)
            except ApiError as error:
                if not error.outcome_unknown or attempt == ATTEMPTS - 1:
                    raise
                self.client.settle()
                self.inventory.renew(self.kind)
                made = self.adoption.candidates(properties, meta)
                if made:
                    return self._adopt(made[0], properties, meta)
            else:
                self.inventory.wrote(self.kind, live)
                id_ = str(live[self.kind.id_name])
                live = self._again(id_, properties, live)
                return id_, self.writer.kept(id_, fields, properties, live, refused, meta)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _again(self, id_: str, properties: Properties, live: Live) -> Live:
        """Send a new object the fields that PostHog applies only in a change, and return the object after that."""
        held = self.writer.project(live, properties)
        fields = [field for field in reconcile.changed(self.kind, held, properties) if field.again]
        if not fields:
            return live
        sent = reconcile.with_always_sent(self.kind, fields)
        answer, _ = self.writer.send("PATCH", self.writer.path(id_), sent, properties, live, held)
        self.inventory.wrote(self.kind, answer)
        return answer

    def _adopt(self, id_: str, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        self.inventory.claim(self.kind, id_, meta.name)
        live = self.inventory.get(self.kind, id_)
        before = self.writer.project(live, properties) if live else {}
        # The list that was announced and judged may be minutes old by now.
        return id_, self._change(id_, before, properties, meta, known=properties)

    def update(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """PATCH the fields in which ``new`` differs from ``old``, and return what PostHog then holds.

        PostHog has no conditional writes, so the object is read once more right before: a change since the refresh is
        not overwritten unseen. An object that is already as wanted is no conflict: this run, or a killed one, wrote it,
        and PostHog gave the refresh an older copy.

        Sends nothing when nothing differs. Raises :class:`Conflict`, ``NotApproved``, ``ApiError`` and
        ``LookupProblem``.
        """
        return self._change(id_, old, new, meta)

    def _change(
        self,
        id_: str,
        old: Properties,
        new: Properties,
        meta: Metadata,
        live: Live | None = None,
        known: Properties | None = None,
    ) -> Properties:
        """PATCH what differs.

        ``live`` is the object where it was just read, ``known`` what ``old`` was read with, if that is not what was
        applied last.
        """
        fields = reconcile.changed(self.kind, old, new)
        new = {**new, UNKEPT: old[UNKEPT]} if UNKEPT in old else new
        if not fields:
            return new
        live = live or self.inventory.fetch(self.kind, id_)
        if live is None:
            raise Conflict(f"{self.kind.type} {id_} was deleted since it was read; run again")
        followed = self._check_unchanged(live, old, new, known)
        names = {field.name for field in (*fields, *followed)}
        return self._patch(id_, [each for each in self.kind.fields if each.name in names], new, live, old, meta)

    def _check_unchanged(
        self, live: Live, old: Properties, new: Properties | None, known: Properties | None = None
    ) -> list[Field]:
        """Raise :class:`Conflict` if the object is not as it was read; ``new`` is what it is to be, None: deleted.

        Returns what differs from ``new`` as it follows what this run wrote elsewhere, and nobody else changed it.
        """
        now = self.writer.project(live, known or old)
        moved = [field for field in reconcile.changed(self.kind, now, old) if new is not None or not field.follows]
        followed: list[Field] = []
        if new is not None:
            moved = [field for field in moved if not reconcile.same(now.get(field.name), new.get(field.name))]
            followed = [field for field in moved if field.follows and not field.shared and self._is_ours(live, field)]
            moved = [field for field in moved if field not in followed]
        if moved:
            changes = self.services.history.changes(self.kind, live, moved, old, now)
            name = f"{self.kind.type} {live[self.kind.id_name]}"
            raise Conflict(
                f"{name} was changed since it was read: {changes}; it was left as it is, run again to see the change"
            )
        return followed

    def _is_ours(self, live: Live, field: Field) -> bool:
        id_, me = str(live[self.kind.id_name]), self.inventory.user_id()
        return not self.services.history.by_another(self.kind, id_, field, me)

    def _patch(
        self, id_: str, fields: list[Field], new: Properties, live: Live, before: Properties, meta: Metadata
    ) -> Properties:
        """PATCH these fields, if there are any, and return what PostHog then holds."""
        if not fields:
            return new
        sent = reconcile.with_always_sent(self.kind, fields)
        answer, refused = self.writer.send("PATCH", self.writer.path(id_), sent, new, live, before)
        self.inventory.wrote(self.kind, answer)
        return self.writer.kept(id_, fields, new, answer, refused, meta)

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the object, unless somebody changed it since it was read; one that is gone already is no error.

        Raises :class:`Conflict` and ``ApiError``.
        """
        live = self.inventory.fetch(self.kind, id_)
        if live is None:
            return
        self._check_unchanged(live, old, None)
        method, body = ("PATCH", self.writer.mark(live, old)) if self.kind.soft_delete else ("DELETE", None)
        for attempt in range(ATTEMPTS):
            try:
                self.client.request(method, self.writer.path(id_), body, repeatable=not self.kind.unlisted_fails)
            except ApiError as error:
                if error.status == 404:
                    return
                if not (self.kind.unlisted_fails and error.outcome_unknown) or attempt == ATTEMPTS - 1:
                    raise
                if self.inventory.fetch(self.kind, id_) is None:  # what failed was done, or a second try of it
                    return
            else:
                return

    def remind(self, id_: str, new: Properties, meta: Metadata) -> None:
        """Report nothing: the plan shows what a change does."""
