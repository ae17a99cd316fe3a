"""Laws of the explanation, on random flags, cohorts and installations: it says what PostHog's SDK does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ai_admin.definitions.model import Definition, Source
from ai_admin.evaluation import Person, served
from ai_admin.evaluation.explain import Explanation, explain, place
from ai_admin.evaluation.persons import Group
from providers.posthog.kinds import KINDS, Ref

Properties = dict[str, Any]

HELD: dict[str, list[Any]] = {
    "channel": ["beta", "Beta", "stable", "5", 5, True],
    "usage": [0, 5, 2.5, "7", "many"],
    "version": ["1.2.3", "2.4.0", "2.10", "latest"],
    "seen": ["2026-01-01", "2026-03-01T10:00:00Z", "soon"],
}
ASKED: dict[str, tuple[list[str], list[Any]]] = {
    "channel": (["exact", "is_not", "icontains", "not_icontains", "regex", "not_regex"], ["beta", "sta", "5", "true"]),
    "usage": (["gt", "gte", "lt", "lte"], ["0", "5", "6"]),
    "version": (["semver_gte", "semver_lt", "semver_neq", "semver_caret"], ["1.2.3", "2.4.0"]),
    "seen": (["is_date_before", "is_date_after"], ["2026-02-01", "-30d"]),
}
VARIANTS = [{"key": "a", "rollout_percentage": 30}, {"key": "b", "rollout_percentage": 70}]
OPT_IN = "$feature_enrollment/f0"


def _filter(chance: random.Random, kind: str = "person") -> Properties:
    key = chance.choice(list(ASKED))
    operators, values = ASKED[key]
    operator = chance.choice([*operators, "is_set", "is_not_set"])
    return {"type": kind, "key": key, "operator": operator, "value": chance.choice(values)}


def _cohort(chance: random.Random, number: int) -> Definition:
    def leaf() -> Properties:
        negation = chance.random() < 0.3
        if number and chance.random() < 0.2:
            other = Ref("cohort", f"c{chance.randrange(number)}")
            return {"type": "cohort", "key": "id", "value": other, "negation": negation}
        return {**_filter(chance), "negation": negation}

    groups = [
        {"type": chance.choice(["AND", "OR"]), "values": [leaf() for _ in range(chance.randint(1, 2))]}
        for _ in range(chance.randint(1, 2))
    ]
    properties: Properties = {"name": f"C{number}", "filters": {"type": chance.choice(["AND", "OR"]), "values": groups}}
    if chance.random() < 0.2:
        properties = {"name": f"C{number}", "is_static": True}
    return _definition("cohort", f"c{number}", properties)


def _flag(chance: random.Random, number: int, cohorts: int) -> Definition:
    def condition() -> Properties:
        if chance.random() < 0.15:
            leaf = {**_filter(chance, "group"), "group_type_index": 1}
            said: Properties = {"properties": [leaf], "aggregation_group_type_index": 1}
        else:
            said = {"properties": [_filter(chance) for _ in range(chance.choice([0, 1, 1, 2]))]}
            if chance.random() < 0.4:
                operator, which = chance.choice(["in", "not_in"]), Ref("cohort", f"c{chance.randrange(cohorts)}")
                said["properties"].append({"type": "cohort", "key": "id", "operator": operator, "value": which})
            if number and chance.random() < 0.2:
                key, value = Ref("flag", f"f{chance.randrange(number)}"), chance.choice([True, False, "a"])
                said["properties"].append({"type": "flag", "key": key, "operator": "flag_evaluates_to", "value": value})
        if number % 2 and chance.random() < 0.4:
            said["variant"] = chance.choice(["a", "b"])
        return {**said, "rollout_percentage": chance.choice([0, 10, 50, 90, 100])}

    properties: Properties = {
        "key": f"f{number}",
        "release_conditions": [condition() for _ in range(chance.randint(1, 4))],
        "early_exit": chance.random() < 0.2,
        "feature_enrollment": number == 0,
        "active": chance.random() < 0.95,
    }
    if number % 2:
        properties["variants"] = VARIANTS
        properties["holdout"] = {"id": 7, "exclusion_percentage": 10} if chance.random() < 0.2 else None
    return _definition("flag", f"f{number}", properties)


def _definition(kind: str, key: str, properties: Properties) -> Definition:
    return Definition(kind, key, KINDS[kind].canonical(properties), Source("", 1, 1))


def _person(chance: random.Random, number: int, cohorts: int) -> Person:
    def some() -> Properties:
        return {name: chance.choice(values) for name, values in HELD.items() if chance.random() < 0.7}

    enrolled = {OPT_IN: chance.choice([True, "false"])} if chance.random() < 0.3 else {}
    members = frozenset(f"c{chance.randrange(cohorts)}" for _ in range(chance.randrange(3)))
    groups = {1: Group(f"group-{number}", some())} if chance.random() < 0.7 else {}
    return Person(f"inst-{number}", {**some(), **enrolled}, members, groups)


def _asked(
    seed: int, flags: int = 12, cohorts: int = 5, persons: int = 12
) -> Iterator[tuple[Definition, Explanation, Person]]:
    chance = random.Random(seed)
    definitions = [_cohort(chance, number) for number in range(cohorts)]
    made = [_flag(chance, number, cohorts) for number in range(flags)]
    index = served([*definitions, *made])
    for number in range(persons):
        somebody = _person(chance, number, cohorts)
        for flag in made:
            yield flag, explain(index, flag.key, somebody), somebody


@pytest.mark.parametrize("seed", range(8))
def test_the_condition_that_the_explanation_names_is_the_one_that_decides(seed: int) -> None:
    seen: Counter[str] = Counter()
    for flag, said, somebody in _asked(seed):
        answer = said.answer
        if said.otherwise and not said.steps:
            assert answer.condition is None
            seen["before any condition"] += 1
            continue
        decided = [step.index for step in said.steps if step.decides]
        assert decided == ([] if answer.condition is None else [answer.condition]), (flag, somebody)
        if decided:
            assert answer.value not in (None, False)
            assert decided[0] == len(said.steps) - 1
            seen["decided"] += 1
        else:
            unknown = any(step.matches is None for step in said.steps)
            assert answer.value is (None if unknown else False), (flag, somebody)
            seen["unknown" if unknown else "nobody"] += 1
    assert min(seen[each] for each in ("before any condition", "decided", "unknown", "nobody")) > 0


@pytest.mark.parametrize("seed", range(8))
def test_where_an_installation_falls_is_the_variant_that_it_gets(seed: int) -> None:
    split = 0
    for flag, said, somebody in _asked(seed):
        index = said.answer.condition
        if index is None or "variants" not in flag.properties:
            continue
        condition = flag.properties["release_conditions"][index]
        counted = somebody.groups[1].key if "aggregation_group_type_index" in condition else somebody.distinct_id
        among = "a" if place(flag.key, counted, "variant") < 0.3 else "b"
        assert said.answer.value == condition.get("variant", among)
        split += "variant" not in condition
    assert split
