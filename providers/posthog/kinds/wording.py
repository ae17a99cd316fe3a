"""How a reviewer reads a field: its noun, its unit, what its parts and items are called. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT, VIEW, WATCH, SERVE = range(4)
"""How much depends on a field: only what people read; what charts show; what is watched and reported; who is served,
and with what."""


@dataclass(frozen=True)
class Wording:
    """How a value is read."""

    noun: str = ""
    """What it is called; empty: its key, with spaces."""
    unit: str = ""
    """What follows a number."""
    says: Mapping[Any, str] = field(default_factory=dict)
    """By value, the predicate that says it whole: ``{False: "is switched off"}``."""
    show: Callable[[Any], str] | None = None
    """Makes text of a whole value; of one with ``parts`` where it comes or goes."""
    name: Callable[[Mapping[str, Any]], str] | None = None
    """Names an item of a list."""
    each: Wording | None = None
    """The wording of an item."""
    parts: Mapping[str, Wording] = field(default_factory=dict)
    """The wordings of what is inside, by key."""
    weight: int | None = None
    """How much depends on it; None: as on the kind's other fields."""
    hidden: tuple[str, ...] = ()
    """The keys inside that say nothing to people."""
    inline: tuple[str, ...] = ()
    """The keys inside that are no level of their own for people: what is in them is said as if it stood outside."""


SWITCH = Wording(says={True: "is switched on", False: "is switched off"})
ARCHIVED = Wording(says={True: "is archived", False: "is no longer archived"}, weight=VIEW)
PERCENTAGE = Wording(unit=" %")

OPERATORS = {
    "exact": "is",
    "is_not": "is not",
    "icontains": "contains",
    "not_icontains": "does not contain",
    "icontains_multi": "contains one of",
    "not_icontains_multi": "contains none of",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "ends_with": "ends with",
    "not_ends_with": "does not end with",
    "regex": "matches",
    "not_regex": "does not match",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "not_between": "is not between",
    "in": "is in",
    "not_in": "is not in",
    "is_set": "is set",
    "is_not_set": "is not set",
    "is_date_exact": "is on",
    "is_date_before": "is before",
    "is_date_after": "is after",
    "is_cleaned_path_exact": "is, as a cleaned path,",
    "semver_eq": "is version",
    "semver_neq": "is not version",
    "semver_gt": "is later than version",
    "semver_gte": "is at least version",
    "semver_lt": "is earlier than version",
    "semver_lte": "is at most version",
    "semver_tilde": "is a patch of version",
    "semver_caret": "is compatible with version",
    "semver_wildcard": "is one of versions",
    "flag_evaluates_to": "is",
}
"""PostHog's operators as predicates."""

SHOWN = 5
"""Most values of a list that are shown before the rest is counted."""


def plain_text(value: Any) -> str:
    """Return a value as people read it: numbers with separators, no quotes or brackets."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        shown = [plain_text(each) for each in value[:SHOWN]]
        more = [f"{len(value) - SHOWN:,} more"] if len(value) > SHOWN else []
        return ", ".join([*shown, *more]) if value else "nothing"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def filter_text(leaf: Any) -> str:
    """Return a property filter, or a group of them, as people read it."""
    if not isinstance(leaf, Mapping):
        return plain_text(leaf)
    if "values" in leaf:
        return group_text(leaf)
    if leaf.get("type") in ("behavioral", "person_behavioral"):
        return behaviour_text(leaf)
    operator, key, value = str(leaf.get("operator") or "exact"), leaf.get("key"), leaf.get("value")
    if leaf.get("type") == "cohort":
        outside = leaf.get("negation") or operator == "not_in"
        return f"{'not ' if outside else ''}in {_named('cohort', value)}"
    if leaf.get("type") == "flag":
        return f"{_named('flag', key)} {OPERATORS.get(operator, operator)} {plain_text(value)}"
    if leaf.get("type") == "hogql":
        return f"SQL {key}"
    shown = "" if operator in ("is_set", "is_not_set") else f" {plain_text(value)}"
    if isinstance(value, list) and operator in ("exact", "is_not"):
        operator_text = "is one of" if operator == "exact" else "is none of"
    else:
        operator_text = OPERATORS.get(operator, operator)
    return f"{'not: ' if leaf.get('negation') else ''}{key} {operator_text}{shown}"


def filters_text(leaves: Any) -> str:
    """Return a list of property filters of which all must match."""
    if isinstance(leaves, Mapping):
        return group_text(leaves)
    return " and ".join(map(filter_text, leaves or ())) or "everybody"


def group_text(group: Any) -> str:
    """Return a group of criteria, of which all or any must match."""
    if not isinstance(group, Mapping) or not group.get("values"):
        return "nobody"
    word = " or " if group.get("type") == "OR" else " and "
    parts = [filter_text(each) for each in group["values"]]
    inner = [
        f"({text})" if len(parts) > 1 and isinstance(each, Mapping) and len(each.get("values") or ()) > 1 else text
        for each, text in zip(group["values"], parts, strict=True)
    ]
    return word.join(inner)


def behaviour_text(leaf: Mapping[str, Any]) -> str:
    """Return a criterion of a cohort by what somebody did."""
    what = str(leaf.get("value", "")).replace("_", " ")
    of = "action" if leaf.get("event_type") == "actions" else "event"
    times = leaf.get("operator_value")
    often = f" {OPERATORS.get(str(leaf.get('operator')), '')} {plain_text(times)} times" if times is not None else ""
    if leaf.get("explicit_datetime"):
        span = f" since {leaf['explicit_datetime']}"
    elif leaf.get("time_value"):
        span = f" in {plain_text(leaf['time_value'])} {leaf.get('time_interval', 'day')}s"
    else:
        span = ""
    where = f" where {filters_text(leaf['event_filters'])}" if leaf.get("event_filters") else ""
    return f"{'not ' if leaf.get('negation') else ''}{what} {_named(of, leaf.get('key'))}{often}{span}{where}"


def _named(kind: str, value: Any) -> str:
    return f"{kind} {getattr(value, 'key', value)}"


_NODE = Wording(parts={"properties": Wording("where", show=filters_text)}, hidden=("name",))

QUERY = Wording(
    "query",
    parts={
        "source": Wording(
            parts={"series": Wording(each=_NODE), "properties": Wording("where", show=filters_text)},
            hidden=("version",),
        ),
    },
    inline=("source",),
    hidden=("version",),
)
"""Of query nodes: the outer one says how the inner one is shown."""
