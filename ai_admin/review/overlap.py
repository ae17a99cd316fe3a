"""How many several release conditions serve together, and with which variants: whoever matches two of them is counted
once. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise, product

MOST = 3
"""The most conditions with filters whose overlaps are all asked for: each further one doubles the questions."""


@dataclass(frozen=True)
class Part:
    """A release condition."""

    share: float
    """The percentage of those who match."""
    filters: frozenset[str]
    """What they have to match, all of it, as JSON texts; empty for everybody."""
    variant: str = ""
    """The variant that it gives; empty where that is drawn by the flag's shares."""


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
    # Of equal shares the widest is first, so that the parts of it are not asked for.
    ordered = list(parts) if early_exit else sorted(parts, key=lambda part: (-part.share, len(part.filters)))
    deciding = [part for n, part in enumerate(ordered) if not any(each.filters <= part.filters for each in ordered[:n])]
    if sum(bool(part.filters) for part in deciding) > MOST:
        return None
    served = 0.0
    for n, part in enumerate(deciding):
        found = _matching_none(part.filters, [each.filters for each in deciding[:n]], matching)
        if found is None:
            return None
        served += found * part.share / 100
    return served


@dataclass(frozen=True)
class Side:
    """A flag's release conditions before or after a change."""

    parts: Sequence[Part] = ()
    """In their order."""
    early_exit: bool = False
    """Whether the first condition that somebody matches decides; else it is the first of them that serves them."""

    def deciding(self, place: float) -> Iterator[tuple[Part, tuple[Part, ...]]]:
        """Yield each condition that serves whoever is at a place of the percentages, with those that come before it."""
        ahead: list[Part] = []
        for part in self.parts:
            serves = place <= part.share
            if (serves or self.early_exit) and not any(each.filters <= part.filters for each in ahead):
                if serves:
                    yield part, tuple(ahead)
                ahead.append(part)


def moved(
    before: Side,
    after: Side,
    chance: Callable[[str, str], float],
    matching: Callable[[frozenset[str]], int | None],
) -> float | None:
    """Return how many are served before and after a change, with another variant; None as of :func:`together`.

    Args:
        before: the conditions before the change.
        after: those after it.
        chance: returns how likely (0 to 1) the variants of two conditions differ for somebody; "" is a drawn one.
        matching: as of :func:`together`.
    """
    parts = (*before.parts, *after.parts)
    places = sorted({0.0, 100.0, *(part.share for part in parts)})
    found = 0.0
    for low, high in pairwise(places):
        for (one, ahead), (two, then_ahead) in product(before.deciding(high), [*after.deciding(high)]):
            likely = chance(one.variant, two.variant)
            if not likely:
                continue
            if len({part.filters for part in parts if part.filters}) > MOST + 1:
                return None
            filters = one.filters | two.filters
            number = _matching_none(filters, {each.filters - filters for each in (*ahead, *then_ahead)}, matching)
            if number is None:
                return None
            found += number * likely * (high - low) / 100
    return found


def touched(before: Side, after: Side, matching: Callable[[frozenset[str]], int | None]) -> float | None:
    """Return how many persons at most may be served by another condition than before a change, or with another variant.

    These are the persons who match a condition that is added, removed or changed; of one that only gets other filters,
    those who match either the old or the new one. None as in :func:`together`, and if ``early_exit`` changes.
    """
    if before.early_exit != after.early_exit:
        return None
    old, new = list(before.parts), list(after.parts)
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    while len(old) != len(new) and old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    found = 0.0
    pairs = zip(old, new, strict=True) if len(old) == len(new) else ((each, None) for each in [*old, *new])
    for one, two in pairs:
        if one == two:
            continue
        sides = [each for each in (one, two) if each]
        numbers = [matching(each.filters) for each in sides]
        both = matching(frozenset[str]().union(*(each.filters for each in sides))) if two else 0
        if both is None or None in numbers:
            return None
        alike = two is not None and (one.share, one.variant) == (two.share, two.variant)
        share = 100.0 if before.early_exit else max(each.share for each in sides)
        found += (sum(filter(None, numbers)) - both * (1 + alike)) * share / 100
    return found


def _matching_none(
    filters: frozenset[str], others: Collection[frozenset[str]], matching: Callable[[frozenset[str]], int | None]
) -> int | None:
    """Return how many match filters and, of others, not all of any; by inclusion and exclusion."""
    if frozenset() in others:
        return 0
    number = 0
    for chosen in chain.from_iterable(combinations(others, size) for size in range(len(others) + 1)):
        found = matching(filters.union(*chosen))
        if found is None:
            return None
        number += (-1) ** len(chosen) * found
    return number
