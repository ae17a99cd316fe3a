"""Flags as the evaluator reads them: the stored JSON once parsed, kept for every later request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.evaluation.parsing import index, parse_filter
from sandbox.evaluation.properties import Filter
from sandbox.evaluation.values import number

Payloads = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    key: str
    weight: float  # percent


@dataclass(frozen=True, slots=True)
class Condition:
    """A release condition ("group"): filters joined by AND, then the rollout (percent; None is everybody).

    `aggregation` is the index of the group type it counts by, None for persons.
    """

    filters: tuple[Filter, ...]
    rollout: float | None
    variant: str | None
    aggregation: int | None


@dataclass(frozen=True, slots=True)
class Holdout:
    id: int
    exclusion: float  # percent


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of one project, everything its evaluation needs."""

    id: int
    key: str
    active: bool
    version: int
    conditions: tuple[Condition, ...]
    variants: tuple[Variant, ...]
    payloads: Payloads
    aggregation: int | None
    holdout: Holdout | None
    enrollment: bool
    early_exit: bool
    continuity: bool
    by_device: bool
    runtime: str
    contexts: frozenset[str]
    has_experiment: bool
    dependencies: frozenset[str]  # ids of flags, as text


def parse_flag(raw: Mapping[str, Any]) -> Flag:
    """Read a flag as the feature_flags resource stores it (fields of PostHog's API, `filters` as saved)."""
    filters = raw.get("filters") or {}
    aggregation = index(filters.get("aggregation_group_type_index"))
    conditions = tuple(_condition(group, aggregation) for group in filters.get("groups") or ())
    return Flag(
        id=int(raw["id"]),
        key=str(raw["key"]),
        active=bool(raw.get("active", True)),
        version=int(raw.get("version") or 0),
        conditions=conditions,
        variants=_variants(filters.get("multivariate")),
        payloads=filters.get("payloads") or {},
        aggregation=aggregation,
        holdout=_holdout(filters.get("holdout")),
        enrollment=filters.get("feature_enrollment") is True,
        early_exit=filters.get("early_exit") is True,
        continuity=bool(raw.get("ensure_experience_continuity")),
        by_device=raw.get("bucketing_identifier") == "device_id",
        runtime=str(raw.get("evaluation_runtime") or "all"),
        contexts=frozenset(raw.get("evaluation_contexts") or ()),
        has_experiment=bool(raw.get("experiment_set")),
        dependencies=frozenset(item.key for one in conditions for item in one.filters if item.type == "flag"),
    )


def _condition(group: Mapping[str, Any], flag_aggregation: int | None) -> Condition:
    # A key that is present counts, null too: it makes one condition of a group flag count by persons.
    own = "aggregation_group_type_index" in group
    return Condition(
        filters=tuple(parse_filter(raw) for raw in group.get("properties") or ()),
        rollout=number(group.get("rollout_percentage")),
        variant=group.get("variant"),
        aggregation=index(group["aggregation_group_type_index"]) if own else flag_aggregation,
    )


def _variants(multivariate: Any) -> tuple[Variant, ...]:
    variants = multivariate.get("variants") or () if isinstance(multivariate, dict) else ()
    return tuple(Variant(str(raw["key"]), number(raw.get("rollout_percentage")) or 0.0) for raw in variants)


def _holdout(raw: Any) -> Holdout | None:
    if not isinstance(raw, dict) or "id" not in raw:
        return None
    return Holdout(int(raw["id"]), number(raw.get("exclusion_percentage")) or 0.0)
