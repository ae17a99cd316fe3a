"""How many persons a flag serves, or a cohort has, before and after a change, as PostHog counts them."""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any

from ai_admin.review.changes import Action, Change
from ai_admin.review.effects import DRAWS
from ai_admin.review.overlap import Part, Side, moved, together, touched
from ai_admin.review.sentences import named_items, paired
from providers.posthog.errors import Problem
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.kinds.early_access_feature import ENROLLING, choice
from providers.posthog.kinds.flag import CONDITIONS, condition_property
from providers.posthog.kinds.holdout import excluded, held_by
from providers.posthog.kinds.wording import Wording
from providers.posthog.session import Session
from providers.posthog.switch import as_compared, matching, opted_in

MOST = 20
"""The most release conditions of one flag about which PostHog is asked."""

COUNTED = 20
"""The most new flags of a plan, and the most flags of a cohort, about whose audiences PostHog is asked."""

_SERVING = (
    *("key", "active", "archived", "release_conditions", "early_exit", "variants", "payloads", "holdout"),
    "feature_enrollment",
)
"""The fields that say how many a flag serves, and with what."""


@dataclass(frozen=True)
class Served:
    """How many persons a condition serves."""

    now: int
    then: int
    """Both by itself, whoever else serves the same ones."""
    more: float
    """How many more the flag serves for what changes in this condition, all else as it is then; fewer below 0. A part
    of one where it is less than one, and 0 only where it is nobody.
    """
    others: bool = False
    """Whether filters go and others come, so that the difference of the numbers is not who comes."""
    variant: bool = False
    """Whether it gives another variant to as many as before."""
    at_most: bool = False
    """Whether ``more`` is only known to be the most."""


@dataclass(frozen=True)
class Reach:
    """How many persons a flag serves; None if PostHog does not say."""

    now: int | None
    then: int | None
    total: int | None
    groups: bool = False
    """Whether groups are counted, and not persons."""
    conditions: Mapping[str, Served] = field(default_factory=dict)
    """How many each condition serves, by its name in the sentences, where that changes."""
    at_most: bool = False
    """Whether in ``then`` those who match several conditions may be counted for each of these."""
    now_at_most: bool = False
    """Whether they may be in ``now``."""
    another_variant: int = 0
    """How many whom the flag serves now and then get another variant than now."""
    another_at_most: bool = False
    """Whether that is only known to be the most."""
    as_now: tuple[Ref, ...] = ()
    """The cohorts that change as well, and are counted as they are now: no condition could say what they become."""
    variants: Mapping[str, int] = field(default_factory=dict)
    """How many get each variant after the change, at the most where several conditions serve the same ones."""
    held: tuple[int, int] = (0, 0)
    """How many a holdout keeps out, before and after the change: they get its variant, whatever the conditions say."""
    held_percent: tuple[float, float] = (0.0, 0.0)
    """The percentage of all that these are, also where it is not known how many."""
    rounded: bool = False
    """Whether ``now`` and ``then`` are only as many as they are rounded."""


@dataclass(frozen=True)
class _Side(Side):
    """A flag before or after a change; without conditions where it is off."""

    alone: tuple[int, ...] = ()
    """How many each condition serves by itself."""
    total: int | None = None
    group: int | None = None
    """The type of the groups that are counted; None: persons are."""
    kept_out: float = 0.0
    """The share (0 to 1) of all that a holdout keeps out."""
    mixed: bool = False
    """Whether some conditions are for persons and some for groups, or for several types of these."""
    enrols: str = ""
    """The flag's key if it serves who opted in, and no condition who opted in or out; else empty."""
    opted_in: int = 0
    """How many opted in, and are served by that."""

    @property
    def at_most(self) -> int:
        """How many are served if nobody matches two conditions."""
        others = round(((self.total or 0) - self.opted_in) * (1 - self.kept_out))
        return self.opted_in + min(sum(self.alone), others)


class Audiences:
    """Asks PostHog how many persons match conditions, each once. Safe for several threads.

    PostHog counts with the present members of a cohort. For a cohort among the ``changes`` of the plan, the new
    criteria are sent instead.
    """

    def __init__(self, session: Session, changes: Iterable[Change] = (), count: bool = True) -> None:
        """``count``: whether PostHog is asked how many persons match."""
        changes = [*changes]
        self._count = count
        self._users = _users(_criteria(changes))
        self._becoming = becoming(changes)
        self._inventory = session.inventory
        self._kept_out = kept_out(changes, self._flags)
        self._enrols = enrolling(changes)
        self._goes = {each.id for each in changes if each.action is Action.DELETE and not each.refused}
        self._client = session.inventory.client
        self._directory = session.directory
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, int] | None] = {}

    def reach(self, change: Change, live: Properties, wanted: Properties) -> Reach | None:
        """Return how many a flag serves, or a cohort has, now and after the change.

        None if the change does not affect this, and for other kinds. ``live`` and ``wanted`` are its two sides with
        references instead of ids, as in the sentences.
        """
        if change.ref.kind == "cohort":
            return self._members(change)
        if change.ref.kind != "flag" or not (says_who(change) or _name(change) in self._enrols):
            return None
        return self._serves(change, live, wanted)

    def through(self, cohort: str, flags: Iterable[Change]) -> list[tuple[Ref, Reach]]:
        """Return how many persons flags serve now, and after a change of a cohort (its id) that they use, directly or
        through other cohorts. ``flags`` are those that do not change in this themselves (:func:`says_who`).

        Flags are left out where PostHog does not say, or no condition can express the new cohort; all of them if more
        than :data:`COUNTED` use it.
        """
        behind = _made_of({cohort}, self._users)
        looking = [each for each in flags if not behind.isdisjoint(_cohorts(each.wanted or {}))]
        if len(looking) > COUNTED:
            return []
        counted = [(each.ref, self._serves(each, {}, {})) for each in looking]
        return [(ref, reach) for ref, reach in counted if not reach.as_now and reach.now is not None]

    def opted_in(self, flag: str) -> tuple[int, int] | None:
        """Return how many opted in to a flag (its key), and how many there are in all; None if PostHog does not say."""
        return self._matching({"properties": [opted_in(flag)]})

    def enrolled(self, feature: Change, flags: Iterable[Change]) -> list[tuple[Ref, Reach]]:
        """Return how many unchanged flags serve now, and after a change of an early access feature; without those of
        which it changes nothing.
        """
        names = {str((each or {}).get("flag")) for each in (feature.live, feature.wanted)} & self._enrols.keys()
        counted = [(each.ref, self._serves(each, {}, {})) for each in flags if _name(each) in names]
        return [(ref, reach) for ref, reach in counted if reach.now != reach.then]

    def stay(self, flag: Change) -> list[tuple[Ref, Reach]]:
        """Return how many a flag serves that is on, if it is not said of the flag itself (:meth:`reach`)."""
        stays = not says_who(flag) and _is_on(flag.wanted or {})
        return [(flag.ref, self._serves(flag, {}, {}))] if stays else []

    def held(self, ref: Ref, flags: Iterable[Change]) -> list[tuple[Ref, Reach]]:
        """Return how many flags serve now, and when a holdout, or an experiment's, has changed.

        Without those out of which it keeps as many. Of flags that change as well, and of all where that are more than
        :data:`COUNTED`, only the percentages that it keeps out.
        """
        there = [each for each in flags if ref in self._kept_out.get(each.id, (0.0, ()))[1]]
        stay = {each.ref for each in there if each.refused or each.action in (Action.NOTHING, Action.HOLD)}
        there = [replace(each, wanted=each.live, fields=()) if each.ref in stay else each for each in there]
        concerned = [each for each in there if each.live and _is_on(each.wanted or {})]
        count = self._count and len(concerned) <= COUNTED

        def reach(flag: Change) -> Reach:
            if flag.ref in stay and count:
                return self._serves(flag, {}, {})
            return Reach(None, None, None, held_percent=_percent(self._shares(flag)))

        found = [(each.ref, reach(each)) for each in concerned]
        return [(flag, reach) for flag, reach in found if reach.held_percent[0] != reach.held_percent[1]]

    def outlasting(self, experiment: Change) -> Iterator[str]:
        """Yield what a holdout goes on to keep out of the flag of an experiment that is deleted.

        PostHog leaves it in the flag, also of one that was deleted (experiment_holdouts.py).
        """
        id_ = str((experiment.live or {}).get("flag"))
        flag = self._flags().get(id_)
        if flag and not experiment.refused and id_ not in self._goes:
            share = self._kept_out.get(id_, (_excluded(held_by(flag)), ()))[0] * 100
            stays = f"a holdout stays in flag {flag['key']}, and goes on to keep {share:g} % of all out of it"
            yield from [f"{stays} until the holdout is deleted"] * bool(share)

    def _flags(self) -> Mapping[str, Properties]:
        """Return the flags in PostHog by id; none where they can't be read, which is said of these."""
        with suppress(Problem):
            return self._inventory.all(KINDS["flag"])
        return {}

    def _serves(self, change: Change, live: Properties, wanted: Properties) -> Reach:
        flag = (change.live if change.wanted is None else change.wanted) or {}
        then, as_now = self._then(change.wanted or {})
        shares = self._shares(change)
        shares = shares[0] * _is_on(change.live or {}), shares[1] * _is_on(change.wanted or {})
        enrols = self._enrolment(change)
        before, after = self._side(change.live or {}, shares[0], enrols[0]), self._side(then, shares[1], enrols[1])
        groups = any("aggregation_group_type_index" in each for each in _conditions(flag))
        serving = [side for side in (before, after) if side and side.parts]
        percent = _percent(shares)
        if any(side.mixed for side in serving) or len({side.group for side in serving}) > 1:
            return Reach(None, None, None, groups, held_percent=percent)  # persons and groups add up to nothing
        totals = [side.total for side in (before, after) if side and side.total is not None]
        total = max(totals, default=None)
        everybody = total
        if any(shares) and total is None and not groups:
            everybody = (self._matching({"properties": []}) or (None, None))[1]
        was_held, is_held = (
            round(self._undecided(everybody, flag_key) * share) for share, flag_key in zip(shares, enrols, strict=True)
        )
        if before is None or after is None:
            return Reach(None, None, everybody, groups, held=(was_held, is_held), held_percent=percent)
        now, served = self._together(before), self._together(after)
        conditions = self._moved(live, wanted, before, after, served)
        now_at_most, at_most = now is None, served is None
        now, served = before.at_most if now is None else now, after.at_most if served is None else served
        rounded = round(now) == round(served) and (now_at_most != at_most or not _alike(now, served))
        another, another_at_most = 0, False
        if not any(each.name in DRAWS for each in change.fields):  # else everybody is drawn anew, which is said
            splits = [(each or {}).get("variants") or () for each in (change.live, change.wanted)]
            another, another_at_most = self._another(splits, before, after, round(min(now, served)))
        variants = {key: min(number, round(served)) for key, number in _by_variant(then, after.alone).items()}
        return Reach(
            *(round(now), round(served), everybody, groups, conditions, at_most, now_at_most),
            *(another, another_at_most, as_now, variants, (was_held, is_held), percent, rounded),
        )

    def _shares(self, change: Change) -> tuple[float, float]:
        """Return the shares (0 to 1) of all that a holdout keeps out of a flag, before and after the change."""
        live = self._inventory.get(change.kind, change.id) if change.live is not None else None
        now = _excluded(held_by(live or {}))
        if any(each.name == "holdout" for each in change.fields):
            return now, _excluded((change.wanted or {}).get("holdout"))
        return now, self._kept_out.get(_name(change), (now, ()))[0]

    def _enrolment(self, change: Change) -> tuple[str, str]:
        """Return a flag's key before and after the change where it serves who opted in; else empty."""
        live = self._inventory.get(change.kind, change.id) if change.live is not None else None
        now = (live or {}).get("filters", {}).get("feature_enrollment") is True
        then = (change.wanted or {}).get("feature_enrollment", now)
        sides = ((now, live), (self._enrols.get(_name(change), then), change.wanted))
        was, is_ = (str(flag["key"]) if enrols and flag else "" for enrols, flag in sides)
        return was, is_

    def _undecided(self, everybody: int | None, flag_key: str) -> int:
        """Return how many of all did not opt in to a flag or out of it; all where it does not serve by that."""
        found = self._number_of(None, flag_key)(frozenset()) if flag_key and everybody else None
        return (everybody or 0) if found is None else found

    def _another(self, splits: Sequence[Any], before: _Side, after: _Side, most: int) -> tuple[int, bool]:
        """Return how many of at most ``most`` persons get another variant, and whether that is only an upper limit.

        ``splits`` are the flag's variants before and after the change.
        """
        if not all(splits):
            return 0, False
        chance = other_variant(*splits)
        if before.enrols != after.enrols:  # who opted in gets no variant
            return most, True
        number_of, seen = self._number_of(after.group, after.enrols), 1 - max(before.kept_out, after.kept_out)
        found = moved(before, after, chance, number_of)
        if found is not None:
            return min(round(found * seen), most), False
        found = touched(before, after, number_of)
        return most if found is None else min(round(found * seen + most * chance("", "")), most), True

    def _then(self, flag: Properties) -> tuple[Properties, tuple[Ref, ...]]:
        """Return a flag with the criteria of cohorts that change in their place, and those that stay by their ids."""
        as_now: dict[Ref, None] = {}
        conditions = []
        for condition in _conditions(flag):
            filters: list[Any] = []
            for leaf in condition.get("properties") or ():
                cohort, criteria = self._becoming.get(_cohort_id(leaf), (None, None))
                if criteria and leaf.get("operator") == "in":
                    filters += criteria
                    continue
                filters.append(leaf)
                if cohort:
                    as_now[cohort] = None
            conditions.append({**condition, "properties": filters})
        return {**flag, "release_conditions": conditions} if conditions else flag, tuple(as_now)

    def _members(self, change: Change) -> Reach | None:
        """Return how many persons match a cohort's criteria now and then, as far as one condition can say them."""
        if not any(each.name == "filters" for each in change.fields) or change.live is None:
            return None
        leaves = _flat((change.wanted or {}).get("filters"))
        if change.id in self._becoming:  # also where it is made of others that change
            leaves = self._becoming[change.id][1]
        now, then = self._match(_flat(change.live.get("filters"))), self._match(leaves)
        if now is None:  # what PostHog counted last
            members = (self._inventory.get(change.kind, change.id) or {}).get("count")
            return Reach(members, then and then[0], then and then[1])
        return Reach(now[0], then and then[0], now[1])

    def _match(self, leaves: Sequence[Any] | None) -> tuple[int, int] | None:
        return self._matching({"properties": leaves}) if leaves and not any(True for _ in refs(leaves)) else None

    def _side(self, flag: Properties, kept_out: float, enrols: str) -> _Side | None:
        """Return how many a flag serves by each condition; None where PostHog does not say.

        ``enrols`` is the flag's key if it serves who opted in; else empty.
        """
        if not _is_on(flag):
            return _Side(enrols=enrols)
        conditions = _conditions(flag)
        if len(conditions) > MOST or any(True for _ in refs(conditions)):
            return None
        parts: list[Part] = []
        alone: list[int] = []
        total: int | None = None
        chose = self.opted_in(enrols) if enrols else (0, 0)
        for condition, sent in zip(conditions, self._sent(conditions), strict=True):
            found = self._matching(sent and {**sent, "properties": [*sent["properties"], *_undecided(enrols)]})
            if found is None or chose is None:
                return None
            share = condition.get("rollout_percentage", 100)
            filters = frozenset(json.dumps(each, sort_keys=True) for each in sent["properties"])
            parts.append(Part(share, filters, condition.get("variant") or ""))
            alone.append(round(found[0] * share / 100 * (1 - kept_out)))
            total = max(found[1], total or 0)
        kinds = {condition.get("aggregation_group_type_index") for condition in conditions}
        group = next(iter(kinds), None)
        early_exit = bool(flag.get("early_exit"))
        mixed, number = len(kinds) > 1, chose[0] if chose else 0
        return _Side(tuple(parts), early_exit, tuple(alone), total, group, kept_out, mixed, enrols, number)

    def _sent(self, conditions: Sequence[Mapping[str, Any]]) -> list[Any]:
        try:
            return [as_compared(each) for each in CONDITIONS.to_api(list(conditions), self._directory)]
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

    def _together(self, side: _Side, parts: Sequence[Part] | None = None) -> float | None:
        """Return how many a flag serves, or would serve by other conditions; None where PostHog does not say."""
        parts = side.parts if parts is None else parts
        found = together(parts, self._number_of(side.group, side.enrols), side.early_exit)
        return None if found is None else found * (1 - side.kept_out) + side.opted_in

    def _number_of(self, group: int | None, enrols: str = "") -> Callable[[frozenset[str]], int | None]:
        """Return what asks how many persons, or groups of a type, match filters; ``enrols`` as of :meth:`_side`."""

        def matching(filters: frozenset[str]) -> int | None:
            properties = [*(json.loads(each) for each in sorted(filters)), *_undecided(enrols)]
            condition: dict[str, Any] = {"properties": properties}
            if group is not None:
                condition["aggregation_group_type_index"] = group
            found = self._matching(condition)
            return found and found[0]

        return matching

    def _moved(
        self, live: Properties, wanted: Properties, before: _Side, after: _Side, served: float | None
    ) -> dict[str, Served]:
        """Return how many persons each condition serves, by its name; without those that do not change.

        ``served`` is how many all serve after the change; None if overlaps are not known.
        """
        each = CONDITIONS.wording.each or Wording()
        was, is_ = (named_items(each, _conditions(flag)) for flag in (live, wanted))
        former = {new: old for old, new in paired(each, was, is_).items()}
        # A flag that is off serves nobody by any condition.
        places, new = (
            {name: n for n, name in enumerate(names) if n < len(side.parts)}
            for names, side in ((was, before), (is_, after))
        )
        found: dict[str, Served] = {}

        def add(
            name: str, now: int, then: int, otherwise: Sequence[Part], others: bool = False, variant: bool = False
        ) -> None:
            if variant and now == then and not others:
                found[name] = Served(now, then, 0, variant=True)
            elif others or now != then:
                so_far = self._together(after, otherwise)
                known = so_far is not None and served is not None
                more = float(then - now)
                if so_far is not None and served is not None:
                    more = _more(so_far, served)
                elif so_far is not None and more > 0:  # no more than all whom the flag may serve then
                    more = max(0, min(more, after.at_most - round(so_far)))
                found[name] = Served(now, then, more, others, at_most=not known)

        for name, place in places.items():
            if name not in former.values():
                add(name, before.alone[place], 0, [*after.parts, before.parts[place]])
        for n, (name, condition) in enumerate(is_.items()):
            old = former.get(name, "")
            kept = [before.parts[places[old]]] if old in places else []
            now, then = before.alone[places[old]] if kept else 0, after.alone[n] if name in new else 0
            otherwise = [*after.parts[:n], *kept, *after.parts[n + 1 :]]
            variant = bool(kept) and name in new and was[old].get("variant") != condition.get("variant")
            add(name, now, then, otherwise, bool(then) and swapped(was.get(old), condition), variant)
        return found


def _by_variant(flag: Properties, alone: Sequence[int]) -> dict[str, int]:
    """Return how many get each variant of a flag, whose conditions serve so many each by itself."""
    shares = {each["key"]: each.get("rollout_percentage", 0) / 100 for each in flag.get("variants") or ()}
    found = dict.fromkeys(shares, 0.0)
    for served, condition in zip(alone, _conditions(flag), strict=False):
        given = condition.get("variant")
        for key in shares:
            found[key] += served * (shares[key] if not given else given == key)
    return {key: round(number) for key, number in found.items()}


def other_variant(was: Sequence[Any], is_: Sequence[Any]) -> Callable[[str, str], float]:
    """Return a function of the variant that a condition gave and the one that another gives: how likely (0 to 1) they
    differ.

    Empty means that a condition gives none: the shares of the flag's variants, before or after, decide then. Pure.
    """
    before, after = ({each["key"]: float(each.get("rollout_percentage", 0)) for each in side} for side in (was, is_))

    def chance(gave: str, gives: str) -> float:
        if gave and gives:
            return float(gave != gives)
        if gave or gives:
            return 1.0 - (after.get(gave, 0.0) if gave else before.get(gives, 0.0)) / 100
        return redrawn(was, is_)

    return chance


def redrawn(was: Any, is_: Any) -> float:
    """Return the share (0 to 1) of those whom a flag serves that get another of its variants; 0 if one side has none.
    Pure.

    PostHog gives the variant whose part of the added up percentages contains the hash of flag and person.
    """
    if not was or not is_:
        return 0.0
    ends = [list(accumulate(each.get("rollout_percentage", 0) for each in side)) for side in (was, is_)]

    def at(side: int, point: float) -> Any:
        place = bisect_right(ends[side], point)
        return (was, is_)[side][place]["key"] if place < len(ends[side]) else None

    bounds = sorted({0, 100, *ends[0], *ends[1]})
    return float(sum(end - start for start, end in pairwise(bounds) if at(0, start) != at(1, start))) / 100


def _more(before: float, after: float) -> float:
    """Return the difference of two numbers as they are shown; a fraction if it is less than one."""
    return 0 if _alike(before, after) else round(after) - round(before) or round(after - before) or after - before


def _alike(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def _cohorts(flag: Properties) -> set[str]:
    """Return the ids of the cohorts that a flag's conditions look at."""
    return {_cohort_id(leaf) for each in _conditions(flag) for leaf in each.get("properties") or ()}


def _conditions(flag: Properties) -> list[dict[str, Any]]:
    return list(flag.get("release_conditions") or ())


def swapped(was: Mapping[str, Any] | None, is_: Mapping[str, Any]) -> bool:
    """Return whether a condition loses filters and gets others; not if only a bound moves, since one side then contains
    the other.
    """
    if was is None:
        return False
    old, new = (as_compared(each)["properties"] for each in (was, is_))
    go, come = [each for each in old if each not in new], [each for each in new if each not in old]
    if len(go) == len(come) == 1 and go[0].get("operator") in _BOUNDS:
        return {**go[0], "value": None} != {**come[0], "value": None}
    return bool(go and come)


_BOUNDS = (
    *("gt", "gte", "lt", "lte", "semver_gt", "semver_gte", "semver_lt", "semver_lte"),
    *("is_date_before", "is_date_after"),
)


def becoming(changes: Iterable[Change]) -> dict[str, tuple[Ref, list[Any] | None]]:
    """Return the cohorts that have other members after a plan, by id (a new one by its name), as the filters of one
    condition. Pure.

    This includes cohorts that use a changed one. None instead of filters if one condition can't express them.
    """
    cohorts = {_name(each): each for each in changes if each.ref.kind == "cohort" and each.wanted is not None}
    criteria = _criteria(cohorts.values())
    changed = (each for each in cohorts.values() if any(field.name == "filters" for field in each.fields))
    other = _made_of((_name(each) for each in changed if not each.refused), _users(criteria))
    known: dict[str, list[Any] | None] = {}

    def filters(id_: str) -> list[Any] | None:
        if id_ not in known:
            known[id_] = None  # what is made of itself is nothing
            found = _flat(criteria[id_], inside)
            if found and not any(True for _ in refs(found)):
                known[id_] = [*{repr(each): each for each in found}.values()]  # each filter once
        return known[id_]

    def inside(leaf: Any) -> list[Any] | None:
        return filters(_cohort_id(leaf)) if _cohort_id(leaf) in other else _as_filter(leaf)

    return {id_: (cohorts[id_].ref, filters(id_)) for id_ in criteria if id_ in other}


def kept_out(
    changes: Iterable[Change], flags: Callable[[], Mapping[str, Properties]]
) -> dict[str, tuple[float, tuple[Ref, ...]]]:
    """Return the share (0 to 1) that a plan makes holdouts keep out of flags, by the flag's id (of a new one, by its
    name), and the experiment and holdout by which it does.

    PostHog writes a holdout into the flag of an experiment when the experiment gets it, and when the holdout changes or
    goes, then also for experiments that were deleted. ``flags`` returns what PostHog holds of all flags, by id.
    """
    changes = [*changes]
    holdouts = {_name(each): each for each in changes if each.ref.kind == "holdout"}
    changed = {
        id_: each
        for id_, each in holdouts.items()
        if not each.refused and (each.action is Action.DELETE or any(field.name == _SHARE for field in each.fields))
    }
    held = {id_: str(held_by(flag).get("id")) for id_, flag in flags().items()} if changed else {}
    found: dict[str, tuple[float, tuple[Ref, ...]]] = {
        flag: (_excluded(changed[id_].wanted), (changed[id_].ref,)) for flag, id_ in held.items() if id_ in changed
    }
    for each in changes:
        said = (each.live if each.refused else each.wanted) or {}
        holdout = holdouts.get(str(said.get("holdout")))
        gets = not each.refused and any(field.name == "holdout" for field in each.fields)
        if each.ref.kind == "experiment" and (gets or str(said.get("holdout")) in changed):
            by = (each.ref,) if holdout is None else (each.ref, holdout.ref)
            said_of = (holdout.live if holdout.refused else holdout.wanted) if holdout else None
            found[str(said.get("flag"))] = (_excluded(said_of), by)
    return found


def enrolling(changes: Iterable[Change]) -> dict[str, bool]:
    """Return whether flags serve who opted in after a plan, by the flag's id (of a new one, by its name).

    Only of flags for which an early access feature of the plan switches that. Pure.
    """
    found: dict[str, bool] = {}
    for each in changes:
        whole = each.live is None or each.wanted is None
        switches = whole or any(field.name in ("stage", "flag") for field in each.fields)
        if each.ref.kind != "early_access_feature" or each.refused or not switches:
            continue
        for side, enrols in ((each.live, False), (each.wanted, True)):
            if side and side.get("stage") in ENROLLING:
                found[str(side.get("flag"))] = enrols
    return found


def _name(change: Change) -> str:
    """Return what other objects of a plan call an object: its id, or its name if it is new."""
    return change.id or str(change.ref)


def _undecided(flag_key: str) -> list[dict[str, Any]]:
    """Return the filters of those who did not opt in to a flag or out of it; none where the key is empty."""
    unset = {"key": choice(flag_key), "type": "person", "operator": "is_not_set", "value": "is_not_set"}
    return [unset] if flag_key else []


_SHARE = "exclusion_percentage"


def _percent(shares: tuple[float, float]) -> tuple[float, float]:
    was, is_ = (round(share * 100, 3) for share in shares)
    return was, is_


def _excluded(holdout: Any) -> float:
    """Return the share (0 to 1) that a holdout, or what a flag says of it, keeps out."""
    return excluded(holdout) / 100


def says_who(change: Change) -> bool:
    """Return whether the change of a flag is about whom it serves. Pure."""
    whole = change.wanted is None or change.live is None
    return whole or any(each.name in _SERVING for each in change.fields)


def _is_on(flag: Properties) -> bool:
    return bool(flag) and flag.get("active") is not False and not flag.get("archived")



def _criteria(changes: Iterable[Change]) -> dict[str, Any]:
    """Return the criteria that the cohorts of a plan have after it, by id (of a new one, by its name)."""
    cohorts = [each for each in changes if each.ref.kind == "cohort" and each.wanted is not None]
    return {_name(each): ((each.live if each.refused else each.wanted) or {}).get("filters") for each in cohorts}


def _users(criteria: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the cohorts that are made of each."""
    found: dict[str, list[str]] = {}
    for user, said in criteria.items():
        for id_ in {*_cohort_ids(said)}:
            found.setdefault(id_, []).append(user)
    return found


def _made_of(ids: Iterable[str], users: Mapping[str, list[str]]) -> set[str]:
    """Return these cohorts, and those that are made of them, also through others."""
    found = {*ids}
    waiting = [*found]
    while waiting:
        new = [each for each in users.get(waiting.pop(), ()) if each not in found]
        found.update(new)
        waiting += new
    return found


def _cohort_ids(part: Any) -> Iterator[str]:
    """Yield the ids of the cohorts that criteria are made of."""
    if isinstance(part, Mapping):
        yield _cohort_id(part)
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _cohort_ids(each)


def _cohort_id(leaf: Mapping[str, Any]) -> str:
    """Return the id of the cohort that a filter looks at; empty for another filter."""
    return str(leaf.get("value")) if leaf.get("type") == "cohort" else ""


def _as_filter(leaf: Mapping[str, Any]) -> list[Any] | None:
    return [condition_property(dict(leaf))]


def _flat(criteria: Any, cohort: Callable[[Any], list[Any] | None] = _as_filter) -> list[Any] | None:
    """Return criteria as the filters of one condition; None where they are not as plain as that.

    ``cohort`` returns the filters of a condition that are in the place of a criterion on another cohort.
    """
    if not isinstance(criteria, Mapping) or (criteria.get("type") != "AND" and len(criteria.get("values", ())) > 1):
        return None
    found: list[Any] = []
    for each in criteria.get("values", ()):
        part: list[Any] | None = None
        if "values" in each:
            part = _flat(each, cohort)
        elif each.get("type") in ("person", "cohort") and not each.get("negation"):
            part = cohort(each) if each["type"] == "cohort" else _as_filter(each)
        if part is None:
            return None
        found += part
    return found
