"""Breakdowns: the values that events are told apart by, and which of them are shown.

Source: PostHog's hogql_queries/insights/trends/breakdown.py and trends_query_builder.py.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.query import filters
from sandbox.query.asked import Asked
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import expression, literal

OTHER = "$$_posthog_breakdown_other_$$"
NULL = "$$_posthog_breakdown_null_$$"
LONGEST = 400
LIMIT = 25


@dataclass(frozen=True)
class Breakdown:
    """One thing that is broken down by."""

    key: str
    kind: str = "event"
    group: int | None = None
    bins: int | None = None
    url: bool = False

    def field(self) -> str:
        """What is looked at, as HogQL. Raises QueryError."""
        if self.kind in ("hogql", "event_metadata"):
            return expression(self.key) if self.kind == "hogql" else filters.column(self.kind, self.key)
        if self.kind == "group" and self.group is None:
            raise QueryError("breakdown_group_type_index is required for a breakdown of the type group")
        return filters.column(self.kind, self.key, self.group)

    def value(self) -> str:
        """The value's text, as HogQL; what there isn't and what is empty are one."""
        return f"ifNull(nullIf(left({self._trimmed(f'toString({self.field()})')}, {LONGEST}), ''), {literal(NULL)})"

    def text(self) -> str:
        """The value's whole text, as HogQL; empty where there is none."""
        return self._trimmed(f"ifNull(toString({self.field()}), '')")

    def _trimmed(self, text: str) -> str:
        if not self.url:
            return text
        trimmed = f"replaceRegexpOne({text}, '[/?#]*$', '')"
        return f"if(empty({trimmed}), '/', {trimmed})"


def of(asked: Asked) -> list[Breakdown]:
    """A query's breakdowns, cohorts aside. Raises QueryError."""
    several = asked.part("breakdownFilter").get("breakdowns")
    if not several:
        return single(asked)
    _check(asked)
    return [
        Breakdown(
            str(each["property"]),
            each.get("type") or "event",
            each.get("group_type_index"),
            each.get("histogram_bin_count"),
            bool(each.get("normalize_url")),
        )
        for each in several
    ]


def single(asked: Asked) -> list[Breakdown]:
    """The one that `breakdown` names, which is all that funnels look at, or none. Raises QueryError."""
    _check(asked)
    given = asked.part("breakdownFilter")
    key = given.get("breakdown")
    if key is None or given.get("breakdown_type") == "cohort":
        return []
    keys = key if isinstance(key, list) else [key]
    if len(keys) > 1:
        raise NotComputedError("a `breakdown` by several properties at once")
    return [
        Breakdown(
            str(each),
            given.get("breakdown_type") or "event",
            given.get("breakdown_group_type_index"),
            given.get("breakdown_histogram_bin_count"),
            bool(given.get("breakdown_normalize_url")),
        )
        for each in keys
    ]


def _check(asked: Asked) -> None:
    if asked.part("breakdownFilter").get("breakdown_path_cleaning") and asked.project.get("path_cleaning_filters"):
        raise NotComputedError("breakdowns by cleaned paths")


def cohorts(asked: Asked) -> list[Any]:
    """The cohorts that a query is broken down by: numbers, or `all`. Raises QueryError."""
    given = asked.part("breakdownFilter")
    if given.get("breakdown_type") != "cohort" or given.get("breakdown") is None:
        return []
    listed = given["breakdown"] if isinstance(given["breakdown"], list) else [given["breakdown"]]
    for each in listed:
        if each != "all" and not str(each).isdecimal():
            raise QueryError(f"A breakdown by cohorts needs their ids or 'all', not {each!r}")
    return [each if each == "all" else int(each) for each in listed]


def is_multiple(asked: Asked) -> bool:
    """Whether values are lists, as with `breakdowns` they are even when it is one."""
    return bool(asked.part("breakdownFilter").get("breakdowns"))


def limit(asked: Asked, display: str) -> int:
    """How many values are shown; the rest is one more."""
    if display == "WorldMap":
        return 250
    return int(asked.part("breakdownFilter").get("breakdown_limit") or LIMIT)


Values = tuple[str, ...]


def order(values: Values) -> int:
    """Values with one that is missing come after the others, the rest comes last."""
    return 2 if OTHER in values else 1 if NULL in values else 0


def bin_of(text: str, low: float, high: float, bins: int) -> str:
    """HogQL of the bin that a number lies in: `bins` of the same width between the extremes, half open."""
    step = (high - low) / bins
    edges = [
        (low + step * index, low + step * (index + 1) + (0.01 if index + 1 == bins else 0)) for index in range(bins)
    ]
    cases = ", ".join(f"{text} >= {lo!r} AND {text} < {hi!r}, {literal(_bin(lo, hi))}" for lo, hi in edges)
    return f"multiIf({cases}, {literal(NULL)})"


def _bin(low: float, high: float) -> str:
    return f"[{_number(low)},{_number(high)}]"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def shown(multiple: bool, values: Values) -> Any:
    """A result's `breakdown_value`."""
    return list(values) if multiple else values[0]


def label(values: Values) -> str:
    """What a result is called after its values."""
    return "::".join(values)


def extremes(asked: Asked, breakdown: Breakdown, where: str) -> tuple[float, float] | None:
    """The smallest and the largest number of a breakdown; None where there is none."""
    number = f"toFloat({breakdown.field()})"
    found = asked.rows(f"SELECT min({number}), max({number}) FROM {asked.events} WHERE {{where}}", where=where)[0]
    return None if found[0] is None else (float(found[0]), float(found[1]))
