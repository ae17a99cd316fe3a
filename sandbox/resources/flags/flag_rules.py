"""The rules between fields of a flag's filters, by the codes of PostHog's `filters_validation.py`.

They take filters that are well formed. `flag_filters_older.py` has the words of the refusals.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

TEXT_OPERATORS = frozenset({"regex", "not_regex", "icontains", "not_icontains", "gt", "gte", "lt", "lte"})
LIST_OPERATORS = frozenset({"icontains_multi", "not_icontains_multi"})
DATE_OPERATORS = frozenset({"is_date_exact", "is_date_after", "is_date_before"})
PERSON_TYPES = ("person", "cohort", "flag")
RELATIVE_DATE = re.compile(r"^-?\d{1,4}[hdwmy]$")
SEMVER = re.compile(r"^v?\d+(\.\d+){0,2}([-+].*)?$")


class Violation(NamedTuple):
    """A broken rule: its code, and the values that the refusal speaks of."""

    rule: str
    about: Mapping[str, Any] = MappingProxyType({})


def variant_list(filters: dict[str, Any]) -> list[dict[str, Any]]:
    """The variants of a flag; an empty list for a boolean one."""
    return list((filters.get("multivariate") or {}).get("variants") or [])


def variants(filters: dict[str, Any]) -> Iterator[Violation]:
    """Their shares."""
    found = variant_list(filters)
    if found and sum(variant.get("rollout_percentage", 0) for variant in found) != 100:
        yield Violation("variant_rollout_sum_not_100")


def payloads(filters: dict[str, Any]) -> Iterator[Violation]:
    """They belong to a variant, or to a boolean flag."""
    known = {variant["key"] for variant in variant_list(filters)}
    for key in filters.get("payloads") or {}:
        if filters.get("multivariate"):
            if key not in known:
                yield Violation("payload_key_not_a_variant")
        elif key != "true":
            yield Violation("payload_key_not_true")


def overrides(filters: dict[str, Any]) -> Iterator[Violation]:
    """The variant that a condition gives exists."""
    known = {variant["key"] for variant in variant_list(filters)}
    for group in filters["groups"]:
        if group.get("variant") and group["variant"] not in known:
            yield Violation("group_variant_not_a_variant")


def aggregation(filters: dict[str, Any]) -> Iterator[Violation]:
    """A condition has the properties of what it counts by."""
    for group in filters["groups"]:
        index_of = group.get("aggregation_group_type_index", filters.get("aggregation_group_type_index"))
        for prop in group.get("properties") or []:
            if index_of is None:
                if prop["type"] not in PERSON_TYPES:
                    yield Violation("person_aggregation_property_type")
            elif prop["type"] != "group":
                yield Violation("group_aggregation_property_type")
            elif prop.get("group_type_index") != index_of:
                yield Violation("group_property_type_index_mismatch")


def dependencies(filters: dict[str, Any]) -> Iterator[Violation]:
    """A property that is a flag has the operator for flags."""
    for group in filters["groups"]:
        for prop in group.get("properties") or []:
            if prop["type"] == "flag" and prop.get("operator") != "flag_evaluates_to":
                yield Violation("flag_property_requires_flag_evaluates_to")


def values(filters: dict[str, Any]) -> Iterator[Violation]:
    """Each property has an operator and a value that go together."""
    for group in filters["groups"]:
        for prop in group.get("properties") or []:
            yield from _value(prop)


def _value(prop: dict[str, Any]) -> Iterator[Violation]:
    operator, value = prop.get("operator"), prop.get("value")
    about = {"operator": operator, "value": value}
    if operator in ("in", "not_in") and prop["type"] != "cohort":
        yield Violation("in_not_in_requires_cohort", {**about, "type": prop["type"]})
    if operator in DATE_OPERATORS and not is_date(value):
        yield Violation("date_value_not_parseable", about)
    if operator in TEXT_OPERATORS and not isinstance(value, str):
        yield Violation("operator_requires_string_value", about)
    if operator in LIST_OPERATORS and not isinstance(value, list):
        yield Violation("operator_requires_list_value", about)
    if isinstance(operator, str) and operator.startswith("semver_"):
        if not isinstance(value, str):
            yield Violation("semver_value_invalid", {**about, "kind": "", "value": "expected a semver string"})
        elif not is_semver(operator, value):
            yield Violation("semver_value_invalid", {**about, "kind": "semver "})


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
