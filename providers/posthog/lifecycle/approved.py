"""Flags, whose changes may need an approval in the organisation.

A change that waits for an approval is reported and is no failure: a method then returns what PostHog holds until
somebody approves.

A flag that goes off is switched by itself, before anything else of it is compared or sent, so nothing that stops the
rest (a colleague's edit, another policy, a refusal of PostHog) leaves it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from providers.posthog import reconcile
from providers.posthog.advice import explained
from providers.posthog.approvals import APART, DISABLE, OPEN, POLICY_CONFLICT, REFUSED, Request
from providers.posthog.errors import ApiError, Conflict, NotApproved, NotSwitched, Stopped
from providers.posthog.inputs import WAITING, Metadata, switched_off
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import Field, Properties
from providers.posthog.lifecycle.collection import Collection
from providers.posthog.switch import not_switched, turn

_OFF = "it is off in PostHog; the rest of its change"
"""What became of a switch-off, before what becomes of the rest."""


class Approved(Collection):
    """A collection of which a write may become a change request; an object that waits for one has a provisional id."""

    def read(self, id_: str, known: Mapping[str, Any], meta: Metadata) -> tuple[str, Properties] | None:
        """Return the object, also one whose creation was approved; while that waits, what was asked for."""
        if not id_.startswith(WAITING):
            return super().read(id_, known, meta)
        properties = self.kind.canonical(known)
        made = self.adoption.candidates(properties, meta)
        if made:
            return self.read(made[0], known, meta)
        request = self._open_creation(id_)
        if request is None:
            return None
        self._wait(request, meta)
        return id_, properties

    def _post(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        request = self._asked(None, {}, properties)
        if request is None:
            try:
                return super()._post(properties, meta)
            except ApiError as error:
                if error.code == POLICY_CONFLICT and properties.get(APART):
                    return self._post({**properties, APART: False}, meta)
                request = self._turned_into(error, {}, properties)
        self._wait(request, meta)
        return WAITING + request.id, properties

    def update(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """PATCH what differs; of an object that waits for its creation nothing else can be asked for.

        What waits for a policy of its own is asked for later. What waits and would switch on a flag that is to be off
        is taken back. Raises ``Stopped`` for a switch-off that failed, too.
        """
        if not id_.startswith(WAITING):
            return super().update(id_, old, new, meta)
        if self._take_back(id_, new):
            raise NotApproved(
                "its creation, which would have switched it on, was taken back; run again to create it off"
            )
        if not reconcile.changed(self.kind, old, new):
            return new
        request = self._open_creation(id_)
        asked = self.writer.project(request.applied_to({}), new) if request else {}
        if request is None or any(field.name != APART for field in reconcile.changed(self.kind, asked, new)):
            raise NotApproved(
                "its creation waits for approval, and the definition has changed since: "
                f"{self.services.approvals.link(id_.removeprefix(WAITING))}; reject or cancel it there, and run again"
            )
        self._wait(request, meta)
        return old

    def _change(
        self,
        id_: str,
        old: Properties,
        new: Properties,
        meta: Metadata,
        live: Live | None = None,
        known: Properties | None = None,
    ) -> Properties:
        if live or not _goes_off(reconcile.changed(self.kind, old, new), new):
            self._take_back(id_, new)
            return super()._change(id_, old, new, meta, live, known)
        return self._off_first(id_, old, new, meta, known)

    def _patch(
        self, id_: str, fields: list[Field], new: Properties, live: Live, before: Properties, meta: Metadata
    ) -> Properties:
        request = self._asked(id_, live, new) if fields else None
        if request is None:
            try:
                return super()._patch(id_, fields, new, live, before, meta)
            except ApiError as error:
                apart = [field for field in fields if field.name == APART]
                if error.code == POLICY_CONFLICT and apart and len(fields) > 1:
                    rest = [field for field in fields if field.name != APART]
                    held = self._patch(id_, rest, new, live, before, meta)
                    return held if held is before else self._patch(id_, apart, held, live, before, meta)
                request = self._turned_into(error, live, new)
        self._wait(request, meta)
        return before

    def _off_first(
        self, id_: str, before: Properties, new: Properties, meta: Metadata, known: Properties | None
    ) -> Properties:
        """Switch a flag off by itself, then change the rest, and return what PostHog then holds.

        Messages about the rest begin with what became of the switch. While that waits for an approval, nothing else is
        sent. What waits to switch it on PostHog does not carry out any more: the flag has changed since.
        """
        asked = self._asked_off(id_)
        if asked and asked.state == REFUSED:
            raise NotApproved(str(asked))
        try:
            live = turn(self.client, {"id": id_}, False)
        except NotSwitched as problem:
            if not problem.waits:
                raise Stopped(not_switched("it", "off", str(problem), problem.unknown)) from None
            self.services.warn(meta, _waits(problem.waits))
            return before
        if live.get("deleted"):
            raise Conflict(f"{self.kind.type} {id_} was deleted since it was read; run again")
        self.inventory.wrote(self.kind, live)
        try:
            return super()._change(id_, switched_off(before), new, replace(meta, done=_OFF), live, known)
        except (ApiError, Stopped) as problem:
            raise Stopped(f"{_OFF}: {explained(problem) if isinstance(problem, ApiError) else problem}") from None

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the object, or take its creation back."""
        if id_.startswith(WAITING):
            self.services.approvals.cancel(id_.removeprefix(WAITING))
        else:
            super().delete(id_, old)

    def _take_back(self, id_: str, new: Properties) -> bool:
        """Cancel what waits and would switch on a flag that is to be off, and return whether anything did.

        Raises :class:`NotApproved` where that is not possible.
        """
        found = self.services.approvals.switching_on(self.kind, id_) if new.get(APART) is False else []
        for each in found:
            try:
                self.services.approvals.cancel(each.id)
            except ApiError as problem:
                raise NotApproved(
                    f"it would be switched on by a change that {each}; reject it there, as it could not be taken back: "
                    f"{explained(problem)}"
                ) from None
        return bool(found)

    def remind(self, id_: str, new: Properties, meta: Metadata) -> None:
        """Tell of a change that it was asked for in an earlier run."""
        live = None if id_.startswith(WAITING) else self.inventory.get(self.kind, id_)
        if live and live[APART] and new.get(APART) is False:
            asked = self._asked_off(id_)
            if asked:
                self.services.warn(meta, str(asked) if asked.state == REFUSED else _waits(str(asked)))
            return
        request = self._asked(id_, live, new) if live else None
        if request:
            self.services.warn(meta, str(request))

    def _asked(self, id_: str | None, live: Live, new: Properties) -> Request | None:
        """Return the newest change request by which an object would become what the definition says."""
        requests = self.services.approvals.requests(self.kind, id_)
        return next((each for each in requests if self._is_for(each, live, new)), None)

    def _asked_off(self, id_: str) -> Request | None:
        """Return the newest request to switch a flag off; one that was rejected is about the flag as it was then."""
        try:
            for each in self.services.approvals.requests(self.kind, id_):
                if each.action == DISABLE and (each.state in OPEN or each.version in (None, self._version(id_))):
                    return each
        except ApiError:  # what can't be read is not in the way
            pass
        return None

    def _version(self, id_: str) -> Any:
        return (self.inventory.get(self.kind, id_) or {}).get("version")

    def _is_for(self, request: Request, live: Live, new: Properties) -> bool:
        project = self.writer.project
        asked = project(request.applied_to(live), new)
        still = reconcile.changed(self.kind, asked, new)
        moved = reconcile.changed(self.kind, project(live, new), asked) if live else self.kind.fields
        return bool(moved) and not any(field in still for field in moved)

    def _turned_into(self, error: ApiError, live: Live, new: Properties) -> Request:
        """Return the change request that a write was turned into; raises the error when it has another reason.

        Raises :class:`NotApproved` when the write met a request for something else.
        """
        request = self.services.approvals.made_by(error)
        if request is None:
            raise error
        if not self._is_for(request, live, new):
            raise NotApproved(
                f"another change waits for approval since {request.since}, and PostHog takes no second one: "
                f"{request.link}; approve or reject it there, and run again"
            )
        return request

    def _wait(self, request: Request, meta: Metadata) -> None:
        """Warn that a change waits; raises :class:`NotApproved` when it was rejected."""
        if request.state == REFUSED:
            raise NotApproved(str(request))
        self.services.warn(meta, str(request))

    def _open_creation(self, id_: str) -> Request | None:
        """Return the request behind a provisional id, as long as it isn't decided."""
        requests = self.services.approvals.requests(self.kind, None)
        return next((each for each in requests if id_ == WAITING + each.id and each.state in OPEN), None)


def _waits(request: str) -> str:
    return f"its switch-off {request}; until then it is on, and nothing else of its change is sent"


def _goes_off(fields: Iterable[Field], new: Properties) -> bool:
    """Return whether a change of these fields switches a flag off."""
    return new.get(APART) is False and any(field.name == APART for field in fields)
