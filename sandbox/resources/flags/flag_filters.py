"""A flag's `filters` where writes of them merge: what PostHog refuses, what it rewrites, in its order
(`FeatureFlagSerializer.validate_filters` of 2026-09; `flag_filters_older.py` is the one before).

Two tiers:
1. guards: what the evaluation service could not read is refused;
2. structural rules: a write that breaks one is stored *without* the rewriting of this tier.

PostHog's production only logs the rules between fields, so they are not here.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from sandbox.wire.errors import Invalid

OPERATORS = frozenset(
    "exact is_not icontains not_icontains icontains_multi not_icontains_multi regex not_regex gt gte lt lte semver_gt"
    " semver_gte semver_lt semver_lte semver_eq semver_neq semver_tilde semver_caret semver_wildcard is_set is_not_set"
    " is_date_exact is_date_after is_date_before in not_in flag_evaluates_to".split()
)
ALIASES = {"min": "gte", "max": "lte"}
READABLE_TYPES = frozenset({"person", "cohort", "group", "flag", "person_metadata"})
STRUCTURAL_TYPES = frozenset({"person", "cohort", "group", "flag"})
VARIANT_KEY = re.compile(r"^[a-zA-Z0-9_./-]+$")
LARGEST = 512 * 1024
I32, I64 = 2**31, 2**63
Filters = dict[str, Any]


def refuse(detail: str, code: str = "invalid_input") -> Invalid:
    return Invalid(detail, "filters", code)


def properties_of(groups: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every well-formed property filter with its path; malformed entries are skipped."""
    for index, group in enumerate(groups if isinstance(groups, list) else []):
        properties = group.get("properties") if isinstance(group, dict) else None
        for position, prop in enumerate(properties if isinstance(properties, list) else []):
            if isinstance(prop, dict):
                yield f"groups[{index}].properties[{position}]", prop


# Tier 1 -----------------------------------------------------------------------------------------------------


def guard(filters: Any) -> None:
    """Refuse what is never accepted, with PostHog's text. Raises `Invalid`."""
    guard_shape(filters)
    for path, prop in properties_of(filters.get("groups")):
        operator = prop.get("operator")
        if operator is not None and (not isinstance(operator, str) or operator not in OPERATORS | ALIASES.keys()):
            raise refuse(f"{path}.operator: unsupported operator for feature flags")
    _guard_payloads(filters.get("payloads"))


def guard_shape(filters: Any) -> None:
    """The guards of types, without those of operators and payloads. Raises `Invalid`."""
    if not isinstance(filters, dict):
        raise refuse(f"Filters must be a dictionary, got {type(filters).__name__}")
    _integer(filters.get("aggregation_group_type_index"), "aggregation_group_type_index", I32)
    for name in ("early_exit", "feature_enrollment"):
        _must(filters.get(name), name, bool, null=True)
    _guard_holdout(filters.get("holdout"))
    groups = filters.get("groups", [])
    _must(groups, "groups", list)
    for index, group in enumerate(groups):
        _guard_group(group, f"groups[{index}]")
    _guard_variants(filters.get("multivariate"))
    for path, prop in properties_of(groups):
        _guard_property(prop, path)


NOUNS = {bool: "a boolean", dict: "a dictionary", list: "a list", str: "a string"}


def _must(value: Any, path: str, kind: type, null: bool = False, got: bool = True) -> None:
    """Refuse a value of another type; `got` names that."""
    if not (isinstance(value, kind) or (null and value is None)):
        said = f", got {type(value).__name__}" if got else ""
        raise refuse(f"{path} must be {NOUNS[kind]}{' or null' if null else ''}{said}")


def _guard_holdout(holdout: Any) -> None:
    _must(holdout, "holdout", dict, null=True)
    if holdout is None:
        return
    _integer(holdout.get("id"), "holdout.id", I64)
    if holdout.get("id") is None:
        raise refuse("holdout.id must be an integer")
    percentage = holdout.get("exclusion_percentage")
    if isinstance(percentage, bool) or not isinstance(percentage, int | float):
        raise refuse("holdout.exclusion_percentage must be a number")
    if not math.isfinite(percentage):
        raise refuse("holdout.exclusion_percentage must be finite")


def _guard_group(group: Any, path: str) -> None:
    _must(group, path, dict)
    _must(group.get("variant"), f"{path}.variant", str, null=True)
    _percentage(group.get("rollout_percentage"), f"{path}.rollout_percentage", null=True)
    _integer(group.get("aggregation_group_type_index"), f"{path}.aggregation_group_type_index", I32)
    properties = group.get("properties")
    if properties is None:
        return
    _must(properties, f"{path}.properties", list)
    for index, prop in enumerate(properties):
        where = f"{path}.properties[{index}]"
        _must(prop, where, dict)
        _integer(prop.get("group_type_index"), f"{where}.group_type_index", I32)
        _must(prop.get("negation"), f"{where}.negation", bool, null=True, got=False)


def _guard_variants(multivariate: Any) -> None:
    _must(multivariate, "multivariate", dict, null=True)
    if multivariate is None:
        return
    variants = multivariate.get("variants")
    _must(variants, "multivariate.variants", list, got=variants is not None)
    for index, variant in enumerate(variants):
        path = f"multivariate.variants[{index}]"
        _must(variant, path, dict)
        _must(variant.get("key"), f"{path}.key", str, got=False)
        _must(variant.get("name"), f"{path}.name", str, null=True, got=False)
        _percentage(variant.get("rollout_percentage"), f"{path}.rollout_percentage", null=False)


def _guard_property(prop: dict[str, Any], path: str) -> None:
    key, kind = prop.get("key"), prop.get("type")
    if key is None or isinstance(key, bool) or not isinstance(key, str | int | float):
        raise refuse(f"{path}.key: a property key is required")
    if not isinstance(kind, str) or kind not in READABLE_TYPES:
        raise refuse(f"{path}.type: invalid property type")


def _guard_payloads(payloads: Any) -> None:
    if payloads is None:
        return
    if not isinstance(payloads, dict):
        raise refuse("Payloads must be passed as a dictionary")
    for key, value in payloads.items():
        if isinstance(value, str):
            try:
                json.loads(value)
            except ValueError as error:
                raise refuse(f"Payload for key '{key}' is not valid JSON.") from error


def _percentage(value: Any, path: str, null: bool) -> None:
    if value is None:
        if not null:
            raise refuse(f"{path} must be a number, got null")
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        expected = "a number or null" if null else "a number"
        raise refuse(f"{path} must be {expected}, got {type(value).__name__}")
    if not math.isfinite(value):
        raise refuse(f"{path} must be finite, got {value}")
    if not 0 <= value <= 100:
        raise refuse(f"{path} must be between 0 and 100, got {value}")


def _integer(value: Any, path: str, bound: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(f"{path} must be an integer or null, got {type(value).__name__}")
    if not -bound <= value < bound:
        raise refuse(f"{path} must be between {-bound} and {bound - 1}, got {value}")


# Tier 2 -----------------------------------------------------------------------------------------------------


def is_well_formed(filters: Filters) -> bool:
    """Whether what passes the guards keeps the structural rules too."""
    multivariate = filters.get("multivariate")
    variants = multivariate["variants"] if multivariate is not None else []
    if multivariate is not None and not variants:
        return False
    if not all(VARIANT_KEY.match(variant["key"]) and len(variant["key"]) <= 400 for variant in variants):
        return False
    groups = filters.get("groups") or []
    properties = [prop for group in groups for prop in group.get("properties") or []]
    return all(isinstance(group.get("description"), str | None) for group in groups) and all(
        prop["type"] in STRUCTURAL_TYPES and prop["key"] != "" for prop in properties
    )


def rewrite(filters: Filters) -> Filters:
    """The rewriting of a well-formed write: defaults, keys as text, aliases, payloads as JSON text, whole numbers."""
    result = {**filters, "groups": [_rewrite_group(group) for group in filters.get("groups") or []]}
    if isinstance(result.get("payloads"), dict):
        result["payloads"] = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in result["payloads"].items()
        }
    if isinstance(result.get("multivariate"), dict):
        variants = [
            {**variant, "rollout_percentage": _whole(variant["rollout_percentage"])}
            for variant in result["multivariate"]["variants"]
        ]
        result["multivariate"] = {**result["multivariate"], "variants": variants}
    return result


def _rewrite_group(group: dict[str, Any]) -> dict[str, Any]:
    rewritten = {"properties": [], **group}
    rewritten["properties"] = [_rewrite_property(prop) for prop in group.get("properties") or []]
    if "rollout_percentage" in group:
        rewritten["rollout_percentage"] = _whole(group["rollout_percentage"])
    return rewritten


def _rewrite_property(prop: dict[str, Any]) -> dict[str, Any]:
    rewritten = dict(prop)
    if not isinstance(prop["key"], str):
        rewritten["key"] = str(prop["key"])
    if prop.get("operator") in ALIASES:
        rewritten["operator"] = ALIASES[prop["operator"]]
    return rewritten


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Together ---------------------------------------------------------------------------------------------------


def settled(merged: Filters) -> Filters:
    """Tier 2: the filters to store, rewritten if they are well formed.

    Args:
        merged: stored filters with the sent top-level keys laid over them.

    Raises:
        Invalid: the filters are larger than 512 KB.
    """
    refuse_oversized(merged)
    return rewrite(merged) if is_well_formed(merged) else {**merged, "groups": merged.get("groups") or []}


def aggregate(filters: Filters) -> None:
    """Spread the flag-level aggregation over the groups that lack one, then derive it from them again. In place."""
    groups = [group for group in filters["groups"] if isinstance(group, dict)]
    for group in groups:
        group.setdefault("aggregation_group_type_index", filters.get("aggregation_group_type_index"))
    kinds = [group["aggregation_group_type_index"] for group in groups]
    if kinds:
        filters["aggregation_group_type_index"] = kinds[0] if all(kind == kinds[0] for kind in kinds) else None


def check_patterns(filters: Filters, stored: Filters) -> None:
    """Refuse a new regular expression that doesn't compile; one that is stored already may stay."""
    known = {
        prop.get("value")
        for _, prop in properties_of(stored.get("groups"))
        if prop.get("operator") in ("regex", "not_regex") and isinstance(prop.get("value"), str)
    }
    for path, prop in properties_of(filters["groups"]):
        pattern = prop.get("value")
        if prop.get("operator") in ("regex", "not_regex") and isinstance(pattern, str) and pattern not in known:
            try:
                re.compile(pattern)
            except re.error as error:
                raise refuse(f"{path}.value: invalid regex pattern") from error


def refuse_oversized(filters: Filters) -> None:
    """Refuse filters of more than 512 KB. Raises `Invalid`."""
    size = len(json.dumps(filters, separators=(",", ":")).encode())
    if size > LARGEST:
        raise refuse(
            f"Feature flag filters exceed maximum size of {LARGEST // 1024}.0 KB. "
            f"Current size: {size / 1024:.1f} KB. Please simplify conditions or reduce payload sizes."
        )
