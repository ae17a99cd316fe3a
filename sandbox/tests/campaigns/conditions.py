"""Random persons and random conditions of every operator, from a small world where they often meet."""

import random
from typing import Any

Condition = dict[str, Any]
Properties = dict[str, Any]

WORDS = ["berlin", "Berlin", "BER", "paris", "Ünal", "é", "true", "False", "", "null", "5", "in", " x "]
NUMBERS: list[Any] = [
    0,
    1,
    -1,
    5,
    5.0,
    2.5,
    1e-5,
    1e21,
    10**15,
    4294967296,
    "5",
    "5.0",
    "-3",
    "1e3",
    ".5",
    "5.",
]
ODD_NUMBERS: list[Any] = ["inf", "NaN", " 5", "5_0", "0x10", "٣"]
VERSIONS = ["1.2.3", "1.2", "2", "0.0.3", "0.2.9", "1.10.0", "2.4.0", "v2.4.0", "10.0.0"]
ODD_VERSIONS = ["1.2.3-beta", "1.2.3-alpha.1", "3.08", "1.2.3.4", "V1.2.3", "1.2.3+build", "latest", "1..2"]
DATES = [
    "2026-01-01",
    "2026-03-01T10:00:00Z",
    "2026-03-01 10:00:00",
    "2025-12-31T23:00:00+02:00",
    "2026-02-28T12:30",
]
ODD_DATES: list[Any] = ["20260101", "2026", "soon", 1767225600, "1767225600", "2026-13-01"]
RELATIVE = ["-1d", "30d", "-2m", "-1y", "-3w", "-12h", "1000d", "-20000d"]
PATTERNS = ["^b", "BER|par", r"\d+", r"^\w+$", "[", "(?!x)", "i[ns]", "", ".*", r"\.0$"]
OTHERS: list[Any] = [None, True, False, ["a", "true"], [], {"b": 1, "a": [None]}, {}]

# What a property holds, by its name: conditions on a property mostly ask for the same kind of thing.
VALUES: dict[str, list[Any]] = {
    "city": [*WORDS, *OTHERS, 5],
    "count": [*NUMBERS, *ODD_NUMBERS, *OTHERS, "many"],
    "version": [*VERSIONS, *ODD_VERSIONS, None, 2, 1.2],
    "seen_at": [*DATES, *ODD_DATES, None, True],
}
TEXT_OPERATORS = [
    "icontains",
    "not_icontains",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
]
# Operator -> the property it is asked of, and the filter values.
OPERATORS: dict[str, tuple[str, list[Any]]] = {
    **{name: ("city", ["ber", "BER", "ü", "5", "null", "", "r", "lin"]) for name in TEXT_OPERATORS},
    "icontains_multi": ("city", [["ber", "par"], ["zz"], []]),
    "not_icontains_multi": ("city", [["ber", "par"], ["zz"]]),
    "exact": ("city", ["berlin", ["paris", "BER"], "true", ["false"], "false", "5", "null", ["é"], True]),
    "is_not": ("city", ["berlin", ["paris", "BER"], "true", ["false"], "5", "null"]),
    "is_set": ("city", ["is_set"]),
    "is_not_set": ("city", ["is_not_set"]),
    "regex": ("city", [one for one in PATTERNS if one != "["]),
    "not_regex": ("city", [one for one in PATTERNS if one != "["]),
    **{name: ("count", ["5", "0", "2.5", "-1", "1e3"]) for name in ("gt", "gte", "lt", "lte")},
    "between": ("count", [["0", "5"], ["-1", "2.5"], [1, 10]]),
    "not_between": ("count", [["0", "5"], ["-1", "2.5"], [1, 10]]),
    **{
        f"semver_{name}": ("version", ["1.2.3", "2.4.0", "0.2.3", "0.0.3", "1.2.3-beta"])
        for name in ("eq", "neq", "gt", "gte", "lt", "lte", "tilde", "caret")
    },
    "semver_wildcard": ("version", ["1.*", "1.2.*", "2.4.*", "0.*"]),
    **{f"is_date_{name}": ("seen_at", [*DATES, *RELATIVE]) for name in ("exact", "before", "after")},
}

# PostHog's flag service knows these, its API doesn't take them in flags and cohorts yet.
AHEAD_OF_THE_API = frozenset({"starts_with", "not_starts_with", "ends_with", "not_ends_with", "between", "not_between"})
IN_THE_API = [name for name in OPERATORS if name not in AHEAD_OF_THE_API]


def random_person(chance: random.Random) -> Properties:
    """Properties of one person or group; each is missing now and then."""
    return {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.9}


def random_filter(chance: random.Random, operator: str | None = None) -> Condition:
    """One property filter, of the given operator or of any."""
    operator = operator or chance.choice(list(OPERATORS))
    key, values = OPERATORS[operator]
    if operator in ("exact", "is_not") and chance.random() < 0.4:
        key = chance.choice(list(VALUES))
        values = [str(one) for one in VALUES[key] if isinstance(one, (str, int, float))]
    return {"key": key, "type": "person", "operator": operator, "value": chance.choice(values)}


def random_cohort(chance: random.Random) -> Condition:
    """The filters of a dynamic cohort: two levels, leaves that may be negated."""

    def leaf() -> Condition:
        return {**random_filter(chance, chance.choice(IN_THE_API)), "negation": chance.random() < 0.3}

    def group() -> Condition:
        return {"type": chance.choice(["AND", "OR"]), "values": [leaf() for _ in range(chance.randint(1, 2))]}

    values = [group() for _ in range(chance.randint(1, 2))]
    return {"properties": {"type": chance.choice(["AND", "OR"]), "values": values}}


def random_flag(chance: random.Random, operator: str, cohorts: list[int], below: list[int]) -> Condition:
    """The filters of a flag whose first condition has the operator; `below` are flags it may depend on."""
    groups = [_group(chance, random_filter(chance, operator))]
    if chance.random() < 0.3:
        groups.append(_group(chance, random_filter(chance)))
    if chance.random() < 0.15:
        return _by_group(groups)
    if cohorts and chance.random() < 0.25:
        member = {"key": "id", "type": "cohort", "value": chance.choice(cohorts)}
        groups[0]["properties"].append({**member, "operator": chance.choice(["in", "not_in"])})
    if below and chance.random() < 0.15:
        needs = {"key": str(chance.choice(below)), "type": "flag", "operator": "flag_evaluates_to"}
        groups[0]["properties"].append({**needs, "value": chance.choice([True, False, "a"])})
    filters: Condition = {"groups": groups}
    if chance.random() < 0.4:
        filters["multivariate"] = {
            "variants": [{"key": "a", "rollout_percentage": 30}, {"key": "b", "rollout_percentage": 70}]
        }
        if chance.random() < 0.3:
            groups[0]["variant"] = "b"
    if chance.random() < 0.1:
        filters["holdout"] = {"id": 1, "exclusion_percentage": 20}
    if chance.random() < 0.1:
        filters["early_exit"] = True
    return filters


def _by_group(groups: list[Condition]) -> Condition:
    """The conditions asked of the organisation instead of the person."""
    for group in groups:
        group["properties"] = [{**one, "type": "group", "group_type_index": 0} for one in group["properties"]]
    return {"groups": groups, "aggregation_group_type_index": 0}


def _group(chance: random.Random, *filters: Condition) -> Condition:
    return {"properties": list(filters), "rollout_percentage": chance.choice([100, 100, 100, 60, 30])}
