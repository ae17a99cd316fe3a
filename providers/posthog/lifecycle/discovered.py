"""Objects that PostHog makes itself when it first meets them in an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.posthog.inputs import Metadata
from providers.posthog.kinds.base import Kind, Properties
from providers.posthog.lifecycle.collection import Collection
from providers.posthog.services import Services

PENDING = "pending:"


class Discovered(Collection):
    """Objects that PostHog makes itself when it first meets them in an event; before that there is nothing to write to.

    Such a resource has a provisional id. The refresh after PostHog has met it gives it the real one, and what PostHog
    guessed shows as a difference.
    """

    def __init__(self, kind: Kind, services: Services) -> None:
        # Only PostHog can make them: with adoption forbidden there would be none.
        super().__init__(kind, replace(services, adoption_allowed=True))

    def read(self, id_: str, known: Mapping[str, Any], meta: Metadata) -> tuple[str, Properties] | None:
        """Return the id and live form; a provisional id becomes the real one as soon as there is one."""
        if not id_.startswith(PENDING):
            return super().read(id_, known, meta)
        properties = self.kind.canonical(known)
        found = self.adoption.candidates(properties, meta)
        return super().read(found[0], known, meta) if found else (id_, properties)

    def _post(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        return f"{PENDING}{properties['type']}.{properties['name']}", properties

    def update(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """PATCH what differs; there is nothing to write to while the id is provisional."""
        return new if id_.startswith(PENDING) else super().update(id_, old, new, meta)

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the definition; PostHog makes it anew with the next event that has the property."""
        if not id_.startswith(PENDING):
            super().delete(id_, old)
