"""Why each release condition of a flag did or didn't match: what `/flags?detailed_analysis=true` adds to an answer.

Source: ConditionAnalysis in api/types.rs of PostHog's rust/feature-flags.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.evaluation.cohorts import CohortError
from sandbox.evaluation.evaluate import CONDITION_MATCH, OUT_OF_ROLLOUT, Match, Subject, Value, flag_filter_holds
from sandbox.evaluation.flags import Condition, Flag
from sandbox.evaluation.properties import Filter, Properties, match_property
from sandbox.storage import jsontext

ENROLLMENT, HOLDOUT = -1, -2  # the places of what comes before the conditions
# How an operator reads when it holds and when it doesn't; of one that isn't here only its name is told.
_WORDS = {
    "is_set": ("is set", "is not set"),
    "exact": ("equals", "does not equal"),
    "icontains": ("contains", "does not contain"),
    "starts_with": ("starts with", "does not start with"),
    "ends_with": ("ends with", "does not end with"),
    "in": ("is in", "is not in"),
    "regex": ("matches regex", "does not match regex"),
    "gt": (">", "<="),
    "gte": (">=", "<"),
}
_OPPOSITES = {"is_not_set": "is_set", "is_not": "exact", "lte": "gt", "lt": "gte", "not_in": "in"}


def analysis(flag: Flag, match: Match, subject: Subject, values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """The conditions of a flag in their order, after the enrolment and the holdout where they play a part.

    `values` are those of the flags this one depends on, by id.
    """
    return [
        *([_enrollment(flag, match, subject)] if flag.enrollment else []),
        *([_holdout(flag, match)] if match.code == "holdout_condition_value" else []),
        *(_condition(index, one, match, subject, values) for index, one in enumerate(flag.conditions)),
    ]


def _condition(
    index: int, condition: Condition, match: Match, subject: Subject, values: Mapping[str, Value]
) -> dict[str, Any]:
    won = match.enabled and match.code == CONDITION_MATCH and index == (match.condition_index or 0)
    properties = [_property(one, condition, subject, values) for one in condition.filters]
    holds = all(one["matched"] for one in properties)
    rollout = 100.0 if condition.rollout is None else condition.rollout
    settled = match.code == OUT_OF_ROLLOUT and match.condition_index is not None
    excluded = rollout == 0 and (index == match.condition_index if settled else holds)
    if excluded:
        explanation = f"matched properties but was excluded by {rollout:g}% rollout"
    elif not holds:
        explanation = "did not match properties"
    elif won:
        explanation = f"matched and passed {rollout:g}% rollout"
    else:
        explanation = "matched properties but was not evaluated due to an earlier condition matching"
    explanation = f"Condition {index + 1} {explanation}"
    return _entry(index, properties, rollout, condition.variant, won, holds, excluded, explanation)


def _property(one: Filter, condition: Condition, subject: Subject, values: Mapping[str, Value]) -> dict[str, Any]:
    actual: Any = None
    if one.type == "flag":
        matched = flag_filter_holds(one, values.get(one.key, False))
        verdict = "satisfied" if matched else "did not satisfy"
        explanation = f"Flag dependency '{one.key}' {verdict} the required value {jsontext.encode(one.value)}"
    elif one.type == "cohort":
        matched, explanation = _cohort(one, subject)
    else:
        known = subject.person if one.type != "group" else _group(one, condition, subject)
        actual = None if known is None else known.get(one.key)
        matched = known is not None and match_property(one, known, subject.clock)
        explanation = f"Property '{one.key}' {_words(one, matched)}"
    return {
        "key": one.key,
        "operator": one.operator.replace("_", ""),
        "value": one.value,
        "type": one.type,
        "actual_value": actual,
        "matched": matched,
        "explanation": explanation,
    }


def _group(one: Filter, condition: Condition, subject: Subject) -> Properties | None:
    index = condition.aggregation if one.group_type_index is None else one.group_type_index
    return None if index is None else subject.group_properties.get(index)


def _words(one: Filter, matched: bool) -> str:
    if one.operator in ("is_set", "is_not_set"):
        return _WORDS["is_set"][matched is (one.operator == "is_not_set")]
    opposite = one.operator.removeprefix("not_") if one.operator.startswith("not_") else None
    plain = _OPPOSITES.get(one.operator) or opposite
    if plain in _WORDS:
        words = _WORDS[plain][::-1]
    else:
        words = _WORDS.get(one.operator, (one.operator.replace("_", ""), "does not match"))
    return f"{words[not matched]} {'(empty)' if one.value is None else jsontext.encode(one.value)}"


def _cohort(one: Filter, subject: Subject) -> tuple[bool, str]:
    try:
        member = subject.membership.has(int(one.value))
    except CohortError:
        return False, f"Could not check if person is in cohort {one.value}"
    return subject.membership.satisfies(one), f"Person is {'' if member else 'not '}in cohort {one.value}"


def _enrollment(flag: Flag, match: Match, subject: Subject) -> dict[str, Any]:
    key = f"$feature_enrollment/{flag.key}"
    actual = subject.person.get(key)
    enrolled = actual is True or actual == "true"
    if enrolled:
        state = "is true (opted in)"
        story = "Enrolled in the early access feature. This overrides all release conditions and enables the flag"
    elif key in subject.person:
        state = "is set but not true (opted out)"
        story = "Opted out of the early access feature. This overrides all release conditions and disables the flag"
    else:
        state = "is not set (not enrolled)"
        story = "Not enrolled in the early access feature. The release conditions below are evaluated normally"
    asked = {"key": key, "operator": "exact", "value": True, "type": "person", "actual_value": actual}
    properties = [{**asked, "matched": enrolled, "explanation": f"Property '{key}' {state}"}]
    won = enrolled and match.enabled and match.code == "super_condition_value"
    return _entry(ENROLLMENT, properties, 100.0, None, won, enrolled, False, story)


def _holdout(flag: Flag, match: Match) -> dict[str, Any]:
    share = min(max(flag.holdout.exclusion, 0), 100) if flag.holdout else 0
    story = (
        f"In the holdout group ({share:g}% of users are held out). This overrides all release conditions and holds the "
        "flag at its holdout value"
    )
    return _entry(HOLDOUT, [], 100.0, match.variant, True, True, False, story)


def _entry(
    index: int,
    properties: list[dict[str, Any]],
    rollout: float,
    variant: str | None,
    won: bool,
    holds: bool,
    excluded: bool,
    explanation: str,
) -> dict[str, Any]:
    return {
        "index": index,
        "properties": properties,
        "rollout_percentage": rollout,
        "variant": variant,
        "matched": won,
        "properties_matched": holds,
        "rollout_excluded": excluded,
        "explanation": explanation,
    }
