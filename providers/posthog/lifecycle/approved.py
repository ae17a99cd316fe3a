"""Flags, whose changes an organisation may put under approval.

A change that PostHog puts under approval is told and is no failure: what a method returns is then what PostHog holds
until somebody approves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog import reconcile
from providers.posthog.approvals import APART, POLICY_CONFLICT, PendingChanges
from providers.posthog.errors import ApiError
from providers.posthog.inputs import WAITING, Metadata
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import Field, Kind, Properties
from providers.posthog.lifecycle.collection import Collection
from providers.posthog.lifecycle.services import Services


class Approved(Collection):
    """A collection of which a write may become a change request; an object that waits for one has a provisional id."""

    def __init__(self, kind: Kind, services: Services) -> None:
        super().__init__(kind, services)
        self._pending = PendingChanges(kind, services.approvals, self.writer.project, services.warn)

    def read(self, id_: str, known: Mapping[str, Any], meta: Metadata) -> tuple[str, Properties] | None:
        """Return the object, also one whose creation was approved; while that waits, what was asked for."""
        if not id_.startswith(WAITING):
            return super().read(id_, known, meta)
        properties = self.kind.canonical(known)
        made = self.adoption.candidates(properties, meta)
        if made:
            return self.read(made[0], known, meta)
        request = self._pending.open_creation(id_)
        if request is None:
            return None
        self._pending.wait(request, meta)
        return id_, properties

    def _post(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        request = self._pending.asked(None, {}, properties)
        if request is None:
            try:
                return super()._post(properties, meta)
            except ApiError as error:
                if error.code == POLICY_CONFLICT and properties.get(APART):
                    return self._post({**properties, APART: False}, meta)
                request = self._pending.turned_into(error, {}, properties)
        return self._pending.wait(request, meta), properties

    def update(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """PATCH what differs; of an object that waits for its creation nothing else can be asked for."""
        if not id_.startswith(WAITING) or not reconcile.changed(self.kind, old, new):
            return super().update(id_, old, new, meta)
        self._pending.wait(self._pending.creation(id_, new), meta)
        return old

    def _patch(
        self, id_: str, fields: list[Field], new: Properties, live: Live, before: Properties, meta: Metadata
    ) -> Properties:
        request = self._pending.asked(id_, live, new) if fields else None
        if request is None:
            try:
                return super()._patch(id_, fields, new, live, before, meta)
            except ApiError as error:
                apart = [field for field in fields if field.name == APART]
                if error.code == POLICY_CONFLICT and apart and len(fields) > 1:
                    rest = [field for field in fields if field.name != APART]
                    held = self._patch(id_, rest, new, live, before, meta)
                    return held if held is before else self._patch(id_, apart, held, live, before, meta)
                request = self._pending.turned_into(error, live, new)
        self._pending.wait(request, meta)
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
        request = self._pending.asked(id_, live, new) if live else None
        if request:
            self.services.warn(meta, str(request))
