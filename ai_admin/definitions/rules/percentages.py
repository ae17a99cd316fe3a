"""Percentages that look like fractions: PostHog takes 0.5 as half of one per cent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.unreadable import UNREADABLE, at


@rule("flag")
def no_fraction(unit: Unit, _: Index) -> Iterator[Finding]:
    """A rollout below one per cent is meant as such only where the condition's description says so."""
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        share, description = at(condition, "rollout_percentage"), at(condition, "description", default="")
        if description is UNREADABLE or not (isinstance(share, float) and 0 < share < 1):
            continue
        if not says(description, share):
            message = f"rollout_percentage: {share:g} is {share:g} % of those who match, fewer than one in a hundred"
            fix = f'write {100 * share:g} for {100 * share:g} %; if {share:g} % is meant, say "{share:g} %" in the '
            yield Finding(("release_conditions", n, "rollout_percentage"), message, f"{fix}condition's description")


def says(text: Any, share: float) -> bool:
    """Return whether a text names a percentage, which is required to mean one below one per cent."""
    return any(f"{share:g}{blank}%" in str(text) for blank in ("", " ", "\u00a0", "\u202f"))
