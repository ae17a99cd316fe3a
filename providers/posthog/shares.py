"""What one installation is served, given which of a flag's release conditions it matches, and which of them it matches
together. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from providers.posthog.safety import EVERYBODY, ROLLOUT_STEP, Rollout, condition_digest, matches_everybody, rollout

Shares = dict[str, float]
"""Percent of the installations of one kind: under "" those that are served, and by variant."""

Leaf = Mapping[str, Any]
Property = tuple[str, Any, str]
"""A property: whose it is (type and group type), and its name."""

Filters = Mapping[str, list[Any]]
"""The filters of release conditions by digest, as JSON data."""


def shares(rollout: Rollout, matching: Collection[str], early_exit: bool = False) -> Shares:
    """Return the shares that installations are served which match these conditions.

    PostHog takes the conditions in their order, and the first one decides whose percentage an installation is in. It
    draws once for all of them, so a later condition adds only what it is wider by; with ``early_exit`` none is asked
    after the first that matches.
    """
    found: Shares = {"": 0}
    for condition, parts in rollout.items():
        share = parts.get("", 0)
        added = share - found[""]
        if condition in matching and added > 0:
            for variant, part in parts.items():
                found[variant] = found.get(variant, 0) + part * added / share
        if condition in matching and early_exit:
            break
    return {variant: round(share, 3) for variant, share in found.items()}


def at_least(rollout: Rollout, kinds: Iterable[Collection[str]], early_exit: bool = False) -> Shares:
    """Return the least shares that installations of any of these kinds are served."""
    found = [shares(rollout, matching, early_exit) for matching in kinds]
    return {variant: min(each.get(variant, 0) for each in found) for variant in found[0]} if found else {}


def filters(flag: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the filters of a flag's release conditions; none of a condition that everybody matches."""
    return {
        condition_digest(each): [] if matches_everybody(each) else _plain(each.get("properties") or [])
        for each in flag.get("release_conditions") or ()
    }


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=repr))


def already_served(old: Mapping[str, Any], new: Mapping[str, Any]) -> Rollout:
    """Return who of those that the conditions of a flag are for is served by another state of the flag, at least."""
    was, others = rollout(old), filters(old)
    found: Rollout = {}
    for condition, own in filters(new).items():
        served = found.setdefault(condition, {})
        for other, some in others.items():
            if implies(own, some):
                for variant, share in was[other].items():
                    served[variant] = max(served.get(variant, 0), share)
    return found


def freed(
    was: Rollout, now: Rollout, early_exit: bool, known: Filters, step: float = ROLLOUT_STEP
) -> set[tuple[float, float]]:
    """Return the shares, before and after, of those who are served more than a step more by a change that takes away
    what stopped them under an early exit: that itself, or the condition that they match first.

    What a condition that is new gives them is none of this, nor another order of the conditions that stay.

    Args:
        was: who was served under an early exit.
        now: who is served then.
        early_exit: whether there is one then.
        known: the filters of the conditions before and after, as far as they are known. Of others it is assumed that
            whoever matches them may match any, and need match none.
        step: the percentage points that may be added.
    """
    found: set[tuple[float, float]] = set()
    places, kept = list(was), {condition: parts for condition, parts in now.items() if condition in was}
    for n, stop in enumerate(places):
        if stop in now and early_exit:
            continue
        for other in kept.keys() & set(places[n + 1 :]):
            matching = _matching({*was, *now}, (stop, other), known)
            start = shares(was, matching, True)[""]
            share = min(shares(each, matching, early_exit)[""] for each in (kept, now))
            if share - start > step and meeting(stop, other, known):
                found.add((start, share))
    return found


def _matching(conditions: Iterable[str], some: Collection[str], known: Filters) -> set[str]:
    """Return which conditions an installation matches that matches some of them, at least."""
    own = [leaf for each in some for leaf in known.get(each, ())]
    implied = {each for each in conditions if each == EVERYBODY or (each in known and implies(own, known[each]))}
    return {*some, *implied}


def meeting(one: str, other: str, known: Filters) -> bool:
    """Return whether one installation may match both of these conditions."""
    return not any(_exclusive(left, right) for left in known.get(one, ()) for right in known.get(other, ()))


def implies(own: Iterable[Leaf], others: Iterable[Leaf]) -> bool:
    """Return whether whoever matches all of these filters certainly matches the other ones too."""
    return all(any(_within(left, right) for left in own) for right in others)


def _within(left: Leaf, right: Leaf) -> bool:
    if left == right:
        return True
    # A list of true and false alone matches more than it lists.
    values = listed(left)
    return (
        _are_lists(left, right)
        and not _is_boolean({text_of(each) for each in values})
        and all(is_one_of(each, listed(right)) for each in values)
    )


def _exclusive(left: Leaf, right: Leaf) -> bool:
    """Return whether two filters certainly match nobody together."""
    if left.get("type") == right.get("type") == "cohort":
        return left.get("value") == right.get("value") and left.get("operator") != right.get("operator")
    if not _are_lists(left, right):
        return False
    both = ((left, right), (right, left))
    return not any(is_one_of(each, listed(second)) for first, second in both for each in listed(first))


def _are_lists(left: Leaf, right: Leaf) -> bool:
    """Return whether both list values of one property."""
    return property_of(left) == property_of(right) and left.get("operator") == right.get("operator") == "exact"


def property_of(leaf: Leaf) -> Property:
    """Return the property that a filter looks at."""
    return (str(leaf.get("type", "person")), leaf.get("group_type_index"), str(leaf.get("key")))


def listed(leaf: Leaf) -> list[Any]:
    """Return the values that a filter names."""
    value = leaf.get("value")
    return value if isinstance(value, list) else [value]


def is_one_of(value: Any, listed: list[Any]) -> bool:
    """Return whether ``exact`` finds a value among those that a filter lists."""
    wanted = {text_of(each) for each in listed}
    if _is_boolean(wanted):  # PostHog then asks whether the value is true, and a list of both is not
        return (text_of(value) == "true") == (wanted == {"true"})
    return text_of(value) in wanted


def _is_boolean(texts: Collection[str]) -> bool:
    return set(texts) <= {"true", "false"}


def text_of(value: Any, fold: bool = True) -> str:
    """Return a value as PostHog compares it: what is no text as JSON, in lower case."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.lower() if fold else text
