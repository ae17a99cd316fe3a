"""The rules between fields of a flag's filters: codes and texts of PostHog's `filters_validation.py`.

They take filters that are well formed and return violations; whether one refuses a write is the installation's choice.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TEXT_OPERATORS = frozenset({"regex", "not_regex", "icontains", "not_icontains", "gt", "gte", "lt", "lte"})
LIST_OPERATORS = frozenset({"icontains_multi", "not_icontains_multi"})
DATE_OPERATORS = frozenset({"is_date_exact", "is_date_after", "is_date_before"})
PERSON_TYPES = ("person", "cohort", "flag")
RELATIVE_DATE = re.compile(r"^-?\d{1,4}[hdwmy]$")
SEMVER = re.compile(r"^v?\d+(\.\d+){0,2}([-+].*)?$")


@dataclass(frozen=True)
class Violation:
    """A broken rule: its stable code, where, and what is wrong; `about` are the values that the message speaks of."""

    rule: str
    path: str
    message: str
    about: Mapping[str, Any] = field(default_factory=dict)


def cross_field_violations(filters: dict[str, Any]) -> list[Violation]:
    """All broken rules, in PostHog's order."""
    return [
        *variants(filters),
        *payloads(filters),
        *overrides(filters),
        *aggregation(filters),
        *dependencies(filters),
        *values(filters),
    ]


def variant_list(filters: dict[str, Any]) -> list[dict[str, Any]]:
    """The variants of a flag; an empty list for a boolean one."""
    return list((filters.get("multivariate") or {}).get("variants") or [])


# What each rule says, by its code.
TEXTS = {
    "variant_rollout_sum_not_100": "Variant rollout percentages must sum to 100, got {total}.",
    "variant_keys_not_unique": "Variant keys must be unique, duplicated: {keys}.",
    "payload_key_not_a_variant": "Payload key '{key}' does not match any variant key.",
    "payload_key_not_true": "Payload key '{key}' is invalid: boolean flags only support the 'true' key.",
    "group_variant_not_a_variant": "Variant override '{variant}' does not match any variant key.",
    "person_aggregation_property_type": "Person-aggregated conditions can only use person, cohort, and flag"
    " properties.",
    "group_aggregation_property_type": "Group-aggregated conditions can only use group properties.",
    "group_property_type_index_mismatch": "Group properties must match the condition set's group type.",
    "flag_property_requires_flag_evaluates_to": "Flag properties must use the 'flag_evaluates_to' operator.",
    "in_not_in_requires_cohort": "Operator {operator} is only supported on cohort properties.",
    "date_value_not_parseable": "Invalid date value: {value}.",
    "operator_requires_string_value": "Operator {operator} requires a string value.",
    "operator_requires_list_value": "Operator {operator} requires a list of values.",
    "semver_value_invalid": "Invalid {kind}value for operator {operator}: {value}.",
}


def _violation(rule: str, path: str, **about: Any) -> Violation:
    return Violation(f"cross_field.{rule}", path, TEXTS[rule].format(**about), about)


def variants(filters: dict[str, Any]) -> Iterator[Violation]:
    """Their shares and keys."""
    found = variant_list(filters)
    total = sum(variant.get("rollout_percentage", 0) for variant in found)
    if found and total != 100:
        yield _violation("variant_rollout_sum_not_100", "multivariate.variants", total=total)
    keys = [variant["key"] for variant in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        yield _violation("variant_keys_not_unique", "multivariate.variants", keys=", ".join(twice))


def payloads(filters: dict[str, Any]) -> Iterator[Violation]:
    """They belong to a variant, or to a boolean flag."""
    known = {variant["key"] for variant in variant_list(filters)}
    for key in filters.get("payloads") or {}:
        if filters.get("multivariate"):
            if key not in known:
                yield _violation("payload_key_not_a_variant", f"payloads.{key}", key=key)
        elif key != "true":
            yield _violation("payload_key_not_true", f"payloads.{key}", key=key)


def overrides(filters: dict[str, Any]) -> Iterator[Violation]:
    """The variant that a condition gives exists."""
    known = {variant["key"] for variant in variant_list(filters)}
    for index, group in enumerate(filters["groups"]):
        variant = group.get("variant")
        if variant and variant not in known:
            yield _violation("group_variant_not_a_variant", f"groups[{index}].variant", variant=variant)


def aggregation(filters: dict[str, Any]) -> Iterator[Violation]:
    """A condition has the properties of what it counts by."""
    for index, group in enumerate(filters["groups"]):
        index_of = group.get("aggregation_group_type_index", filters.get("aggregation_group_type_index"))
        for position, prop in enumerate(group.get("properties") or []):
            path = f"groups[{index}].properties[{position}]"
            if index_of is None:
                if prop["type"] not in PERSON_TYPES:
                    yield _violation("person_aggregation_property_type", path)
            elif prop["type"] != "group":
                yield _violation("group_aggregation_property_type", path)
            elif prop.get("group_type_index") != index_of:
                yield _violation("group_property_type_index_mismatch", path)


def dependencies(filters: dict[str, Any]) -> Iterator[Violation]:
    """A property that is a flag has the operator for flags."""
    for index, group in enumerate(filters["groups"]):
        for position, prop in enumerate(group.get("properties") or []):
            if prop["type"] == "flag" and prop.get("operator") != "flag_evaluates_to":
                path = f"groups[{index}].properties[{position}].operator"
                yield _violation("flag_property_requires_flag_evaluates_to", path)


def values(filters: dict[str, Any]) -> Iterator[Violation]:
    """Each property has an operator and a value that go together."""
    for index, group in enumerate(filters["groups"]):
        for position, prop in enumerate(group.get("properties") or []):
            yield from _value(prop, f"groups[{index}].properties[{position}]")


def _value(prop: dict[str, Any], path: str) -> Iterator[Violation]:
    operator, value = prop.get("operator"), prop.get("value")
    if operator in ("in", "not_in") and prop["type"] != "cohort":
        yield _violation("in_not_in_requires_cohort", f"{path}.operator", operator=operator, type=prop["type"])
    if operator in DATE_OPERATORS and not is_date(value):
        yield _violation("date_value_not_parseable", f"{path}.value", value=value)
    if operator in TEXT_OPERATORS and not isinstance(value, str):
        yield _violation("operator_requires_string_value", f"{path}.value", operator=operator, value=value)
    if operator in LIST_OPERATORS and not isinstance(value, list):
        yield _violation("operator_requires_list_value", f"{path}.value", operator=operator)
    if isinstance(operator, str) and operator.startswith("semver_"):
        if not isinstance(value, str):
            expected = "expected a semver string"
            yield _violation("semver_value_invalid", f"{path}.value", kind="", operator=operator, value=expected)
        elif not is_semver(operator, value):
            yield _violation("semver_value_invalid", f"{path}.value", kind="semver ", operator=operator, value=value)


def is_semver(operator: str, value: str) -> bool:
    """Whether a text is a version that the operator takes; `semver_wildcard` takes one with stars at its end."""
    return SEMVER.match(value.rstrip(".*") if operator == "semver_wildcard" else value) is not None


def is_date(value: Any) -> bool:
    """Whether a value is a date, absolute or relative, as conditions take them."""
    if not isinstance(value, str):
        return False
    if RELATIVE_DATE.match(value):
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
