"""One property filter against one person's (or group's) properties: PostHog's table of operators.

Source: match_property in PostHog's rust/feature-flags. An operator returns whether a *present* value matches; a filter
that can't be evaluated (a bound that is no number, a version that isn't one) doesn't match.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.evaluation import patterns, versions
from sandbox.evaluation.dates import Clock, filter_instant, property_instant
from sandbox.evaluation.values import ascii_lower, is_true, is_truth_value, number, text

Properties = Mapping[str, Any]
Matcher = Callable[[Any, Any, Clock], bool]  # (the property's value, the filter's value, the clock)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one property; `value` None when the filter names none."""

    key: str
    operator: str = "exact"
    value: Any = None
    type: str = "person"
    group_type_index: int | None = None
    negation: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """How a present value is matched, and the answer when the key is missing."""

    matches: Matcher
    when_missing: bool = False


def match_property(condition: Filter, properties: Properties, clock: Clock) -> bool:
    """Whether the properties satisfy the filter; `negation` is the caller's business (only cohorts have it).

    `is_set` and `is_not_set` look at the key alone (null is set). For every other operator a filter without a
    value matches nothing, negated operators included.
    """
    present = condition.key in properties
    if condition.operator == "is_set":
        return present
    if condition.operator == "is_not_set":
        return not present
    operator = OPERATORS.get(condition.operator)
    if operator is None or condition.value is None:
        return False
    if not present:
        return operator.when_missing
    return operator.matches(properties[condition.key], condition.value, clock)


def _exact(found: Any, wanted: Any, _: Clock) -> bool:
    # A filter for true or false compares "is true", so that "false" matches every set value but true.
    if is_truth_value(wanted):
        return is_true(found) == is_true(wanted)
    spelled = text(found).lower()
    if isinstance(wanted, list):
        return any(text(item).lower() == spelled for item in wanted)
    return text(wanted).lower() == spelled


def _contains(found: Any, wanted: Any, _: Clock) -> bool:
    return ascii_lower(wanted) in ascii_lower(found)


def _contains_any(found: Any, wanted: Any, clock: Clock) -> bool:
    return any(_contains(found, item, clock) for item in (wanted if isinstance(wanted, list) else [wanted]))


def _starts_with(found: Any, wanted: Any, _: Clock) -> bool:
    return ascii_lower(found).startswith(ascii_lower(wanted))


def _ends_with(found: Any, wanted: Any, _: Clock) -> bool:
    return ascii_lower(found).endswith(ascii_lower(wanted))


def _not(matches: Matcher) -> Operator:
    return Operator(lambda found, wanted, clock: not matches(found, wanted, clock), when_missing=True)


def _regex(found: Any, wanted: Any, _: Clock) -> bool:
    return patterns.search(text(wanted), text(found)) is True


def _not_regex(found: Any, wanted: Any, _: Clock) -> bool:
    return patterns.search(text(wanted), text(found)) is False


def _numeric(compare: Callable[[float, float], bool]) -> Operator:
    def matches(found: Any, wanted: Any, _: Clock) -> bool:
        left, right = number(found), number(wanted)
        return left is not None and right is not None and compare(left, right)

    return Operator(matches)


def _in_range(found: Any, wanted: Any) -> bool | None:
    """Whether a number lies within `[min, max]`; None when one of the three is no number or the bounds are reversed."""
    bounds = [number(bound) for bound in wanted] if isinstance(wanted, list) else []
    value = number(found)
    if len(bounds) != 2 or bounds[0] is None or bounds[1] is None or value is None or value != value:
        return None
    return bounds[0] <= value <= bounds[1] if bounds[0] <= bounds[1] else None


def _between(found: Any, wanted: Any, _: Clock) -> bool:
    return _in_range(found, wanted) is True


def _not_between(found: Any, wanted: Any, _: Clock) -> bool:
    return _in_range(found, wanted) is False


def _semver(compare: Callable[[versions.Version, versions.Version], bool]) -> Operator:
    def matches(found: Any, wanted: Any, _: Clock) -> bool:
        left, right = versions.version(found), versions.version(wanted)
        return left is not None and right is not None and compare(left, right)

    return Operator(matches)


def _requirement(satisfies: Callable[[versions.Version, Any], bool]) -> Operator:
    def matches(found: Any, wanted: Any, _: Clock) -> bool:
        left = versions.version(found)
        return left is not None and satisfies(left, wanted)

    return Operator(matches)


def _date(compare: Callable[[int, int], bool]) -> Operator:
    def matches(found: Any, wanted: Any, clock: Clock) -> bool:
        left, right = property_instant(found, clock), filter_instant(wanted, clock)
        return left is not None and right is not None and compare(left, right)

    return Operator(matches)


OPERATORS: dict[str, Operator] = {
    "exact": Operator(_exact),
    "is_not": _not(_exact),
    "icontains": Operator(_contains),
    "not_icontains": _not(_contains),
    "icontains_multi": Operator(_contains_any),
    "not_icontains_multi": _not(_contains_any),
    "starts_with": Operator(_starts_with),
    "not_starts_with": _not(_starts_with),
    "ends_with": Operator(_ends_with),
    "not_ends_with": _not(_ends_with),
    "regex": Operator(_regex),
    "not_regex": Operator(_not_regex, when_missing=True),
    "gt": _numeric(lambda left, right: left > right),
    "gte": _numeric(lambda left, right: left >= right),
    "lt": _numeric(lambda left, right: left < right),
    "lte": _numeric(lambda left, right: left <= right),
    "between": Operator(_between),
    "not_between": Operator(_not_between, when_missing=True),
    "is_date_exact": _date(lambda left, right: left == right),
    "is_date_before": _date(lambda left, right: left < right),
    "is_date_after": _date(lambda left, right: left > right),
    **{name: _semver(compare) for name, compare in versions.COMPARISONS.items()},
    **{name: _requirement(satisfies) for name, satisfies in versions.REQUIREMENTS.items()},
}
