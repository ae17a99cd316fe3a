"""Why a flag gives an installation what it gives: condition by condition, filter by filter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ai_admin.evaluation.answers import HELD_OUT, Answer, Asked
from ai_admin.evaluation.persons import Person, properties_of, settled
from ai_admin.evaluation.served import Json, Served
from providers.posthog.kinds.flag import condition_title
from providers.posthog.kinds.phrases import filter_text


@dataclass(frozen=True)
class Looked:
    """A filter that was looked at."""

    asks: str
    """What it asks for, in words."""
    has: str
    """What the installation has of it, in words."""
    matches: bool | None
    """None where the SDK can't tell."""

    def __str__(self) -> str:
        """Return both, as a sentence says them."""
        return f"{self.asks}: {self.has}"


@dataclass(frozen=True)
class Step:
    """A release condition that was tried."""

    index: int
    title: str
    filters: tuple[Looked, ...]
    share: float
    """Its rollout percentage."""
    place: float | None
    """Where the installation falls between 0 and 1; it is in if that is not above the share. None where the condition
    counts a group or a device, and none is given."""

    @property
    def matches(self) -> bool | None:
        """Whether all filters match; None where that can't be told."""
        found = [each.matches for each in self.filters]
        return False if False in found else None if None in found else True

    @property
    def decides(self) -> bool:
        """Whether the installation gets the flag by this condition."""
        return bool(self.matches) and self.place is not None and self.place <= self.share / 100

    def __str__(self) -> str:
        """Return the condition and what came of it, on one line."""
        name = f'{self.index + 1}. "{self.title}"'
        if self.place is None:
            return f"{name} is skipped: it counts groups or devices, and none is given"
        if self.matches is not True:
            looked = [each for each in self.filters if each.matches is self.matches]
            came = "does not match" if self.matches is False else "is what the SDK can't tell"
            return f"{name} {came}: {'; '.join(map(str, looked))}"
        matched = "; ".join(map(str, self.filters)) or "it is for everybody"
        place = "" if self.share == 100 else f"; at {self.share:g} %, this id falls at {100 * self.place:.2f} %"
        return f"{name} {'decides' if self.decides else 'leaves it out'}: {matched}{place}"


@dataclass(frozen=True)
class Explanation:
    """A flag's answer for an installation, with the way to it."""

    answer: Answer
    steps: tuple[Step, ...]
    """The conditions that were tried, in order; none where something else decided."""
    otherwise: str = ""
    """What decided, where no condition was tried; or how the variant came about."""

    def lines(self) -> Iterator[str]:
        """Yield the explanation in lines."""
        yield from map(str, self.steps)
        if self.otherwise:
            yield self.otherwise


def explain(served: Served, key: str, person: Person) -> Explanation:
    """Return what a flag gives an installation, and why.

    Args:
        served: the flags and cohorts of a stack.
        key: the flag's key.
        person: the installation.

    The conditions are tried as PostHog's flag service does (flag_matching.rs in rust/feature-flags): from the top,
    until one matches and its rollout includes the installation; with ``early_exit`` until one matches.
    """
    asked = Asked(served, key, person)
    answer = asked.answer(person)
    otherwise = _decided_before(asked.flag, answer, person)
    if otherwise:
        return Explanation(answer, (), otherwise)
    steps: list[Step] = []
    for index, condition in enumerate(served.flags[key]["filters"]["groups"]):
        step = _step(served, asked, index, condition, person)
        steps.append(step)
        if step.decides or (asked.flag["filters"].get("early_exit") and step.matches):
            break
    return Explanation(answer, tuple(steps), _variant(asked.flag, answer, person))


def place(key: str, identifier: str, salt: str = "") -> float:
    """Return where an id falls in a flag's rollout, or with the salt ``variant`` among its variants; from 0 to 1.

    Source: ``calculate_hash`` in PostHog's rust/feature-flags, flag_matching_utils.rs.
    """
    digest = hashlib.sha1(f"{key}.{identifier}{salt}".encode()).hexdigest()
    return int(digest[:15], 16) / 0xFFFFFFFFFFFFFFF


def _decided_before(flag: Json, answer: Answer, person: Person) -> str:
    """Return what decided before any condition was tried; empty where nothing did."""
    if not flag["active"]:
        return "the flag is off"
    if flag["filters"]["feature_enrollment"]:
        name = f"$feature_enrollment/{flag['key']}"
        choice = "in" if answer.value else "out"
        return f"the installation has opted {choice}: {name} is {_shown(person.properties[name])}"
    if isinstance(answer.value, str) and answer.value.startswith(HELD_OUT):
        return f"the installation is among the {flag['filters']['holdout']['exclusion_percentage']:g} % in the holdout"
    return ""


def _variant(flag: Json, answer: Answer, person: Person) -> str:
    """Return how the variant came about, where the split decided."""
    if answer.condition is None or not isinstance(answer.value, str):
        return ""
    condition = flag["filters"]["groups"][answer.condition]
    identifier = _identifier(flag, condition, person)
    if condition.get("variant") == answer.value or identifier is None:
        return ""
    variants = (flag["filters"].get("multivariate") or {}).get("variants") or ()
    split = ", ".join(f"{each['key']} {each['rollout_percentage']:g} %" for each in variants)
    return f"of the variants ({split}), this id falls at {100 * place(flag['key'], identifier, 'variant'):.2f} %"


def _step(served: Served, asked: Asked, index: int, condition: Json, person: Person) -> Step:
    identifier = _identifier(asked.flag, condition, person)
    looked = tuple(
        Looked(*_words(served, leaf, person), asked.matches(person, condition, settled(leaf, person)))
        for leaf in condition["properties"]
    )
    where = None if identifier is None else place(asked.flag["key"], identifier)
    share = condition.get("rollout_percentage")
    return Step(index, condition_title(condition), looked, 100 if share is None else share, where)


def _identifier(flag: Json, condition: Json, person: Person) -> str | None:
    """Return the id that a condition's rollout counts; None where it counts what the installation has not."""
    index = condition.get("aggregation_group_type_index")
    if index is not None:
        group = person.groups.get(index)
        return group.key if group else None
    return person.device_id if flag.get("bucketing_identifier") == "device_id" else person.distinct_id


def _words(served: Served, leaf: Json, person: Person) -> tuple[str, str]:
    """Return what a filter asks for, and what the installation has of it."""
    kind, key, value = leaf["type"], leaf["key"], leaf.get("value")
    if kind == "cohort":
        asks, has = _cohort_words(served, str(value), person)
        negative = leaf.get("operator") == "not_in" or leaf.get("negation")
        return f"{'not ' if negative else ''}in cohort {value}{asks}", has
    if kind == "flag":
        given = Asked(served, key, person).answer(person).value if key in served.flags else None
        return f"flag {key} gives {_shown(value)}", f"it gives {_shown(given)}"
    found = properties_of(leaf, person)
    return filter_text(leaf), f"its {key} is {_shown(found[key])}" if key in found else f"it has no {key}"


def _cohort_words(served: Served, key: str, person: Person) -> tuple[str, str]:
    if key in person.cohorts:
        return "", "it is said to be in it"
    criteria = served.cohorts.get(key)
    if criteria is None:
        return "", "it is not said to be in it, and its properties do not tell"
    asks, has = _criteria_words(served, criteria, person)
    return f" ({asks})", ", ".join(dict.fromkeys(has))


def _criteria_words(served: Served, part: Json, person: Person) -> tuple[str, list[str]]:
    if "values" not in part:
        asks, has = _words(served, part, person)
        return asks, [has]
    words = [_criteria_words(served, each, person) for each in part["values"]]
    joined = (" or " if part["type"] == "OR" else " and ").join(asks for asks, _ in words)
    return joined, [each for _, has in words for each in has]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
