"""How objects of a kind come, change and go: one general way, and the kinds that PostHog makes otherwise."""

from __future__ import annotations

from collections.abc import Callable

from providers.posthog.kinds import Kind
from providers.posthog.lifecycle.approved import Approved
from providers.posthog.lifecycle.collection import Collection
from providers.posthog.lifecycle.discovered import Discovered
from providers.posthog.lifecycle.services import Lifecycle, Services
from providers.posthog.lifecycle.tiles import Tiles

LIFECYCLES: dict[str, Callable[[Kind, Services], Lifecycle]] = {
    "collection": Collection,
    "approved": Approved,
    "discovered": Discovered,
    "tiles": Tiles,
}
"""By the name that a kind's table says (``Kind.lifecycle``)."""

__all__ = ["LIFECYCLES", "Lifecycle", "Services"]
