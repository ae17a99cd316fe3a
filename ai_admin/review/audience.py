"""How many persons a flag serves, or a cohort has, before and after a change, as PostHog counts them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ai_admin.review.changes import Change
from ai_admin.review.sentences import named_items, paired
from providers.posthog.errors import Problem
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.kinds.flag import CONDITIONS
from providers.posthog.kinds.wording import Wording
from providers.posthog.session import Session
from providers.posthog.switch import matching

MOST = 20
"""Most release conditions of one flag of which PostHog is asked."""

_SERVING = ("key", "active", "archived", "release_conditions")
"""The fields that say how many a flag serves."""


@dataclass(frozen=True)
class Served:
    """How many a condition serves."""

    now: int
    then: int
    others: bool = False
    """Whether filters go and others come, so that the difference of the numbers is not who comes."""


@dataclass(frozen=True)
class Reach:
    """How many a flag serves; None where PostHog does not say."""

    now: int | None
    then: int | None
    total: int | None
    groups: bool = False
    """Whether groups are counted, and not persons."""
    conditions: Mapping[str, Served] = field(default_factory=dict)
    """How many each condition serves, by its name in the sentences, where that changes."""


class Audiences:
    """Asks PostHog how many match conditions, each once. Safe for several threads."""

    def __init__(self, session: Session) -> None:
        self._inventory = session.inventory
        self._client = session.inventory.client
        self._directory = PostHogDirectory(self._client)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, int] | None] = {}

    def reach(self, change: Change, live: Properties, wanted: Properties) -> Reach | None:
        """Return how many a flag serves, or a cohort has, now and after the change.

        None where the change leaves that as it is, and for other kinds. ``live`` and ``wanted`` are its two sides
        with references in the place of ids, as the sentences have them.
        """
        if change.ref.kind == "cohort":
            return self._members(change)
        if change.ref.kind != "flag" or not any(each.name in _SERVING for each in change.fields):
            return None
        before, after = self._served(change.live or {}), self._served(change.wanted or {})
        total = max((total for _, total in (*(before or ()), *(after or ()))), default=None)
        moved = _moved(live, wanted, before, after) if before is not None and after is not None else {}
        groups = any("aggregation_group_type_index" in each for each in _conditions(change.wanted or {}))
        return Reach(_sum(before, total), _sum(after, total), total, groups, moved)

    def _members(self, change: Change) -> Reach | None:
        """Return how many persons match a cohort's criteria now and then, as far as one condition can say them."""
        if not any(each.name == "filters" for each in change.fields) or change.live is None:
            return None
        now, then = (self._match((each or {}).get("filters")) for each in (change.live, change.wanted))
        if now is None:  # what PostHog counted last
            members = (self._inventory.get(change.kind, change.id) or {}).get("count")
            return Reach(members, then and then[0], then and then[1])
        return Reach(now[0], then and then[0], now[1])

    def _match(self, criteria: Any) -> tuple[int, int] | None:
        leaves = _flat(criteria)
        return self._matching({"properties": leaves}) if leaves and not any(True for _ in refs(leaves)) else None

    def _served(self, flag: Properties) -> list[tuple[int, int]] | None:
        """Return how many a flag serves by each condition, and of how many; None where PostHog does not say."""
        if not flag or flag.get("active") is False or flag.get("archived"):
            return []
        conditions = _conditions(flag)
        if len(conditions) > MOST or any(True for _ in refs(conditions)):
            return None
        served: list[tuple[int, int]] = []
        for condition, sent in zip(conditions, self._sent(conditions), strict=True):
            found = self._matching(sent)
            if found is None:
                return None
            share = condition.get("rollout_percentage", 100)
            served.append((round(found[0] * share / 100), found[1]))
        return served

    def _sent(self, conditions: Sequence[Mapping[str, Any]]) -> list[Any]:
        try:
            return list(CONDITIONS.to_api(list(conditions), self._directory))
        except Problem:
            return [None] * len(conditions)

    def _matching(self, condition: Any) -> tuple[int, int] | None:
        if condition is None:
            return None
        asked = {**condition, "rollout_percentage": 100}
        name = json.dumps({part: asked.get(part) for part in ("properties", "aggregation_group_type_index")})
        with self._lock:
            if name in self._known:
                return self._known[name]
        found = matching(self._client, asked)
        with self._lock:
            return self._known.setdefault(name, found)


def _conditions(flag: Properties) -> list[dict[str, Any]]:
    return list(flag.get("release_conditions") or ())


def _moved(
    live: Properties, wanted: Properties, before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]
) -> dict[str, Served]:
    """Return how many each condition serves, by its name; none where they are the same ones or as many."""
    each = CONDITIONS.wording.each or Wording()
    was, is_ = (named_items(each, _conditions(flag)) for flag in (live, wanted))
    # A flag that is off serves nobody by any condition.
    then, now = (
        {name: served[n][0] if n < len(served) else 0 for n, name in enumerate(names)}
        for names, served in ((is_, after), (was, before))
    )
    called = paired(each, was, is_)
    moved = {name: Served(number, 0) for name, number in now.items() if name not in called}
    former = {new: old for old, new in called.items()}
    for name, number in then.items():
        old = former.get(name, "")
        moved[name] = Served(now.get(old, 0), number, bool(number) and _swapped(was.get(old), is_[name]))
    return {name: served for name, served in moved.items() if served.others or served.now != served.then}


def _swapped(was: Mapping[str, Any] | None, is_: Mapping[str, Any]) -> bool:
    """Return whether filters of a condition go while others come."""
    if was is None:
        return False
    old, new = (each.get("properties") or () for each in (was, is_))
    return any(each not in new for each in old) and any(each not in old for each in new)


def _sum(served: Sequence[tuple[int, int]] | None, total: int | None) -> int | None:
    """Return how many are served at most: who matches two conditions is served once."""
    if served is None:
        return None
    return min(sum(number for number, _ in served), total) if total is not None else 0


def _flat(criteria: Any) -> list[Any] | None:
    """Return criteria as the filters of one condition; None where they are not as plain as that."""
    if not isinstance(criteria, Mapping) or (criteria.get("type") != "AND" and len(criteria.get("values", ())) > 1):
        return None
    found: list[Any] = []
    for each in criteria.get("values", ()):
        if "values" in each:
            inner = _flat(each)
            if inner is None:
                return None
            found += inner
        elif each.get("type") == "person" and not each.get("negation"):
            found.append({name: item for name, item in each.items() if name != "negation"})
        else:
            return None
    return found
