"""How many several release conditions serve together: whoever matches two of them is counted once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

MOST = 3
"""Most conditions with filters of which all overlaps are asked for: each one more doubles the questions."""


@dataclass(frozen=True)
class Part:
    """A release condition."""

    share: float
    """The percentage of those who match."""
    filters: frozenset[str]
    """What they have to match, all of it, as JSON texts; empty for everybody."""


def together(
    parts: Sequence[Part], matching: Callable[[frozenset[str]], int | None], early_exit: bool = False
) -> float | None:
    """Return how many these conditions serve together; None where too many overlap, or PostHog does not say.

    An id falls into the same place of every percentage, as PostHog computes that from the flag's key: whoever
    matches several conditions is served by the largest share of these, or with ``early_exit`` by that of the first.

    Args:
        parts: the conditions in their order.
        matching: returns how many match all of these filters; None where that is not known.
        early_exit: whether the first condition that somebody matches decides.
    """
    ordered = list(parts) if early_exit else sorted(parts, key=lambda part: -part.share)
    deciding = [part for n, part in enumerate(ordered) if not any(each.filters <= part.filters for each in ordered[:n])]
    if sum(bool(part.filters) for part in deciding) > MOST:
        return None
    served = 0.0
    for n, part in enumerate(deciding):
        # Who matches this one and none before it, by inclusion and exclusion.
        for earlier in chain.from_iterable(combinations(deciding[:n], size) for size in range(n + 1)):
            found = matching(part.filters.union(*(each.filters for each in earlier)))
            if found is None:
                return None
            served += (-1) ** len(earlier) * found * part.share / 100
    return served
