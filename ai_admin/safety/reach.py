"""Which installations release conditions serve: the conditions are evaluated for invented ones. Pure.

A file does not say how many installations a condition is for, but it says which ones it leaves out. So each property in
a flag's conditions gets different values: all that the catalogue lists, or else texts, numbers, versions and dates with
nothing in common. A condition that leaves out no installation with these values may be for everybody, however it is
written: a range without an end, a list of all values, a pattern that matches everything.

Where no file can tell, the wider audience is assumed. A negation is for everybody except those that it names, and
nobody knows how many these are; so it leaves out nobody here, unless it names everybody. ``is_set`` and ``is_not_set``
match. Nobody is a member of a static cohort, or of one by behaviour.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import Any

from providers.posthog.consents import ROLLOUT_STEP, UNLIKE, condition_digest
from providers.posthog.kinds import Ref
from providers.posthog.kinds.base import Definition
from providers.posthog.kinds.flag import condition_name
from providers.posthog.shares import Filters, Leaf, Property, Together, filters, is_one_of, listed, property_of, text_of

Installation = Mapping[Property, Any]
Values = Mapping[str, tuple[Any, ...]]
"""All values that a property of persons can have, for those of which the catalogue lists them."""

MOST = 1000
"""The most installations that a flag's conditions are evaluated for; up to then, one for each combination of values."""

_NUMBERS = (0, 1, 10**6)
_VERSIONS = ("1.0.0", "99.0.0")
_LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
_UNKNOWN = ("is_set", "is_not_set")
_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
}
_NEGATIONS = {
    "is_not": "exact",
    "not_icontains": "icontains",
    "not_icontains_multi": "icontains_multi",
    "not_regex": "regex",
    "semver_neq": "semver_eq",
}


class Reach:
    """The release conditions of a flag that one installation can match together; computed when asked for."""

    def __init__(
        self, definitions: Iterable[Definition] = (), values: Values | None = None, now: datetime | None = None
    ) -> None:
        """``values`` are the catalogue's; ``now`` is what dates are compared with."""
        self._of = {Ref(each.kind, each.key): each.properties for each in definitions}
        self._values = values or {}
        self._dates = (_LONG_AGO, now or datetime.now(UTC))
        self._tried: dict[tuple[int, Any], bool] = {}
        self._outside: dict[int, bool] = {}
        self._filters: dict[str, Filters] = {}

    def kinds(self, key: str) -> set[frozenset[str]]:
        """Return the kinds of installations that differ in a flag's conditions: those (digests) that each matches."""
        conditions = self._conditions(Ref("flag", key))
        return {
            frozenset(condition_digest(each) for each in conditions if self._matches(each, installation))
            for installation in self._installations(conditions)
        }

    def meeting(self, key: str, one: str, other: str) -> bool:
        """Return whether one installation may match both of these conditions (digests) of a flag."""
        known = self.filters(key)
        return Together({each: known[each] for each in (one, other) if each in known}).meeting(one, other)

    def filters(self, key: str) -> Filters:
        """Return the filters of a flag's conditions by digest."""
        if key not in self._filters:
            self._filters[key] = filters(self._of.get(Ref("flag", key), {}))
        return self._filters[key]

    def named(self, key: str, digest: str) -> str:
        """Return the name by which messages call a flag's condition (digest)."""
        return condition_name(self._condition(key, digest))

    def _conditions(self, ref: Ref) -> list[dict[str, Any]]:
        return list(self._of.get(ref, {}).get("release_conditions") or ())

    def _condition(self, key: str, digest: str) -> dict[str, Any]:
        return next((each for each in self._conditions(Ref("flag", key)) if condition_digest(each) == digest), {})

    def _installations(self, conditions: Iterable[Mapping[str, Any]]) -> Iterator[Installation]:
        looked_at: dict[Property, list[Leaf]] = {}
        for condition in conditions:
            for leaf in self._leaves(condition):
                looked_at.setdefault(property_of(leaf), []).append(leaf)
        values = [list(self._sorts(each, leaves)) for each, leaves in looked_at.items()]
        combined = list(islice(product(*values), MOST + 1))
        if len(combined) > MOST:  # each value in one installation at least
            combined = [tuple(each[n % len(each)] for each in values) for n in range(max(map(len, values)))]
        return (dict(zip(looked_at, each, strict=True)) for each in combined)

    def _leaves(self, value: Mapping[str, Any]) -> Iterator[Leaf]:
        """Yield the filters on properties in a condition or a cohort's criteria, also those behind references."""
        for leaf in (*(value.get("properties") or ()), *(value.get("values") or ())):
            if "values" in leaf:
                yield from self._leaves(leaf)
            elif leaf.get("type") == "cohort":
                yield from self._leaves(self._of.get(leaf["value"], {}).get("filters") or {})
            elif leaf.get("type") == "flag":
                for condition in self._conditions(leaf["key"]):
                    yield from self._leaves(condition)
            elif leaf.get("type") != "behavioral":
                yield leaf

    def _sorts(self, looked_at: Property, leaves: list[Leaf]) -> Iterable[Any]:
        """Return values of every sort for a property."""
        owner, _, name = looked_at
        if owner == "person" and name in self._values:
            return self._values[name]
        operators = {str(leaf.get("operator")) for leaf in leaves}
        if any(each.startswith("semver_") for each in operators):
            return _VERSIONS
        if any(each.startswith("is_date_") for each in operators):
            return self._dates
        if not operators.isdisjoint(_COMPARED):
            return _NUMBERS
        named = {text_of(each) for leaf in leaves for each in listed(leaf)}
        return [each for each in UNLIKE if text_of(each) not in named] or UNLIKE

    def _matches(self, condition: Mapping[str, Any], installation: Installation) -> bool:
        return all(self._fits(leaf, installation) for leaf in condition.get("properties") or ())

    def _fits(self, leaf: Leaf, installation: Installation) -> bool:
        kind = leaf.get("type", "person")
        if "values" in leaf:
            return self._is_within(leaf, installation)
        if kind == "cohort":
            return self._is_among(leaf, installation)
        if kind == "flag":
            return self._is_served(leaf["key"], installation, leaf.get("value") is not False)
        if kind == "behavioral":
            return bool(leaf.get("negation"))
        name = str(leaf.get("operator", "exact"))
        if name in _UNKNOWN:
            return True
        if (name in _NEGATIONS) != bool(leaf.get("negation")):
            return not all(self._holds(leaf, value) for value in self._sorts(property_of(leaf), [leaf]))
        return self._holds(leaf, installation[property_of(leaf)])

    def _is_among(self, leaf: Leaf, installation: Installation) -> bool:
        """Return whether a filter on a cohort lets an installation in."""
        cohort = self._of.get(leaf["value"], {})
        criteria = None if cohort.get("is_static") else cohort.get("filters")
        negated = leaf.get("operator") == "not_in" or bool(leaf.get("negation"))
        if not criteria:
            return negated
        if not negated:
            return self._is_within(criteria, installation)
        if id(criteria) not in self._outside:
            inside = (self._is_within(criteria, each) for each in self._installations([criteria]))
            self._outside[id(criteria)] = not all(inside)
        return self._outside[id(criteria)]

    def _is_within(self, criteria: Mapping[str, Any], installation: Installation) -> bool:
        found = (self._fits(each, installation) for each in criteria["values"])
        return any(found) if criteria.get("type") == "OR" else all(found)

    def _is_served(self, ref: Ref, installation: Installation, wanted: bool) -> bool:
        """Return whether more such installations than one run may add have another flag, or lack it, as ``wanted``."""
        on = self._of.get(ref, {}).get("active", True)
        matching = (each for each in self._conditions(ref) if self._matches(each, installation))
        share = max((each.get("rollout_percentage", 100) for each in matching), default=0) if on else 0
        return bool((share if wanted else 100 - share) > ROLLOUT_STEP)

    def _holds(self, leaf: Leaf, value: Any) -> bool:
        """Return whether a value fits a filter without its negation."""
        if (id(leaf), value) not in self._tried:
            name = str(leaf.get("operator", "exact"))
            self._tried[id(leaf), value] = self._compared(_NEGATIONS.get(name, name), leaf, value)
        return self._tried[id(leaf), value]

    def _compared(self, name: str, leaf: Leaf, value: Any) -> bool:
        """Compare a value with a filter's, by the rules of PostHog's flag service."""
        if name == "exact":
            return is_one_of(value, leaf)
        if name in ("icontains", "icontains_multi"):
            return any(text_of(each) in text_of(value) for each in listed(leaf))
        if name == "regex":
            return _is_found(text_of(leaf.get("value"), fold=False), text_of(value, fold=False))
        if name.startswith("is_date_"):
            return self._is_dated(name.removeprefix("is_date_"), leaf.get("value"), value)
        parse: Callable[[Any], Any] = _version if name.startswith("semver_") else _number
        name = name.removeprefix("semver_")
        if name not in _COMPARED:  # a range of versions, which begins and ends
            return text_of(leaf.get("value")) == "*"
        left, right = parse(value), parse(leaf.get("value"))
        return left is not None and right is not None and _COMPARED[name](left, right)

    def _is_dated(self, how: str, written: Any, value: Any) -> bool:
        bound = self._instant(str(written))
        if not isinstance(value, datetime) or bound is None:
            return True
        return how != "exact" and (value < bound if how == "before" else value > bound)

    def _instant(self, written: str) -> datetime | None:
        relative = re.fullmatch(r"-?(\d{1,4})([hdwmy])", written)
        try:
            if relative:
                return self._dates[-1] - timedelta(days=int(relative[1]) * _DAYS[relative[2]])
            found = datetime.fromisoformat(written)
        except (ValueError, OverflowError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_found(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        return False


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _version(value: Any) -> tuple[int, ...] | None:
    found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", str(value))
    return tuple(int(part or 0) for part in found.groups()) if found else None
