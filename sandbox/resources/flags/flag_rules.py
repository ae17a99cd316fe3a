"""The rules between fields of a flag's filters: codes and texts of PostHog's `filters_validation.py`.

They take filters that are well formed and return violations; whether one refuses a write is the installation's choice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
    """A broken rule: its stable code, where, and what is wrong."""

    rule: str
    path: str
    message: str


def cross_field_violations(filters: dict[str, Any]) -> list[Violation]:
    """All broken rules, in PostHog's order."""
    return [
        *_variants(filters),
        *_payloads(filters),
        *_overrides(filters),
        *_aggregation(filters),
        *_values(filters),
    ]


def variant_list(filters: dict[str, Any]) -> list[dict[str, Any]]:
    """The variants of a flag; an empty list for a boolean one."""
    return list((filters.get("multivariate") or {}).get("variants") or [])


# What each rule says, by its code.
TEXTS = {
    "variant_rollout_sum_not_100": "Variant rollout percentages must sum to 100, got {}.",
    "variant_keys_not_unique": "Variant keys must be unique, duplicated: {}.",
    "payload_key_not_a_variant": "Payload key '{}' does not match any variant key.",
    "payload_key_not_true": "Payload key '{}' is invalid: boolean flags only support the 'true' key.",
    "group_variant_not_a_variant": "Variant override '{}' does not match any variant key.",
    "person_aggregation_property_type": "Person-aggregated conditions can only use person, cohort, and flag"
    " properties.",
    "group_aggregation_property_type": "Group-aggregated conditions can only use group properties.",
    "group_property_type_index_mismatch": "Group properties must match the condition set's group type.",
    "flag_property_requires_flag_evaluates_to": "Flag properties must use the 'flag_evaluates_to' operator.",
    "in_not_in_requires_cohort": "Operator {} is only supported on cohort properties.",
    "date_value_not_parseable": "Invalid date value: {}.",
    "operator_requires_string_value": "Operator {} requires a string value.",
    "operator_requires_list_value": "Operator {} requires a list of values.",
    "semver_value_invalid": "Invalid {}value for operator {}: {}.",
}


def _violation(rule: str, path: str, *about: object) -> Violation:
    return Violation(f"cross_field.{rule}", path, TEXTS[rule].format(*about))


def _variants(filters: dict[str, Any]) -> Iterator[Violation]:
    variants = variant_list(filters)
    total = sum(variant.get("rollout_percentage", 0) for variant in variants)
    if variants and total != 100:
        yield _violation("variant_rollout_sum_not_100", "multivariate.variants", total)
    keys = [variant["key"] for variant in variants]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        yield _violation("variant_keys_not_unique", "multivariate.variants", ", ".join(twice))


def _payloads(filters: dict[str, Any]) -> Iterator[Violation]:
    variants = {variant["key"] for variant in variant_list(filters)}
    for key in filters.get("payloads") or {}:
        if filters.get("multivariate"):
            if key not in variants:
                yield _violation("payload_key_not_a_variant", f"payloads.{key}", key)
        elif key != "true":
            yield _violation("payload_key_not_true", f"payloads.{key}", key)


def _overrides(filters: dict[str, Any]) -> Iterator[Violation]:
    variants = {variant["key"] for variant in variant_list(filters)}
    for index, group in enumerate(filters["groups"]):
        variant = group.get("variant")
        if variant and variant not in variants:
            yield _violation("group_variant_not_a_variant", f"groups[{index}].variant", variant)


def _aggregation(filters: dict[str, Any]) -> Iterator[Violation]:
    for index, group in enumerate(filters["groups"]):
        aggregation = group.get("aggregation_group_type_index", filters.get("aggregation_group_type_index"))
        for position, prop in enumerate(group["properties"]):
            path = f"groups[{index}].properties[{position}]"
            if aggregation is None:
                if prop["type"] not in PERSON_TYPES:
                    yield _violation("person_aggregation_property_type", path)
            elif prop["type"] != "group":
                yield _violation("group_aggregation_property_type", path)
            elif prop.get("group_type_index") != aggregation:
                yield _violation("group_property_type_index_mismatch", path)


def _values(filters: dict[str, Any]) -> Iterator[Violation]:
    for index, group in enumerate(filters["groups"]):
        for position, prop in enumerate(group["properties"]):
            yield from _value(prop, f"groups[{index}].properties[{position}]")


def _value(prop: dict[str, Any], path: str) -> Iterator[Violation]:
    operator, value = prop.get("operator"), prop.get("value")
    if prop["type"] == "flag" and operator != "flag_evaluates_to":
        yield _violation("flag_property_requires_flag_evaluates_to", f"{path}.operator")
    if operator in ("in", "not_in") and prop["type"] != "cohort":
        yield _violation("in_not_in_requires_cohort", f"{path}.operator", operator)
    if operator in DATE_OPERATORS and not is_date(value):
        yield _violation("date_value_not_parseable", f"{path}.value", value)
    if operator in TEXT_OPERATORS and not isinstance(value, str):
        yield _violation("operator_requires_string_value", f"{path}.value", operator)
    if operator in LIST_OPERATORS and not isinstance(value, list):
        yield _violation("operator_requires_list_value", f"{path}.value", operator)
    if isinstance(operator, str) and operator.startswith("semver_"):
        if not isinstance(value, str):
            yield _violation("semver_value_invalid", f"{path}.value", "", operator, "expected a semver string")
        elif not is_semver(operator, value):
            yield _violation("semver_value_invalid", f"{path}.value", "semver ", operator, value)


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
