"""A flag's `filters` as PostHog of 2026-07 took them (its `FeatureFlagSerializer.validate_filters` of that month).

Every rule refuses, with words and codes of its own, and little of what is stored is rewritten: operators' aliases,
payloads and the groups' aggregation. `Settings.filters` says which of the two servers this is; `flag_filters.py` is the
later one. Shapes that made this one fail (500) are refused in the later one's words.
"""

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from sandbox.resources.flags import flag_filters, flag_rules
from sandbox.resources.flags.flag_filters import ALIASES, OPERATORS, Filters, refuse
from sandbox.resources.flags.flag_rules import Violation

# Operators that PostHog has, but not for flags.
ELSEWHERE = frozenset({"between", "not_between", "is_cleaned_path_exact"})
# The rules of `flag_rules.py`, in this server's words and with its codes.
WORDS = {
    "variant_rollout_sum_not_100": "Invalid variant definitions: Variant rollout percentages must sum to 100.",
    "group_variant_not_a_variant": "Filters are not valid (variant override does not exist)",
    "payload_key_not_a_variant": "Payload keys must match a variant key for multivariate flags",
    "payload_key_not_true": "Payload keys must be 'true' for boolean flags",
    "person_aggregation_property_type": "Filters are not valid (person-aggregated conditions can only use person,"
    " cohort, and flag properties)",
    "group_aggregation_property_type": "Filters are not valid (group-aggregated conditions can only use group"
    " properties)",
    "group_property_type_index_mismatch": "Filters are not valid (group properties must match the condition set's group"
    " type)",
    "flag_property_requires_flag_evaluates_to": "Flag properties must use the 'flag_evaluates_to' operator",
    "in_not_in_requires_cohort": "The '{operator}' operator is only valid for cohort properties, not '{type}'"
    " properties.",
    "date_value_not_parseable": "Invalid date value: {value}",
    "operator_requires_string_value": "Invalid value for operator {operator}: {value}",
    "operator_requires_list_value": "{operator} operator requires a list of values",
    "semver_value_invalid": "Invalid {kind}value for operator {operator}: {value}",
}
CODES = {
    "in_not_in_requires_cohort": "invalid_operator",
    "date_value_not_parseable": "invalid_date",
    **dict.fromkeys(
        ("operator_requires_string_value", "operator_requires_list_value", "semver_value_invalid"), "invalid_value"
    ),
}


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
    _refuse_first([*flag_rules.aggregation(filters), *flag_rules.dependencies(filters)])
    return filters


def refuse_rest(filters: Filters) -> None:
    """The rules between fields, and the rewriting, in place. Raises `Invalid`."""
    _refuse_first([*flag_rules.variants(filters), *flag_rules.overrides(filters)])
    for _, prop in flag_filters.properties_of(filters["groups"]):
        _check_operator(prop)
    _refuse_first(flag_rules.values(filters))
    _write_payloads(filters)
    _refuse_first(flag_rules.payloads(filters))
    flag_filters.refuse_oversized(filters)


def _refuse_first(violations: Iterable[Violation]) -> None:
    """Refuse the first rule that is broken."""
    for violation in violations:
        text = WORDS[violation.rule].format(**violation.about)
        raise refuse(text, CODES.get(violation.rule, "invalid_input"))


def _check_operator(prop: dict[str, Any]) -> None:
    operator = prop.get("operator")
    if operator is None:
        return
    if isinstance(operator, str) and operator in ALIASES:
        prop["operator"] = operator = ALIASES[operator]
    if not isinstance(operator, str) or operator not in OPERATORS | ELSEWHERE:
        raise refuse(f"Invalid operator: {operator}", "invalid_operator")
    if operator in ELSEWHERE:
        raise refuse(f"Unsupported operator for feature flags: {operator}", "unsupported_operator")


def _write_payloads(filters: Filters) -> None:
    """Write payloads as JSON text. Raises `Invalid` for text that isn't JSON."""
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
