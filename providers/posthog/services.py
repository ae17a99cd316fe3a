"""What the lifecycles of all kinds share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from providers.posthog.approvals import Approvals
from providers.posthog.history import History
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Inventory
from providers.posthog.kinds.base import Directory

ATTEMPTS = 5
"""How often a write is sent when its outcome stays unknown."""


@dataclass(frozen=True)
class Services:
    """What the lifecycles of all kinds share."""

    inventory: Inventory
    directory: Directory
    approvals: Approvals
    history: History
    warn: Callable[[Metadata, str], None]
    """Shows the engine's user a message about a definition."""
    adoption_allowed: bool = True
    adopted: dict[str, str] = field(default_factory=dict)
    """The ids of what definitions that are new to the state adopt, by name."""
