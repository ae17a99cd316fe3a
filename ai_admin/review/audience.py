"""How many persons a flag serves, or a cohort has, before and after a change, as PostHog counts them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ai_admin.review.changes import Change
from providers.posthog.errors import Problem
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.kinds.flag import FLAG, condition_title
from providers.posthog.session import Session
from providers.posthog.switch import matching

MOST = 20
"""Most release conditions of one flag of which PostHog is asked."""

_SERVING = ("active", "archived", "release_conditions")
"""The fields that say how many a flag serves."""

[_CONDITIONS] = (each for each in FLAG.fields if each.name == "release_conditions")


@dataclass(frozen=True)
class Reach:
    """How many a flag serves; None where PostHog does not say."""

    now: int | None
    then: int | None
    total: int | None
    groups: bool = False
    """Whether groups are counted, and not persons."""
    conditions: Mapping[str, int] = field(default_factory=dict)
    """How many more (or fewer) each condition serves, by its title, where it changes."""


class Audiences:
    """Asks PostHog how many match conditions, each once. Safe for several threads."""

    def __init__(self, session: Session) -> None:
        self._inventory = session.inventory
        self._client = session.inventory.client
        self._directory = PostHogDirectory(self._client)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, int] | None] = {}

    def reach(self, change: Change) -> Reach | None:
        """Return how many a flag serves, or a cohort has, now and after the change.

        None where the change leaves that as it is, and for other kinds.
        """
        if change.ref.kind == "cohort":
            return self._members(change)
        if change.ref.kind != "flag" or not any(each.name in _SERVING for each in change.fields):
            return None
        before, after = self._served(change.live or {}), self._served(change.wanted or {})
        totals = [total for part in (before, after) for _, total in (part or {}).values()]
        total = max(totals, default=None)
        was, is_ = before or {}, after or {}
        changes = {
            title: is_.get(title, (0, 0))[0] - was.get(title, (0, 0))[0]
            for title in {**was, **is_}
            if before is not None and after is not None
        }
        groups = any("aggregation_group_type_index" in each for each in _conditions(change.wanted or {}))
        moved = {title: number for title, number in changes.items() if number}
        return Reach(_sum(before, total), _sum(after, total), total, groups, moved)

    def _members(self, change: Change) -> Reach | None:
        """Return how many persons a cohort has, and how many its new criteria match, if one condition can say them."""
        if not any(each.name == "filters" for each in change.fields) or change.live is None:
            return None
        now = (self._inventory.get(change.kind, change.id) or {}).get("count")
        leaves = _flat((change.wanted or {}).get("filters"))
        found = self._matching({"properties": leaves}) if leaves and not any(True for _ in refs(leaves)) else None
        return Reach(now, found[0], found[1]) if found else Reach(now, None, None)

    def _served(self, flag: Properties) -> dict[str, tuple[int, int]] | None:
        """Return by condition how many a flag serves by it, and of how many; None where PostHog does not say."""
        if not flag or flag.get("active") is False or flag.get("archived"):
            return {}
        conditions = _conditions(flag)
        if len(conditions) > MOST or any(True for _ in refs(conditions)):
            return None
        served: dict[str, tuple[int, int]] = {}
        for condition, sent in zip(conditions, self._sent(conditions), strict=True):
            found = self._matching(sent)
            if found is None:
                return None
            share = condition.get("rollout_percentage", 100)
            served[condition_title(condition)] = (round(found[0] * share / 100), found[1])
        return served

    def _sent(self, conditions: Sequence[Mapping[str, Any]]) -> list[Any]:
        try:
            return list(_CONDITIONS.to_api(list(conditions), self._directory))
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


def _sum(served: Mapping[str, tuple[int, int]] | None, total: int | None) -> int | None:
    """Return how many are served at most: who matches two conditions is served once."""
    if served is None:
        return None
    return min(sum(number for number, _ in served.values()), total) if total is not None else 0


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
