"""What one installation is served, given which of a flag's release conditions it matches, and which of them it matches
together. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Set
from typing import Any

from providers.posthog.consents import EVERYBODY, ROLLOUT_STEP, Rollout, condition_digest, matches_everybody, rollout

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
    """Return the shares of the conditions' audiences that another state of the flag serves at least."""
    was, own = rollout(old), filters(new)
    together = Together({**filters(old), **own})
    found: Rollout = {}
    for condition in own:
        served = found.setdefault(condition, {})
        for other in together.matched(was, [condition]) & was.keys():
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
        known: the filters of the conditions before and after, as far as they are known.
        step: the percentage points that may be added.
    """
    found: set[tuple[float, float]] = set()
    places, kept = list(was), {condition: parts for condition, parts in now.items() if condition in was}
    together = Together(known)
    for n, stop in enumerate(places):
        if stop in now and early_exit:
            continue
        for other in kept.keys() & set(places[n + 1 :]):
            matching = together.matched({*was, *now}, (stop, other))
            start = shares(was, matching, True)[""]
            share = min(shares(each, matching, early_exit)[""] for each in (kept, now))
            if share - start > step and together.meeting(stop, other):
                found.add((start, share))
    return found


class Together:
    """Which release conditions one installation matches together."""

    def __init__(self, known: Filters) -> None:
        """``known`` are the filters of conditions. Of others it is assumed that whoever matches them may match any, and
        need match none.
        """
        self._filters = {each: [_Filter(leaf) for leaf in leaves] for each, leaves in known.items()}
        self._covered: dict[tuple[str, str], int] = {}

    def meeting(self, one: str, other: str) -> bool:
        """Return whether one installation may match both of these conditions."""
        first, second = (self._filters.get(each, ()) for each in (one, other))
        return not any(left.excludes(right) for left in first for right in second)

    def matched(self, conditions: Iterable[str], some: Collection[str]) -> set[str]:
        """Return which of these conditions an installation matches, at least, that matches some; with these."""
        return {*some, *(each for each in conditions if self._is_implied(each, some))}

    def _is_implied(self, condition: str, some: Collection[str]) -> bool:
        if condition not in self._filters:
            return condition == EVERYBODY
        covered = 0
        for each in some:
            covered |= self._covers(each, condition)
        return covered == (1 << len(self._filters[condition])) - 1

    def _covers(self, one: str, other: str) -> int:
        """Return which filters of another condition whoever matches this one passes: a bit for each."""
        if (one, other) not in self._covered:
            own = self._filters.get(one, ())
            passed = (any(left.implies(right) for left in own) for right in self._filters[other])
            self._covered[one, other] = sum(1 << n for n, passes in enumerate(passed) if passes)
        return self._covered[one, other]


class _Filter:
    """A filter on a property, a cohort or a flag."""

    def __init__(self, leaf: Leaf) -> None:
        self._leaf = leaf
        self._property = property_of(leaf)
        self._values: Set[str] | None = _texts(leaf) if leaf.get("operator") == "exact" else None

    def implies(self, other: _Filter) -> bool:
        """Return whether whoever passes this one certainly passes the other one."""
        if self._property != other._property:
            return False
        if self._leaf == other._leaf:
            return True
        # A list of true and false alone matches more than it lists.
        if self._values is None or other._values is None or _is_boolean(self._values):
            return False
        if _is_boolean(other._values):
            return all(_is_among(each, other._values) for each in self._values)
        return self._values <= other._values

    def excludes(self, other: _Filter) -> bool:
        """Return whether certainly nobody passes both."""
        left, right = self._leaf, other._leaf
        if left.get("type") == right.get("type") == "cohort":
            return left.get("value") == right.get("value") and left.get("operator") != right.get("operator")
        if self._property != other._property or self._values is None or other._values is None:
            return False
        if _is_boolean(self._values) or _is_boolean(other._values):
            both = ((self._values, other._values), (other._values, self._values))
            return not any(_is_among(each, values) for some, values in both for each in some)
        return self._values.isdisjoint(other._values)


def property_of(leaf: Leaf) -> Property:
    """Return the property that a filter looks at."""
    return (str(leaf.get("type", "person")), leaf.get("group_type_index"), str(leaf.get("key")))


def listed(leaf: Leaf) -> list[Any]:
    """Return the values that a filter names."""
    value = leaf.get("value")
    return value if isinstance(value, list) else [value]


def is_one_of(value: Any, leaf: Leaf) -> bool:
    """Return whether ``exact`` finds a value among those that a filter lists."""
    return _is_among(text_of(value), _texts(leaf))


def _is_among(text: str, texts: Set[str]) -> bool:
    if _is_boolean(texts):  # PostHog then asks whether the value is true, and a list of both is not
        return (text == "true") == (texts == {"true"})
    return text in texts


def _texts(leaf: Leaf) -> Set[str]:
    return {text_of(each) for each in listed(leaf)}


def _is_boolean(texts: Set[str]) -> bool:
    return texts <= {"true", "false"}


def text_of(value: Any, fold: bool = True) -> str:
    """Return a value as PostHog compares it: what is no text as JSON, in lower case."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.lower() if fold else text
