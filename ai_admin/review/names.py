"""What objects are called: a definition's key, or the name that PostHog has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.errors import ApiError
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.references import RefOf


def names(known: Mapping[tuple[str, str], Ref], inventory: Inventory) -> RefOf:
    """Return what says the key, or else the name, of the object of a kind that has an id.

    Args:
        known: the definitions by the kinds and ids of their objects.
        inventory: what PostHog holds, for what no definition has.
    """

    def named(kind: str, id_: Any) -> Ref | None:
        ref = known.get((kind, str(id_)))
        if ref is None and kind in KINDS and KINDS[kind].listed:
            try:
                live = inventory.all(KINDS[kind]).get(str(id_))
            except ApiError:
                return None
            name = (live or {}).get("key") or (live or {}).get("name")
            return Ref(kind, f"{name} ({id_})") if name else None
        return ref

    return named
