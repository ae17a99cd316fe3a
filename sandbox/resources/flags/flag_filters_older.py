"""A flag's `filters` as PostHog of 2026-07 took them (its `FeatureFlagSerializer.validate_filters` of that month).

Every rule refuses, with words and codes of its own, and little of what is stored is rewritten: operators' aliases,
payloads and the groups' aggregation. `Settings.filters` says which of the two servers this is; `flag_filters.py` is the
later one. Shapes that made this one fail (500) are refused in the later one's words.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from sandbox.resources.flags import flag_filters
from sandbox.resources.flags.flag_filters import ALIASES, OPERATORS, Filters, refuse
from sandbox.resources.flags.flag_rules import (
    DATE_OPERATORS,
    LIST_OPERATORS,
    PERSON_TYPES,
    TEXT_OPERATORS,
    is_date,
    is_semver,
    variant_list,
)

# Operators that PostHog has, but not for flags.
ELSEWHERE = frozenset({"between", "not_between", "is_cleaned_path_exact"})


def checked(sent: Filters, stored: Filters) -> Filters:
    """The filters to store: what was sent, with its aggregation spread over the groups. The rules of `refuse_rest` come
    later, as PostHog looks at what the flag depends on in between.

    Raises:
        Invalid: a value's type, or a property that doesn't fit the aggregation of its group.
    """
    flag_filters.guard_shape(sent)
    filters = {"groups": [], **deepcopy(sent)}
    flag_filters.check_patterns(filters, stored)
    flag_filters.aggregate(filters)
    for group in filters["groups"]:
        for prop in _properties(group):
            _check_aggregation(prop, group["aggregation_group_type_index"])
    return filters


def refuse_rest(filters: Filters) -> None:
    """The rules between fields, and the rewriting, in place. Raises `Invalid`."""
    variants = variant_list(filters)
    keys = {variant["key"] for variant in variants}
    if variants and sum(variant["rollout_percentage"] for variant in variants) != 100:
        raise refuse("Invalid variant definitions: Variant rollout percentages must sum to 100.")
    for group in filters["groups"]:
        if group.get("variant") and group["variant"] not in keys:
            raise refuse("Filters are not valid (variant override does not exist)")
        for prop in _properties(group):
            _check_operator(prop)
            _check_value(prop.get("operator"), prop.get("value"))
    _check_payloads(filters, keys)
    flag_filters.refuse_oversized(filters)


def _properties(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from group.get("properties") or []


def _check_aggregation(prop: dict[str, Any], aggregation: int | None) -> None:
    invalid = "Filters are not valid ({})"
    if aggregation is None:
        if prop["type"] not in PERSON_TYPES:
            only = "person-aggregated conditions can only use person, cohort, and flag properties"
            raise refuse(invalid.format(only))
        if prop["type"] == "flag" and prop.get("operator") != "flag_evaluates_to":
            raise refuse("Flag properties must use the 'flag_evaluates_to' operator")
    elif prop["type"] != "group":
        raise refuse(invalid.format("group-aggregated conditions can only use group properties"))
    elif prop.get("group_type_index") != aggregation:
        raise refuse(invalid.format("group properties must match the condition set's group type"))


def _check_operator(prop: dict[str, Any]) -> None:
    operator, kind = prop.get("operator"), prop["type"]
    if operator is None:
        return
    if isinstance(operator, str) and operator in ALIASES:
        prop["operator"] = operator = ALIASES[operator]
    if not isinstance(operator, str) or operator not in OPERATORS | ELSEWHERE:
        raise refuse(f"Invalid operator: {operator}", "invalid_operator")
    if operator in ELSEWHERE:
        raise refuse(f"Unsupported operator for feature flags: {operator}", "unsupported_operator")
    if operator in ("in", "not_in") and kind != "cohort":
        raise refuse(
            f"The '{operator}' operator is only valid for cohort properties, not '{kind}' properties.",
            "invalid_operator",
        )


def _check_value(operator: str | None, value: Any) -> None:
    if operator is None:
        return
    if operator in DATE_OPERATORS and not is_date(value):
        raise refuse(f"Invalid date value: {value}", "invalid_date")
    if operator in TEXT_OPERATORS and not isinstance(value, str):
        raise refuse(f"Invalid value for operator {operator}: {value}", "invalid_value")
    if operator.startswith("semver_"):
        if not isinstance(value, str):
            raise refuse(f"Invalid value for operator {operator}: expected a semver string", "invalid_value")
        if not is_semver(operator, value):
            raise refuse(f"Invalid semver value for operator {operator}: {value}", "invalid_value")
    if operator in LIST_OPERATORS and not isinstance(value, list):
        raise refuse(f"{operator} operator requires a list of values", "invalid_value")


def _check_payloads(filters: Filters, keys: set[str]) -> None:
    payloads = filters.get("payloads", {})
    if not isinstance(payloads, dict):
        raise refuse("Payloads must be passed as a dictionary")
    for key, value in payloads.items():
        if not isinstance(value, str):
            payloads[key] = json.dumps(value)
            continue
        try:
            json.loads(value)
        except ValueError as error:
            raise refuse("Payload value is not valid JSON") from error
    if filters.get("multivariate"):
        if not keys.issuperset(payloads):
            raise refuse("Payload keys must match a variant key for multivariate flags")
    elif any(key != "true" for key in payloads):
        raise refuse("Payload keys must be 'true' for boolean flags")
