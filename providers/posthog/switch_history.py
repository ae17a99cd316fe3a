"""Who switched flags on and off in PostHog, and when."""

from __future__ import annotations

from providers.posthog.history import History
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import KINDS

_FLAG = KINDS["flag"]


class SwitchHistory:
    """When PostHog's activity log has flags switched on and off, and by whom."""

    def __init__(self, inventory: Inventory, history: History) -> None:
        self._inventory = inventory
        self._history = history
        self._on_since: dict[str, bool] = {}

    def last(self, id_: str) -> str:
        """Return who switched a flag on or off last, and when, in brackets. Raises ``ApiError``."""
        live = self._inventory.get(_FLAG, id_)
        return self._history.author(_FLAG, live, "active") if live else "(deleted since)"

    def is_on(self, id_: str) -> bool:
        """Return whether PostHog holds a flag that is on now. Raises ``ApiError``."""
        live = self._inventory.fetch(_FLAG, id_)
        return live is not None and bool(live["active"])

    def on_since(self, key: str, when: str) -> bool:
        """Return whether somebody switched a flag on after a time (ISO 8601); asked once. Raises ``ApiError``."""
        if key not in self._on_since:
            live = next((each for each in self._inventory.all(_FLAG).values() if each["key"] == key), None)
            self._on_since[key] = live is not None and self._history.on_since(_FLAG, live, when)
        return self._on_since[key]
