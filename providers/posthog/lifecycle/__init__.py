"""How objects of a kind are created, changed and deleted: the general way, and those of kinds that differ."""

from __future__ import annotations

from providers.posthog.lifecycle.approved import Approved
from providers.posthog.lifecycle.collection import Collection
from providers.posthog.lifecycle.discovered import Discovered
from providers.posthog.lifecycle.tiles import Tiles
from providers.posthog.services import Services

Lifecycle = Collection | Tiles
"""How objects of one kind come, change and go. See :class:`Collection` for what each method returns and raises."""

LIFECYCLES: dict[str, type[Lifecycle]] = {
    "collection": Collection,
    "approved": Approved,
    "discovered": Discovered,
    "tiles": Tiles,
}
"""By the name that a kind's table says (``Kind.lifecycle``)."""

__all__ = ["LIFECYCLES", "Lifecycle", "Services"]
