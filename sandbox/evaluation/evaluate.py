"""What a flag answers for one subject, and why.

Source: flag_matching.rs and v1_bucketing.rs in PostHog's rust/feature-flags, and its flag-evaluation-engine.md.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.evaluation.cohorts import CohortError, Membership
from sandbox.evaluation.dates import Clock
from sandbox.evaluation.flags import Condition, Flag
from sandbox.evaluation.hashing import bucket
from sandbox.evaluation.properties import Filter, Properties, match_property

Value = bool | str
CONDITION_MATCH = "condition_match"
OUT_OF_ROLLOUT = "out_of_rollout_bound"
NO_CONDITION_MATCH = "no_condition_match"
NO_GROUP_TYPE = "no_group_type"
_RANK = {NO_GROUP_TYPE: 0, NO_CONDITION_MATCH: 1, OUT_OF_ROLLOUT: 2}
_DESCRIPTIONS = {
    OUT_OF_ROLLOUT: "Out of rollout bound",
    NO_CONDITION_MATCH: "No matching condition set",
    NO_GROUP_TYPE: "No group type",
}
_GROUPS_SKIPPED = " (group conditions were not evaluated because no group type was provided)"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a flag is evaluated for: everything known about the person and the groups of the request.

    `person` holds the stored properties overlaid by the request's; `groups` only keys that can be used (by
    group type index); `hash_keys` the stored hash-key overrides by flag key; `anon_distinct_id` the request's
    `$anon_distinct_id`.
    """

    distinct_id: str
    person: Properties
    membership: Membership
    clock: Clock
    device_id: str | None = None
    anon_distinct_id: str | None = None
    hash_keys: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    group_properties: Mapping[int, Properties] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A flag's answer. `failed` when it couldn't be computed; `payload` is the stored JSON text, or None."""

    enabled: bool
    code: str
    description: str
    variant: str | None = None
    condition_index: int | None = None
    payload: Any = None
    failed: bool = False

    @property
    def value(self) -> Value:
        """What an SDK gets: the variant, else on or off."""
        return self.enabled if self.variant is None else self.variant


MISSING_DEPENDENCY = Match(False, "missing_dependency", "Flag cannot be evaluated due to missing dependency")


def evaluate(flag: Flag, subject: Subject, flag_value: Callable[[str], Value]) -> Match:
    """Evaluate one active flag whose dependencies are settled.

    Parameters: `flag_value(flag id)` is the value of a flag that this one depends on (False for an inactive
    one).
    Returns: the match with PostHog's reason. A cohort that can't be resolved gives a failed match, never an
    exception.
    """
    enrollment = f"$feature_enrollment/{flag.key}"
    if flag.enrollment and enrollment in subject.person:
        on = subject.person[enrollment] is True or subject.person[enrollment] == "true"
        payload = flag.payloads.get("true")
        return Match(on, "super_condition_value", "Super condition value", None, 0, payload)
    held_out = _holdout_variant(flag, subject)
    if held_out is not None:
        payload = flag.payloads.get(held_out)
        return Match(True, "holdout_condition_value", "Holdout condition value", held_out, payload=payload)
    try:
        return _release(flag, subject, flag_value)
    except CohortError as error:
        return Match(False, error.code, error.description, failed=True)


def evaluate_all(
    flags: Mapping[str, Flag], wanted: Iterable[Flag], off: frozenset[str], broken: frozenset[str], subject: Subject
) -> dict[str, Match]:
    """Evaluate flags together with everything they depend on.

    Parameters: `flags` are a project's flags by id; `wanted` the ones asked for; `off` the ids of those that
    count as false (inactive, or filtered out of this request); `broken` the ids `broken_dependencies` gave.
    Returns: matches by flag key, dependencies included, flags that are off left out.
    """
    found: dict[str, Match] = {}

    def value_of(identifier: str) -> Value:
        return False if identifier in off else match_of(flags[identifier]).value

    def match_of(flag: Flag) -> Match:
        if flag.key not in found:
            identifier = str(flag.id)
            if identifier in broken:
                found[flag.key] = MISSING_DEPENDENCY
            else:
                # All of them, also those no condition gets to: they are in the answer.
                for dependency in flag.dependencies - off:
                    match_of(flags[dependency])
                found[flag.key] = evaluate(flag, subject, value_of)
        return found[flag.key]

    for flag in wanted:
        if str(flag.id) not in off:
            match_of(flag)
    return found


def broken_dependencies(flags: Mapping[str, Flag]) -> frozenset[str]:
    """The ids of flags that depend, however indirectly, on a flag that doesn't exist or on themselves.

    The dependencies of an inactive flag don't matter: it is false without being evaluated.
    """
    sound = {identifier for identifier, flag in flags.items() if not (flag.active and flag.dependencies)}
    waiting = {identifier: flag.dependencies for identifier, flag in flags.items() if identifier not in sound}
    while ready := [identifier for identifier, needed in waiting.items() if needed <= sound]:
        sound.update(ready)
        for identifier in ready:
            del waiting[identifier]
    return frozenset(waiting)


def _release(flag: Flag, subject: Subject, flag_value: Callable[[str], Value]) -> Match:
    """The release conditions in order; without a match the best-ranked reason, of equals the later one."""
    code, where, skipped = NO_GROUP_TYPE, None, False
    for index, condition in enumerate(flag.conditions):
        reason, variant = _condition(flag, condition, subject, flag_value)
        if reason == CONDITION_MATCH:
            payload = flag.payloads.get(variant or "true")
            return Match(True, CONDITION_MATCH, f"Matched condition set {index + 1}", variant, index, payload)
        if flag.early_exit and reason == OUT_OF_ROLLOUT:
            code, where = reason, index
            break
        skipped = skipped or reason == NO_GROUP_TYPE
        if _RANK[reason] >= _RANK[code]:
            code, where = reason, index
    description = _DESCRIPTIONS[code] + (_GROUPS_SKIPPED if skipped and code == NO_CONDITION_MATCH else "")
    return Match(False, code, description, condition_index=where)


def _condition(
    flag: Flag, condition: Condition, subject: Subject, flag_value: Callable[[str], Value]
) -> tuple[str, str | None]:
    """The outcome of one condition: a reason and, when it matches, the variant."""
    if condition.aggregation is not None and condition.aggregation not in subject.groups:
        return NO_GROUP_TYPE, None
    if not _filters_hold(condition, subject, flag_value):
        return NO_CONDITION_MATCH, None
    identifier = _identifier(flag, condition.aggregation, subject, subject.hash_keys)
    rollout = condition.rollout
    if (
        rollout is not None
        and rollout != 100
        and (identifier is None or bucket(f"{flag.key}.", identifier) > rollout / 100)
    ):
        return OUT_OF_ROLLOUT, None
    if condition.variant is not None and any(variant.key == condition.variant for variant in flag.variants):
        return CONDITION_MATCH, condition.variant
    if identifier is None and flag.variants:
        return OUT_OF_ROLLOUT, None  # nothing to draw the variant by
    return CONDITION_MATCH, _drawn_variant(flag, identifier or "")


def _filters_hold(condition: Condition, subject: Subject, flag_value: Callable[[str], Value]) -> bool:
    # Cohorts last: a cohort that can't be resolved only matters when everything else holds.
    cohorts: list[Filter] = []
    for item in condition.filters:
        if item.type == "cohort":
            cohorts.append(item)
        elif item.type == "flag":
            if not flag_filter_holds(item, flag_value(item.key)):
                return False
        elif not match_property(item, _properties(item, condition, subject), subject.clock):
            return False
    memberships = [subject.membership.satisfies(item) for item in cohorts]  # every one has to be resolvable
    return all(memberships)


def _properties(item: Filter, condition: Condition, subject: Subject) -> Properties:
    if item.type != "group":
        return subject.person
    index = condition.aggregation if item.group_type_index is None else item.group_type_index
    return {} if index is None else subject.group_properties.get(index, {})


def flag_filter_holds(item: Filter, value: Value) -> bool:
    """Whether a filter on another flag holds where that flag has this value."""
    if item.operator != "flag_evaluates_to":
        return False
    if isinstance(item.value, bool):
        return item.value == (value is not False)
    return isinstance(item.value, str) and item.value == value


def _identifier(flag: Flag, aggregation: int | None, subject: Subject, hash_keys: Mapping[str, str]) -> str | None:
    """What is hashed: the group's key, or the person's device, stored override, anonymous id or distinct id.

    None when the flag is bucketed by device and the request names none.
    """
    if aggregation is not None:
        return subject.groups.get(aggregation, "")
    if flag.by_device:
        return subject.device_id or None
    if flag.key in hash_keys:
        return hash_keys[flag.key]
    return (flag.continuity and subject.anon_distinct_id) or subject.distinct_id


def _drawn_variant(flag: Flag, identifier: str) -> str | None:
    if not flag.variants:
        return None
    place, upper = bucket(f"{flag.key}.", identifier, "variant"), 0.0
    for variant in flag.variants:
        upper += variant.weight / 100
        if place < upper:
            return variant.key
    return None  # weights below 100 leave a rest: on, without a variant


def _holdout_variant(flag: Flag, subject: Subject) -> str | None:
    if flag.holdout is None:
        return None
    excluded = flag.holdout.exclusion
    identifier = _identifier(flag, flag.aggregation, subject, {})
    if identifier is None:
        identifier = subject.distinct_id
    if excluded < 100 and bucket("holdout-", identifier) > max(excluded, 0.0) / 100:
        return None
    return f"holdout-{flag.holdout.id}"
