"""Flags, whose changes an organisation may put under approval.

A change that PostHog puts under approval is told and is no failure: what a method returns is then what PostHog holds
until somebody approves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog import reconcile
from providers.posthog.approvals import APART, OPEN, POLICY_CONFLICT, REFUSED, Request
from providers.posthog.errors import ApiError, NotApproved
from providers.posthog.inputs import WAITING, Metadata
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import Field, Properties
from providers.posthog.lifecycle.collection import Collection


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

        What waits for a policy of its own is asked for later.
        """
        if not id_.startswith(WAITING) or not reconcile.changed(self.kind, old, new):
            return super().update(id_, old, new, meta)
        request = self._open_creation(id_)
        asked = self.writer.project(request.applied_to({}), new) if request else {}
        if request is None or any(field.name != APART for field in reconcile.changed(self.kind, asked, new)):
            raise NotApproved(
                "its creation waits for approval, and the definition has changed since: "
                f"{self.services.approvals.link(id_.removeprefix(WAITING))}; reject or cancel it there, and run again"
            )
        self._wait(request, meta)
        return old

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

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the object, or take its creation back."""
        if id_.startswith(WAITING):
            self.services.approvals.cancel(id_.removeprefix(WAITING))
        else:
            super().delete(id_, old)

    def remind(self, id_: str, new: Properties, meta: Metadata) -> None:
        """Tell of a change that it was asked for in an earlier run."""
        live = None if id_.startswith(WAITING) else self.inventory.get(self.kind, id_)
        request = self._asked(id_, live, new) if live else None
        if request:
            self.services.warn(meta, str(request))

    def _asked(self, id_: str | None, live: Live, new: Properties) -> Request | None:
        """Return the newest change request by which an object would become what the definition says."""
        requests = self.services.approvals.requests(self.kind, id_)
        return next((each for each in requests if self._is_for(each, live, new)), None)

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
