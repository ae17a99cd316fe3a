"""From a stored property filter (JSON) to a `Filter`, tolerant of everything a PostHog server accepts."""

from collections.abc import Mapping
from typing import Any

from sandbox.evaluation.properties import Filter

# A person's own columns, kept apart from properties of the same name.
METADATA_PREFIX = "__posthog_person_metadata__"
_DEFAULT_OPERATOR = {"cohort": "in"}
_ALIASES = {"min": "gte", "max": "lte"}


def parse_filter(raw: Mapping[str, Any]) -> Filter:
    """A property filter of a flag's condition or a cohort's leaf.

    A filter without an operator means `exact`, a cohort without one `in`. A cohort's value that is no integer becomes
    0, which is no cohort's id.
    """
    kind = str(raw.get("type") or "person")
    operator = str(raw.get("operator") or _DEFAULT_OPERATOR.get(kind, "exact"))
    key, value = str(raw.get("key", "")), raw.get("value")
    if kind == "person_metadata":
        key = METADATA_PREFIX + key
    if kind == "cohort":
        value = _integer(value)
    return Filter(
        key=key,
        operator=_ALIASES.get(operator, operator),
        value=value,
        type=kind,
        group_type_index=index(raw.get("group_type_index")),
        negation=bool(raw.get("negation")),
    )


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def index(value: Any) -> int | None:
    """A whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
