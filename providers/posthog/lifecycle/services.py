"""What the lifecycles of all kinds share, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from providers.posthog.adoption import Match
from providers.posthog.approvals import Approvals
from providers.posthog.history import History
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Inventory
from providers.posthog.kinds.base import Directory, Properties

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


class Lifecycle(Protocol):
    """How objects of one kind come, change and go."""

    def read(self, id_: str, known: Mapping[str, Any], meta: Metadata) -> tuple[str, Properties] | None:
        """Return the object's id and live canonical form, or None when it is gone."""
        ...

    def find(self, properties: Properties, meta: Metadata) -> Match | None:
        """Return what a definition that is new to the state adopts, and what that changes; None: it has to be made.

        Raises ``NotAdopted`` and ``ApiError``.
        """
        ...

    def create(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        """Create the object, or adopt the one that exists already; return its id and what PostHog then holds.

        Raises ``NotAdopted``, ``ApiError``, ``LookupProblem`` and ``NotApproved``.
        """
        ...

    def update(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """Change what differs, and return what PostHog then holds.

        Raises :class:`Conflict`, ``NotApproved``, ``ApiError`` and ``LookupProblem``.
        """
        ...

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the object; one that is gone already is no error. Raises :class:`Conflict` and ``ApiError``."""
        ...

    def remind(self, id_: str, new: Properties, meta: Metadata) -> None:
        """Tell what else there is to know of a change that is shown and not yet made."""
        ...
